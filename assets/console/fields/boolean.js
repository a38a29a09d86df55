// Yes or no; where it may be left out, also neither.

import { html } from "../vendor/preact.js";
import { Icon } from "../components/icon.js";

/** @param {import("./index.js").CellProps} props */
export function cell({ value }) {
    return html`<span class=${`yes-no ${value ? "is-yes" : ""}`}><${Icon} name=${value ? "check" : "minus"} />${value ? "Yes" : "No"}</span>`;
}

/** @param {import("./index.js").FieldProps} props */
export function input({ field, value, onChange, input: { id, describedBy }, isDisabled, isNew, label }) {
    /** @type {[string, boolean | null][]} */
    const options = [["Yes", true], ["No", false]];
    if (field.is_optional) options.push(["Not set", null]);
    else if (isNew && field.has_default) options.push(["Default", null]);
    return html`
        <div class="segments" id=${id} role="radiogroup" aria-label=${label} aria-describedby=${describedBy}>
            ${options.map(([text, option]) => html`
                <label key=${text}><input type="radio" name=${id} checked=${(value ?? null) === option} disabled=${isDisabled}
                    onChange=${() => onChange(option)} /><span>${text}</span></label>`)}
        </div>`;
}

/** @param {import("./index.js").FilterProps} props */
export function filter({ value, onChange, id }) {
    return html`<select class="input" id=${id} value=${value} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>
        <option value="" selected=${value === ""}>Choose…</option>
        <option value="true" selected=${value === "true"}>Yes</option>
        <option value="false" selected=${value === "false"}>No</option>
    </select>`;
}
