// Which column of a file goes to which field, and what is the same for every row.

import { html } from "../vendor/preact.js";
import { inputOf, isGroup } from "../fields/index.js";
import { fieldsOf, missing, NOWHERE, pathOf, targetsOf } from "../model/import-file.js";
import { fieldWords } from "../schema.js";
import { FormField } from "./form-field.js";
import { Icon } from "./icon.js";

/** Rows of the file that are shown. */
const EXAMPLES = 3;

/**
 * @typedef {import("../schema.js").Table} Table
 * @typedef {{ mapping: string[], constants: Record<string, any> }} Plan
 * @param {{ file: import("../model/import-file.js").CsvFile, table: Table, plan: Plan, onChange: (plan: Plan) => void }} props
 */
export function Mapping({ file, table, plan, onChange }) {
    const targets = targetsOf(table, fieldWords);
    const taken = new Map(plan.mapping.map((target, at) => [pathOf(target), at]));
    const set = (/** @type {number} */ at, /** @type {string} */ target) => {
        // A field has one column: the other one lets it go.
        const other = taken.get(pathOf(target));
        const mapping = plan.mapping.map((one, index) => (index === at ? target : index === other && target !== NOWHERE ? NOWHERE : one));
        onChange({ ...plan, mapping });
    };
    return html`
        <div class="table-scroll" tabindex="0" role="region" aria-label="Columns of the file">
            <table class="table mapping">
                <thead><tr><th scope="col">Column</th><th scope="col">The first rows have</th><th scope="col">Goes to</th></tr></thead>
                <tbody>${file.heads.map((head, at) => {
                    const target = plan.mapping[at] ?? NOWHERE;
                    const id = `column-${at}`;
                    return html`
                        <tr key=${at}>
                            <th scope="row"><label for=${id}>${head || `Column ${at + 1}`}</label></th>
                            <td class="examples">${file.rows.slice(0, EXAMPLES).map((row) => row[at]).filter(Boolean).join(" · ") || html`<span class="none">nothing</span>`}</td>
                            <td><select id=${id} class=${`input input-small ${target === NOWHERE ? "is-ignored" : ""}`} value=${target}
                                onChange=${(/** @type {any} */ event) => set(at, event.target.value)}>
                                <option value=${NOWHERE} selected=${target === NOWHERE}>Leave out</option>
                                ${targets.map((one) => html`<option key=${one.path} value=${one.path} selected=${one.path === target}>${one.label}</option>`)}
                            </select></td>
                        </tr>`;
                })}</tbody>
            </table>
        </div>
        <${Constants} table=${table} plan=${plan} onChange=${onChange} />`;
}

/** @param {{ table: Table, plan: Plan, onChange: (plan: Plan) => void }} props */
function Constants({ table, plan, onChange }) {
    const needed = missing(table, plan.mapping);
    const brought = new Set(plan.mapping.map(pathOf));
    const chosen = Object.keys(plan.constants).filter((path) => !brought.has(path) && !needed.some((field) => field.path === path));
    const fields = [...needed, ...fieldsOf(table).filter((field) => chosen.includes(field.path))];
    const offered = fieldsOf(table).filter((field) => !brought.has(field.path) && !fields.includes(field) && field.path !== "id");
    const set = (/** @type {string} */ path, /** @type {any} */ value) => onChange({ ...plan, constants: { ...plan.constants, [path]: value } });
    if (fields.length + offered.length === 0) return null;
    return html`
        <section class="constants" aria-labelledby="constants-title">
            <h3 id="constants-title">The same for every row</h3>
            ${needed.length > 0 && html`<p class="help">Every new record needs ${needed.map((field) => fieldWords(field.path).toLowerCase()).join(", ")}, and no column brings it.</p>`}
            <div class="constants-grid">
                ${fields.map((field) => {
                    const Input = inputOf(field);
                    const label = fieldWords(field.path);
                    return html`
                        <${FormField} key=${field.path} label=${label} help=${field.description} isGroup=${isGroup(field)}>
                            ${(/** @type {import("./form-field.js").InputProps} */ input) => html`
                                <${Input} field=${field} table=${table} label=${label} input=${input} value=${plan.constants[field.path]} isNew
                                    onChange=${(/** @type {any} */ value) => set(field.path, value)} />`}
                        <//>`;
                })}
                ${offered.length > 0 && html`
                    <label class="filter-field"><span>Another field</span>
                        <select class="input" value="" onChange=${(/** @type {any} */ event) => { set(event.target.value, null); event.target.value = ""; }}>
                            <option value="">Choose a field</option>
                            ${offered.map((field) => html`<option key=${field.path} value=${field.path}>${fieldWords(field.path)}</option>`)}
                        </select></label>`}
            </div>
        </section>`;
}

/** The first records of a JSON file. @param {{ rows: any[] }} props */
export function JsonPreview({ rows }) {
    return html`
        <p class="row muted"><${Icon} name="info" />The members of each object are taken as fields by their names.</p>
        <pre tabindex="0" aria-label="The first records of the file">${JSON.stringify(rows.slice(0, EXAMPLES), null, 2)}</pre>`;
}
