// Chooses a record of a linked table by typing some of its name.

import { html, useEffect, useId, useRef, useState } from "../vendor/preact.js";
import { findRecords } from "../find-records.js";
import { learn, linkOf, useLabel } from "../labels.js";
import { labelOf, shortId, tableOf, tables, words } from "../schema.js";
import { Icon } from "./icon.js";

/** Records offered at once. */
const OFFERED_MAX = 12;
/** Milliseconds of quiet before records are asked for. */
const QUIET_MS = 180;
/** Records that fit some text; `of` is the table and the text that they were found for. @param {string} table @param {string} text @param {boolean} isOpen */
function useOffers(table, text, isOpen) {
    const [offers, setOffers] = useState(/** @type {{ items: any[], why: string, isBusy: boolean, of: string }} */ ({ items: [], why: "", isBusy: false, of: "" }));
    useEffect(() => {
        if (!isOpen || !table) return undefined;
        const abort = new AbortController();
        setOffers((before) => ({ ...before, isBusy: true }));
        const settle = (/** @type {any[]} */ items, why = "") => !abort.signal.aborted && setOffers({ items, why, isBusy: false, of: `${table} ${text}` });
        const timer = setTimeout(() => findRecords(table, text.trim(), OFFERED_MAX, abort.signal).then(
            (items) => settle(items), (error) => settle([], error.message)), text ? QUIET_MS : 0);
        return () => { abort.abort(); clearTimeout(timer); };
    }, [table, text, isOpen]);
    return offers;
}

/**
 * What is chosen.
 * @param {{ link: import("../labels.js").Link, isMany: boolean, onClear?: () => void, onChange: () => void, isDisabled?: boolean,
 *   input: import("./form-field.js").InputProps }} props
 */
function Chosen({ link, isMany, onClear, onChange, isDisabled, input: { id, describedBy } }) {
    const label = useLabel(link.table, link.id);
    return html`
        <div class="picked">
            <button type="button" id=${id} class="picked-value" disabled=${isDisabled} onClick=${onChange} aria-describedby=${describedBy} title="Choose another">
                <span>${isMany ? `${words(link.table)}: ` : ""}${label}</span><code>${shortId(link.id)}</code></button>
            ${onClear && !isDisabled && html`<button type="button" class="icon-button icon-button-small" aria-label=${`Clear ${label}`} onClick=${onClear}><${Icon} name="close" /></button>`}
        </div>`;
}

/**
 * The records to choose from. The focus stays in the input, so a press of the mouse must not take it away.
 * @param {{ id: string, label: string, table: import("../schema.js").Table | undefined, items: any[], at: number, isShown: boolean, nothing: string,
 *   onPick: (record: any) => void }} props
 */
function Offers({ id, label, table, items, at, isShown, nothing, onPick }) {
    const pressed = (/** @type {any} */ record) => (/** @type {Event} */ event) => { event.preventDefault(); onPick(record); };
    return html`
        <ul id=${id} role="listbox" aria-label=${`Records for ${label}`} class="picker-list" hidden=${!isShown}>
            ${items.map((record, index) => html`
                <li key=${record.id} id=${`${id}-${index}`} role="option" aria-selected=${index === at ? "true" : "false"} onMouseDown=${pressed(record)}>
                    <span>${labelOf(table, record)}</span>${table?.label_field && html`<code>${shortId(record.id)}</code>`}</li>`)}
            ${!items.length && html`<li role="option" aria-disabled="true" aria-selected="false" class="muted">${nothing}</li>`}
        </ul>`;
}

/**
 * @param {{ field: import("../schema.js").Field, value?: any, input: import("./form-field.js").InputProps, onPick: (value: any) => void, onClear?: () => void,
 *   label?: string, placeholder?: string, isDisabled?: boolean }} props
 * Gives back what the API takes: the key, or `{ table, id }` where several tables are possible.
 */
export function LinkPicker({ field, value, input, onPick, onClear, label = "record", placeholder, isDisabled }) {
    const choices = field.links?.length ? field.links : (tables.value ?? []).map((table) => table.name);
    const isMany = choices.length > 1;
    const link = value === null || value === undefined ? null : linkOf(field, value);
    const [table, setTable] = useState(link?.table ?? choices[0]);
    const [text, setText] = useState("");
    const [isOpen, setOpen] = useState(false);
    const [isChanging, setChanging] = useState(false);
    const [at, setAt] = useState(0);
    const box = useRef(/** @type {HTMLInputElement | null} */ (null));
    const list = useId();
    const { items, why, isBusy, of } = useOffers(table, text, isOpen);
    const isCurrent = of === `${table} ${text}`;
    /** Enter was pressed before the records for what is typed were there: the first of them is meant, not the first of the old ones. */
    const isDue = useRef(false);
    useEffect(() => { if (isChanging) box.current?.focus(); }, [isChanging]);
    const close = () => { isDue.current = false; setOpen(false); setText(""); setChanging(false); };
    const pick = (/** @type {any} */ record) => {
        if (!record) return;
        learn(table, record);
        onPick(isMany ? { table, id: record.id } : record.id);
        close();
    };
    useEffect(() => {
        if (isDue.current && isCurrent) pick(items[0]);
        if (isCurrent) isDue.current = false;
    }, [of, isCurrent]);
    if (link && !isChanging) {
        return html`<${Chosen} link=${link} isMany=${isMany} onClear=${onClear} isDisabled=${isDisabled} input=${input} onChange=${() => setChanging(true)} />`;
    }
    const pressed = (/** @type {KeyboardEvent} */ event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step) {
            setOpen(true);
            if (items.length) setAt((at + step + items.length) % items.length);
        } else if (event.key === "Enter" && isOpen) {
            isDue.current = !isCurrent;
            if (isCurrent) pick(items[at]);
        } else if (event.key === "Escape" && isOpen) close();
        else return;
        event.preventDefault();
        event.stopPropagation();
    };
    const chooseTable = (/** @type {any} */ event) => { setTable(event.target.value); setAt(0); };
    const isShown = isOpen && !isDisabled;
    return html`
        <div class=${`picker ${isMany ? "picker-many" : ""}`}>
            ${isMany && html`<select class="input" aria-label=${`Table of ${label}`} disabled=${isDisabled} onChange=${chooseTable}>
                ${choices.map((name) => html`<option key=${name} value=${name} selected=${name === table}>${words(name)}</option>`)}</select>`}
            <div class="picker-box">
                <input ref=${box} class="input" id=${input.id} role="combobox" aria-expanded=${isShown ? "true" : "false"} aria-controls=${list} aria-autocomplete="list"
                    aria-activedescendant=${isShown && items[at] ? `${list}-${at}` : null} aria-describedby=${input.describedBy} aria-invalid=${input.isInvalid ? "true" : null}
                    placeholder=${placeholder ?? `Search ${words(table).toLowerCase()}…`} value=${text} disabled=${isDisabled} autocomplete="off" spellcheck=${false}
                    onInput=${(/** @type {any} */ event) => { setText(event.target.value); setOpen(true); setAt(0); }}
                    onClick=${() => setOpen(true)} onKeyDown=${pressed} onBlur=${close} />
                <${Offers} id=${list} label=${label} table=${tableOf(table)} items=${items} at=${at} isShown=${isShown} onPick=${pick}
                    nothing=${isBusy ? "Searching…" : why || "Nothing found."} />
            </div>
        </div>`;
}
