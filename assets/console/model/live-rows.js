// A page of a list while others change its records: rows change in their places, nothing jumps. Pure.

import { isSame } from "./changes.js";

/**
 * @typedef {"changed" | "deleted" | "removed"} Mark `removed`: it no longer fits the list, or may no longer be seen.
 * @typedef {object} Kept What was told since the page was loaded.
 * @property {Map<string, any>} rows Records as they are now, by key.
 * @property {Map<string, Mark>} marks Of rows that are not as they were loaded.
 * @property {Set<string>} fresh Keys of new records, which are not on the page.
 */

/** @returns {Kept} */
export const nothingTold = () => ({ rows: new Map(), marks: new Map(), fresh: new Set() });

/** The page with one more change. @param {Kept} kept @param {any[]} loaded The rows as they were loaded. @param {{ action: string, record: any }} change @returns {Kept} */
export function take(kept, loaded, { action, record }) {
    const key = String(record.id);
    const shown = kept.rows.get(key) ?? loaded.find((row) => String(row.id) === key);
    if (!shown) {
        const fresh = new Set(kept.fresh);
        if (action === "created") fresh.add(key);
        else if (action !== "updated") fresh.delete(key);
        return { ...kept, fresh };
    }
    const marks = new Map(kept.marks);
    if (action === "deleted" || action === "removed") return { ...kept, marks: marks.set(key, action) };
    // Our own changes come back too, after the page has them.
    if (isSame(shown, record)) {
        if (marks.get(key) !== "removed") return kept;
        return { ...kept, marks: marks.set(key, "changed") };
    }
    return { ...kept, rows: new Map(kept.rows).set(key, record), marks: marks.set(key, "changed") };
}

/** The rows to show. @param {any[]} loaded @param {Kept} kept */
export const rowsNow = (loaded, kept) => loaded.map((row) => kept.rows.get(String(row.id)) ?? row);
