// What stands in the side bar and what the command palette offers, in order. A later screen adds one line here.

/**
 * @typedef {{ path: string, label: string, icon: string, hint?: string, isExternal?: boolean, shows_tables?: boolean }} Entry
 * @typedef {{ label: string, entries: Entry[] }} Group
 */

/** @type {Group[]} */
export const NAVIGATION = [
    {
        label: "Work",
        entries: [
            { path: "/", label: "Overview", icon: "home", hint: "Rows per table, latest records" },
            { path: "/users", label: "Users", icon: "users", hint: "Accounts, roles, sessions" },
            { path: "/files", label: "Files", icon: "image", hint: "Pictures and documents, storage used" },
            { path: "/audit", label: "Audit", icon: "history", hint: "Who did what, and when" },
        ],
    },
    {
        label: "Behind the scenes",
        entries: [
            { path: "/events", label: "Events", icon: "bolt", hint: "What has happened, and what follows" },
            { path: "/jobs", label: "Jobs", icon: "queue", hint: "Waiting, running, given up" },
            { path: "/schedules", label: "Schedules", icon: "clock", hint: "What comes again and again" },
            { path: "/webhooks", label: "Webhooks", icon: "send", hint: "Other programs that are told, or tell us" },
            { path: "/outbox", label: "Mail", icon: "mail", hint: "What was sent to whom, templates" },
        ],
    },
    {
        label: "Build",
        entries: [
            { path: "/permissions", label: "Permissions", icon: "shield", hint: "Who may see and change what" },
            { path: "/schema", label: "Schema", icon: "schema", hint: "A picture of tables and links" },
            { path: "/api/docs", label: "API docs", icon: "code", hint: "Every operation, to try out", isExternal: true },
        ],
    },
    {
        label: "Data",
        entries: [{ path: "/tables", label: "Tables", icon: "table", hint: "All tables", shows_tables: true }],
    },
];
