// Which columns a list shows.

import { html } from "../vendor/preact.js";
import { columnFields, usualColumns } from "../model/columns.js";
import { fieldWords } from "../schema.js";
import { Panel } from "./menu.js";

/** @param {{ table: import("../schema.js").Table, shown: string[], onChange: (paths: string[] | null) => void }} props */
export function ColumnMenu({ table, shown, onChange }) {
    const name = table.label_field ?? "id";
    const fields = columnFields(table);
    const toggle = (/** @type {string} */ path) => {
        const next = shown.includes(path) ? shown.filter((item) => item !== path) : fields.map((field) => field.path).filter((item) => item === path || shown.includes(item));
        const usual = usualColumns(table);
        onChange(next.length === usual.length && next.every((item) => usual.includes(item)) ? null : next);
    };
    return html`
        <${Panel} label="Columns" icon="columns" class="button">
            <div class="panel-body panel-narrow">
                <fieldset class="checks checks-column"><legend class="sr-only">Columns</legend>
                    ${fields.map((field) => html`
                        <label key=${field.path} class="check"><input type="checkbox" checked=${field.path === name || shown.includes(field.path)} disabled=${field.path === name}
                            onChange=${() => toggle(field.path)} />${fieldWords(field.path)}</label>`)}
                </fieldset>
                <button type="button" class="button button-small" onClick=${() => onChange(null)}>Usual columns</button>
            </div>
        <//>`;
}
