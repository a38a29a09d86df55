// Webhooks in words: states, answers, patterns of events. Pure.

import { domainOf } from "./event-catalogue.js";
import { domainWords, eventWords } from "./work.js";

/** @typedef {{ label: string, kind: "good" | "warn" | "bad" | "quiet" | "accent" | "plain", text: string }} InWords */

/** @type {Record<string, InWords>} */
const ENDPOINTS = {
    active: { label: "Active", kind: "good", text: "It is told of each event as it happens." },
    paused: { label: "Paused", kind: "warn", text: "Events are held back, and sent when you resume it." },
    disabled: { label: "Disabled", kind: "bad", text: "It failed for too long. Events are not kept for it until you enable it." },
};
/** @type {Record<string, InWords>} */
const DELIVERIES = {
    waiting: { label: "Waiting", kind: "warn", text: "It is sent, or sent again, when its time comes." },
    held: { label: "Held back", kind: "quiet", text: "The endpoint is paused." },
    delivered: { label: "Delivered", kind: "good", text: "The other program has answered that it has it." },
    failed: { label: "Given up", kind: "bad", text: "Tried as often as it may be. Replay it once the other program is mended." },
    dropped: { label: "Dropped", kind: "quiet", text: "The endpoint was disabled before it could be sent." },
};
/** All states of a delivery, with their words. */
export const DELIVERY_STATES = Object.entries(DELIVERIES).map(([value, { label }]) => ({ value, label }));

/** @param {string | undefined} state @returns {InWords} */
export const endpointState = (state) => ENDPOINTS[state ?? ""] ?? { label: state ?? "–", kind: "plain", text: "" };
/** @param {string | undefined} state @returns {InWords} */
export const deliveryState = (state) => DELIVERIES[state ?? ""] ?? { label: state ?? "–", kind: "plain", text: "" };

/** A pattern of events in words. @param {string} pattern */
export function patternWords(pattern) {
    if (pattern === "*") return "Everything";
    if (pattern.endsWith(".*")) return `All about ${domainWords(domainOf(pattern)).toLowerCase()}`;
    return eventWords(pattern);
}

/** The host of an address, which is what people know it by. @param {string} url */
export function hostOf(url) {
    try {
        return new URL(url).host;
    } catch {
        return url;
    }
}

/** An answer in a few words. @param {{ last_status?: number, last_ms?: number }} delivery */
export function answerWords({ last_status: status, last_ms: ms }) {
    const time = ms === undefined ? "" : ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
    return [status === undefined ? "no answer" : String(status), time].filter(Boolean).join(" · ");
}

/** Whether a delivery can be sent once more. @param {{ state?: string }} delivery */
export const canReplay = ({ state }) => state === "delivered" || state === "failed" || state === "dropped";
