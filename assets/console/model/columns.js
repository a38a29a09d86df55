// Which fields of a table are shown as columns, and how they sort. Pure.

import { fieldOf, topFields } from "../schema.js";
import { isHeavy } from "../fields/index.js";
import { isFileLink } from "./files.js";

/** @typedef {import("../schema.js").Field} Field @typedef {import("../schema.js").Table} Table */

/** Columns shown beside the name if nobody chose any. */
const SHOWN_MAX = 6;
/** Fields that say most about a record come first. */
const FIRST = ["status", "role", "kind", "type", "price", "base_price", "total", "email"];

/** Fields that can be a column. @param {Table} table */
export const columnFields = (table) => topFields(table);

/** How good a field is as a column; lower is better. @param {Field} field */
function rank(field) {
    const first = FIRST.indexOf(field.path);
    if (first >= 0) return first;
    if (["updated_at", "slug", "legal_name", "password", "currency", "timezone", "locale"].includes(field.path)) return 90;
    if (isFileLink(field)) return FIRST.length;
    const late = field.is_optional ? 10 : 0;
    if (field.type === "link" && !field.is_list) return 20 + late;
    if (field.type === "enum" || field.type === "money" || field.type === "links_any") return 21 + late;
    return (field.is_list || field.type === "point" || field.type === "boolean" ? 50 : 25) + late;
}

/** The paths shown without a choice: the name, pictures, what says most, when it was made. @param {Table} table @returns {string[]} */
export function usualColumns(table) {
    const name = table.label_field ?? "id";
    const rest = topFields(table).filter((field) => field.path !== name && field.path !== "id" && !isHeavy(field));
    const made = rest.filter((field) => field.path === "created_at");
    const chosen = rest.filter((field) => field.path !== "created_at").sort((one, other) => rank(one) - rank(other)).slice(0, SHOWN_MAX - made.length);
    // A picture says at once which record it is.
    const [pictures, others] = [true, false].map((is) => rest.filter((field) => chosen.includes(field) && isFileLink(field) === is));
    return [name, ...pictures, ...others, ...made].map((field) => (typeof field === "string" ? field : field.path));
}

/** The fields of some paths; the one that names the record first. @param {Table} table @param {string[]} paths @returns {Field[]} */
export function fieldsOf(table, paths) {
    const name = table.label_field ?? "id";
    const wanted = [name, ...paths.filter((path) => path !== name)];
    return /** @type {Field[]} */ (wanted.map((path) => fieldOf(table, path)).filter(Boolean));
}

/** What a column sorts by: money by its amount. @param {Table} table @param {Field} field @returns {string | undefined} */
export function sortKeyOf(table, field) {
    if (field.type === "money" && !field.is_list) return fieldOf(table, `${field.path}.minor`)?.is_sortable ? `${field.path}.minor` : undefined;
    return field.is_sortable && !field.is_list ? field.path : undefined;
}

/** The field that a filter's path belongs to: of `price.minor` the money `price`. @param {Table} table @param {string} path */
export function filterFieldOf(table, path) {
    const parent = path.endsWith(".minor") ? fieldOf(table, path.slice(0, -6)) : undefined;
    return parent?.type === "money" ? parent : fieldOf(table, path);
}

/** The path a field is filtered by. @param {Field} field */
export const filterPathOf = (field) => (field.type === "money" && !field.is_list ? `${field.path}.minor` : field.path);

/** Fields a list can be filtered by; parts of money only through the money. @param {Table} table @returns {Field[]} */
export function filterFields(table) {
    const isMoneyPart = (/** @type {Field} */ field) => /\.(minor|currency)$/.test(field.path) && fieldOf(table, field.path.replace(/\.\w+$/, ""))?.type === "money";
    const rank = (/** @type {Field} */ field) => (field.path === table.label_field ? 0 : field.path === "id" ? 2 : 1);
    return table.fields.filter((field) => (field.is_filterable || field.type === "money") && !field.path.includes("*")
        && !(field.path.endsWith(".minor") && isMoneyPart(field))).sort((one, other) => rank(one) - rank(other));
}
