// Text of several lines.

import { html } from "../vendor/preact.js";

export { filter } from "./text.js";

/** @param {import("./index.js").CellProps} props */
export function cell({ value, isWhole }) {
    if (isWhole) return html`<div class="prose">${String(value)}</div>`;
    const text = String(value).replace(/\s+/g, " ");
    return html`<span title=${text.slice(0, 400)}>${text.slice(0, 120)}</span>`;
}

/** @param {import("./index.js").FieldProps} props */
export function input({ field, value, onChange, input: { id, describedBy, isInvalid }, isDisabled, placeholder }) {
    const text = value ?? "";
    const rows = Math.max(4, Math.min(14, text.split("\n").length + 1));
    return html`<textarea class="input" id=${id} rows=${rows} disabled=${isDisabled} placeholder=${placeholder}
        maxlength=${field.limits?.max_length ?? null} aria-describedby=${describedBy} aria-invalid=${isInvalid ? "true" : null} value=${text}
        onInput=${(/** @type {any} */ event) => onChange(event.target.value)}></textarea>`;
}
