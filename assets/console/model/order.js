// The order in which people expect the fields of a record: its name, what it must have, what it may have, times last. Pure.
//
// The server lists fields alphabetically, because the database does not keep the order of their definitions.

/** @typedef {import("../schema.js").Field} Field @typedef {import("../schema.js").Table} Table */

const LATE = ["created_at", "updated_at"];
const EARLY = ["slug", "legal_name", "title", "email", "sku", "role", "type", "kind", "kinds", "status"];

/** The place of a top field; lower is earlier. @param {Table} table @param {Field} field */
function place(table, field) {
    if (field.path === "id") return 0;
    if (field.path === table.label_field) return 1;
    if (LATE.includes(field.path)) return 90 + LATE.indexOf(field.path);
    if (field.type === "long_text") return 60;
    if (["object", "any", "bytes", "geometry", "array"].includes(field.type)) return 70;
    const early = EARLY.indexOf(field.path);
    if (early >= 0) return 10 + early;
    const isNeeded = !field.is_optional && !field.has_default;
    const isLink = field.type === "link" || field.type === "links_any";
    if (field.type === "money") return isNeeded ? 30 : 41;
    if (isLink && !field.is_list) return isNeeded ? 25 : 40;
    if (field.type === "boolean") return 55;
    if (field.is_list) return 50;
    return isNeeded ? 31 : 45;
}

/** A table with its fields in that order, parts of an object after it. @param {Table} table @returns {Table} */
export function ordered(table) {
    const fields = table.fields.map((field) => ({ ...field, links: field.links ?? [] }));
    const top = fields.filter((field) => !field.path.includes("."));
    const sorted = top.map((field, index) => ({ field, index, at: place(table, field) })).sort((one, other) => one.at - other.at || one.index - other.index);
    const inside = (/** @type {Field} */ parent) => fields.filter((field) => field.path.startsWith(`${parent.path}.`));
    return { ...table, fields: sorted.flatMap(({ field }) => [field, ...inside(field)]) };
}
