// An object: its fields one by one where the schema names them, else JSON.

import { html } from "../vendor/preact.js";
import { childFields, fieldWords, words } from "../schema.js";
import { FormField } from "../components/form-field.js";
import { Value } from "../components/value.js";
import { errorsAt } from "../model/pointers.js";
import * as fallback from "./fallback.js";
import { inputOf, isGroup } from "./index.js";

/** @param {import("./index.js").CellProps} props */
export function cell({ table, field, value, isWhole }) {
    const children = table ? childFields(table, field.path) : [];
    if (!isWhole || !children.length || typeof value !== "object") return html`<${fallback.cell} field=${field} value=${value} isWhole=${isWhole} />`;
    return html`<dl class="pairs">${children.map((child) => {
        const name = child.path.slice(field.path.length + 1);
        return html`<div key=${name}><dt>${words(name)}</dt><dd><${Value} table=${table} field=${child} value=${value[name]} isWhole /></dd></div>`;
    })}</dl>`;
}

/** @param {import("./index.js").FieldProps} props */
export function input(props) {
    const { table, field, value, onChange, errors = [], pointer = "", isDisabled, isNew } = props;
    const children = table ? childFields(table, field.path) : [];
    if (!children.length) return html`<${fallback.input} ...${props} />`;
    const change = (/** @type {string} */ name, /** @type {any} */ next) => {
        const changed = { ...(value ?? {}), [name]: next };
        if (next === null || next === undefined || next === "") delete changed[name];
        onChange(Object.keys(changed).length || !field.is_optional ? changed : null);
    };
    return html`
        <div class="nest">
            ${children.map((child) => {
                const name = child.path.slice(field.path.length + 1);
                const at = `${pointer}/${name}`;
                return html`
                    <${FormField} key=${name} id=${`${props.input.id}-${name}`} label=${words(name)} help=${child.description} isGroup=${isGroup(child)}
                        isRequired=${!child.is_optional && !child.has_default && (!field.is_optional || Boolean(value))} errors=${errorsAt(errors, at)}>
                        ${(/** @type {any} */ input) => html`<${inputOf(child)} table=${table} field=${child} value=${value?.[name]} input=${input}
                            label=${fieldWords(child.path)} pointer=${at} errors=${errors} isDisabled=${isDisabled} isNew=${isNew}
                            onChange=${(/** @type {any} */ next) => change(name, next)} />`}
                    <//>`;
            })}
        </div>`;
}

export { filter } from "./text.js";
