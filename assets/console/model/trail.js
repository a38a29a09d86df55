// Entries of the audit trail in words. Pure.

import { labelOf, shortId, valueAt, words } from "../schema.js";

/** @typedef {import("../schema.js").Schemas["Audit"] & { at: string, action: string }} Entry A whole row of the trail. */

/** What each action is called, and whether it names its target. @type {Record<string, { icon: string, text: string, kind: string }>} */
const ACTIONS = {
    "record.created": { icon: "plus", text: "added", kind: "good" },
    "record.updated": { icon: "edit", text: "changed", kind: "plain" },
    "record.deleted": { icon: "trash", text: "deleted", kind: "bad" },
    "record.restored": { icon: "undo", text: "brought back", kind: "good" },
    "record.imported": { icon: "upload", text: "imported", kind: "good" },
    "user.set_up": { icon: "bolt", text: "set up this installation as", kind: "good" },
    "user.created": { icon: "user", text: "made the account of", kind: "good" },
    "user.logged_in": { icon: "key", text: "signed in", kind: "plain" },
    "user.login_failed": { icon: "alert", text: "failed to sign in as", kind: "warn" },
    "user.logged_out": { icon: "out", text: "signed out", kind: "plain" },
    "user.suspended": { icon: "lock", text: "suspended", kind: "bad" },
    "user.reinstated": { icon: "undo", text: "reinstated", kind: "good" },
    "user.roles_replaced": { icon: "shield", text: "changed the roles of", kind: "warn" },
    "user.signed_out": { icon: "out", text: "ended the sign-ins of", kind: "warn" },
    "user.session_ended": { icon: "out", text: "ended a sign-in of", kind: "warn" },
    "user.other_sessions_ended": { icon: "out", text: "ended the other sign-ins of", kind: "plain" },
    "user.password_reset": { icon: "lock", text: "set a new password for", kind: "warn" },
    "user.email_verified": { icon: "check", text: "confirmed the address of", kind: "good" },
    "user.email_change_requested": { icon: "mail", text: "asked for another address for", kind: "plain" },
    "user.email_changed": { icon: "mail", text: "changed the address of", kind: "warn" },
    "user.locked": { icon: "lock", text: "locked, after wrong passwords,", kind: "warn" },
    "user.taken_back": { icon: "shield", text: "took back the account of", kind: "warn" },
    "user.profile_changed": { icon: "edit", text: "changed the profile of", kind: "plain" },
    "mail.tested": { icon: "mail", text: "sent the test mail", kind: "plain" },
    "mail.resent": { icon: "mail", text: "sent once more the mail", kind: "plain" },
    "notification.sample_sent": { icon: "bell", text: "tried the notification", kind: "plain" },
    "notification.resent": { icon: "bell", text: "sent once more the notification", kind: "plain" },
    "webhook_endpoint.created": { icon: "plus", text: "added the endpoint", kind: "good" },
    "webhook_endpoint.changed": { icon: "edit", text: "changed the endpoint", kind: "plain" },
    "webhook_endpoint.deleted": { icon: "trash", text: "deleted the endpoint", kind: "bad" },
    "webhook_endpoint.secret_rotated": { icon: "key", text: "made a new secret for the endpoint", kind: "warn" },
    "webhook_endpoint.paused": { icon: "pause", text: "paused the endpoint", kind: "warn" },
    "webhook_endpoint.resumed": { icon: "play", text: "resumed the endpoint", kind: "good" },
    "webhook_endpoint.enabled": { icon: "play", text: "enabled the endpoint", kind: "good" },
    "webhook_endpoint.tested": { icon: "send", text: "sent a test to the endpoint", kind: "plain" },
    "webhook_endpoint.replayed": { icon: "refresh", text: "replayed what failed for the endpoint", kind: "plain" },
    "webhook_delivery.replayed": { icon: "refresh", text: "replayed the delivery", kind: "plain" },
    "webhook_source.created": { icon: "plus", text: "added the source", kind: "good" },
    "webhook_source.changed": { icon: "edit", text: "changed the source", kind: "plain" },
    "webhook_source.deleted": { icon: "trash", text: "deleted the source", kind: "bad" },
    "job.retried": { icon: "refresh", text: "began anew the job", kind: "plain" },
    "job.run": { icon: "play", text: "ran early the job", kind: "plain" },
    "job.dropped": { icon: "trash", text: "dropped the job", kind: "warn" },
    "schedule.run": { icon: "play", text: "ran the schedule", kind: "plain" },
    "schedule.paused": { icon: "pause", text: "paused the schedule", kind: "warn" },
    "schedule.resumed": { icon: "play", text: "resumed the schedule", kind: "good" },
    "user.password_changed": { icon: "lock", text: "changed the password of", kind: "warn" },
};
/** All actions that there are words for. */
export const ACTION_NAMES = Object.keys(ACTIONS);
/** Actions whose target is whoever did it. */
const OWN = ["user.logged_in", "user.logged_out"];

/** @param {string} action */
export function actionOf(action) {
    return ACTIONS[action] ?? { icon: "info", text: action.replace(/^.*\./, "").replaceAll("_", " "), kind: "plain" };
}

/** An action as a choice in a filter. @param {string} action */
export function actionWords(action) {
    const text = { "record.created": "Added a record", "record.updated": "Changed a record", "record.deleted": "Deleted a record",
        "record.restored": "Brought a record back", "record.imported": "Imported records" }[action];
    if (text) return text;
    const known = actionOf(action).text.replace(/ (of|as|for)$/, "");
    return known.charAt(0).toUpperCase() + known.slice(1) + (/^(suspended|reinstated)$/.test(known) ? " an account" : "");
}

/** Who did it. @param {Entry} entry */
export function actorOf(entry) {
    const account = entry.expand?.actor;
    if (account?.name) return account.name;
    if (entry.actor) return shortId(entry.actor);
    return entry.action === "user.login_failed" ? "Somebody" : "The system";
}

/** What it was done to, or null when that goes without saying. @param {Entry} entry @param {(name: string) => import("../schema.js").Table | undefined} tableOf */
export function targetOf(entry, tableOf) {
    const { target } = entry;
    if (!target || (OWN.includes(entry.action) && (target.id === entry.actor || !entry.actor))) return null;
    const table = tableOf(target.table);
    const record = { ...(entry.before ?? {}), ...(entry.after ?? {}), id: target.id };
    // Without the field by which people know it, only the record itself can tell.
    const isNamed = Boolean(table?.label_field && valueAt(record, table.label_field));
    return { ...target, label: labelOf(table, record), isNamed, tableWords: words(target.table) };
}
