// The state of a list as it stands in the address bar, and as the API is asked. Pure.
//
// Both are nearly the same: `status=active&price.minor[lte]=2000&sort=-name&limit=50`; `columns` is the console's own.

/**
 * @typedef {{ path: string, op: string, value: string }} Filter
 * @typedef {object} ListQuery
 * @property {Filter[]} filters
 * @property {string} q Words searched for.
 * @property {string} filter A condition in the API's written form.
 * @property {string} sort
 * @property {number} limit
 * @property {string[] | null} columns Paths shown, null for the table's own choice.
 */

const RESERVED = ["limit", "cursor", "offset", "count", "sort", "fields", "expand", "q", "filter", "columns"];
const LIMIT_DEFAULT = 20;

/** @param {URLSearchParams} query @returns {ListQuery} */
export function parse(query) {
    const filters = [...query].filter(([name]) => !RESERVED.includes(name)).map(([name, value]) => {
        const [, path, op] = /^([^[]+)(?:\[(\w+)\])?$/.exec(name) ?? ["", name, undefined];
        return { path, op: op ?? "eq", value };
    });
    const columns = query.get("columns");
    const limit = Number(query.get("limit"));
    return {
        filters, q: query.get("q") ?? "", filter: query.get("filter") ?? "", sort: query.get("sort") ?? "",
        limit: [20, 50, 100].includes(limit) ? limit : LIMIT_DEFAULT,
        columns: columns ? columns.split(",").filter(Boolean) : null,
    };
}

/** @param {Filter} filter @returns {[string, string]} */
const pair = ({ path, op, value }) => [op === "eq" ? path : `${path}[${op}]`, value];

/** What selects the records: filters and words. @param {ListQuery} list @returns {[string, string][]} */
function selection(list) {
    /** @type {[string, string][]} */
    const pairs = list.filters.map(pair);
    if (list.q) pairs.push(["q", list.q]);
    if (list.filter) pairs.push(["filter", list.filter]);
    return pairs;
}

/** The address bar's form. @param {ListQuery} list */
export function toQuery(list) {
    const pairs = selection(list);
    if (list.sort) pairs.push(["sort", list.sort]);
    if (list.limit !== LIMIT_DEFAULT) pairs.push(["limit", String(list.limit)]);
    if (list.columns) pairs.push(["columns", list.columns.join(",")]);
    return new URLSearchParams(pairs);
}

/** The API's parameters for a page. @param {ListQuery} list @param {{ fields?: string[], cursor?: string | null }} [page] @returns {[string, string][]} */
export function toApi(list, { fields, cursor } = {}) {
    const pairs = selection(list);
    if (list.sort) pairs.push(["sort", list.sort]);
    if (fields?.length) pairs.push(["fields", fields.join(",")]);
    pairs.push(["limit", String(list.limit)]);
    if (cursor) pairs.push(["cursor", cursor]);
    return pairs;
}

/** The parameters of an export: the whole list, without paging. @param {ListQuery} list @param {string} format @param {string[]} [fields] @returns {[string, string][]} */
export function toExport(list, format, fields) {
    const pairs = selection(list);
    if (list.sort) pairs.push(["sort", list.sort]);
    if (fields?.length) pairs.push(["fields", fields.join(",")]);
    return [["format", format], ...pairs];
}

/** The parameters of a count. @param {ListQuery} list @returns {[string, string][]} */
export const toCount = (list) => [...selection(list), ["limit", "1"], ["fields", "id"], ["count", "true"]];

/** What a saved view keeps. @param {ListQuery} list */
export const toView = (list) => ({ query: toQuery(list).toString() });
/** @param {any} view @returns {URLSearchParams} */
export const ofView = (view) => new URLSearchParams(typeof view?.query === "string" ? view.query : "");

/** Whether anything narrows the list. @param {ListQuery} list */
export const isNarrowed = (list) => list.filters.length > 0 || list.q !== "" || list.filter !== "";
