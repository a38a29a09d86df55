// Tables that the program keeps for itself. They are shown, but are not what a business has entered.

/** Their names. */
export const OWN_TABLES = [
    "audit", "events", "inbound_webhooks", "jobs", "mails", "notification_deliveries", "notifications", "saved_views", "schedules", "sessions", "suppressions",
    "webhook_attempts", "webhook_deliveries", "webhook_endpoints", "webhook_sources",
];

/** The field by which people know a record of some of them, where it is not the one that the server takes. @type {Record<string, string>} */
export const OWN_LABELS = { inbound_webhooks: "external_id", mails: "to", schedules: "id" };
