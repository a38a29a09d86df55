// Files in words, and what a field's files are for. Pure.

/** @typedef {"picture" | "film" | "sound" | "document" | "other"} FileKind */

/** What kind of file it is, by its media type. @param {string | undefined} mime @returns {FileKind} */
export function fileKind(mime = "") {
    if (mime.startsWith("image/")) return "picture";
    if (mime.startsWith("video/")) return "film";
    if (mime.startsWith("audio/")) return "sound";
    if (/^text\/|pdf|word|document|sheet|presentation|rtf|csv|excel|powerpoint/.test(mime)) return "document";
    return "other";
}

/** Kinds to choose from, and the beginning of their media types. */
export const FILE_KINDS = [
    { value: "image/", label: "Pictures" },
    { value: "application/pdf", label: "PDF" },
    { value: "video/", label: "Films" },
    { value: "audio/", label: "Sounds" },
    { value: "text/", label: "Texts" },
];

/** The end of a media type, as people know it: `PNG`, `PDF`. @param {string | undefined} mime */
export const typeWords = (mime = "") => (mime.split("/")[1] ?? mime).replace(/^(x-|vnd\.)/, "").replace(/\+.*$/, "").replace(/^.*\./, "").toUpperCase();

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** Bytes in words. @param {number} bytes */
export function sizeWords(bytes) {
    const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
    const form = new Intl.NumberFormat(undefined, { style: "unit", unit: UNITS[step], unitDisplay: "short", maximumFractionDigits: step > 1 ? 1 : 0 });
    return form.format(bytes / 1000 ** step);
}

/** The address of a smaller picture of a file. @param {string} url @param {number} side The most pixels of either side. */
export const thumbOf = (url, side) => `${url}${url.includes("?") ? "&" : "?"}thumb=${side}x${side}`;

/** Whether only pictures are taken for it. @param {string} purpose */
export const isForPictures = (purpose) => /_(photo|logo)$/.test(purpose);
/** What the browser's dialog offers for it. @param {string} purpose */
export const acceptOf = (purpose) => (isForPictures(purpose) ? "image/jpeg,image/png,image/gif,image/webp" : null);
/** Who may see such files as a rule. @param {string} purpose @returns {"public" | "private"} */
export const usualVisibility = (purpose) => (purpose !== "pet_photo" && (isForPictures(purpose) || purpose === "asset") ? "public" : "private");

/** Whether a field links to files and nothing else. @param {{ type: string, links?: string[] | null }} field */
export const isFileLink = ({ type, links }) => type === "link" && links?.length === 1 && links[0] === "files";

/** @param {string} name */
const singular = (name) => name.replace(/ies$/, "y").replace(/(ss|x|ch|sh)es$/, "$1").replace(/([^s])s$/, "$1");

/** What the files of a field are for: what its schema says, else what its name does. @param {string | undefined} table @param {{ path: string, tags?: string[] }} field @param {string[]} purposes */
export function purposeFor(table = "", field, purposes) {
    const said = (field.tags ?? []).find((tag) => purposes.includes(tag));
    if (said) return said;
    const part = singular(field.path.replace(/^.*\./, ""));
    const guesses = [`${singular(table)}_${part}`, part, ...(/photo|image|picture|avatar/.test(part) ? [`${singular(table)}_photo`, table === "users" ? "profile_photo" : ""] : []), `${singular(table)}_attachment`, "attachment", "document"];
    return guesses.find((guess) => purposes.includes(guess)) ?? purposes[0] ?? "";
}

/** The list with an item moved by some places. @template T @param {T[]} items @param {number} at @param {number} by @returns {T[]} */
export function moved(items, at, by) {
    const to = Math.min(items.length - 1, Math.max(0, at + by));
    const rest = items.filter((_, index) => index !== at);
    return [...rest.slice(0, to), items[at], ...rest.slice(to)];
}
