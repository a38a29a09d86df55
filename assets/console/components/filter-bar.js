// The filters of a list: a chip for each, and a panel to add or change one.

import { html, useId, useState } from "../vendor/preact.js";
import { filterOf } from "../fields/index.js";
import { operatorsOf } from "../fields/operators.js";
import { linkOf, useLabel } from "../labels.js";
import { filterFieldOf, filterFields, filterPathOf } from "../model/columns.js";
import { fieldWords } from "../schema.js";
import { majorOf } from "../fields/money.js";
import { utc } from "./date.js";
import { Icon } from "./icon.js";
import { Panel } from "./menu.js";

/** @typedef {import("../model/list-query.js").ListQuery} ListQuery @typedef {import("../model/list-query.js").Filter} Filter */
/** @typedef {import("../schema.js").Table} Table @typedef {import("../schema.js").Field} Field */

/**
 * @param {{ table: Table, start?: Filter, onSave: (filter: Filter) => void }} props
 */
function FilterForm({ table, start, onSave }) {
    const id = useId();
    const fields = filterFields(table);
    const [path, setPath] = useState(start ? filterFieldOf(table, start.path)?.path ?? fields[0]?.path : fields[0]?.path);
    const field = fields.find((item) => item.path === path) ?? fields[0];
    const operators = field ? operatorsOf(field) : [];
    const [op, setOp] = useState(start?.op ?? operators[0]?.[0]);
    const [value, setValue] = useState(start?.value ?? "");
    if (!field) return html`<p class="muted panel-body">This table has nothing to filter by.</p>`;
    const current = operators.some(([name]) => name === op) ? op : operators[0][0];
    const isNull = current === "null";
    const choose = (/** @type {any} */ event) => {
        const next = fields.find((item) => item.path === event.target.value);
        setPath(event.target.value);
        setValue("");
        if (next) setOp(operatorsOf(next)[0][0]);
    };
    const save = (/** @type {Event} */ event) => {
        event.preventDefault();
        const text = isNull ? value || "true" : value;
        if (text !== "") onSave({ path: filterPathOf(field), op: current, value: text });
    };
    const Input = filterOf(field);
    const isText = (current === "contains" || current === "starts") && !field.values && !field.links;
    return html`
        <form class="panel-body" onSubmit=${save}>
            <label class="stack-small small">Field
                <select class="input" onChange=${choose}>${fields.map((item) => html`
                    <option key=${item.path} value=${item.path} selected=${item.path === field.path}>${fieldWords(item.path)}</option>`)}</select></label>
            <label class="stack-small small">Comparison
                <select class="input" onChange=${(/** @type {any} */ event) => { setOp(event.target.value); setValue(""); }}>${operators.map(([name, words]) => html`
                    <option key=${name} value=${name} selected=${name === current}>${words}</option>`)}</select></label>
            <div class="stack-small small">
                <label for=${id}>${isNull ? "Answer" : "Value"}</label>
                ${isNull ? html`<select class="input" id=${id} onChange=${(/** @type {any} */ event) => setValue(event.target.value)}>
                        <option value="true" selected=${value !== "false"}>Yes, it is empty</option>
                        <option value="false" selected=${value === "false"}>No, it has a value</option></select>`
                    : html`
                        ${isText && html`<span class="help">Upper and lower case count.</span>`}
                        <${Input} key=${`${field.path} ${current}`} field=${field} op=${current} value=${value} onChange=${setValue} id=${id} />`}
            </div>
            <button class="button button-primary" disabled=${!isNull && value === ""}>${start ? "Change filter" : "Add filter"}</button>
        </form>`;
}

/** A filter's value in words. @param {{ field: Field | undefined, filter: Filter }} props */
function ValueWords({ field, filter }) {
    const link = field && (field.type === "link" || field.type === "links_any") && filter.op !== "in" && filter.op !== "null" ? linkOf(field, filter.value) : null;
    const label = useLabel(link?.table, link?.id);
    if (link) return label;
    if (field?.type === "money" && /^-?\d+$/.test(filter.value)) return majorOf(Number(filter.value), "EUR");
    if (field?.type === "boolean") return filter.value === "true" ? "yes" : "no";
    if (field?.type === "datetime" && !Number.isNaN(Date.parse(filter.value))) return utc(new Date(filter.value));
    if (field?.type === "enum") return filter.value.replace(/_/g, " ").replace(/,/g, ", ");
    return filter.value.length > 40 ? `${filter.value.slice(0, 39)}…` : filter.value;
}

/** @param {{ table: Table, filter: Filter, onChange: (filter: Filter) => void, onRemove: () => void }} props */
function Chip({ table, filter, onChange, onRemove }) {
    const field = filterFieldOf(table, filter.path);
    const name = fieldWords(field?.path ?? filter.path);
    const operator = (field ? operatorsOf(field) : []).find(([op]) => op === filter.op)?.[1] ?? filter.op;
    const words = filter.op === "null"
        ? html`<b>${name}</b> ${filter.value === "false" ? "has a value" : "is empty"}`
        : html`<b>${name}</b> ${operator} <${ValueWords} field=${field} filter=${filter} />`;
    return html`
        <span class="filter-chip">
            <${Panel} label=${words} class="filter-chip-body" count=${0}>
                ${(/** @type {() => void} */ close) => html`<${FilterForm} table=${table} start=${filter} onSave=${(/** @type {Filter} */ next) => { close(); onChange(next); }} />`}
            <//>
            <button type="button" aria-label=${`Remove filter ${name}`} onClick=${onRemove}><${Icon} name="close" /></button>
        </span>`;
}

/** The button that adds a filter. @param {{ table: Table, onAdd: (filter: Filter) => void }} props */
export function AddFilter({ table, onAdd }) {
    return html`<${Panel} label="Filter" icon="filter" class="button">
        ${(/** @type {() => void} */ close) => html`<${FilterForm} table=${table} onSave=${(/** @type {Filter} */ filter) => { close(); onAdd(filter); }} />`}
    <//>`;
}

/** The chips of all filters. @param {{ table: Table, list: ListQuery, onChange: (change: Partial<ListQuery>) => void }} props */
export function FilterChips({ table, list, onChange }) {
    if (!list.filters.length && !list.filter) return null;
    const set = (/** @type {number} */ index, /** @type {Filter | null} */ next) =>
        onChange({ filters: list.filters.flatMap((filter, at) => (at !== index ? [filter] : next ? [next] : [])) });
    return html`
        <div class="filter-chips" role="group" aria-label="Filters">
            ${list.filters.map((filter, index) => html`
                <${Chip} key=${`${filter.path} ${filter.op} ${filter.value}`} table=${table} filter=${filter}
                    onChange=${(/** @type {Filter} */ next) => set(index, next)} onRemove=${() => set(index, null)} />`)}
            ${list.filter && html`<span class="filter-chip"><span class="filter-chip-body"><code>${list.filter}</code></span>
                <button type="button" aria-label="Remove condition" onClick=${() => onChange({ filter: "" })}><${Icon} name="close" /></button></span>`}
            <button type="button" class="button button-small button-quiet" onClick=${() => onChange({ filters: [], filter: "" })}>Clear all</button>
        </div>`;
}
