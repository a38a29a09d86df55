// What a form sends: the fields of a new record, or the merge patch between two versions. Pure.

/** @param {any} value */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether two JSON values are the same; absent and null are. @param {any} one @param {any} other @returns {boolean} */
export function isSame(one, other) {
    if (one === other || ((one === null || one === undefined) && (other === null || other === undefined))) return true;
    if (Array.isArray(one) && Array.isArray(other)) return one.length === other.length && one.every((item, index) => isSame(item, other[index]));
    if (!isObject(one) || !isObject(other)) return false;
    const names = new Set([...Object.keys(one), ...Object.keys(other)]);
    return [...names].every((name) => isSame(one[name], other[name]));
}

/** The merge patch (RFC 7386) that makes `after` of `before`: only what differs, null for what goes. @param {any} before @param {any} after @returns {any} */
export function mergePatch(before, after) {
    if (!isObject(before) || !isObject(after)) return after ?? null;
    /** @type {Record<string, any>} */
    const patch = {};
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
        if (!isSame(before[name], after[name])) patch[name] = mergePatch(before[name], after[name] ?? null);
    }
    return patch;
}

/** Names of the top fields that differ. @param {any} before @param {any} after */
export const changedNames = (before, after) => Object.keys(mergePatch(before ?? {}, after ?? {}));

/** A new record without what was left empty. @param {Record<string, any>} values */
export const filledOnly = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== ""));
