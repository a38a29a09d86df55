// All tables, with how much is in them.

import { html, useState } from "../vendor/preact.js";
import { get } from "../api.js";
import { Badge } from "../components/badge.js";
import { EmptyState } from "../components/empty.js";
import { DataTable } from "../components/data-table.js";
import { Page } from "../components/page.js";
import { go, href, tableHref } from "../router.js";
import { useResource } from "../resource.js";
import { tables, words } from "../schema.js";

/** @typedef {import("../schema.js").Table} Table */

/** How open a table is, in a word. @param {Table} table */
function access(table) {
    const { rule } = table.permissions.select;
    const isStaffOnly = rule === "where" && /^\s*\$access = 'staff'\s*$/.test(table.permissions.select.text ?? "");
    if (rule === "full") return html`<${Badge} kind="good" text="public" title=${table.permissions.select.words} />`;
    if (rule === "none" || isStaffOnly) return html`<${Badge} kind="quiet" text="staff" title=${table.permissions.select.words} />`;
    return html`<${Badge} kind="warn" text="by rule" title=${table.permissions.select.words} />`;
}

export default function Tables() {
    const [text, setText] = useState("");
    const overview = useResource((abort) => get("/overview", undefined, abort), []);
    const rows = new Map((overview.data?.tables ?? []).map((/** @type {any} */ table) => [table.name, table.rows]));
    const wanted = text.trim().toLowerCase();
    const shown = (tables.value ?? []).filter((table) => `${table.name} ${words(table.name)} ${table.description ?? ""}`.toLowerCase().includes(wanted));
    const columns = [
        { key: "name", label: "Table", isHead: true, cell: (/** @type {Table} */ table) => html`<a href=${tableHref(table.name)}>${words(table.name)}</a>` },
        { key: "description", label: "What it holds", class: "wrap", cell: (/** @type {Table} */ table) => html`<span class="muted">${table.description}</span>` },
        { key: "rows", label: "Records", class: "number", cell: (/** @type {Table} */ table) => (rows.has(table.name) ? rows.get(table.name).toLocaleString() : "") },
        { key: "fields", label: "Fields", class: "number", cell: (/** @type {Table} */ table) => String(table.fields.filter((field) => !field.path.includes(".")).length) },
        { key: "access", label: "Read by", cell: access },
        {
            key: "schema", label: html`<span class="sr-only">Schema</span>`,
            cell: (/** @type {Table} */ table) => html`
                <a href=${href(`/tables/${table.name}/schema`)} aria-label=${`Schema of ${words(table.name)}`}>Schema</a>`,
        },
    ];
    return html`
        <${Page} title="Tables" lead="Everything that is stored. Open a table to see, search and change its records.">
            <input class="input search-input" type="search" aria-label="Find a table" placeholder="Find a table" value=${text}
                onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
            ${shown.length ? html`<${DataTable} caption="Tables" columns=${columns} rows=${shown} keyOf=${(/** @type {Table} */ table) => table.name}
                    onOpen=${(/** @type {Table} */ table) => go(`/tables/${table.name}`)} />`
                : html`<${EmptyState} icon="search" title="No table of that name" actions=${html`<button type="button" class="button" onClick=${() => setText("")}>Show all</button>`} />`}
        <//>`;
}
