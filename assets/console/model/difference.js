// What changed between two forms of a record, field by field, for the audit screen. Pure.

/**
 * @typedef {{ path: string, kind: "added" | "removed" | "changed", before: unknown, after: unknown }} Change
 */

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {unknown} a @param {unknown} b */
const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Objects are compared part by part; lists as a whole.
 * @param {unknown} before
 * @param {unknown} after
 * @param {string} [at] Path of both.
 * @returns {Change[]}
 */
export function differences(before, after, at = "") {
    if (isSame(before, after)) return [];
    const isMissing = (/** @type {unknown} */ value) => value === undefined || value === null;
    const canDescend = (isObject(before) || isMissing(before)) && (isObject(after) || isMissing(after));
    if (canDescend && (isObject(before) || isObject(after)) && (at === "" || (isObject(before) && isObject(after)))) {
        const left = isObject(before) ? before : {};
        const right = isObject(after) ? after : {};
        const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort(byImportance);
        return names.flatMap((name) => differences(left[name], right[name], at ? `${at}.${name}` : name));
    }
    const kind = isMissing(before) ? "added" : isMissing(after) ? "removed" : "changed";
    return isMissing(before) && isMissing(after) ? [] : [{ path: at, kind, before, after }];
}

/** Times of the machine last: they change with everything. @param {string} a @param {string} b */
function byImportance(a, b) {
    const rank = (/** @type {string} */ name) => (name === "id" ? 2 : name === "created_at" || name === "updated_at" ? 1 : 0);
    return rank(a) - rank(b) || a.localeCompare(b);
}

/**
 * One value in a line of text.
 * @param {unknown} value
 */
export function inWords(value) {
    if (value === undefined || value === null) return "—";
    if (typeof value === "string") return value;
    if (isObject(value) && typeof value["minor"] === "number" && typeof value["currency"] === "string") {
        return money(value["minor"], value["currency"]);
    }
    if (isObject(value) && typeof value["table"] === "string" && "id" in value) return `${value["table"]} ${value["id"]}`;
    return JSON.stringify(value);
}

/** @param {number} minor @param {string} currency */
function money(minor, currency) {
    try {
        const form = new Intl.NumberFormat(undefined, { style: "currency", currency });
        return form.format(minor / 10 ** (form.resolvedOptions().maximumFractionDigits ?? 2));
    } catch {
        return `${minor} ${currency}`;
    }
}
