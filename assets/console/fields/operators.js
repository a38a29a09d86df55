// The comparisons that lists can be filtered by, in words. The names are those of the API's `field[operator]=value`.

/** @typedef {[name: string, words: string]} Operator */

/** @type {Record<string, string>} */
export const WORDS = {
    eq: "is", ne: "is not", contains: "contains", starts: "begins with", in: "is one of",
    lt: "below", lte: "at most", gt: "above", gte: "at least", null: "is empty",
};
/** @type {Record<string, string>} */
const WORDS_OF_TIME = { lt: "before", lte: "until", gt: "after", gte: "from" };

/** @param {string[]} names @param {boolean} [isTime] @returns {Operator[]} */
const list = (names, isTime = false) => names.map((name) => [name, (isTime && WORDS_OF_TIME[name]) || WORDS[name]]);

const EMPTY = ["null"];
const TEXT = ["contains", "starts", "eq", "ne", ...EMPTY];
const ORDERED = ["eq", "ne", "gte", "lte", "gt", "lt", ...EMPTY];
const CHOSEN = ["eq", "ne", "in", ...EMPTY];
const SAME = ["eq", "ne", ...EMPTY];
const TIMES = ["gte", "lte", "gt", "lt", "eq", ...EMPTY];

/** What a field can be compared by. @param {import("../schema.js").Field} field @returns {Operator[]} */
export function operatorsOf(field) {
    if (field.is_list) return list(["contains"]);
    switch (field.type) {
        case "integer": case "number": case "decimal": case "money": case "duration": return list(ORDERED);
        case "date": case "datetime": return list(TIMES, true);
        case "boolean": return list(["eq", ...EMPTY]);
        case "enum": return list(CHOSEN);
        case "link": case "links_any": case "uuid": return list(SAME);
        case "object": case "point": case "geometry": case "bytes": case "any": return list(EMPTY);
        default: return list(TEXT);
    }
}
