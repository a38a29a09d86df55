// What a table is like: its fields, limits, links, indexes, and who may do what, in words.

import { html, useState } from "../vendor/preact.js";
import { Badge } from "../components/badge.js";
import { DataTable } from "../components/data-table.js";
import { Icon } from "../components/icon.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { Tabs } from "../components/tabs.js";
import { href, tableHref } from "../router.js";
import { tableOf, words } from "../schema.js";

/** @typedef {import("../schema.js").Table} Table @typedef {import("../schema.js").Field} Field @typedef {import("../schema.js").Permission} Permission */

/** @param {Field} field */
function TypeCell({ type, is_list: isList, links, values }) {
    const kind = type === "links_any" ? "link" : type.replace(/_/g, " ");
    const name = isList ? `list of ${kind}` : kind;
    return html`
        <span class="type">${name}${links.length ? " → " : ""}
            ${links.map((link, index) => html`${index ? ", " : ""}<a key=${link} href=${href(`/tables/${link}/schema`)}>${link}</a>`)}</span>
        ${values && html`<div class="small muted wrap">${values.join(", ")}</div>`}`;
}

/** What the field asks of its value. @param {Field} field */
function rules({ limits, is_optional: isOptional, has_default: hasDefault, is_read_only: isReadOnly, is_system: isSystem }) {
    const out = [];
    if (!isOptional && !hasDefault && !isSystem) out.push("required");
    if (isOptional) out.push("optional");
    if (hasDefault) out.push("has a default");
    if (isSystem) out.push("set by the program");
    else if (isReadOnly) out.push("set once");
    const { min, max, min_length: shortest, max_length: longest } = limits ?? {};
    const bound = (/** @type {number | null | undefined} */ value) => (typeof value === "number" ? value.toLocaleString() : "…");
    if (typeof min === "number" || typeof max === "number") out.push(`${bound(min)} to ${bound(max)}`);
    if (typeof shortest === "number" || typeof longest === "number") out.push(`${bound(shortest ?? 0)} to ${bound(longest)} characters`);
    return html`${out.join(", ")}${limits?.pattern && html`<div class="small muted wrap">like <code>${limits.pattern}</code></div>`}`;
}

/** Who, in words, with the rule itself for those who read it. @param {{ permission: Permission }} props */
function Who({ permission }) {
    const kind = permission.rule === "full" ? "good" : permission.rule === "none" ? "quiet" : "warn";
    const short = { full: "all", none: "nobody", where: "by rule" }[permission.rule];
    return html`<div class="who"><${Badge} kind=${kind} text=${short} /><span>${permission.words}</span></div>
        ${permission.text && permission.text !== permission.words && html`<details class="small"><summary>The rule</summary><code class="wrap">${permission.text}</code></details>`}`;
}

/** Who may read a field, where that is less than who may read the record. @param {Field} field */
function readers({ permissions: { select } }) {
    return html`<span class="small" title=${select.text}>${select.rule === "full" ? "as the record" : select.words}</span>`;
}

/** @param {{ table: Table }} props */
function Fields({ table }) {
    const columns = [
        { key: "path", label: "Field", isHead: true, cell: (/** @type {Field} */ field) => html`<code>${field.path}</code>` },
        { key: "type", label: "Type", cell: (/** @type {Field} */ field) => html`<${TypeCell} ...${field} />` },
        { key: "rules", label: "Value", class: "wrap", cell: rules },
        { key: "description", label: "Meaning", class: "wrap", cell: (/** @type {Field} */ field) => field.description },
        { key: "who", label: "Who reads it", class: "wrap", cell: (/** @type {Field} */ field) => readers(field) },
    ];
    return html`<${DataTable} caption="Fields" columns=${columns} rows=${table.fields} keyOf=${(/** @type {Field} */ field) => field.path} />`;
}

/** @param {{ table: Table }} props */
function Indexes({ table }) {
    if (!table.indexes.length) return html`<p class="muted">None. Lists of this table follow its key; any other order or filter reads all rows.</p>`;
    const columns = [
        { key: "name", label: "Index", isHead: true, cell: (/** @type {import("../schema.js").Index} */ index) => html`<code>${index.name}</code>` },
        { key: "fields", label: "Fields", cell: (/** @type {import("../schema.js").Index} */ index) => html`<code>${index.fields.join(", ")}</code>` },
        { key: "kind", label: "Kind", cell: (/** @type {import("../schema.js").Index} */ index) => html`${index.is_unique && html`<${Badge} kind="accent" text="unique" />`}
            ${index.is_full_text && html`<${Badge} kind="good" text="full text" />`}${!index.is_unique && !index.is_full_text && html`<${Badge} kind="quiet" text="order" />`}` },
    ];
    return html`<${DataTable} caption="Indexes" columns=${columns} rows=${table.indexes} keyOf=${(/** @type {import("../schema.js").Index} */ index) => index.name} />`;
}

/** @type {["select" | "create" | "update" | "delete", string][]} */
const VERBS = [["select", "See records"], ["create", "Make records"], ["update", "Change records"], ["delete", "Delete records"]];

/** @param {{ table: Table }} props */
function Permissions({ table }) {
    return html`
        <p class="muted">For customers and apps on the public address. Staff read everything that is not nobody's; admins change it too.</p>
        <dl class="card record-values">${VERBS.map(([verb, label]) => html`<div key=${verb}><dt>${label}</dt><dd><${Who} permission=${table.permissions[verb]} /></dd></div>`)}</dl>`;
}

/** @param {import("../router.js").Place} place */
export default function TableSchema({ params }) {
    const [tab, setTab] = useState("fields");
    const table = tableOf(params.table);
    if (!table) return html`<${NotFound} title=${`There is no table ${params.table}`} />`;
    const crumbs = [{ href: href("/tables"), label: "Tables" }, { href: tableHref(table.name), label: words(table.name) }];
    const tabs = [
        { key: "fields", label: "Fields", count: table.fields.length },
        { key: "permissions", label: "Permissions" },
        { key: "indexes", label: "Indexes", count: table.indexes.length },
    ];
    const actions = html`<a class="button" href=${href("/schema")}><${Icon} name="schema" />Picture</a>
        <a class="button" href=${tableHref(table.name)}><${Icon} name="table" />Records</a>`;
    return html`
        <${Page} title=${`Schema of ${words(table.name).toLowerCase()}`} lead=${table.description} crumbs=${crumbs} actions=${actions} isWide>
            <${Tabs} label="Parts of the schema" tabs=${tabs} current=${tab} onChange=${setTab}>
                <div class="stack">
                    ${tab === "fields" ? html`<${Fields} table=${table} />` : tab === "permissions" ? html`<${Permissions} table=${table} />` : html`<${Indexes} table=${table} />`}
                </div>
            <//>
        <//>`;
}
