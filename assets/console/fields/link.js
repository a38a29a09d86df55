// A link to a record of one table, or of one of several.

import { html } from "../vendor/preact.js";
import { LinkPicker } from "../components/link-picker.js";
import { keyOfLink, linkOf, useLabel } from "../labels.js";
import { recordHref } from "../router.js";
import { tableOf, words } from "../schema.js";

/** @param {import("./index.js").CellProps} props */
export function cell({ field, value }) {
    const link = linkOf(field, value);
    const label = useLabel(link?.table, link?.id);
    if (!link) return html`<code>${JSON.stringify(value)}</code>`;
    const isKnown = Boolean(tableOf(link.table));
    const title = `${words(link.table)} ${link.id}`;
    const prefix = (field.links ?? []).length === 1 ? "" : `${words(link.table)}: `;
    return isKnown ? html`<a class="record-link" href=${recordHref(link.table, link.id)} title=${title}>${prefix}${label}</a>` : html`<span title=${title}>${prefix}${label}</span>`;
}

/** @param {import("./index.js").FieldProps} props */
export function input({ field, value, onChange, input: bound, isDisabled, label, placeholder }) {
    return html`<${LinkPicker} field=${field} value=${value} input=${bound} isDisabled=${isDisabled} label=${label} placeholder=${placeholder}
        onPick=${onChange} onClear=${() => onChange(null)} />`;
}

/** @param {import("./index.js").FilterProps} props */
export function filter({ field, value, onChange, id }) {
    const single = { ...field, is_list: false };
    const isMany = (field.links ?? []).length !== 1;
    const current = value === "" ? null : isMany ? { table: value.split(":")[0], id: value.slice(value.indexOf(":") + 1) } : value;
    return html`<${LinkPicker} field=${single} value=${current} input=${{ id, describedBy: undefined, isInvalid: false }} label="the record"
        onPick=${(/** @type {any} */ next) => onChange(isMany ? keyOfLink(next) : String(next))} onClear=${() => onChange("")} />`;
}
