// A file to import: read, matched with the fields of a table, and made into what the server reads. Pure but for reading.
//
// Deliberately elsewhere: CSV itself (csv.js), sending (screens/import.js). Whether a row is good is the server's business.

import { fieldFor, rowsOf, separatorOf, textOf, written } from "./csv.js";

/**
 * @typedef {import("../schema.js").Table} Table
 * @typedef {import("../schema.js").Field} Field
 * @typedef {{ name: string, kind: "csv", heads: string[], rows: string[][] }} CsvFile
 * @typedef {{ name: string, kind: "json", rows: any[] }} JsonFile
 * @typedef {CsvFile | JsonFile} ImportFile
 * @typedef {{ path: string, label: string, isAmount?: boolean }} Target What a column can go to.
 */

/** What a column goes to when it goes nowhere. */
export const NOWHERE = "-";
/** Before the path of money whose amount is written as people write it. */
const AMOUNT = "amount:";

/** Reads a chosen file; throws an Error with words for the reader. @param {File} file @returns {Promise<ImportFile>} */
export async function read(file) {
    const text = textOf(await file.arrayBuffer(), true);
    if (/\.(json|ndjson|jsonl)$/i.test(file.name) || /^\s*\[\s*\{/.test(text)) return { name: file.name, kind: "json", rows: objectsOf(text) };
    const [heads, ...rows] = rowsOf(text, separatorOf(text));
    if (!heads) throw new Error("The file is empty.");
    if (rows.length === 0) throw new Error("The file has a line of headings, but no row below it.");
    return { name: file.name, kind: "csv", heads, rows };
}

/** The records of a JSON file: a list of objects, or one object in each line. @param {string} text @returns {any[]} */
function objectsOf(text) {
    let rows;
    try {
        rows = text.trimStart().startsWith("[") ? JSON.parse(text) : text.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line));
    } catch {
        throw new Error("This is not valid JSON. It must be a list of objects, or one object in each line.");
    }
    const isObject = (/** @type {any} */ row) => typeof row === "object" && row !== null && !Array.isArray(row);
    if (!Array.isArray(rows) || !rows.every(isObject)) throw new Error("The file must hold a list of objects.");
    if (rows.length === 0) throw new Error("The file holds no records.");
    return rows;
}

/** Fields that a row can bring: those with a value of their own that staff may set. @param {Table} table @returns {Field[]} */
export function fieldsOf(table) {
    const hasParts = (/** @type {Field} */ field) => table.fields.some((other) => other.path.startsWith(`${field.path}.`));
    return table.fields.filter((field) => field.permissions.create.rule !== "none" && !field.is_system && !field.path.includes("*") && (field.is_list || !hasParts(field)));
}

/** What the columns of a file can go to. @param {Table} table @param {(path: string) => string} wordsOf @returns {Target[]} */
export function targetsOf(table, wordsOf) {
    const money = table.fields.filter((field) => field.type === "money" && !field.is_list && field.permissions.create.rule !== "none");
    return [
        ...fieldsOf(table).map((field) => ({ path: field.path, label: wordsOf(field.path) })),
        ...money.map((field) => ({ path: AMOUNT + field.path, label: `${wordsOf(field.path)} as people write it: 19.99`, isAmount: true })),
    ];
}

/** Where each column most likely goes; no two go to the same. @param {string[]} heads @param {Table} table @returns {string[]} */
export function guess(heads, table) {
    const paths = fieldsOf(table).map((field) => field.path);
    const money = table.fields.filter((field) => field.type === "money").map((field) => field.path);
    const isSure = (/** @type {string} */ path) => !table.fields.find((field) => field.path === path.split(".")[0])?.is_optional;
    // The part of a field may be called by its own name where one only is called so, or one only is always there.
    const part = (/** @type {string} */ head) => {
        const found = paths.filter((path) => fieldFor(head, [path.split(".").at(-1) ?? path]) !== NOWHERE);
        const sure = found.filter(isSure);
        return found.length === 1 ? found[0] : sure.length === 1 ? sure[0] : NOWHERE;
    };
    const taken = new Set();
    return heads.map((head) => {
        const amount = fieldFor(head, money);
        const whole = fieldFor(head, paths);
        const found = amount !== NOWHERE ? AMOUNT + amount : whole !== NOWHERE ? whole : part(head);
        if (found === NOWHERE || taken.has(found)) return NOWHERE;
        taken.add(found);
        return found;
    });
}

