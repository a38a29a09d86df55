// Deletes several records at once, after showing which. All or none.

import { html, useState } from "../vendor/preact.js";
import { asProblem, batchOf } from "../api.js";
import { labelOf, words } from "../schema.js";
import { Dialog } from "./dialog.js";
import { ProblemNote } from "./problem.js";
import { toast } from "./toast.js";

/** Records in one transaction. */
export const BATCH_MAX = 100;

/** @param {{ table: import("../schema.js").Table, records: any[], onClose: () => void, onDone: () => void }} props */
export function BulkDelete({ table, records, onClose, onDone }) {
    const [problem, setProblem] = useState(/** @type {any} */ (null));
    const [isBusy, setBusy] = useState(false);
    const count = `${records.length} ${records.length === 1 ? "record" : "records"}`;
    const run = async () => {
        setBusy(true);
        setProblem(null);
        try {
            await batchOf(records.map((record) => ({ method: "DELETE", table: table.name, id: record.id })));
            toast(`${count} of ${words(table.name).toLowerCase()} deleted`);
            onDone();
        } catch (error) {
            setProblem(asProblem(error));
            setBusy(false);
        }
    };
    const actions = html`
        <button type="button" class="button" autofocus onClick=${onClose}>Cancel</button>
        <button type="button" class="button button-danger" disabled=${isBusy} onClick=${run}>${isBusy ? "Deleting…" : `Delete ${count}`}</button>`;
    return html`
        <${Dialog} title=${`Delete ${count}?`} onClose=${onClose} actions=${actions}>
            ${problem && html`<${ProblemNote} problem=${problem}>Nothing was deleted.<//>`}
            <p>These go, and what belongs to them goes with them. Either all are deleted, or none.</p>
            <ul class="preview-list">${records.map((record) => html`<li key=${record.id}>${labelOf(table, record)} <code class="muted">${record.id}</code></li>`)}</ul>
        <//>`;
}
