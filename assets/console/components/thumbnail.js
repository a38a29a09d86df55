// A small picture of a file, or a sign of what kind of file it is. Says nothing to screen readers; the name stands beside it.

import { html, useEffect, useState } from "../vendor/preact.js";
import { fileKind, thumbOf } from "../model/files.js";
import { Icon } from "./icon.js";

/** Pixels asked for by size, enough for screens with fine dots. */
const SIDES = { small: 80, medium: 320, large: 1280 };
const ICONS = { picture: "image", film: "film", sound: "sound", document: "text", other: "file" };

/** @param {{ file: { mime: string, url: string }, size?: "small" | "medium" | "large" }} props */
export function Thumbnail({ file, size = "small" }) {
    const [isBroken, setBroken] = useState(false);
    const kind = fileKind(file.mime);
    useEffect(() => setBroken(false), [file.url]);
    return html`
        <span class=${`thumb thumb-${size}`}>
            ${kind === "picture" && !isBroken
                ? html`<img src=${thumbOf(file.url, SIDES[size])} alt="" loading="lazy" decoding="async" onError=${() => setBroken(true)} />`
                : html`<${Icon} name=${ICONS[kind]} />`}
        </span>`;
}
