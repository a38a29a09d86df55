// Instants in the reader's zone, with UTC on hover.

import { html } from "../vendor/preact.js";

/** The reader's own zone. */
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** How long ago, in words. @param {Date} date @param {number} [now] */
export function ago(date, now = Date.now()) {
    const seconds = (date.getTime() - now) / 1000;
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
    return relative.format(Math.round(seconds / size), unit);
}

/** In UTC, to the second. @param {Date} date */
export const utc = (date) => `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** @param {{ value: string | null | undefined, isRelative?: boolean }} props */
export function Moment({ value, isRelative = false }) {
    if (!value) return html`<span class="none">–</span>`;
    const date = new Date(value);
    if (Number.isNaN(date.getTime())) return html`<span>${value}</span>`;
    const title = isRelative ? `${full.format(date)} (${ZONE}) · ${utc(date)}` : `${ZONE} · ${utc(date)}`;
    return html`<time datetime=${value} title=${title}>${isRelative ? ago(date) : full.format(date)}</time>`;
}
