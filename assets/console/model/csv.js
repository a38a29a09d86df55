// CSV as people's programs write it: read for the preview of an import, and brought into the one form that the server
// reads (UTF-8, commas). What the values mean is the server's business.

/** Bytes of a file that a preview looks at. */
export const PREVIEW_BYTES = 256 * 1024;
const SEPARATORS = [",", ";", "\t", "|"];

/**
 * Text of a file's bytes: UTF-8, or else what older spreadsheets write.
 * @param {ArrayBuffer} bytes
 * @param {boolean} isWhole Whether the end is the end of the file, or somewhere inside a letter.
 */
export function textOf(bytes, isWhole) {
    try {
        // The decoder drops a byte order mark.
        return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !isWhole });
    } catch {
        return new TextDecoder("windows-1252").decode(bytes);
    }
}

/**
 * The separator that the first line has most of, outside of quotes.
 * @param {string} text
 */
export function separatorOf(text) {
    const counts = new Map(SEPARATORS.map((one) => [one, 0]));
    let isQuoted = false;
    for (const letter of text) {
        if (letter === '"') isQuoted = !isQuoted;
        else if (!isQuoted && letter === "\n") break;
        else if (!isQuoted && counts.has(letter)) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}

/**
 * Rows of cells as RFC 4180 has them. Empty lines are no rows.
 * @param {string} text
 * @param {string} separator
 * @param {number} [limit] Rows after which to stop.
 * @returns {string[][]}
 */
export function rowsOf(text, separator, limit = Infinity) {
    /** @type {string[][]} */
    const rows = [];
    /** @type {string[]} */
    let row = [];
    let cell = "";
    let isQuoted = false;
    const endRow = () => {
        row.push(cell);
        if (row.length > 1 || row[0] !== "") rows.push(row);
        row = [];
        cell = "";
    };
    for (let at = 0; at < text.length && rows.length < limit; at++) {
        const letter = text[at];
        if (isQuoted) {
            if (letter !== '"') cell += letter;
            else if (text[at + 1] === '"') { cell += '"'; at++; } else isQuoted = false;
        } else if (letter === '"' && cell === "") isQuoted = true;
        else if (letter === separator) { row.push(cell); cell = ""; }
        else if (letter === "\n") endRow();
        else if (letter !== "\r" || text[at + 1] !== "\n") cell += letter;
    }
    if (rows.length < limit && (cell !== "" || row.length)) endRow();
    return rows;
}

/**
 * Rows as the server reads them.
 * @param {string[][]} rows
 */
export function written(rows) {
    const cell = (/** @type {string} */ text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    return rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/**
 * The field that a column's heading most likely means: letter case, blanks and punctuation do not count.
 * @param {string} heading
 * @param {string[]} paths
 */
export function fieldFor(heading, paths) {
    const plain = (/** @type {string} */ text) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
    const wanted = plain(heading);
    return paths.find((path) => path === heading.trim()) ?? paths.find((path) => plain(path) === wanted) ?? "-";
}
