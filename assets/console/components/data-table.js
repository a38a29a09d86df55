// A table of rows: sortable headings, selection, a row that leads somewhere. It scrolls by itself.

import { html } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/**
 * @template R
 * @typedef {object} Column
 * @property {string} key
 * @property {any} label
 * @property {(row: R) => any} cell
 * @property {string} [title] Shown when the pointer rests on the heading.
 * @property {string} [sortKey] What to sort by; without it the column cannot be sorted.
 * @property {string} [class] `number` aligns right, `narrow`, `wide`.
 * @property {boolean} [isHead] Names the row: a row heading, which stays visible when scrolling sideways.
 */

/** The sort after a click on a heading: up, down, none. @param {string} sort @param {string} key */
export const nextSort = (sort, key) => (sort === key ? `-${key}` : sort === `-${key}` ? "" : key);

/** @param {{ column: Column<any>, sort: string, onSort?: (sort: string) => void }} props */
function Heading({ column, sort, onSort }) {
    const key = column.sortKey;
    const look = `${column.class ?? ""} ${column.isHead ? "head" : ""}`;
    if (!key || !onSort) return html`<th scope="col" class=${look} title=${column.title}>${column.label}</th>`;
    const state = sort === key ? "ascending" : sort === `-${key}` ? "descending" : "none";
    const icon = { ascending: "up", descending: "down", none: "sort" }[state];
    return html`
        <th scope="col" class=${look} aria-sort=${state} title=${column.title}>
            <button type="button" class="sort" onClick=${() => onSort(nextSort(sort, key))}>${column.label}<${Icon} name=${icon} /></button>
        </th>`;
}

/** @param {{ rows: any[], keyOf: (row: any) => string, selected: Set<string>, onSelect: (selected: Set<string>) => void }} props */
function SelectAll({ rows, keyOf, selected, onSelect }) {
    const keys = rows.map(keyOf);
    const count = keys.filter((key) => selected.has(key)).length;
    const isAll = keys.length > 0 && count === keys.length;
    const toggle = () => {
        const next = new Set(selected);
        keys.forEach((key) => (isAll ? next.delete(key) : next.add(key)));
        onSelect(next);
    };
    const mark = (/** @type {HTMLInputElement | null} */ node) => { if (node) node.indeterminate = count > 0 && !isAll; };
    return html`<input type="checkbox" ref=${mark} checked=${isAll} onChange=${toggle} aria-label="Select all rows on this page" />`;
}

/**
 * @template R
 * @param {{ caption: string, columns: Column<R>[], rows: R[], keyOf: (row: R) => string, labelOf?: (row: R) => string, sort?: string,
 *   onSort?: (sort: string) => void, selected?: Set<string>, onSelect?: (selected: Set<string>) => void,
 *   onOpen?: (row: R) => void, isBusy?: boolean, isFilled?: boolean, isStacked?: boolean, lookOf?: (row: R) => string }} props
 * `onOpen` is what a click on a row does; a link in the row's heading must do the same for the keyboard.
 * `isStacked`: in a narrow window each row is a card of lines, instead of a table that scrolls sideways. `lookOf`: classes of a row.
 */
export function DataTable({ caption, columns, rows, keyOf, labelOf, sort = "", onSort, selected, onSelect, onOpen, isBusy, isFilled, isStacked, lookOf }) {
    const toggle = (/** @type {string} */ key) => {
        const next = new Set(selected);
        if (!next.delete(key)) next.add(key);
        onSelect?.(next);
    };
    const clicked = (/** @type {any} */ event, /** @type {R} */ row) => {
        if (!onOpen || event.target.closest("a, button, input, label, summary") || String(getSelection()).length > 0) return;
        onOpen(row);
    };
    return html`
        <div class=${`table-scroll ${isFilled ? "table-filled" : ""} ${isBusy ? "is-busy" : ""}`} tabindex="0" role="region" aria-label=${caption} aria-busy=${isBusy ? "true" : "false"}>
            <table class=${`table ${isStacked ? "table-stacked" : ""}`}>
                <caption class="sr-only">${caption}</caption>
                <thead><tr>
                    ${selected && onSelect && html`<th scope="col" class="select"><${SelectAll} rows=${rows} keyOf=${keyOf} selected=${selected} onSelect=${onSelect} /></th>`}
                    ${columns.map((column) => html`<${Heading} key=${column.key} column=${column} sort=${sort} onSort=${onSort} />`)}
                </tr></thead>
                <tbody>
                    ${rows.map((row) => {
                        const key = keyOf(row);
                        const isSelected = selected?.has(key) ?? false;
                        return html`
                            <tr key=${key} class=${`${onOpen ? "opens" : ""} ${isSelected ? "is-selected" : ""} ${lookOf?.(row) ?? ""}`} onClick=${(/** @type {any} */ event) => clicked(event, row)}>
                                ${selected && onSelect && html`<td class="select"><input type="checkbox" checked=${isSelected}
                                    onChange=${() => toggle(key)} aria-label=${`Select ${labelOf ? labelOf(row) : key}`} /></td>`}
                                ${columns.map((column) => (column.isHead
                                    ? html`<th key=${column.key} scope="row" class=${column.class}>${column.cell(row)}</th>`
                                    : html`<td key=${column.key} class=${column.class} data-label=${isStacked && typeof column.label === "string" ? column.label : null}>${column.cell(row)}</td>`))}
                            </tr>`;
                    })}
                </tbody>
            </table>
        </div>`;
}
