// One line of text: names, codes, addresses of e-mail and web, telephone numbers.

import { html } from "../vendor/preact.js";

/** @typedef {import("./index.js").FieldProps} FieldProps @typedef {import("./index.js").CellProps} CellProps */

/** @type {Record<string, string>} */
const INPUT_TYPES = { email: "email", phone: "tel", url: "url" };

/** @param {CellProps} props */
export function cell({ field, value }) {
    const text = String(value);
    if (field.type === "email") return html`<a href=${`mailto:${text}`}>${text}</a>`;
    if (field.type === "phone") return html`<a href=${`tel:${text}`}>${text}</a>`;
    if (field.type === "url" && /^https?:\/\//.test(text)) return html`<a href=${text} target="_blank" rel="noopener noreferrer">${text.replace(/^https?:\/\//, "")}</a>`;
    if (field.type === "uuid") return html`<code title=${text}>${text}</code>`;
    return html`<span title=${text.length > 40 ? text : null}>${text}</span>`;
}

/** @param {FieldProps} props */
export function input({ field, value, onChange, input: { id, describedBy, isInvalid }, isDisabled, placeholder }) {
    return html`<input class="input" id=${id} type=${INPUT_TYPES[field.type] ?? "text"} value=${value ?? ""} disabled=${isDisabled}
        placeholder=${placeholder} maxlength=${field.limits?.max_length ?? null} autocomplete="off" spellcheck=${field.type === "text" ? null : false}
        aria-describedby=${describedBy} aria-invalid=${isInvalid ? "true" : null}
        onInput=${(/** @type {any} */ event) => onChange(event.target.value)} />`;
}

/** @param {import("./index.js").FilterProps} props */
export function filter({ value, onChange, id }) {
    return html`<input class="input" id=${id} value=${value} autocomplete="off" onInput=${(/** @type {any} */ event) => onChange(event.target.value)} />`;
}
