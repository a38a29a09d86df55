// Ctrl-K: one box that finds screens, tables, and records by id or by their words.

import { html, signal, useEffect, useId, useRef, useState } from "../vendor/preact.js";
import { couldBeKey, findByKey, findRecords, isUuid } from "../find-records.js";
import { NAVIGATION } from "../navigation.js";
import { go, recordHref, tableHref } from "../router.js";
import { labelOf, shortId, tables, words } from "../schema.js";
import { canWrite } from "../session.js";
import { Icon } from "./icon.js";

/** @typedef {{ key: string, icon: string, label: string, hint: string, run: () => void }} Find */

const isOpen = signal(false);
/** Opens the palette. */
export function openPalette() {
    isOpen.value = true;
}

/** Tables searched by words. */
const WORD_TABLES_MAX = 8;
/** Records offered of each. */
const RECORDS_MAX = 4;

/** @param {string} address */
const visit = (address) => () => { location.hash = address; };

/** Screens and tables whose words hold every word of the search. @param {string} text @returns {Find[]} */
function places(text) {
    const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (/** @type {string} */ name) => wanted.every((word) => name.toLowerCase().includes(word));
    const screens = NAVIGATION.flatMap((group) => group.entries).concat({ path: "/account", label: "Account", icon: "user", hint: "Password and sessions" })
        .filter((entry) => fits(`${entry.label} ${entry.hint ?? ""}`))
        .map((entry) => ({
            key: entry.path, icon: entry.icon, label: entry.label, hint: entry.hint ?? "",
            run: entry.isExternal ? () => { open(entry.path, "_blank", "noopener"); } : () => go(entry.path),
        }));
    const found = (tables.value ?? []).flatMap((table) => {
        const name = words(table.name);
        const list = { key: `t-${table.name}`, icon: "table", label: name, hint: table.description ?? "", run: visit(tableHref(table.name)) };
        const add = { key: `n-${table.name}`, icon: "plus", label: `New record in ${name}`, hint: "", run: () => go(`/tables/${table.name}/new`) };
        const schema = { key: `s-${table.name}`, icon: "schema", label: `Schema of ${name}`, hint: "", run: () => go(`/tables/${table.name}/schema`) };
        const more = wanted.length ? [table.is_writable.create && canWrite() ? add : null, schema] : [];
        return [list, ...more].filter((item) => item !== null && fits(`${item.label} ${table.name}`));
    });
    return /** @type {Find[]} */ ([...screens, ...found]);
}

/** @param {import("../schema.js").Table} table @param {any} record @returns {Find} */
const recordFind = (table, record) => ({
    key: `r-${table.name}-${record.id}`, icon: "file", label: labelOf(table, record),
    hint: `${words(table.name)} · ${shortId(record.id)}`, run: visit(recordHref(table.name, record.id)),
});

/** Records with that id, or that fit the words. @param {string} text @param {AbortSignal} abort @returns {Promise<Find[]>} */
async function records(text, abort) {
    const all = tables.value ?? [];
    const keyed = all.filter((table) => couldBeKey(table, text));
    const worded = isUuid(text) ? [] : all.filter((table) => table.label_field && table.has_text_search).slice(0, WORD_TABLES_MAX);
    const answers = await Promise.allSettled([
        ...keyed.map(async (table) => (await findByKey(table, text, abort)).map((record) => recordFind(table, record))),
        ...worded.map(async (table) => (await findRecords(table.name, text, RECORDS_MAX, abort)).map((record) => recordFind(table, record))),
    ]);
    const finds = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    return [...new Map(finds.map((find) => [find.key, find])).values()];
}

/** Milliseconds of quiet before records are asked for. */
const QUIET_MS = 200;

/** @param {string} text @returns {{ finds: Find[], isBusy: boolean }} */
function useFinds(text) {
    const [found, setFound] = useState(/** @type {{ text: string, finds: Find[] }} */ ({ text: "", finds: [] }));
    const wanted = text.trim();
    useEffect(() => {
        if (wanted.length < 2) return undefined;
        const abort = new AbortController();
        const timer = setTimeout(() => records(wanted, abort.signal).then((finds) => {
            if (!abort.signal.aborted) setFound({ text: wanted, finds });
        }), QUIET_MS);
        return () => { abort.abort(); clearTimeout(timer); };
    }, [wanted]);
    const isFresh = found.text === wanted || wanted.length < 2;
    return { finds: [...places(wanted), ...(found.text === wanted ? found.finds : [])], isBusy: !isFresh };
}

function PaletteView() {
    const [text, setText] = useState("");
    const [at, setAt] = useState(0);
    const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
    const id = useId();
    const { finds, isBusy } = useFinds(text);
    const close = () => { isOpen.value = false; };
    useEffect(() => {
        const before = document.activeElement;
        dialog.current?.showModal();
        return () => { if (before instanceof HTMLElement && before.isConnected) before.focus(); };
    }, []);
    const current = Math.min(at, finds.length - 1);
    useEffect(() => document.getElementById(`${id}-${current}`)?.scrollIntoView({ block: "nearest" }), [current]);
    const take = (/** @type {Find | undefined} */ find) => { if (find) { close(); find.run(); } };
    const pressed = (/** @type {KeyboardEvent} */ event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (step && finds.length) setAt((current + step + finds.length) % finds.length);
        else if (event.key === "Enter") take(finds[current]);
        else return;
        event.preventDefault();
    };
    return html`
        <dialog ref=${dialog} class="palette" aria-label="Search" onCancel=${close}
            onMouseDown=${(/** @type {MouseEvent} */ event) => event.target === dialog.current && close()}>
            <div class="palette-frame">
                <div class="palette-box"><${Icon} name="search" />
                    <input type="text" role="combobox" autofocus aria-label="Search tables, records by id or words, and screens" aria-expanded="true"
                        aria-controls=${`${id}-list`} aria-activedescendant=${finds.length ? `${id}-${current}` : null} autocomplete="off" spellcheck=${false}
                        placeholder="Search tables, records, screens…" value=${text}
                        onInput=${(/** @type {any} */ event) => { setText(event.target.value); setAt(0); }} onKeyDown=${pressed} />
                    <button type="button" class="icon-button" aria-label="Close search" onClick=${close}><${Icon} name="close" /></button>
                </div>
                <ul id=${`${id}-list`} role="listbox" aria-label="Found">
                    ${finds.map((find, index) => html`
                        <li key=${find.key} id=${`${id}-${index}`} role="option" aria-selected=${index === current ? "true" : "false"}
                            onClick=${() => take(find)} onMouseMove=${() => index !== current && setAt(index)}>
                            <${Icon} name=${find.icon} /><span class="find-label">${find.label}</span><span class="find-hint">${find.hint}</span>
                        </li>`)}
                </ul>
                <p class="palette-foot" role="status">${isBusy ? "Searching records…" : finds.length ? "↑ ↓ to choose, Enter to open" : "Nothing found."}</p>
            </div>
        </dialog>`;
}

/** The place of the palette and its key; once, in main.js. */
export function Palette() {
    useEffect(() => {
        const pressed = (/** @type {KeyboardEvent} */ event) => {
            if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
                event.preventDefault();
                isOpen.value = !isOpen.value;
            }
        };
        addEventListener("keydown", pressed);
        return () => removeEventListener("keydown", pressed);
    }, []);
    return isOpen.value && html`<${PaletteView} />`;
}
