// Mails in words. Pure.

import { words } from "./words.js";

/** @type {Record<string, { label: string, kind: "good" | "warn" | "bad" | "quiet" | "accent" | "plain", text: string }>} */
const STATES = {
    queued: { label: "On its way", kind: "warn", text: "It is sent as soon as the mail server takes it." },
    sent: { label: "Sent", kind: "good", text: "The mail server has taken it." },
    failed: { label: "Failed", kind: "bad", text: "It was refused, or tried too often." },
    suppressed: { label: "Not sent", kind: "quiet", text: "Mail was off when it was made, or its address wants none." },
};
/** All states, as choices. */
export const MAIL_STATES = Object.entries(STATES).map(([value, { label }]) => ({ value, label }));
/** @param {string | undefined} state */
export const mailState = (state) => STATES[state ?? ""] ?? { label: state ?? "–", kind: /** @type {const} */ ("plain"), text: "" };

/** A template in words. @param {string} code */
export const templateWords = (code) => words(code);