/** The path that a target writes to. @param {string} target */
export const pathOf = (target) => (target.startsWith(AMOUNT) ? `${target.slice(AMOUNT.length)}.minor` : target);

/** Fields that every new record needs and no column brings. @param {Table} table @param {string[]} mapping @returns {Field[]} */
export function missing(table, mapping) {
    const brought = new Set(mapping.map(pathOf));
    const isAnyBrought = (/** @type {string} */ parent) => [...brought].some((path) => path.startsWith(`${parent}.`));
    const isNeeded = (/** @type {Field} */ field) => {
        const parents = field.path.split(".").slice(0, -1).map((_, at, parts) => parts.slice(0, at + 1).join("."));
        const optional = parents.find((path) => table.fields.find((other) => other.path === path)?.is_optional);
        // The parts of an object that may be left out are needed as soon as one of them is there.
        return !field.is_optional && !field.has_default && (!optional || isAnyBrought(optional));
    };
    return fieldsOf(table).filter((field) => isNeeded(field) && !brought.has(field.path) && !(field.path === "id" && table.key === "uuid"));
}

/** Digits behind the point of a currency. @param {string} currency */
function digitsOf(currency) {
    try {
        return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
    } catch {
        return 2;
    }
}

/** An amount as people write it (`1.299,90 €`) in the minor unit; what is no amount stays as it is. @param {string} text @param {number} digits */
export function minorOf(text, digits) {
    const plain = text.replace(/[^\d.,-]/g, "");
    const at = Math.max(plain.lastIndexOf("."), plain.lastIndexOf(","));
    const hasFraction = at >= 0 && plain.length - at - 1 <= Math.max(2, digits);
    const grouped = hasFraction ? plain.slice(0, at) : plain;
    const fraction = hasFraction ? plain.slice(at + 1) : "";
    if (!/^-?(\d*|\d{1,3}([.,]\d{3})+)$/.test(grouped) || !/^\d*$/.test(fraction) || !/\d/.test(plain)) return text;
    return String(Math.round(Number(`${grouped.replace(/[.,]/g, "") || "0"}.${fraction || "0"}`) * 10 ** digits));
}

/** The text of a value that is the same for every row. @param {any} value */
const textOfValue = (value) => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

/**
 * What is sent: the columns that go somewhere, and the values that are the same for every row.
 * @param {CsvFile} file @param {string[]} mapping @param {Record<string, any>} constants Values by path.
 */
export function csvToSend(file, mapping, constants) {
    const columns = mapping.flatMap((target, at) => (target === NOWHERE ? [] : [{ at, target, path: pathOf(target) }]));
    const taken = new Set(columns.map((column) => column.path));
    const fixed = Object.entries(constants).filter(([path, value]) => !taken.has(path) && textOfValue(value) !== "");
    const currencyAt = (/** @type {string} */ target) => mapping.indexOf(`${target.slice(AMOUNT.length)}.currency`);
    const cell = (/** @type {string[]} */ row, /** @type {{ at: number, target: string }} */ { at, target }) => {
        const text = row[at] ?? "";
        if (!target.startsWith(AMOUNT) || text.trim() === "") return text;
        const currency = row[currencyAt(target)] ?? constants[`${target.slice(AMOUNT.length)}.currency`] ?? "";
        return minorOf(text, digitsOf(textOfValue(currency).trim()));
    };
    const heads = [...columns.map((column) => column.path), ...fixed.map(([path]) => path)];
    const values = fixed.map(([, value]) => textOfValue(value));
    return written([heads, ...file.rows.map((row) => [...columns.map((column) => cell(row, column)), ...values])]);
}

/** A CSV file with the headings of a table and no rows. @param {Table} table */
export const templateOf = (table) => written([fieldsOf(table).filter((field) => field.path !== "id" || table.key !== "uuid").map((field) => field.path)]);
