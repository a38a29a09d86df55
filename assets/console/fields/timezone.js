// A time zone by its IANA name.

import { html, useId } from "../vendor/preact.js";

export { cell, filter } from "./text.js";

const ZONES = typeof Intl.supportedValuesOf === "function" ? ["UTC", ...Intl.supportedValuesOf("timeZone")] : ["UTC"];

/** @param {import("./index.js").FieldProps} props */
export function input({ value, onChange, input: { id, describedBy, isInvalid }, isDisabled }) {
    const list = useId();
    return html`
        <input class="input" id=${id} list=${list} value=${value ?? ""} disabled=${isDisabled} placeholder="Europe/Berlin" autocomplete="off"
            aria-describedby=${describedBy} aria-invalid=${isInvalid ? "true" : null} onInput=${(/** @type {any} */ event) => onChange(event.target.value)} />
        <datalist id=${list}>${ZONES.map((zone) => html`<option key=${zone} value=${zone} />`)}</datalist>`;
}
