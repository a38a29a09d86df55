// Who may do what with each table, in words: all tables by the four things one can do with a record.
//
// Deliberately elsewhere: the rules of one table's fields one by one (table-schema.js). Rules are changed in schema files.

import { html, useMemo } from "../vendor/preact.js";
import { EmptyState } from "../components/empty.js";
import { Icon } from "../components/icon.js";
import { Page } from "../components/page.js";
import { href, replace, tableHref } from "../router.js";
import { fieldWords, tables as allTables, words } from "../schema.js";

/**
 * @typedef {import("../schema.js").Table} Table
 * @typedef {import("../schema.js").Permission} Permission
 * @typedef {"open" | "rule" | "staff" | "closed"} Openness
 */

/** @type {{ verb: "select" | "create" | "update" | "delete", label: string }[]} */
const VERBS = [
    { verb: "select", label: "See" },
    { verb: "create", label: "Add" },
    { verb: "update", label: "Change" },
    { verb: "delete", label: "Delete" },
];

/** @type {Record<Openness, { icon: string, label: string, text: string }>} */
const KINDS = {
    open: { icon: "check", label: "Everybody", text: "also without signing in" },
    rule: { icon: "users", label: "By a rule", text: "whoever the words name" },
    staff: { icon: "shield", label: "Staff only", text: "you and your team, in this console" },
    closed: { icon: "lock", label: "Nobody", text: "only the program itself" },
};

/** How open a rule is. The words say the same. @param {Permission} permission @returns {Openness} */
function opennessOf(permission) {
    if (permission.rule === "full") return "open";
    if (permission.rule === "none") return "closed";
    return permission.text?.trim() === "$access = 'staff'" ? "staff" : "rule";
}

/** @param {{ permission: Permission }} props */
function Rule({ permission }) {
    const kind = opennessOf(permission);
    return html`
        <span class=${`rule rule-${kind}`} title=${permission.text ?? null}>
            <${Icon} name=${KINDS[kind].icon} /><span>${permission.words}</span>
        </span>`;
}

/** Rules that fields have of their own, said once for all fields that share them. @param {Table} table */
function fieldRules(table) {
    /** @type {Map<string, { paths: string[], rules: { label: string, permission: Permission }[] }>} */
    const groups = new Map();
    for (const field of table.fields) {
        const rules = VERBS.flatMap(({ verb, label }) => {
            const permission = verb === "delete" ? null : field.permissions[verb];
            return permission && permission.rule !== "full" ? [{ label, permission }] : [];
        });
        if (rules.length === 0 || field.path === "id") continue;
        const key = JSON.stringify(rules);
        const group = groups.get(key) ?? { paths: [], rules };
        group.paths.push(field.path);
        groups.set(key, group);
    }
    return [...groups.values()];
}

/** @param {{ table: Table }} props */
function FieldRules({ table }) {
    const groups = useMemo(() => fieldRules(table), [table]);
    const count = groups.reduce((sum, group) => sum + group.paths.length, 0);
    if (count === 0) return null;
    return html`
        <details class="field-rules">
            <summary>${count === 1 ? "1 field has" : `${count} fields have`} rules of their own<span class="sr-only"> in ${words(table.name)}</span></summary>
            <dl>
                ${groups.map((group) => html`
                    <div key=${group.paths.join()}>
                        <dt>${group.paths.map((path, at) => html`${at > 0 && ", "}<span title=${path}>${fieldWords(path)}</span>`)}</dt>
                        ${group.rules.map(({ label, permission }) => html`
                            <dd key=${label}><span class="verb">${label}</span> <${Rule} permission=${permission} /></dd>`)}
                    </div>`)}
            </dl>
        </details>`;
}

/** @param {{ table: Table }} props */
function TableRow({ table }) {
    return html`
        <tr>
            <th scope="row">
                <a href=${tableHref(table.name)}>${words(table.name)}</a>
                ${table.description && html`<p class="muted small">${table.description}</p>`}
                <${FieldRules} table=${table} />
            </th>
            ${VERBS.map(({ verb, label }) => html`
                <td key=${verb} data-label=${label}><${Rule} permission=${table.permissions[verb]} /></td>`)}
        </tr>`;
}

function Legend() {
    return html`
        <ul class="legend" aria-label="What the marks mean">
            ${Object.entries(KINDS).map(([kind, { icon, label, text }]) => html`
                <li key=${kind}><span class=${`rule rule-${kind}`}><${Icon} name=${icon} /><span>${label}</span></span> <span class="muted small">${text}</span></li>`)}
        </ul>`;
}

/** @param {Table} table @param {string} text */
const isAbout = (table, text) => {
    const rules = VERBS.map(({ verb }) => table.permissions[verb].words);
    return [table.name, words(table.name), table.description ?? "", ...rules].join(" ").toLowerCase().includes(text.toLowerCase());
};

/** @param {import("../router.js").Place} place */
export default function PermissionsScreen({ query }) {
    const text = query.get("q") ?? "";
    const found = (allTables.value ?? []).filter((table) => isAbout(table, text));
    const lead = html`Who may do what on the public side, as your customers' apps use it. You and your team pass every rule here, except where it says nobody.
        The rules stand in the schema files. <a href=${href("/schema")}>See how the tables hang together</a>`;
    return html`
        <${Page} title="Permissions" lead=${lead} isWide>
            <div class="toolbar">
                <label class="search-field"><span class="sr-only">Find a table or a word</span><${Icon} name="search" />
                    <input class="input" type="search" placeholder="Find a table or a word" value=${text}
                        onInput=${(/** @type {any} */ event) => replace("/permissions", event.target.value ? { q: event.target.value } : {})} />
                </label>
            </div>
            <${Legend} />
            ${found.length === 0
                ? html`<${EmptyState} icon="search" title="No table fits">Nothing has “${text}” in its name or rules.<//>`
                : html`
                    <div class="rules-frame">
                        <table class="rules-table">
                            <thead><tr><th scope="col">Table</th>${VERBS.map(({ verb, label }) => html`<th key=${verb} scope="col">${label}</th>`)}</tr></thead>
                            <tbody>${found.map((table) => html`<${TableRow} key=${table.name} table=${table} />`)}</tbody>
                        </table>
                    </div>`}
        <//>`;
}
