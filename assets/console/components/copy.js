// A button that puts text on the clipboard and says so.

import { html } from "../vendor/preact.js";
import { Icon } from "./icon.js";
import { toast } from "./toast.js";

/** Copies without the clipboard API, which browsers only offer on https and localhost. @param {string} text */
function copySelected(text) {
    const box = document.createElement("textarea");
    box.value = text;
    box.className = "sr-only";
    (document.querySelector("dialog[open]") ?? document.body).append(box);
    box.select();
    const isCopied = document.execCommand("copy");
    box.remove();
    if (!isCopied) throw new Error("not allowed");
}

/** Copies and tells. @param {string} text @param {string} [what] */
export async function copy(text, what = "Copied") {
    try {
        if (navigator.clipboard) await navigator.clipboard.writeText(text);
        else copySelected(text);
        toast(what);
    } catch {
        toast("The browser did not allow copying.", { kind: "danger" });
    }
}

/** @param {{ text: string, label?: string, what?: string, isQuiet?: boolean }} props `isQuiet`: the icon alone. */
export function CopyButton({ text, label = "Copy", what, isQuiet = false }) {
    return html`
        <button type="button" class=${isQuiet ? "icon-button icon-button-small" : "button"} title=${isQuiet ? label : null}
            aria-label=${isQuiet ? label : null} onClick=${() => copy(text, what)}>
            <${Icon} name="copy" />${isQuiet ? null : label}
        </button>`;
}
