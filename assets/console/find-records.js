// Finds records of a table by some of their name, by their words, or by their key.
//
// The API's `contains` and `starts` tell upper and lower case apart and `q` knows whole words only; people expect neither, so
// several questions are asked and their answers joined. Small tables are loaded once and searched here.

import { get } from "./api.js";
import { labelOf, tableOf } from "./schema.js";

/** Records up to which a table is searched here. */
const SMALL_MAX = 100;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** @typedef {import("./schema.js").Table} Table */

/** Whether some text is a key that the program made. @param {string} text */
export const isUuid = (text) => UUID.test(text);

/** Whether some text could be a key of this table. @param {Table} table @param {string} text */
export const couldBeKey = (table, text) => ({ uuid: UUID, int: /^-?\d{1,15}$/, text: /^[\w.-]{1,64}$/ })[table.key].test(text);

/** The record with exactly this key, if there is one. @param {Table} table @param {string} key @param {AbortSignal} [abort] @returns {Promise<any[]>} */
export const findByKey = async (table, key, abort) =>
    (await get(`/${table.name}`, { fields: table.label_field ?? "id", limit: 1, id: key }, abort)).items;

/** The text as typed, in lower case, and with a capital. @param {string} text */
const spellings = (text) => [...new Set([text, text.toLowerCase(), text.replace(/(^|\s)\S/g, (first) => first.toUpperCase())])];

/** @param {Table} table @param {string} text */
const byText = (table, text) => (/** @type {any} */ record) => `${labelOf(table, record)} ${record.id}`.toLowerCase().includes(text.toLowerCase());

/** @param {any[][]} lists @param {number} most */
function joined(lists, most) {
    const found = new Map(lists.flat().map((record) => [record.id, record]));
    return [...found.values()].slice(0, most);
}

/**
 * Records that fit some text, the newest or first ones without any.
 * @param {string} name @param {string} text @param {number} most @param {AbortSignal} [abort] @returns {Promise<any[]>}
 */
export async function findRecords(name, text, most, abort) {
    const table = tableOf(name);
    if (!table) return [];
    const label = table.label_field;
    const ask = async (/** @type {Record<string, any>} */ query) =>
        (await get(`/${name}`, { fields: label ?? "id", limit: most, ...query }, abort));
    if (isUuid(text)) return findByKey(table, text, abort);
    const start = await ask({ limit: SMALL_MAX, sort: table.key === "uuid" ? "" : label });
    if (!text || !start.next_cursor) return start.items.filter(byText(table, text)).slice(0, most);
    if (!label) return [];
    const filter = spellings(text).map((spelling) => `${label} contains ${JSON.stringify(spelling)}`).join(" or ");
    const answers = await Promise.all([ask({ filter }), ...(table.has_text_search ? [ask({ q: text })] : [])]);
    return joined(answers.map((answer) => answer.items), most);
}

/** Keys in one request. */
const KEYS_MAX = 50;

/** Whole records by their keys, in that order; those that are gone are left out. @param {string} name @param {string[]} keys @returns {Promise<any[]>} */
export async function wholeRecords(name, keys) {
    const parts = [];
    for (let at = 0; at < keys.length; at += KEYS_MAX) parts.push(keys.slice(at, at + KEYS_MAX));
    const answers = await Promise.all(parts.map((part) => get(`/${name}`, { "id[in]": part.join(","), limit: KEYS_MAX })));
    const found = new Map(answers.flatMap((answer) => answer.items).map((record) => [String(record.id), record]));
    return keys.map((key) => found.get(String(key))).filter(Boolean);
}
