// The photo of a person, or the first letters of the name, in a circle. Says nothing to screen readers; the name stands beside it.

import { html } from "../vendor/preact.js";
import { useFile } from "../files.js";
import { Thumbnail } from "./thumbnail.js";

/** How many tints there are in the style sheet. */
const TINTS = 6;

/** @param {{ id: string, isLarge: boolean, children?: any }} props `children` until the photo is known. */
function Photo({ id, isLarge, children }) {
    const file = useFile(id);
    return file ? html`<span class=${`avatar avatar-photo ${isLarge ? "avatar-large" : ""}`} aria-hidden="true"><${Thumbnail} file=${file} /></span>` : children;
}

/** @param {{ name: string, photo?: string | null, isLarge?: boolean }} props `photo`: the key of a file. */
export function Avatar({ name, photo, isLarge = false }) {
    const parts = name.trim().split(/\s+/);
    const letters = [parts[0], parts.length > 1 ? parts[parts.length - 1] : ""].map((part) => [...(part ?? "")][0] ?? "").join("").toUpperCase();
    const tint = [...name].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0) % TINTS;
    const plain = html`<span class=${`avatar avatar-${tint} ${isLarge ? "avatar-large" : ""}`} aria-hidden="true">${letters}</span>`;
    return photo ? html`<${Photo} id=${photo} isLarge=${isLarge}>${plain}<//>` : plain;
}
