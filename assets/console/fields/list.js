// Several values of one type: words as tags, choices as boxes, links one below the other, the rest one input each.

import { html, useState } from "../vendor/preact.js";
import { Icon } from "../components/icon.js";
import { LinkPicker } from "../components/link-picker.js";
import { Value } from "../components/value.js";
import { keyOfLink } from "../labels.js";
import { isFileLink } from "../model/files.js";
import { childFields } from "../schema.js";
import * as fallback from "./fallback.js";
import { inputOf } from "./index.js";

const TEXTS = ["text", "email", "phone", "url"];
/** Values shown in a table's cell. */
const SHOWN_MAX = 3;

/** The field of one item; the parts of objects in a list stand below `path.*`. @param {import("../schema.js").Field} field */
const itemOf = (field) => ({ ...field, path: field.type === "object" ? `${field.path}.*` : field.path, is_list: false, is_optional: false, has_default: false });

/** Whether the items are objects whose parts the schema names. @param {import("../schema.js").Table | undefined} table @param {import("../schema.js").Field} field */
const hasParts = (table, field) => field.type === "object" && table !== undefined && childFields(table, `${field.path}.*`).length > 0;

/** @param {import("./index.js").CellProps} props */
export function cell({ table, field, value, isWhole }) {
    if (isWhole && Array.isArray(value) && hasParts(table, field)) {
        return html`<ol class="item-list">${value.map((item, index) => html`<li key=${index}><${Value} table=${table} field=${itemOf(field)} value=${item} isWhole /></li>`)}</ol>`;
    }
    if (!Array.isArray(value) || ["object", "array", "any"].includes(field.type)) return html`<${fallback.cell} field=${field} value=${value} isWhole=${isWhole} />`;
    if (!value.length) return html`<span class="none">${isFileLink(field) && !isWhole ? "–" : "none"}</span>`;
    const shown = isWhole ? value : value.slice(0, SHOWN_MAX);
    return html`<span class=${isWhole ? "items items-wrap" : "items"}>
        ${shown.map((item, index) => html`
            <span key=${index} class=${TEXTS.includes(field.type) ? "badge badge-plain" : ""}><${Value} table=${table} field=${itemOf(field)} value=${item} isWhole=${isWhole && isFileLink(field)} /></span>`)}
        ${value.length > shown.length && html`<span class="muted small">+${value.length - shown.length}</span>`}
    </span>`;
}

/** @param {import("./index.js").FieldProps} props */
function Choices({ field, value, onChange, isDisabled, input: { describedBy }, label }) {
    const chosen = value ?? [];
    const toggle = (/** @type {string} */ option) =>
        onChange(chosen.includes(option) ? chosen.filter((/** @type {string} */ item) => item !== option) : [...chosen, option]);
    return html`<div class="checks" role="group" aria-label=${label} aria-describedby=${describedBy}>
        ${(field.values ?? []).map((option) => html`<label key=${option} class="check"><input type="checkbox" checked=${chosen.includes(option)} disabled=${isDisabled}
            onChange=${() => toggle(option)} />${option.replace(/_/g, " ")}</label>`)}</div>`;
}

/** @param {import("./index.js").FieldProps} props */
function Tags({ value, onChange, input: { id, describedBy, isInvalid }, isDisabled, label }) {
    const [text, setText] = useState("");
    const items = value ?? [];
    const add = () => {
        const more = text.split(",").map((part) => part.trim()).filter((part) => part && !items.includes(part));
        if (more.length) onChange([...items, ...more]);
        setText("");
    };
    const pressed = (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter" || event.key === ",") {
            event.preventDefault();
            add();
        } else if (event.key === "Backspace" && text === "" && items.length) onChange(items.slice(0, -1));
    };
    return html`
        <div class="tag-box">
            ${items.map((/** @type {string} */ item, /** @type {number} */ index) => html`
                <span key=${item} class="chip">${item}<button type="button" aria-label=${`Remove ${item}`} disabled=${isDisabled}
                    onClick=${() => onChange(items.filter((/** @type {any} */ _, /** @type {number} */ at) => at !== index))}><${Icon} name="close" /></button></span>`)}
            <input id=${id} value=${text} disabled=${isDisabled} aria-label=${`Add to ${label ?? "the list"}`} aria-describedby=${describedBy} aria-invalid=${isInvalid ? "true" : null}
                autocomplete="off" placeholder="Type and press Enter" onInput=${(/** @type {any} */ event) => setText(event.target.value)} onKeyDown=${pressed} onBlur=${add} />
        </div>`;
}

/** @param {import("./index.js").FieldProps} props */
function Links({ field, value, onChange, input, isDisabled, label }) {
    const items = value ?? [];
    const without = (/** @type {any} */ item) => items.filter((/** @type {any} */ other) => keyOfLink(other) !== keyOfLink(item));
    return html`
        <div class="stack-small">
            ${items.length > 0 && html`<div class="items items-wrap">${items.map((/** @type {any} */ item) => html`
                <span key=${keyOfLink(item)} class="chip"><${Value} field=${itemOf(field)} value=${item} />
                    <button type="button" aria-label="Remove" disabled=${isDisabled} onClick=${() => onChange(without(item))}><${Icon} name="close" /></button></span>`)}</div>`}
            <${LinkPicker} field=${field} input=${input} isDisabled=${isDisabled} label=${label} placeholder="Add…"
                onPick=${(/** @type {any} */ next) => onChange([...without(next), next])} />
        </div>`;
}

/** @param {import("./index.js").FieldProps} props */
function Rows(props) {
    const { field, value, onChange, isDisabled, isNew, errors = [], pointer = "", label = "item" } = props;
    const items = value ?? [];
    const start = field.type === "object" ? {} : null;
    const Input = inputOf(itemOf(field));
    const set = (/** @type {number} */ index, /** @type {any} */ next) => onChange(items.map((/** @type {any} */ item, /** @type {number} */ at) => (at === index ? next : item)));
    return html`
        <div class="stack-small">
            ${items.map((/** @type {any} */ item, /** @type {number} */ index) => html`
                <div key=${index} class="item-row">
                    <${Input} table=${props.table} field=${itemOf(field)} value=${item} label=${`${label} ${index + 1}`} isDisabled=${isDisabled}
                        isNew=${isNew} errors=${errors} pointer=${`${pointer}/${index}`} input=${{ id: `${props.input.id}-${index}`, describedBy: props.input.describedBy, isInvalid: false }}
                        onChange=${(/** @type {any} */ next) => set(index, next)} />
                    <button type="button" class="icon-button" aria-label=${`Remove ${label} ${index + 1}`} disabled=${isDisabled}
                        onClick=${() => onChange(items.filter((/** @type {any} */ _, /** @type {number} */ at) => at !== index))}><${Icon} name="trash" /></button>
                </div>`)}
            <button type="button" class="button button-small" id=${props.input.id} disabled=${isDisabled} onClick=${() => onChange([...items, start])}><${Icon} name="plus" />Add</button>
        </div>`;
}

/** @param {import("./index.js").FieldProps} props */
export function input(props) {
    const { type } = props.field;
    if (type === "enum") return html`<${Choices} ...${props} />`;
    if (type === "link" || type === "links_any") return html`<${Links} ...${props} />`;
    if (TEXTS.includes(type)) return html`<${Tags} ...${props} />`;
    if (["object", "array", "any", "geometry"].includes(type) && !hasParts(props.table, props.field)) return html`<${fallback.input} ...${props} />`;
    return html`<${Rows} ...${props} />`;
}
