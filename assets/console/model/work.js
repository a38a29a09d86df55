// Events, jobs and schedules in words. Pure.

import { words } from "./words.js";

/** @typedef {import("../schema.js").Schemas} Schemas */
/** @typedef {NonNullable<Schemas["Jobs"]["state"]>} JobState */

/** Events that there are words for. Those of records are made from their table's name. @type {Record<string, string>} */
const EVENTS = {
    "user.registered": "New account",
    "user.logged_in": "Signed in",
    "user.password_changed": "Password changed",
    "user.email_verified": "Address confirmed",
    "user.email_changed": "Address changed",
    "user.locked": "Account locked",
    "user.taken_back": "Account taken back",
    "user.role_changed": "Roles changed",
    "user.suspended": "Account suspended",
    "user.reinstated": "Account reinstated",
    "user.signed_out": "Signed out everywhere",
    "job.died": "Job given up",
    "mail.failed": "Mail not delivered",
    "webhook.disabled": "Webhook endpoint disabled",
    "webhook.received": "Webhook received",
    "webhook.test": "Test of a webhook",
};
/** What events of commands are about, where it is not a table. @type {Record<string, string>} */
const DOMAINS = { user: "Accounts", job: "Jobs", mail: "Mail", webhook: "Webhooks" };
/** The part of a name before the dot, in words. @param {string} domain */
export const domainWords = (domain) => DOMAINS[domain] ?? words(domain);
/** What is done to a record. @type {Record<string, string>} */
const CHANGES = { created: "added", updated: "changed", deleted: "deleted" };

/** An event in words. @param {string} name */
export function eventWords(name) {
    const at = name.lastIndexOf(".");
    const change = CHANGES[name.slice(at + 1)];
    if (EVENTS[name] || at < 0) return EVENTS[name] ?? name;
    if (change) return `${words(name.slice(0, at))}: ${change}`;
    return `${domainWords(name.slice(0, at))}: ${words(name.slice(at + 1)).toLowerCase()}`;
}

/** The condition for a pattern of names: a whole name, `user.*`, or a part of one. @param {string} pattern @param {string[]} [known] Whole names. */
export function namedLike(pattern, known = []) {
    const start = pattern.replace(/\*+$/, "");
    if (!start) return {};
    if (start !== pattern) return { "name[starts]": start };
    return known.includes(pattern) ? { name: pattern } : { "name[contains]": pattern };
}

/** Kinds of jobs that there are words for. @type {Record<string, string>} */
const KINDS = {
    "records.forget_answers": "Clear out remembered answers",
    "work.forget": "Clear out old events and jobs",
    "identity.send_confirmation": "Send the mail that confirms an address",
    "identity.send_reset": "Send the mail for a new password",
    "identity.begin_email_change": "Send the mails about another address",
    "identity.tell_locked": "Tell somebody that their account is locked",
    "identity.tell_password_changed": "Tell somebody that their password was changed",
    "identity.forget_links": "Clear out old links in mails",
    "mail.send": "Send a mail",
    "mail.forget": "Clear out old mails",
    "notifications.send": "Send notifications by e-mail",
    "notifications.forget": "Clear out old notifications",
    "notifications.job_died": "Tell staff that a job was given up",
    "notifications.webhook_disabled": "Tell staff that an endpoint was disabled",
    "notifications.mail_failed": "Send no more mail to a bad address",
    "notifications.user_suspended": "Tell somebody of their suspension",
    "notifications.user_reinstated": "Tell somebody that their suspension is over",
    "notifications.membership_created": "Tell somebody of their new business",
    "notifications.membership_updated": "Tell somebody of their new role",
    "notifications.membership_deleted": "Tell somebody that a membership ended",
    "webhooks.fan_out": "Find the endpoints to tell",
    "webhooks.deliver": "Tell an endpoint",
    "webhooks.catch_up": "Send what was held back",
    "webhooks.replay": "Send once more what failed",
    "webhooks.clear": "Clear the log of an endpoint",
    "webhooks.forget": "Clear out old deliveries",
};

/** A kind of job in words. @param {string} kind */
export function kindWords(kind) {
    const at = kind.lastIndexOf(".");
    return KINDS[kind] ?? (at < 0 ? words(kind) : `${words(kind.slice(0, at))}: ${words(kind.slice(at + 1)).toLowerCase()}`);
}

/** @type {Record<JobState, { label: string, kind: "good" | "warn" | "bad" | "quiet" | "accent" | "plain", text: string }>} */
const STATES = {
    dead: { label: "Given up", kind: "bad", text: "Tried as often as it may be, and failed each time. Mend what is wrong, then retry it." },
    running: { label: "Running", kind: "accent", text: "Somebody is doing it right now." },
    waiting: { label: "Waiting", kind: "warn", text: "It is done when its time comes." },
    blocked: { label: "In line", kind: "quiet", text: "Something earlier about the same record comes first." },
    done: { label: "Done", kind: "good", text: "It worked." },
    dropped: { label: "Dropped", kind: "quiet", text: "Somebody decided against it." },
};
/** All states, those that ask for attention first. */
export const JOB_STATES = /** @type {JobState[]} */ (Object.keys(STATES));
/** A state in words. @param {JobState} state */
export const stateOf = (state) => STATES[state];

/** What staff can do with a job now. @param {{ state?: JobState }} job */
export const possible = ({ state }) => ({
    retry: state === "dead" || state === "dropped",
    run: state === "waiting",
    drop: state === "waiting" || state === "blocked" || state === "dead",
});

/** Jobs in each state, of all kinds together. Of the done ones those of the last hour. @param {Schemas["KindOfJob"][]} kinds */
export function totals(kinds) {
    const sum = (/** @type {(kind: Schemas["KindOfJob"]) => number} */ of) => kinds.reduce((all, kind) => all + of(kind), 0);
    return {
        waiting: sum((kind) => kind.waiting), blocked: sum((kind) => kind.blocked), running: sum((kind) => kind.running),
        dead: sum((kind) => kind.dead), doneLastHour: sum((kind) => kind.done_last_hour),
        lag_s: kinds.reduce((most, kind) => Math.max(most, kind.lag_s), 0),
    };
}

/** A span of seconds in words, by its largest unit. @param {number} seconds */
export function spanWords(seconds) {
    const units = /** @type {const} */ ([["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]]);
    const [unit, size] = units.find(([, length]) => seconds >= length) ?? ["second", 1];
    const form = new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: "long" });
    return form.format(Math.floor(seconds / size));
}
