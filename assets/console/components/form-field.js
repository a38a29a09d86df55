// A label, an input, help and errors that belong together.

import { html, useId } from "../vendor/preact.js";

/**
 * @typedef {{ id: string, describedBy: string | undefined, isInvalid: boolean }} InputProps What the input must carry.
 * @param {{ label: any, id?: string, help?: any, hint?: any, errors?: string[], isRequired?: boolean, isGroup?: boolean,
 *   children: (input: InputProps) => any }} props
 * `hint` stands at the end of the label's line; `isGroup` makes a fieldset for several inputs.
 */
export function FormField({ label, id: given, help, hint, errors = [], isRequired = false, isGroup = false, children }) {
    const made = useId();
    const id = given ?? made;
    const parts = [help ? `${id}-help` : "", errors.length ? `${id}-errors` : ""].filter(Boolean);
    const input = { id, describedBy: parts.join(" ") || undefined, isInvalid: errors.length > 0 };
    const title = html`${label}${isRequired && html`<span class="required" title="required"> *<span class="sr-only"> required</span></span>`}`;
    const rest = html`
        ${children(input)}
        ${help && html`<p class="help" id=${`${id}-help`}>${help}</p>`}
        ${errors.length > 0 && html`<p class="field-errors" id=${`${id}-errors`}>${errors.join(" · ")}</p>`}`;
    if (isGroup) {
        return html`<fieldset class=${`field ${errors.length ? "field-bad" : ""}`} id=${`${id}-group`} aria-describedby=${input.describedBy}>
            <legend class="field-label"><span>${title}</span>${hint && html`<span class="hint">${hint}</span>`}</legend>${rest}</fieldset>`;
    }
    return html`
        <div class=${`field ${errors.length ? "field-bad" : ""}`}>
            <div class="field-label"><label for=${id}>${title}</label>${hint && html`<span class="hint">${hint}</span>`}</div>
            ${rest}
        </div>`;
}
