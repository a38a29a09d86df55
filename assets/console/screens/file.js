// One file: what it shows, what is known of it, who uses it; its address, and the way to delete it.

import { html } from "../vendor/preact.js";
import { get, recordPath, remove, request } from "../api.js";
import { confirm } from "../components/confirm.js";
import { copy } from "../components/copy.js";
import { Moment } from "../components/date.js";
import { Facts, Key } from "../components/facts.js";
import { Icon } from "../components/icon.js";
import { LinkedHere } from "../components/linked-here.js";
import { Menu } from "../components/menu.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { ProblemNote } from "../components/problem.js";
import { RecordLink } from "../components/record-link.js";
import { Skeleton } from "../components/skeleton.js";
import { Thumbnail } from "../components/thumbnail.js";
import { toast, toastProblem } from "../components/toast.js";
import { learnFile } from "../files.js";
import { fileKind, sizeWords, typeWords } from "../model/files.js";
import { useResource } from "../resource.js";
import { go, href, recordHref } from "../router.js";
import { tableOf, words } from "../schema.js";

/** @typedef {import("../files.js").FileRecord} FileRecord */

/** @param {string} id @param {AbortSignal} signal @returns {Promise<FileRecord>} */
async function load(id, signal) {
    const { body } = await request("GET", recordPath("files", id), { signal });
    learnFile(body);
    return body;
}

/** An address that works for anybody: of a private file only for a while. @param {FileRecord} file */
async function copyAddress(file) {
    try {
        const { url, expires_at } = await get(`/files/${file.id}/url`);
        const until = expires_at && file.visibility === "private" ? ` It works until ${new Date(expires_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}.` : "";
        await copy(new URL(url, location.origin).href, `Address copied.${until}`);
    } catch (error) {
        toastProblem(error, "No address was copied.");
    }
}

/** @param {FileRecord} file */
async function drop(file) {
    const isSure = await confirm({ title: `Delete ${file.name}?`, text: "This cannot be undone. Records that link to it lose it.", yes: "Delete", isDangerous: true });
    if (!isSure) return;
    try {
        await remove(recordPath("files", file.id));
    } catch (error) {
        toastProblem(error, `${file.name} was not deleted.`);
        return;
    }
    toast(`${file.name} deleted`);
    go("/files");
}

/** @param {{ file: FileRecord }} props */
function Preview({ file }) {
    const isPicture = fileKind(file.mime) === "picture";
    return html`
        <a class=${`card file-preview ${isPicture ? "is-picture" : ""}`} href=${file.url} target="_blank" rel="noopener">
            <${Thumbnail} file=${file} size="large" />
            <span class=${isPicture ? "sr-only" : "file-preview-text"}>Open ${file.name} (new window)</span>
        </a>`;
}

/** @param {{ file: FileRecord }} props */
function Known({ file }) {
    const link = (/** @type {string} */ table, /** @type {string | undefined} */ id) => (id ? html`<${RecordLink} link=${{ table, id }} />` : null);
    return html`<${Facts} title="What is known" lines=${[
        ["Purpose", words(file.purpose)],
        ["Type", html`${typeWords(file.mime)} <span class="muted small">${file.mime}</span>`],
        ["Size", html`<span title=${`${file.size.toLocaleString()} bytes`}>${sizeWords(file.size)}</span>`],
        ["Pixels", file.width && file.height ? `${file.width} × ${file.height}` : null],
        ["Who may see it", file.visibility === "public" ? "Everybody with its address" : "Its owner, the business, and who may see a record that links to it"],
        ["Owner", link("users", file.owner)],
        ["Business", link("businesses", file.business)],
        ["Uploaded", html`<${Moment} value=${file.created_at} />`],
        ["Unused since", file.unlinked_since ? html`<${Moment} value=${file.unlinked_since} isRelative /> <span class="muted small">It goes by itself if nothing links to it.</span>` : null],
        ["Checksum", file.sha256 ? html`<${Key} text=${file.sha256} what="SHA-256" />` : null],
        ["Id", html`<${Key} text=${file.id} what="id" />`],
    ]} />`;
}

/** @param {import("../router.js").Place} place */
export default function FileScreen({ params }) {
    const { data: file, problem, isSlow, reload } = useResource((signal) => load(params.id, signal), [params.id]);
    if (problem?.status === 404) return html`<${NotFound} title="This file is not there">It was deleted, or never was. <a href=${href("/files")}>All files</a><//>`;
    const mayDelete = tableOf("files")?.is_writable.delete;
    const actions = file && html`
        <${Menu} label="More" icon="more" class="button" items=${[
            { label: "Record of this file", icon: "table", href: recordHref("files", file.id) },
            { label: "Changes of this file", icon: "history", href: href("/audit", { table: "files", id: file.id }) },
            mayDelete && { label: "Delete", icon: "trash", isDangerous: true, onSelect: () => drop(file) },
        ]} />
        <a class="button" href=${file.url} download=${file.name}><${Icon} name="download" />Download</a>
        <button type="button" class="button" onClick=${() => copyAddress(file)}><${Icon} name="link" />Copy address</button>`;
    return html`
        <${Page} title=${file?.name ?? "File"} crumbs=${[{ href: href("/files"), label: "Files" }]} actions=${actions} isWide>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${6} />`}
            ${file && html`
                <div class="file-page">
                    <${Preview} file=${file} />
                    <div class="stack"><${Known} file=${file} /><${LinkedHere} table="files" id=${file.id} mayAdd=${false} /></div>
                </div>`}
        <//>`;
}
