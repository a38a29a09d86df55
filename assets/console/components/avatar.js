// The first letters of a name in a circle. Says nothing to screen readers; the name stands beside it.

import { html } from "../vendor/preact.js";

/** How many tints there are in the style sheet. */
const TINTS = 6;

/** @param {{ name: string, isLarge?: boolean }} props */
export function Avatar({ name, isLarge = false }) {
    const parts = name.trim().split(/\s+/);
    const letters = [parts[0], parts.length > 1 ? parts[parts.length - 1] : ""].map((part) => [...(part ?? "")][0] ?? "").join("").toUpperCase();
    const tint = [...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % TINTS;
    return html`<span class=${`avatar avatar-${tint} ${isLarge ? "avatar-large" : ""}`} aria-hidden="true">${letters}</span>`;
}
