// Any value of any field, as text to read.

import { html } from "../vendor/preact.js";
import { cellOf } from "../fields/index.js";

/** @param {{ field: import("../schema.js").Field, value: any, table?: import("../schema.js").Table, isWhole?: boolean }} props */
export function Value({ field, value, table, isWhole = false }) {
    if (value === null || value === undefined || value === "") return html`<span class="none" title="not set">–</span>`;
    return html`<${cellOf(field)} field=${field} value=${value} table=${table} isWhole=${isWhole} />`;
}
