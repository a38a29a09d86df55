// The tables as the server describes them, loaded once per page.

import { signal } from "./vendor/preact.js";
import { get } from "./api.js";
import { ordered } from "./model/order.js";
import { OWN_LABELS } from "./model/own-tables.js";
export { fieldWords, words } from "./model/words.js";

/**
 * @typedef {import("./types/api").components["schemas"]} Schemas The types of our own OpenAPI document.
 * @typedef {Schemas["PermissionDescription"]} Permission
 * @typedef {Schemas["ValueLimits"]} Limits
 * @typedef {Schemas["IndexDescription"]} Index
 * @typedef {Omit<Schemas["FieldDescription"], "links"> & { links: string[] }} Field `links`: tables a link may lead to; none for
 *   other types, and none for a link to any table.
 * @typedef {Omit<Schemas["TableDescription"], "fields"> & { fields: Field[] }} Table
 */

/** All tables in order of name, null until loaded. */
export const tables = signal(/** @type {Table[] | null} */ (null));

/** @type {Promise<void> | null} */
let loading = null;
/** Loads the schema, once; throws a Problem. @returns {Promise<void>} */
export function loadSchema() {
    loading ??= get("/schema").then(
        (answer) => { tables.value = answer.tables.map((/** @type {Table} */ table) => ordered({ ...table, label_field: OWN_LABELS[table.name] ?? table.label_field })); },
        (error) => { loading = null; throw error; },
    );
    return /** @type {Promise<void>} */ (loading);
}

/** Forgets the schema, so that the next sign-in loads its own. */
export function forgetSchema() {
    loading = null;
    tables.value = null;
}

/** The table of that name, if the caller may see it. @param {string} name @returns {Table | undefined} */
export const tableOf = (name) => tables.value?.find((table) => table.name === name);
/** The field at a path. @param {Table} table @param {string} path @returns {Field | undefined} */
export const fieldOf = (table, path) => table.fields.find((field) => field.path === path);
/** Fields that are not inside another. @param {Table} table */
export const topFields = (table) => table.fields.filter((field) => !field.path.includes("."));
/** Fields directly inside an object field; those of a list of objects stand below `path.*`. @param {Table} table @param {string} path */
export const childFields = (table, path) =>
    table.fields.filter((field) => field.path.startsWith(`${path}.`) && !field.path.slice(path.length + 1).includes("."));
/** The value at a path inside a record. @param {any} record @param {string} path */
export const valueAt = (record, path) => path.split(".").reduce((value, part) => value?.[part], record);

/** How a record is called: its label field, or the start of its key. @param {Table | undefined} table @param {any} record */
export function labelOf(table, record) {
    const label = table?.label_field ? valueAt(record, table.label_field) : null;
    return label ? String(label) : shortId(record?.id);
}
/** A key short enough for a line; UUIDv7 keys differ at their end. @param {any} id */
export function shortId(id) {
    const text = String(id ?? "");
    return /^[0-9a-f-]{36}$/.test(text) ? `…${text.slice(-8)}` : text;
}
