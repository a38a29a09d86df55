// What came of a check or an import: how many rows are good, and what is wrong with the others.

import { html } from "../vendor/preact.js";
import { fieldWords } from "../schema.js";
import { Icon } from "./icon.js";

/** @typedef {import("../schema.js").Schemas["ImportReport"]} Report */

/** Bad rows that are shown at once. */
const SHOWN = 100;

/** @param {number} count @param {string} one @param {string} many */
const counted = (count, one, many) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** @param {{ report: Report, isDone: boolean }} props */
export function Verdict({ report, isDone }) {
    if (isDone) {
        return html`<div class="note note-good" role="status"><${Icon} name="check" /><div class="note-body">
            <h2>${counted(report.imported, "record is", "records are")} imported</h2>
            ${report.failed > 0 && html`<p>${counted(report.failed, "bad row was", "bad rows were")} left out. They are listed below.</p>`}</div></div>`;
    }
    if (report.failed === 0) {
        return html`<div class="note note-good" role="status"><${Icon} name="check" /><div class="note-body">
            <h2>${report.total === 1 ? "The row is good" : `All ${report.total.toLocaleString()} rows are good`}</h2><p>Nothing is written yet.</p></div></div>`;
    }
    return html`<div class="note note-warn" role="status"><${Icon} name="alert" /><div class="note-body">
        <h2>${counted(report.failed, "row is", "rows are")} not good, ${report.imported.toLocaleString()} of ${report.total.toLocaleString()} are</h2>
        <p>Mend the file and choose it again, or leave the bad rows out.</p></div></div>`;
}

/** What the row has in the field of an error. @param {string} pointer @param {Record<string, string> | undefined} row */
function valueIn(pointer, row) {
    const path = pointer.slice(1).replaceAll("/", ".");
    return row?.[path] ?? "";
}

/**
 * @param {{ report: Report, rowAt: (row: number) => Record<string, string> | undefined }} props
 * `rowAt` answers what was sent of a row, by path; rows count from 1.
 */
export function RowErrors({ report, rowAt }) {
    if (report.errors.length === 0) return null;
    const lines = report.errors.slice(0, SHOWN).flatMap(({ row, errors }) => errors.map((error) => ({ row, error })));
    return html`
        <div class="table-scroll import-errors" tabindex="0" role="region" aria-label="Rows that are not good">
            <table class="table">
                <caption class="sr-only">Rows that are not good</caption>
                <thead><tr><th scope="col" class="number">Row</th><th scope="col">Field</th><th scope="col">What is wrong</th><th scope="col">It has</th></tr></thead>
                <tbody>${lines.map(({ row, error }, at) => html`
                    <tr key=${at}>
                        <td class="number">${row.toLocaleString()}</td>
                        <td>${error.pointer ? fieldWords(error.pointer.slice(1).replaceAll("/", ".")) : "The whole row"}</td>
                        <td class="wrap">${error.message}</td>
                        <td>${valueIn(error.pointer, rowAt(row)) || html`<span class="none">nothing</span>`}</td>
                    </tr>`)}</tbody>
            </table>
        </div>
        ${report.failed > SHOWN && html`<p class="muted small">The first ${SHOWN} bad rows of ${report.failed.toLocaleString()} are shown.</p>`}`;
}
