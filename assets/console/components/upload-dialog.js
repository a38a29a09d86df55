// Asks what new files are for, and sends them.

import { html, useEffect, useState } from "../vendor/preact.js";
import { inputOf } from "../fields/index.js";
import { purposes } from "../files.js";
import { acceptOf, usualVisibility } from "../model/files.js";
import { fieldOf, words } from "../schema.js";
import { Dialog } from "./dialog.js";
import { FormField } from "./form-field.js";
import { toast } from "./toast.js";
import { DropZone, UploadList, useUploads } from "./uploads.js";

/** The purpose chosen last, for the next time. */
let lastPurpose = "";

/** @param {{ value: string, onChange: (value: string) => void, isDisabled: boolean }} props */
function Visibility({ value, onChange, isDisabled }) {
    const option = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ text) => html`
        <label class="role"><input type="radio" name="visibility" checked=${value === name} disabled=${isDisabled} onChange=${() => onChange(name)} />
            <span><strong>${label}</strong><span class="muted small">${text}</span></span></label>`;
    return html`<fieldset class="field"><legend class="field-label">Who may see them</legend>
        <div class="roles">
            ${option("public", "Everybody", "With the address, without signing in.")}
            ${option("private", "Only some", "Who uploaded them, members of the business, and who may see a record that links to them.")}
        </div></fieldset>`;
}

/** @param {{ table: import("../schema.js").Table, start: File[], onClose: () => void, onDone: () => void }} props `start`: files that were dropped. */
export function UploadDialog({ table, start, onClose, onDone }) {
    const all = purposes();
    const first = [lastPurpose, "asset", all[0]].find((purpose) => all.includes(purpose)) ?? "";
    const [wish, setWish] = useState({ purpose: first, visibility: /** @type {string} */ (usualVisibility(first)), business: /** @type {string | null} */ (null) });
    const { uploads, add, sendAll, drop, isBusy } = useUploads(onDone);
    useEffect(() => { add(start); }, []);
    const open = uploads.filter((upload) => upload.state === "waiting" || upload.state === "failed");
    const isDone = uploads.length > 0 && !open.length && !isBusy;
    useEffect(() => {
        if (!isDone) return;
        toast(uploads.length === 1 ? `${uploads[0].file.name} uploaded` : `${uploads.length} files uploaded`);
        onClose();
    }, [isDone]);
    const send = () => {
        lastPurpose = wish.purpose;
        sendAll(open, { ...wish, business: wish.business ?? undefined });
    };
    const business = fieldOf(table, "business");
    const label = isBusy ? "Uploading…" : open.length > 1 ? `Upload ${open.length} files` : "Upload";
    const actions = html`
        <button type="button" class="button" onClick=${onClose}>${isBusy ? "Stop" : "Cancel"}</button>
        <button type="button" class="button button-primary" disabled=${isBusy || !open.length} onClick=${send}>${label}</button>`;
    return html`
        <${Dialog} title="Upload files" onClose=${onClose} actions=${actions} isSticky>
            <${DropZone} text="Choose files, or drop them here" isMany isDisabled=${isBusy} accept=${acceptOf(wish.purpose)} onFiles=${add} />
            <${UploadList} uploads=${uploads} onDrop=${drop} />
            <${FormField} label="What they are for" help="It says which types and sizes are taken.">
                ${(/** @type {any} */ input) => html`<select class="input" id=${input.id} aria-describedby=${input.describedBy} disabled=${isBusy}
                    onChange=${(/** @type {any} */ event) => setWish({ ...wish, purpose: event.target.value, visibility: usualVisibility(event.target.value) })}>
                    ${all.map((purpose) => html`<option key=${purpose} value=${purpose} selected=${purpose === wish.purpose}>${words(purpose)}</option>`)}</select>`}
            <//>
            <${Visibility} value=${wish.visibility} isDisabled=${isBusy} onChange=${(/** @type {string} */ visibility) => setWish({ ...wish, visibility })} />
            ${business && html`<${FormField} label="In the name of" hint="optional" help=${business.description}>
                ${(/** @type {any} */ input) => html`<${inputOf(business)} field=${business} value=${wish.business} input=${input} label="the business" isDisabled=${isBusy}
                    onChange=${(/** @type {any} */ next) => setWish({ ...wish, business: next })} />`}<//>`}
        <//>`;
}
