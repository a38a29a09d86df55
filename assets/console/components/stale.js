// What to do when somebody else changed a record in the meantime: see what, then take theirs or put one's own over it.

import { html } from "../vendor/preact.js";
import { isSame } from "../model/changes.js";
import { fieldOf, fieldWords } from "../schema.js";
import { choose } from "./confirm.js";
import { Value } from "./value.js";

/** A value after its part of a merge patch. @param {any} before @param {any} patch @returns {any} */
function applied(before, patch) {
    if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
    const parts = Object.entries(patch).map(([name, value]) => [name, applied(before?.[name], value)]);
    return { ...before, ...Object.fromEntries(parts) };
}

/**
 * Asks. Answers `reload`, `overwrite`, or null to go on editing.
 * @param {import("../schema.js").Table} table @param {any} opened As it was when editing began. @param {any} now As it is. @param {any} mine The merge patch not saved.
 */
export function askStale(table, opened, now, mine) {
    const names = Object.keys({ ...opened, ...now }).filter((name) => name !== "updated_at" && !isSame(opened[name], now[name]));
    const both = names.filter((name) => name in mine);
    const rows = names.map((name) => ({ name, field: fieldOf(table, name) })).filter((row) => row.field);
    return choose({
        title: "Changed in the meantime",
        isWide: true,
        no: "Keep editing",
        choices: [{ value: "reload", label: "Load theirs, drop mine" }, { value: "overwrite", label: "Save mine over it", isDangerous: both.length > 0 }],
        text: html`
            <p>Somebody saved this record after you opened it, so your changes were not saved. ${both.length
                ? html`You both changed ${both.map((name) => fieldWords(name)).join(", ")}; saving yours replaces theirs there.`
                : "You changed other fields than they did; saving yours keeps theirs."}</p>
            ${rows.length > 0 && html`
                <div class="table-scroll" tabindex="0" role="region" aria-label="What they changed">
                    <table class="table">
                        <caption class="sr-only">What they changed</caption>
                        <thead><tr><th scope="col">Field</th><th scope="col">When you opened it</th><th scope="col">Theirs</th><th scope="col">Yours</th></tr></thead>
                        <tbody>${rows.map(({ name, field }) => html`
                            <tr key=${name}>
                                <th scope="row">${fieldWords(name)}</th>
                                <td><${Value} table=${table} field=${field} value=${opened[name]} /></td>
                                <td><${Value} table=${table} field=${field} value=${now[name]} /></td>
                                <td>${both.includes(name)
                                    ? html`<${Value} table=${table} field=${field} value=${applied(opened[name], mine[name])} />`
                                    : html`<span class="muted">as theirs</span>`}</td>
                            </tr>`)}</tbody>
                    </table>
                </div>`}`,
    });
}
