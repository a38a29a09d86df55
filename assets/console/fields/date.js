// A day without a time, which is the same everywhere.

import { html } from "../vendor/preact.js";

const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });

/** @param {import("./index.js").CellProps} props */
export function cell({ value }) {
    const date = new Date(`${value}T00:00:00Z`);
    return html`<time datetime=${value} title=${value}>${Number.isNaN(date.getTime()) ? value : format.format(date)}</time>`;
}

/** @param {import("./index.js").FieldProps} props */
export function input({ value, onChange, input: { id, describedBy, isInvalid }, isDisabled }) {
    return html`<input class="input input-date" id=${id} type="date" value=${value ?? ""} disabled=${isDisabled} aria-describedby=${describedBy}
        aria-invalid=${isInvalid ? "true" : null} onInput=${(/** @type {any} */ event) => onChange(event.target.value || null)} />`;
}

/** @param {import("./index.js").FilterProps} props */
export function filter({ value, onChange, id }) {
    return html`<input class="input" id=${id} type="date" value=${value} onInput=${(/** @type {any} */ event) => onChange(event.target.value)} />`;
}
