// A link to a file, or several in an order: shown as pictures, uploaded by choosing or dropping them.

import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/preact.js";
import { FileCard, FileLine } from "../components/file-card.js";
import { Icon } from "../components/icon.js";
import { LinkPicker } from "../components/link-picker.js";
import { DropZone, UploadList, useUploads } from "../components/uploads.js";
import { purposes } from "../files.js";
import { acceptOf, isForPictures, moved, purposeFor } from "../model/files.js";

export { filter } from "./link.js";

/** @param {import("./index.js").CellProps} props */
export function cell({ value, isWhole }) {
    return isWhole ? html`<${FileCard} id=${String(value)} />` : html`<${FileLine} id=${String(value)} />`;
}

/** Uploads for a field: each that arrives is put in. @param {import("./index.js").FieldProps} props @param {(id: string) => void} onFile */
function useFieldUploads({ table, field }, onFile) {
    const purpose = purposeFor(table?.name, field, purposes());
    const { uploads, add, sendAll, drop, clearDone, isBusy } = useUploads((record) => { onFile(record.id); });
    useEffect(() => { if (!isBusy && uploads.some((upload) => upload.state === "done")) clearDone(); }, [isBusy]);
    return { purpose, uploads, drop, isBusy, send: (/** @type {File[]} */ files) => { sendAll(add(files), { purpose }); } };
}

/** One that is there already, instead of a new one. @param {{ props: import("./index.js").FieldProps, onPick: (id: string) => void }} props */
function Choose({ props: { field, label, isDisabled, input }, onPick }) {
    if (isDisabled) return null;
    return html`
        <details class="choose-file"><summary class="small">Choose one that is there already</summary>
            <${LinkPicker} field=${{ ...field, is_list: false }} input=${{ id: `${input.id}-choose`, describedBy: undefined, isInvalid: false }} label=${label}
                placeholder="Search by name…" onPick=${onPick} />
        </details>`;
}

/** @param {{ purpose: string, isMany?: boolean, hasOne?: boolean }} about */
function words({ purpose, isMany = false, hasOne = false }) {
    const what = isForPictures(purpose) ? (isMany ? "pictures" : "a picture") : (isMany ? "files" : "a file");
    return { text: `${hasOne ? "Replace it: choose" : "Choose"} ${what}, or drop ${isMany ? "them" : "it"} here`, hint: isForPictures(purpose) ? "JPEG, PNG, WebP or GIF" : "" };
}

/** @param {import("./index.js").FieldProps} props */
export function input(props) {
    const { value, onChange, input: bound, isDisabled, label } = props;
    const { purpose, uploads, drop, isBusy, send } = useFieldUploads(props, onChange);
    const { text, hint } = words({ purpose, hasOne: Boolean(value) });
    return html`
        <div class="file-field">
            ${value && html`<${FileCard} id=${String(value)}>
                ${!isDisabled && html`<button type="button" class="button button-small" onClick=${() => onChange(null)}><${Icon} name="close" />Remove<span class="sr-only"> ${label}</span></button>`}<//>`}
            <div class="stack-small">
                <${DropZone} text=${text} hint=${hint} accept=${acceptOf(purpose)} isDisabled=${isDisabled || isBusy} input=${bound} onFiles=${send} />
                <${UploadList} uploads=${uploads} onDrop=${drop} />
                <${Choose} props=${props} onPick=${onChange} />
            </div>
        </div>`;
}

/** The files of a list in their order; those with the keyboard move them by buttons, those with a mouse by dragging.
 * @param {{ ids: string[], onChange: (ids: string[]) => void, isDisabled?: boolean }} props */
function Ordered({ ids, onChange, isDisabled = false }) {
    const [dragged, setDragged] = useState(/** @type {number | null} */ (null));
    const list = useRef(/** @type {HTMLOListElement | null} */ (null));
    /** The button to press again after a move, since the card is then elsewhere. */
    const again = useRef(/** @type {{ at: number, name: string } | null} */ (null));
    useLayoutEffect(() => {
        if (!again.current) return;
        const { at, name } = again.current;
        again.current = null;
        const buttons = /** @type {NodeListOf<HTMLButtonElement> | undefined} */ (list.current?.children[at]?.querySelectorAll("button[data-move]"));
        const wanted = [...(buttons ?? [])].find((button) => button.dataset.move === name && !button.disabled) ?? [...(buttons ?? [])].find((button) => !button.disabled);
        wanted?.focus();
    }, [ids.join()]);
    const move = (/** @type {number} */ at, /** @type {number} */ by) => {
        again.current = { at: at + by, name: by < 0 ? "earlier" : "later" };
        onChange(moved(ids, at, by));
    };
    const put = (/** @type {number} */ at) => (/** @type {DragEvent} */ event) => {
        if (dragged === null) return;
        event.preventDefault();
        onChange(moved(ids, dragged, at - dragged));
        setDragged(null);
    };
    const button = (/** @type {number} */ at, /** @type {number} */ by, /** @type {string} */ name) => html`
        <button type="button" class="icon-button icon-button-small" data-move=${name} aria-label=${`Move number ${at + 1} ${name}`} title=${`Move ${name}`}
            disabled=${isDisabled || ids[at + by] === undefined} onClick=${() => move(at, by)}><${Icon} name=${by < 0 ? "left" : "right"} /></button>`;
    return html`
        <ol class="file-list" ref=${list}>
            ${ids.map((id, at) => html`
                <li key=${id} draggable=${!isDisabled} class=${dragged === at ? "is-dragged" : ""} onDragStart=${() => setDragged(at)} onDragEnd=${() => setDragged(null)}
                    onDragOver=${(/** @type {DragEvent} */ event) => { if (dragged !== null) event.preventDefault(); }} onDrop=${put(at)}>
                    <${FileCard} id=${id}>
                        <span class="file-card-buttons">${button(at, -1, "earlier")}${button(at, 1, "later")}
                            <button type="button" class="icon-button icon-button-small" aria-label=${`Remove number ${at + 1}`} title="Remove" disabled=${isDisabled}
                                onClick=${() => onChange(ids.filter((_, index) => index !== at))}><${Icon} name="trash" /></button></span>
                    <//>
                </li>`)}
        </ol>`;
}

/** @param {import("./index.js").FieldProps} props */
export function listInput(props) {
    const { value, onChange, input: bound, isDisabled, label } = props;
    /** @type {string[]} */
    const ids = (value ?? []).map(String);
    // Several uploads end one after the other, each after a list that the others have changed.
    const newest = useRef(ids);
    newest.current = ids;
    const put = (/** @type {string} */ id) => {
        newest.current = [...newest.current.filter((other) => other !== id), id];
        onChange(newest.current);
    };
    const { purpose, uploads, drop, isBusy, send } = useFieldUploads(props, put);
    const { text, hint } = words({ purpose, isMany: true });
    return html`
        <div class="stack-small">
            ${ids.length > 0 && html`<${Ordered} ids=${ids} onChange=${onChange} isDisabled=${isDisabled} />`}
            <${DropZone} text=${text} hint=${hint} label=${`Add to ${label ?? "the files"}`} accept=${acceptOf(purpose)} isMany isDisabled=${isDisabled || isBusy} input=${bound} onFiles=${send} />
            <${UploadList} uploads=${uploads} onDrop=${drop} />
            <${Choose} props=${props} onPick=${put} />
        </div>`;
}
