// One of a few words.

import { html } from "../vendor/preact.js";
import { Badge } from "../components/badge.js";

/** @param {import("./index.js").CellProps} props */
export function cell({ value }) {
    return html`<${Badge} text=${String(value)} />`;
}

/** A word of the schema for people. @param {string} value */
const spoken = (value) => value.replace(/_/g, " ");

/** @param {import("./index.js").FieldProps} props */
export function input({ field, value, onChange, input: { id, describedBy, isInvalid }, isDisabled, isNew }) {
    const none = field.is_optional ? "Not set" : isNew && field.has_default ? "Default" : "Choose…";
    const hasNone = field.is_optional || isNew || value === null || value === undefined;
    return html`
        <select class="input" id=${id} disabled=${isDisabled} aria-describedby=${describedBy} aria-invalid=${isInvalid ? "true" : null}
            onChange=${(/** @type {any} */ event) => onChange(event.target.value || null)}>
            ${hasNone && html`<option value="" selected=${!value}>${none}</option>`}
            ${(field.values ?? []).map((option) => html`<option key=${option} value=${option} selected=${value === option}>${spoken(option)}</option>`)}
        </select>`;
}

/** @param {import("./index.js").FilterProps} props */
export function filter({ field, op, value, onChange, id }) {
    const values = field.values ?? [];
    if (op === "in") {
        const chosen = value.split(",").filter(Boolean);
        const toggle = (/** @type {string} */ option) =>
            onChange((chosen.includes(option) ? chosen.filter((item) => item !== option) : [...chosen, option]).join(","));
        return html`<fieldset id=${id}><legend class="sr-only">Values</legend><div class="checks">
            ${values.map((option) => html`<label key=${option} class="check"><input type="checkbox" checked=${chosen.includes(option)}
                onChange=${() => toggle(option)} />${spoken(option)}</label>`)}</div></fieldset>`;
    }
    return html`<select class="input" id=${id} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>
        <option value="" selected=${value === ""}>Choose…</option>
        ${values.map((option) => html`<option key=${option} value=${option} selected=${value === option}>${spoken(option)}</option>`)}
    </select>`;
}
