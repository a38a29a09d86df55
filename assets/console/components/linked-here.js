// The records that link to a record, table by table.

import { html } from "../vendor/preact.js";
import { get } from "../api.js";
import { learn } from "../labels.js";
import { href, recordHref, tableHref } from "../router.js";
import { useResource } from "../resource.js";
import { fieldsOf, usualColumns } from "../model/columns.js";
import { fieldOf, fieldWords, labelOf, tables, words } from "../schema.js";
import { Icon } from "./icon.js";
import { Moment } from "./date.js";
import { Value } from "./value.js";

/** @typedef {import("../schema.js").Table} Table @typedef {import("../schema.js").Field} Field */

/** Records shown of each kind of link. */
const SHOWN_MAX = 5;

/** The filter that finds the records of a field that link to a record. @param {Field} field @param {string} table @param {string} id */
function filterFor(field, table, id) {
    const value = field.type === "links_any" || field.links?.length !== 1 ? `${table}:${id}` : id;
    return { [field.is_list ? `${field.path}[contains]` : field.path]: value };
}

/** The fields of all tables that can link to a table. @param {string} name @returns {{ table: Table, field: Field }[]} */
const linksTo = (name) => (tables.value ?? []).flatMap((table) => table.fields
    .filter((field) => field.is_filterable && !field.path.includes("*") && (field.type === "link" || field.type === "links_any")
        && (!field.links?.length || field.links.includes(name)) && !(table.name === "audit"))
    .map((field) => ({ table, field })));

/** @param {{ table: Table, field: Field, target: string, id: string, mayAdd: boolean }} props */
function LinkedBy({ table, field, target, id, mayAdd }) {
    const query = filterFor(field, target, id);
    const shown = table.label_field ? [] : fieldsOf(table, usualColumns(table)).filter((item) => !["id", "created_at", field.path].includes(item.path))
        .sort((one, other) => Number(other.type.startsWith("link")) - Number(one.type.startsWith("link"))).slice(0, 2);
    const fields = ["id", table.label_field, ...shown.map((item) => item.path), "created_at"].filter((path) => path && fieldOf(table, path)).join(",");
    const found = useResource(async (abort) => {
        const answer = await get(`/${table.name}`, { ...query, limit: SHOWN_MAX, fields }, abort);
        answer.items.forEach((/** @type {any} */ record) => learn(table.name, record));
        return answer;
    }, [table.name, field.path, id]);
    const items = found.data?.items ?? [];
    const hasOwnField = field.path.includes(".") === false;
    const add = mayAdd && table.is_writable.create && hasOwnField && field.type === "link" && !field.is_list;
    if (!found.data || (!items.length && !add)) return null;
    return html`
        <section class="linked">
            <h3><a href=${tableHref(table.name, query)}>${words(table.name)}</a><span class="muted small">by ${fieldWords(field.path).toLowerCase()}</span></h3>
            ${items.length > 0 ? html`<ul>${items.map((/** @type {any} */ record) => html`
                <li key=${record.id}>
                    <a href=${recordHref(table.name, record.id)}>${labelOf(table, record)}</a>
                    ${shown.map((item) => html`<${Value} key=${item.path} table=${table} field=${item} value=${record[item.path]} />`)}
                    ${record.created_at && !shown.length && html`<span class="muted small"><${Moment} value=${record.created_at} isRelative /></span>`}
                </li>`)}</ul>`
                : html`<p class="muted small">None yet.</p>`}
            <p class="row small">
                ${found.data.next_cursor && html`<a href=${tableHref(table.name, query)}>Show all</a>`}
                ${add && html`<a href=${href(`/tables/${table.name}/new`, { [field.path]: id })}><${Icon} name="plus" class="icon-inline" />Add</a>`}
            </p>
        </section>`;
}

/** @param {{ table: string, id: string, mayAdd?: boolean }} props `mayAdd`: offers to make such a record. */
export function LinkedHere({ table, id, mayAdd = true }) {
    const links = linksTo(table);
    if (!links.length) return null;
    return html`
        <section class="card linked-card" aria-labelledby="linked-title">
            <header class="card-head"><h2 id="linked-title">Records that link here</h2></header>
            <div class="card-body stack">
                ${links.map((link) => html`<${LinkedBy} key=${`${link.table.name}.${link.field.path}`} ...${link} target=${table} id=${id} mayAdd=${mayAdd} />`)}
            </div>
        </section>`;
}
