// Sets one field of several records at once, after showing what would change. All or none.

import { html, useId, useState } from "../vendor/preact.js";
import { asProblem, batchOf } from "../api.js";
import { inputOf } from "../fields/index.js";
import { wholeRecords } from "../find-records.js";
import { isSame } from "../model/changes.js";
import { useResource } from "../resource.js";
import { fieldWords, labelOf, topFields } from "../schema.js";
import { Dialog } from "./dialog.js";
import { FormField } from "./form-field.js";
import { ProblemNote } from "./problem.js";
import { toast } from "./toast.js";
import { Value } from "./value.js";

/** @typedef {import("../schema.js").Field} Field @typedef {import("../schema.js").Table} Table */

/** Fields that can be set on many records. @param {Table} table */
const editable = (table) => topFields(table).filter((field) =>
    field.path !== "id" && !field.is_read_only && !field.is_system && field.permissions.update.rule !== "none");

/** What would change, record by record. @param {{ table: Table, records: any[], field: Field, value: any }} props */
function Preview({ table, records, field, value }) {
    const changed = records.filter((record) => !isSame(record[field.path], value));
    return html`
        <div class="stack-small">
            <h3>${changed.length ? `${changed.length} of ${records.length} would change` : "Nothing would change"}</h3>
            <div class="table-scroll preview" tabindex="0" role="region" aria-label="Preview">
                <table class="table">
                    <caption class="sr-only">What would change</caption>
                    <thead><tr><th scope="col">Record</th><th scope="col">Now</th><th scope="col">Then</th></tr></thead>
                    <tbody>${records.map((record) => html`
                        <tr key=${record.id}>
                            <th scope="row">${labelOf(table, record)}</th>
                            <td><${Value} table=${table} field=${field} value=${record[field.path]} /></td>
                            <td>${changed.includes(record) ? html`<${Value} table=${table} field=${field} value=${value} />` : html`<span class="muted">the same</span>`}</td>
                        </tr>`)}</tbody>
                </table>
            </div>
        </div>`;
}

/** @param {{ table: Table, keys: string[], onClose: () => void, onDone: () => void }} props */
export function BulkEdit({ table, keys, onClose, onDone }) {
    const loaded = useResource(() => wholeRecords(table.name, keys), [table.name, keys.join()]);
    const records = loaded.data ?? [];
    const id = useId();
    const fields = editable(table);
    const [path, setPath] = useState(fields.find((field) => field.type === "enum")?.path ?? fields[0]?.path ?? "");
    const [value, setValue] = useState(/** @type {any} */ (null));
    const [problem, setProblem] = useState(/** @type {any} */ (null));
    const [isBusy, setBusy] = useState(false);
    const field = fields.find((item) => item.path === path);
    const changed = field ? records.filter((record) => !isSame(record[field.path], value)) : [];
    const choose = (/** @type {any} */ event) => { setPath(event.target.value); setValue(null); setProblem(null); };
    const run = async () => {
        setBusy(true);
        setProblem(null);
        try {
            await batchOf(changed.map((record) => ({ method: "PATCH", table: table.name, id: record.id, body: { [path]: value } })));
            toast(`${changed.length} ${changed.length === 1 ? "record" : "records"} changed`);
            onDone();
        } catch (error) {
            setProblem(asProblem(error));
            setBusy(false);
        }
    };
    const actions = html`
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="button" class="button button-primary" disabled=${isBusy || !changed.length || (value === null && !field?.is_optional)} onClick=${run}>
            ${isBusy ? "Saving…" : `Change ${changed.length}`}</button>`;
    return html`
        <${Dialog} title=${`Edit ${keys.length} ${keys.length === 1 ? "record" : "records"}`} isWide onClose=${onClose} actions=${actions}>
            ${loaded.problem && html`<${ProblemNote} problem=${loaded.problem} onRetry=${loaded.reload} />`}
            ${problem && html`<${ProblemNote} problem=${problem}>Nothing was changed.<//>`}
            ${field ? html`
                <div class="two">
                    <${FormField} label="Field" id=${`${id}-field`}>
                        ${(/** @type {any} */ input) => html`<select class="input" id=${input.id} onChange=${choose}>
                            ${fields.map((item) => html`<option key=${item.path} value=${item.path} selected=${item.path === path}>${fieldWords(item.path)}</option>`)}</select>`}
                    <//>
                    <${FormField} key=${path} label="New value" id=${`${id}-value`} help=${field.description}>
                        ${(/** @type {any} */ input) => html`<${inputOf(field)} table=${table} field=${field} value=${value} input=${input}
                            label="New value" pointer=${`/${path}`} onChange=${(/** @type {any} */ next) => setValue(next === "" ? null : next)} />`}
                    <//>
                </div>
                ${loaded.data && html`<${Preview} table=${table} records=${records} field=${field} value=${value} />`}`
                : html`<p>No field of this table can be changed here.</p>`}
        <//>`;
}
