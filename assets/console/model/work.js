// Events, jobs and schedules in words. Pure.

import { words } from "./words.js";

/** @typedef {import("../schema.js").Schemas} Schemas */
/** @typedef {NonNullable<Schemas["Jobs"]["state"]>} JobState */

/** Events that there are words for. Those of records are made from their table's name. @type {Record<string, string>} */
const EVENTS = {
    "user.registered": "New account",
    "user.logged_in": "Signed in",
    "user.password_changed": "Password changed",
    "user.role_changed": "Roles changed",
    "user.suspended": "Account suspended",
    "user.reinstated": "Account reinstated",
    "user.signed_out": "Signed out everywhere",
};
/** What is done to a record. @type {Record<string, string>} */
const CHANGES = { created: "added", updated: "changed", deleted: "deleted" };

/** An event in words. @param {string} name */
export function eventWords(name) {
    const at = name.lastIndexOf(".");
    const change = CHANGES[name.slice(at + 1)];
    if (EVENTS[name]) return EVENTS[name];
    if (change) return `${words(name.slice(0, at))}: ${change}`;
    return `${words(name.slice(0, at))}: ${words(name.slice(at + 1)).toLowerCase()}`;
}

/** Names of events to choose from. @param {{ name: string }[]} tables */
export const eventNames = (tables) => [...Object.keys(EVENTS), ...tables.flatMap(({ name }) => Object.keys(CHANGES).map((change) => `${name}.${change}`))];

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
