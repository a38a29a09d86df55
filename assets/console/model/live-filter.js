// The condition under which a list is told of changes: its filters in the API's written form. Pure.
//
// What cannot be written so cannot be kept true while others change records; such a list is not live, and says why.

/** @typedef {import("./list-query.js").ListQuery} ListQuery @typedef {{ type: string } | undefined} Kind The field at a path. */

/** Longest condition that the server takes. */
const LENGTH_MAX = 4000;
/** @type {Record<string, string>} */
const OPERATORS = { eq: "=", ne: "!=", lt: "<", lte: "<=", gt: ">", gte: ">=", contains: "contains", starts: "starts" };
/** Types whose values stand without quotes. */
const BARE = ["integer", "number", "boolean"];

/** @param {string} value @param {string} type @returns {string | null} */
function literal(value, type) {
    if (!BARE.includes(type)) return JSON.stringify(value);
    return type === "boolean" ? (/^(true|false)$/.test(value) ? value : null) : (/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value) ? value : null);
}

/** @param {import("./list-query.js").Filter} filter @param {(path: string) => Kind} kindOf @returns {string | null} */
function comparison({ path, op, value }, kindOf) {
    const kind = kindOf(path);
    if (!kind || !/^[A-Za-z0-9_.]+$/.test(path)) return null;
    if (op === "null") return `${path} ${value === "true" ? "=" : "!="} null`;
    if (op === "in") {
        const items = value.split(",").map((item) => literal(item, kind.type));
        return items.includes(null) ? null : `${path} in [${items.join(", ")}]`;
    }
    const written = literal(value, kind.type);
    return OPERATORS[op] && written !== null ? `${path} ${OPERATORS[op]} ${written}` : null;
}

/** The condition, empty for a whole table; or why there is none. @param {ListQuery} list @param {(path: string) => Kind} kindOf @returns {{ filter: string, why: null } | { filter: null, why: string }} */
export function liveFilter(list, kindOf) {
    if (list.q) return { filter: null, why: "A search for words finds what the index knows when it is asked. Load again to see what is new." };
    const parts = list.filters.map((filter) => comparison(filter, kindOf));
    if (list.filter) parts.push(parts.length ? `(${list.filter})` : list.filter);
    const filter = parts.join(" and ");
    if (parts.includes(null) || filter.length > LENGTH_MAX) return { filter: null, why: "Its filters cannot be followed. Load again to see what is new." };
    return { filter, why: null };
}
