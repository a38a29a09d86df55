// Files on their way to the server: chosen or dropped, one after the other, with how much of each is there.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { asProblem } from "../api.js";
import { sendFile } from "../files.js";
import { sizeWords } from "../model/files.js";
import { Icon } from "./icon.js";

/**
 * @typedef {import("../files.js").FileRecord} FileRecord @typedef {import("../files.js").Wish} Wish
 * @typedef {{ key: number, file: File, state: "waiting" | "sending" | "done" | "failed", share: number, why: string }} Upload
 */

let last = 0;

/** @param {unknown} error */
function whyNot(error) {
    const problem = asProblem(error);
    return problem.errors.length ? problem.errors.map((one) => one.message).join(" ") : problem.message;
}

/**
 * Files chosen, and the way to send them. `onDone` gets each that has arrived.
 * @param {(record: FileRecord) => void} onDone
 */
export function useUploads(onDone) {
    const [uploads, setUploads] = useState(/** @type {Upload[]} */ ([]));
    const abort = useRef(new AbortController());
    const newest = useRef(onDone);
    newest.current = onDone;
    useEffect(() => () => abort.current.abort(), []);
    const change = (/** @type {number} */ key, /** @type {Partial<Upload>} */ next) =>
        setUploads((now) => now.map((upload) => (upload.key === key ? { ...upload, ...next } : upload)));
    /** @param {Iterable<File>} files @returns {Upload[]} */
    const add = (files) => {
        const more = [...files].map((file) => ({ key: ++last, file, state: /** @type {const} */ ("waiting"), share: 0, why: "" }));
        setUploads((now) => [...now, ...more]);
        return more;
    };
    const send = async (/** @type {Upload} */ upload, /** @type {Wish} */ wish) => {
        change(upload.key, { state: "sending", share: 0, why: "" });
        try {
            const record = await sendFile(upload.file, wish, { signal: abort.current.signal, onProgress: (share) => change(upload.key, { share }) });
            change(upload.key, { state: "done", share: 1 });
            newest.current(record);
        } catch (error) {
            if (!abort.current.signal.aborted) change(upload.key, { state: "failed", why: whyNot(error) });
        }
    };
    const sendAll = async (/** @type {Upload[]} */ list, /** @type {Wish} */ wish) => {
        for (const upload of list) if (upload.state !== "done" && !abort.current.signal.aborted) await send(upload, wish);
    };
    const drop = (/** @type {number} */ key) => setUploads((now) => now.filter((upload) => upload.key !== key));
    return {
        uploads, add, sendAll, drop,
        clearDone: () => setUploads((now) => now.filter((upload) => upload.state !== "done")),
        isBusy: uploads.some((upload) => upload.state === "sending"),
    };
}

/** What happened so far. @param {{ uploads: Upload[], onDrop: (key: number) => void }} props */
export function UploadList({ uploads, onDrop }) {
    if (!uploads.length) return null;
    return html`
        <ul class="uploads" aria-label="Files to upload">
            ${uploads.map(({ key, file, state, share, why }) => html`
                <li key=${key} class=${`upload is-${state}`}>
                    <span class="upload-name">${file.name}</span>
                    <span class="muted small">${state === "sending" ? `${Math.round(share * 100)} %` : sizeWords(file.size)}</span>
                    ${state === "done" ? html`<span class="upload-done"><${Icon} name="check" /><span class="sr-only">uploaded</span></span>`
                        : state === "sending" ? html`<progress max="1" value=${share} aria-label=${`Upload of ${file.name}`}></progress>`
                        : html`<button type="button" class="icon-button icon-button-small" aria-label=${`Leave out ${file.name}`} onClick=${() => onDrop(key)}><${Icon} name="close" /></button>`}
                    ${why && html`<span class="field-errors upload-why" role="alert">${why}</span>`}
                </li>`)}
        </ul>`;
}

/** Whether files are dragged, and not text. @param {DragEvent} event */
const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** What makes any element take dropped files, and whether some hang over it. @param {(files: File[]) => void} onFiles @param {boolean} [isOff] */
export function useDrop(onFiles, isOff = false) {
    const [depth, setDepth] = useState(0);
    if (isOff) return { isOver: false, events: {} };
    const over = (/** @type {DragEvent} */ event) => { if (hasFiles(event)) event.preventDefault(); };
    const enter = (/** @type {DragEvent} */ event) => { if (hasFiles(event)) setDepth((now) => now + 1); };
    const leave = (/** @type {DragEvent} */ event) => { if (hasFiles(event)) setDepth((now) => Math.max(0, now - 1)); };
    const dropped = (/** @type {DragEvent} */ event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        event.stopPropagation();
        setDepth(0);
        onFiles([...(event.dataTransfer?.files ?? [])]);
    };
    return { isOver: depth > 0, events: { onDragOver: over, onDragEnter: enter, onDragLeave: leave, onDrop: dropped } };
}

/**
 * Where files are chosen or dropped.
 * @param {{ onFiles: (files: File[]) => void, accept?: string | null, isMany?: boolean, isDisabled?: boolean, label?: string, text: string, hint?: string,
 *   input?: import("./form-field.js").InputProps }} props
 */
export function DropZone({ onFiles, accept, isMany = false, isDisabled = false, label, text, hint, input }) {
    const { isOver, events } = useDrop((files) => onFiles(isMany ? files : files.slice(0, 1)), isDisabled);
    const chosen = (/** @type {any} */ event) => {
        onFiles([...event.target.files]);
        event.target.value = "";
    };
    return html`
        <label class=${`drop drop-small ${isOver ? "is-over" : ""}`} ...${events}>
            <${Icon} name="upload" />
            <span class="drop-text"><strong>${text}</strong>${hint && html`<span class="muted small">${hint}</span>`}</span>
            <input class="sr-only" type="file" id=${input?.id ?? null} accept=${accept ?? null} multiple=${isMany} disabled=${isDisabled} aria-label=${label ?? null}
                aria-describedby=${input?.describedBy ?? null} aria-invalid=${input?.isInvalid ? "true" : null} onChange=${chosen} />
        </label>`;
}
