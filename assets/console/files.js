// Files that records link to: what is known of them, asked for together and kept for this page; and the way to new ones.

import { signal, useEffect } from "./vendor/preact.js";
import { get, upload } from "./api.js";
import { learn } from "./labels.js";
import { fieldOf, tableOf } from "./schema.js";

/**
 * @typedef {{ id: string, name: string, mime: string, url: string, size: number, purpose: string, visibility: "public" | "private", created_at: string,
 *   width?: number, height?: number, sha256?: string, owner?: string, business?: string, unlinked_since?: string }} FileRecord
 * @typedef {{ purpose: string, visibility?: string, business?: string }} Wish What a new file is for.
 */

const FIELDS = "id,name,mime,url,size,purpose,visibility,width,height,created_at";
/** Most keys in one request. */
const KEYS_MAX = 50;
/** Files kept before the page forgets them all. */
const KEPT_MAX = 2000;

/** Null for those that are not there. @type {Map<string, import("./vendor/preact.js").Signal<FileRecord | null | undefined>>} */
const known = new Map();
/** Keys still to be asked for. @type {Set<string>} */
const wanted = new Set();

/** @param {string} id */
function entry(id) {
    let found = known.get(id);
    if (!found) {
        if (known.size > KEPT_MAX) known.clear();
        found = signal(/** @type {FileRecord | null | undefined} */ (undefined));
        known.set(id, found);
    }
    return found;
}

/** Keeps what is known from a file read anyhow. @param {FileRecord} file */
export function learnFile(file) {
    entry(file.id).value = file;
    learn("files", file);
}

async function askAll() {
    const keys = [...wanted];
    wanted.clear();
    for (let at = 0; at < keys.length; at += KEYS_MAX) {
        const part = keys.slice(at, at + KEYS_MAX);
        try {
            const answer = await get("/files", { "id[in]": part.join(","), fields: FIELDS, limit: KEYS_MAX });
            const found = new Map(answer.items.map((/** @type {FileRecord} */ file) => [file.id, file]));
            for (const key of part) entry(key).value = found.get(key) ?? null;
        } catch {
            // The key is shown then; the file's own page says what is wrong.
        }
    }
}

/** A file by its key: undefined until it is known, null if it is not there. @param {string} id @returns {FileRecord | null | undefined} */
export function useFile(id) {
    useEffect(() => {
        if (wanted.has(id) || entry(id).peek() !== undefined) return;
        if (!wanted.size) queueMicrotask(askAll);
        wanted.add(id);
    }, [id]);
    return entry(id).value;
}

/** What files may be for. @returns {string[]} */
export function purposes() {
    const files = tableOf("files");
    return (files && fieldOf(files, "purpose")?.values) ?? [];
}

/** Sends a new file. Throws a Problem. @param {File} file @param {Wish} wish @param {{ onProgress?: (share: number) => void, signal?: AbortSignal }} [options] @returns {Promise<FileRecord>} */
export async function sendFile(file, { purpose, visibility, business }, options) {
    const form = new FormData();
    // The server decides by these what it takes, so they come first.
    form.set("purpose", purpose);
    if (visibility) form.set("visibility", visibility);
    if (business) form.set("business", business);
    form.set("file", file);
    const record = await upload("/files", form, options);
    learnFile(record);
    return record;
}
