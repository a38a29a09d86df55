// A file that records link to, by its key: its picture and its name.

import { html } from "../vendor/preact.js";
import { useFile } from "../files.js";
import { sizeWords, typeWords } from "../model/files.js";
import { href } from "../router.js";
import { shortId } from "../schema.js";
import { Icon } from "./icon.js";
import { Thumbnail } from "./thumbnail.js";

/** Where a file is looked at. @param {string} id */
export const fileHref = (id) => href(`/files/${encodeURIComponent(id)}`);

/** In a line of a table, which leads to its record: a picture stands for itself, other files for their names. @param {{ id: string }} props */
export function FileLine({ id }) {
    const file = useFile(id);
    if (!file) return html`<span class="file-line" title=${id}><${Icon} name="file" />${shortId(id)}</span>`;
    return html`<span class="file-line" title=${file.name}><${Thumbnail} file=${file} />
        <span class=${file.mime.startsWith("image/") ? "sr-only" : "file-line-name"}>${file.name}</span></span>`;
}

/** On a page or in a form, with what can be done with it below. @param {{ id: string, children?: any }} props */
export function FileCard({ id, children }) {
    const file = useFile(id);
    return html`
        <figure class="file-card">
            <a class="file-card-picture" href=${fileHref(id)} tabindex=${file === undefined ? -1 : 0}>
                ${file ? html`<${Thumbnail} file=${file} size="medium" />` : html`<span class="thumb thumb-medium"><${Icon} name=${file === null ? "alert" : "file"} /></span>`}
                <span class="sr-only">Look at ${file?.name ?? shortId(id)}</span></a>
            <figcaption>
                <span class="file-card-name" title=${file?.name ?? id}>${file === null ? "This file is not there" : file?.name ?? shortId(id)}</span>
                ${file && html`<span class="muted small">${typeWords(file.mime)} · ${sizeWords(file.size)}</span>`}
                ${children}
            </figcaption>
        </figure>`;
}
