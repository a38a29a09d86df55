// What is inside an object, as lines of a name and one value each. Pure.

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Lists of plain values stay in one line; money and links, too. @param {unknown} value */
const isLine = (value) => (isObject(value) ? ("minor" in value && "currency" in value) || ("table" in value && "id" in value) || Object.keys(value).length === 0
    : !Array.isArray(value) || !value.some(isObject));

/**
 * The lines of an object, parts of parts by their path.
 * @param {Record<string, unknown>} object @param {string} [at] @returns {{ path: string, value: unknown }[]}
 */
export function linesOf(object, at = "") {
    return Object.entries(object).flatMap(([name, value]) => {
        const path = at ? `${at}.${name}` : name;
        if (isLine(value)) return [{ path, value }];
        return linesOf(Array.isArray(value) ? Object.fromEntries(value.map((item, index) => [String(index + 1), item])) : /** @type {Record<string, unknown>} */ (value), path);
    });
}

/** Text as JSON, where it is an object. @param {string | null | undefined} text @returns {Record<string, unknown> | null} */
export function objectIn(text) {
    try {
        const value = JSON.parse(text ?? "");
        return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
    } catch {
        return null;
    }
}
