// Anything without a component of its own, as JSON.

import { html, useEffect, useState } from "../vendor/preact.js";

/** JSON on lines. @param {any} value */
const written = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value, null, 2));

/** @param {import("./index.js").CellProps} props */
export function cell({ value, isWhole }) {
    const text = typeof value === "string" ? value : JSON.stringify(value, null, isWhole ? 2 : 0);
    if (isWhole && text.includes("\n")) return html`<pre>${text}</pre>`;
    return html`<code title=${text.slice(0, 400)}>${text.slice(0, isWhole ? 4000 : 80)}</code>`;
}

/** The value of what was typed: JSON where it is, else text, which these types also take. @param {string} text @param {string} type */
function parsed(text, type) {
    if (text.trim() === "") return { value: null, why: "" };
    if (type === "duration" || type === "bytes") return { value: text.trim(), why: "" };
    try {
        return { value: JSON.parse(text), why: "" };
    } catch (error) {
        return { value: text, why: error instanceof Error ? error.message : String(error) };
    }
}

/** @param {import("./index.js").FieldProps} props */
export function input({ field, value, onChange, input: { id, describedBy, isInvalid }, label, isDisabled }) {
    const [text, setText] = useState(written(value));
    const { why } = parsed(text, field.type);
    const isJson = field.type !== "duration" && field.type !== "bytes";
    useEffect(() => { if (value === null || value === undefined) setText(""); }, [value === null || value === undefined]);
    const typed = (/** @type {any} */ event) => {
        setText(event.target.value);
        onChange(parsed(event.target.value, field.type).value);
    };
    // A group has a legend and no label, so that the field is named here.
    const look = { class: "input mono", id, "aria-label": label ?? null, disabled: isDisabled, spellcheck: false, autocomplete: "off", "aria-invalid": isInvalid || (why && text) ? "true" : null };
    const hint = why && text ? `${id}-json` : null;
    const describes = [describedBy, hint].filter(Boolean).join(" ") || null;
    if (!isJson) return html`<input ...${look} value=${text} placeholder=${field.type === "duration" ? "1h30m" : "Base64"} aria-describedby=${describes} onInput=${typed} />`;
    return html`
        <textarea ...${look} rows=${Math.max(3, Math.min(16, text.split("\n").length + 1))} placeholder="JSON" aria-describedby=${describes} value=${text} onInput=${typed}></textarea>
        ${hint && html`<p class="help" id=${hint}>Not JSON yet: ${why}</p>`}`;
}

export { filter } from "./text.js";
