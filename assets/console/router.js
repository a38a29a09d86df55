// Hash routes: which screen is shown, and the way from one to another.
//
// Deliberately elsewhere: what stands in the side bar (navigation.js), the screens themselves (screens/).

import { computed, signal } from "./vendor/preact.js";

/**
 * @typedef {{ path: string, params: Record<string, string>, query: URLSearchParams }} Place Where the reader is.
 * @typedef {(props: Place) => any} Screen
 * @typedef {{ path: string, load: () => Promise<{ default: Screen }>, isOpen?: boolean }} Route `isOpen`: shown without a sign-in.
 */

/** Every screen. More specific paths stand before those with parameters. @type {Route[]} */
export const ROUTES = [
    { path: "/sign-in", load: () => import("./screens/sign-in.js"), isOpen: true },
    { path: "/setup", load: () => import("./screens/setup.js"), isOpen: true },
    { path: "/", load: () => import("./screens/overview.js") },
    { path: "/tables", load: () => import("./screens/tables.js") },
    { path: "/tables/:table", load: () => import("./screens/records.js") },
    { path: "/tables/:table/new", load: () => import("./screens/record-new.js") },
    { path: "/tables/:table/import", load: () => import("./screens/import.js") },
    { path: "/tables/:table/schema", load: () => import("./screens/table-schema.js") },
    { path: "/tables/:table/:id", load: () => import("./screens/record.js") },
    { path: "/permissions", load: () => import("./screens/permissions.js") },
    { path: "/schema", load: () => import("./screens/schema-picture.js") },
    { path: "/users", load: () => import("./screens/users.js") },
    { path: "/users/:id", load: () => import("./screens/user.js") },
    { path: "/audit", load: () => import("./screens/audit.js") },
    { path: "/events", load: () => import("./screens/events.js") },
    { path: "/events/:id", load: () => import("./screens/event.js") },
    { path: "/jobs", load: () => import("./screens/jobs.js") },
    { path: "/jobs/:id", load: () => import("./screens/job.js") },
    { path: "/schedules", load: () => import("./screens/schedules.js") },
    { path: "/webhooks", load: () => import("./screens/webhooks.js") },
    { path: "/webhooks/:id", load: () => import("./screens/webhook.js") },
    { path: "/webhooks/deliveries/:id", load: () => import("./screens/webhook-delivery.js") },
    { path: "/webhooks/received/:id", load: () => import("./screens/webhook-received.js") },
    { path: "/outbox", load: () => import("./screens/outbox.js") },
    { path: "/outbox/:id", load: () => import("./screens/mail.js") },
    { path: "/files", load: () => import("./screens/files.js") },
    { path: "/files/:id", load: () => import("./screens/file.js") },
    { path: "/notifications", load: () => import("./screens/notifications.js") },
    { path: "/account", load: () => import("./screens/account.js") },
];

/** @param {string} hash @returns {{ path: string, query: URLSearchParams }} */
function parse(hash) {
    const setup = /^#setup=(.+)$/.exec(hash);
    if (setup) return { path: "/setup", query: new URLSearchParams({ token: decodeURIComponent(setup[1]) }) };
    const [path, query] = hash.replace(/^#/, "").split(/\?(.*)/s);
    return { path: path || "/", query: new URLSearchParams(query ?? "") };
}

/** The hash as it is now. */
const hash = signal(location.hash);
/** The place in the address bar. */
export const here = computed(() => parse(hash.value));

/** The route and parameters of a path, or null. @param {string} path */
export function match(path) {
    const parts = path.split("/").filter(Boolean);
    for (const route of ROUTES) {
        const names = route.path.split("/").filter(Boolean);
        if (names.length !== parts.length) continue;
        /** @type {Record<string, string>} */
        const params = {};
        const fits = names.every((name, index) => {
            if (!name.startsWith(":")) return name === parts[index];
            params[name.slice(1)] = decodeURIComponent(parts[index]);
            return true;
        });
        if (fits) return { route, params };
    }
    return null;
}

/** Asked before the reader leaves a place; false stays. @type {(() => Promise<boolean>) | null} */
let guard = null;
/** Sets the question asked before leaving, null for none. @param {(() => Promise<boolean>) | null} ask */
export function setLeaveGuard(ask) {
    guard = ask;
}

/** Whether something on the screen would be lost by leaving. */
export const isGuarded = () => guard !== null;

let isForced = false;
async function changed() {
    if (location.hash === hash.peek()) return;
    if (guard && !isForced) {
        const target = location.hash;
        history.pushState(null, "", hash.peek() || "#/");
        if (!(await guard())) return;
        guard = null;
        isForced = true;
        location.hash = target;
        return;
    }
    isForced = false;
    guard = null;
    hash.value = location.hash;
}
addEventListener("hashchange", changed);

/** The address of a place. @param {string} path @param {URLSearchParams | Record<string, string>} [query] */
export function href(path, query) {
    const text = query ? readable(new URLSearchParams(query)) : "";
    return `#${path}${text ? `?${text}` : ""}`;
}

/** A query without the escapes that only make it hard to read. @param {URLSearchParams} query */
function readable(query) {
    return query.toString().replace(/%5B/g, "[").replace(/%5D/g, "]").replace(/%2C/g, ",");
}

/** Goes to a place. @param {string} path @param {URLSearchParams | Record<string, string>} [query] */
export function go(path, query) {
    location.hash = href(path, query);
}

/** Changes the present entry of the history without asking the guard. @param {string} path @param {URLSearchParams | Record<string, string>} [query] */
export function replace(path, query) {
    replaceHash(href(path, query));
}

/** As `replace`, for a whole hash. @param {string} next */
export function replaceHash(next) {
    history.replaceState(null, "", next);
    hash.value = location.hash;
}

/** The address of a table's list. @param {string} table @param {URLSearchParams | Record<string, string>} [query] */
export const tableHref = (table, query) => href(`/tables/${encodeURIComponent(table)}`, query);
/** The address of a record. @param {string} table @param {string | number} id */
export const recordHref = (table, id) => href(`/tables/${encodeURIComponent(table)}/${encodeURIComponent(String(id))}`);
