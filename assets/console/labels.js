// How linked records are called: asked for together, kept for this page.

import { signal, useEffect } from "./vendor/preact.js";
import { get } from "./api.js";
import { labelOf, shortId, tableOf, valueAt } from "./schema.js";

/** @typedef {{ table: string, id: string }} Link */

/** Labels by `table:id`; null for records that are not there. @type {Map<string, import("./vendor/preact.js").Signal<string | null | undefined>>} */
const labels = new Map();
/** Keys asked for already. @type {Set<string>} */
const asked = new Set();
/** Keys still to be asked for, by table. @type {Map<string, Set<string>>} */
const wanted = new Map();
/** Most keys in one request. */
const KEYS_MAX = 50;
/** Labels kept before the page forgets them all. */
const KEPT_MAX = 5000;

/** The table and key of a link's value. @param {{ links?: string[] | null }} field @param {any} value @returns {Link | null} */
export function linkOf(field, value) {
    if (typeof value === "string" || typeof value === "number") {
        const only = field.links?.length === 1 ? field.links[0] : null;
        if (only) return { table: only, id: String(value) };
        const at = String(value).indexOf(":");
        return at > 0 ? { table: String(value).slice(0, at), id: String(value).slice(at + 1) } : null;
    }
    return value?.table && value.id !== undefined ? { table: value.table, id: String(value.id) } : null;
}

/** A link as one text, whatever form it has. @param {any} value */
export const keyOfLink = (value) => (typeof value === "object" && value ? `${value.table}:${value.id}` : String(value));

/** @param {string} key */
function entry(key) {
    if (labels.size > KEPT_MAX) {
        labels.clear();
        asked.clear();
    }
    let found = labels.get(key);
    if (!found) {
        found = signal(/** @type {string | null | undefined} */ (undefined));
        labels.set(key, found);
    }
    return found;
}

/** Asks for the labels of some keys of a table. @param {string} name @param {string[]} keys */
async function ask(name, keys) {
    const table = tableOf(name);
    if (!table?.label_field) return;
    try {
        const answer = await get(`/${name}`, { "id[in]": keys.join(","), fields: table.label_field, limit: 100 });
        const found = new Map(answer.items.map((/** @type {any} */ record) => [String(record.id), valueAt(record, table.label_field ?? "id")]));
        for (const key of keys) entry(`${name}:${key}`).value = found.get(key) ?? null;
    } catch {
        // Without a label the key is shown; the record's own page says what is wrong.
    }
}

function askAll() {
    for (const [name, keys] of wanted) {
        const list = [...keys];
        for (let at = 0; at < list.length; at += KEYS_MAX) ask(name, list.slice(at, at + KEYS_MAX));
    }
    wanted.clear();
}

/** Asks for a label with the next ones. @param {Link} link */
function want({ table, id }) {
    const key = `${table}:${id}`;
    if (asked.has(key) || entry(key).peek() !== undefined) return;
    asked.add(key);
    if (!wanted.size) queueMicrotask(askAll);
    wanted.set(table, (wanted.get(table) ?? new Set()).add(id));
}

/** Keeps what is known from a record read anyhow. @param {string} name @param {any} record */
export function learn(name, record) {
    const table = tableOf(name);
    if (table?.label_field && record?.id) entry(`${name}:${record.id}`).value = labelOf(table, record);
}

/** How a linked record is called; its short key until that is known. @param {string | undefined} table @param {any} id @returns {string} */
export function useLabel(table, id) {
    useEffect(() => { if (table && id) want({ table, id: String(id) }); }, [table, id]);
    if (!table) return "";
    return entry(`${table}:${id}`).value ?? shortId(id);
}
