// All files: pictures in a grid, narrowed by what they are for, what they are and whose they are; new ones by button or drop.
//
// Deliberately elsewhere: one file and what can be done with it (file.js).

import { html, useState } from "../vendor/preact.js";
import { get } from "../api.js";
import { EmptyState } from "../components/empty.js";
import { fileHref } from "../components/file-card.js";
import { Icon } from "../components/icon.js";
import { LinkPicker } from "../components/link-picker.js";
import { FreshNote, LiveMark } from "../components/live-mark.js";
import { Moment } from "../components/date.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { Pager } from "../components/pager.js";
import { ProblemNote } from "../components/problem.js";
import { Choice, searchOf } from "../components/search-bar.js";
import { Skeleton } from "../components/skeleton.js";
import { Thumbnail } from "../components/thumbnail.js";
import { Tile } from "../components/tile.js";
import { UploadDialog } from "../components/upload-dialog.js";
import { useDrop } from "../components/uploads.js";
import { learnFile, purposes } from "../files.js";
import { timed, useLiveRows } from "../live.js";
import { FILE_KINDS, sizeWords } from "../model/files.js";
import { liveFilter } from "../model/live-filter.js";
import { usePages, useResource } from "../resource.js";
import { fieldOf, tableOf, words } from "../schema.js";
import { canWrite } from "../session.js";

/** @typedef {import("../files.js").FileRecord} FileRecord @typedef {import("../schema.js").Table} Table */

const PAGE_SIZE = 40;
const FIELDS = "id,name,mime,url,size,purpose,visibility,width,height,created_at";
const SORTS = [{ value: "-size", label: "Largest first" }, { value: "id", label: "Oldest first" }, { value: "name", label: "By name" }];
const whole = new Intl.NumberFormat();

/** The conditions of the list. @param {URLSearchParams} query @returns {import("../model/list-query.js").Filter[]} */
function filtersOf(query) {
    const asked = [["purpose", "eq"], ["mime", "starts"], ["owner", "eq"], ["visibility", "eq"], ["name", "contains"]];
    return asked.map(([path, op]) => ({ path, op, value: query.get(path) ?? "" })).filter((filter) => filter.value);
}

/** @param {import("../model/list-query.js").Filter[]} filters */
const asQuery = (filters) => Object.fromEntries(filters.map(({ path, op, value }) => [op === "eq" ? path : `${path}[${op}]`, value]));

/** One page of files at a time, kept true. @param {Table} table @param {URLSearchParams} query */
function useFiles(table, query) {
    const filters = filtersOf(query);
    const asked = asQuery(filters);
    const sort = query.get("sort") || "-id";
    const load = async (/** @type {string | null} */ cursor, /** @type {AbortSignal} */ signal) => {
        const sent = /** @type {Promise<import("../resource.js").ListPage<FileRecord>>} */ (get("/files", { ...asked, fields: FIELDS, sort, limit: PAGE_SIZE, cursor }, signal));
        const page = await timed(sent);
        page.items.forEach(learnFile);
        return page;
    };
    const files = usePages(load, query.toString(), PAGE_SIZE);
    const { filter, why } = liveFilter({ filters, q: "", filter: "", sort, limit: PAGE_SIZE, columns: null }, (path) => fieldOf(table, path));
    const live = useLiveRows("files", filter === null ? null : { filter, fields: FIELDS }, files);
    const used = useResource((signal) => get("/files/aggregate", { ...asked, measures: "count,sum(size)", group_by: "purpose" }, signal), [JSON.stringify(asked), live.last?.seq]);
    return { ...files, live, why, used };
}

/** @typedef {{ by: { purpose: string }, count: number, sum_size: number }} Group */

/** How much there is of what. @param {{ groups: Group[], isNarrowed: boolean }} props */
function Used({ groups, isNarrowed }) {
    const sum = (/** @type {"count" | "sum_size"} */ name) => groups.reduce((all, group) => all + Number(group[name] ?? 0), 0);
    const most = [...groups].sort((one, other) => other.sum_size - one.sum_size).slice(0, 3);
    return html`
        <ul class="tiles tiles-small file-tiles" aria-label="Storage">
            <${Tile} icon="image" label="Files" value=${whole.format(sum("count"))} detail=${isNarrowed ? "fit the filters" : "in all"} />
            <${Tile} icon="download" label="Storage used" value=${sizeWords(sum("sum_size"))} detail=${isNarrowed ? "by these" : "originals only"} />
            ${most.map((group) => html`<${Tile} key=${group.by.purpose} icon="file" label=${words(group.by.purpose)} value=${sizeWords(Number(group.sum_size))}
                detail=${group.count === 1 ? "1 file" : `${whole.format(group.count)} files`} />`)}
        </ul>`;
}

/** @param {{ table: Table, query: URLSearchParams, mark: any }} props */
function Filters({ table, query, mark }) {
    const { value, put, isEmpty } = searchOf("/files", query);
    const owner = fieldOf(table, "owner");
    const plain = (/** @type {string} */ item) => ({ value: item, label: words(item) });
    return html`
        <div class="toolbar" role="search">
            <label class="search-field"><span class="sr-only">Find by name</span><${Icon} name="search" />
                <input class="input" type="search" placeholder="Part of the name" value=${value("name")} onInput=${(/** @type {any} */ event) => put({ name: event.target.value })} /></label>
            <${Choice} label="Purpose" value=${value("purpose")} options=${purposes().map(plain)} onChange=${(/** @type {string} */ purpose) => put({ purpose })} isInline />
            <${Choice} label="Type" value=${value("mime")} options=${FILE_KINDS} onChange=${(/** @type {string} */ mime) => put({ mime })} isInline />
            <${Choice} label="Visibility" value=${value("visibility")} options=${["public", "private"].map(plain)} onChange=${(/** @type {string} */ visibility) => put({ visibility })} isInline />
            <label class="filter-field"><span class="sr-only">Order</span>
                <select class="input toolbar-select" onChange=${(/** @type {any} */ event) => put({ sort: event.target.value })}>
                    <option value="" selected=${!value("sort")}>Newest first</option>
                    ${SORTS.map((sort) => html`<option key=${sort.value} value=${sort.value} selected=${value("sort") === sort.value}>${sort.label}</option>`)}
                </select></label>
            ${owner && html`<div class="filter-field file-owner"><label class="sr-only" for="files-owner">Owner</label>
                <${LinkPicker} field=${owner} value=${value("owner") || null} input=${{ id: "files-owner", describedBy: undefined, isInvalid: false }} label="the owner"
                    placeholder="Owner: anybody" onPick=${(/** @type {string} */ next) => put({ owner: next })} onClear=${() => put({ owner: "" })} /></div>`}
            ${!isEmpty && html`<a class="button" href="#/files"><${Icon} name="close" />Clear</a>`}
            ${mark}
        </div>`;
}

/** @param {{ files: FileRecord[], marks: Map<string, string> }} props */
function Grid({ files, marks }) {
    return html`
        <ul class="file-grid" aria-label="Files">
            ${files.map((file) => html`
                <li key=${file.id} class=${marks.has(file.id) ? `is-${marks.get(file.id)}` : ""}>
                    <a class="file-tile" href=${fileHref(file.id)} title=${file.name}>
                        <${Thumbnail} file=${file} size="medium" />
                        <span class="file-tile-text">
                            <span class="file-tile-name">${file.name}</span>
                            <span class="muted small file-tile-facts"><span>${words(file.purpose)}</span>
                                ${file.visibility === "private" && html`<span class="file-lock"><${Icon} name="lock" /><span class="sr-only">private</span></span>`}</span>
                            <span class="muted small">${sizeWords(file.size)} · <${Moment} value=${file.created_at} isRelative /></span>
                            ${marks.has(file.id) && html`<span class="row-mark mark-deleted">${marks.get(file.id) === "changed" ? "changed elsewhere" : "not there any more"}</span>`}
                        </span>
                    </a>
                </li>`)}
        </ul>`;
}

/** @param {{ table: Table, query: URLSearchParams }} props */
function Files({ table, query }) {
    const { data, problem, isSlow, isLoading, reload, pages, live, why, used } = useFiles(table, query);
    const [dropped, setDropped] = useState(/** @type {File[] | null} */ (null));
    const mayUpload = canWrite();
    const { isOver, events } = useDrop(setDropped, !mayUpload || dropped !== null);
    const files = /** @type {FileRecord[]} */ (live.rows);
    const isNarrowed = filtersOf(query).length > 0;
    const refresh = () => { reload(); used.reload(); };
    const upload = html`<button type="button" class="button button-primary" onClick=${() => setDropped([])}><${Icon} name="upload" />Upload</button>`;
    return html`
        <div class=${`drop-page ${isOver ? "is-over" : ""}`} ...${events}>
            <${Page} title="Files" lead="Pictures and documents that people uploaded. What nothing links to goes by itself after a while." actions=${mayUpload && upload} isWide>
                ${used.data && html`<${Used} groups=${used.data.groups} isNarrowed=${isNarrowed} />`}
                <${Filters} table=${table} query=${query} mark=${html`<${FreshNote} count=${live.fresh} onShow=${refresh} /><${LiveMark} isFollowed=${live.isFollowed} off=${why ?? live.refused} />`} />
                ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
                ${isSlow && html`<${Skeleton} rows=${6} />`}
                ${data && files.length === 0 && html`
                    <${EmptyState} icon="image" title=${isNarrowed ? "No such file" : "No files yet"} actions=${!isNarrowed && mayUpload && upload}>
                        ${isNarrowed ? "No file fits what you are looking for." : "Pictures and documents that you and your customers upload appear here. Drop some onto this page."}<//>`}
                ${files.length > 0 && html`
                    <div aria-busy=${isLoading ? "true" : "false"}><${Grid} files=${files} marks=${live.marks} /></div>
                    <${Pager} ...${pages} count=${files.length} />`}
            <//>
            ${dropped && html`<${UploadDialog} table=${table} start=${dropped} onClose=${() => setDropped(null)} onDone=${refresh} />`}
        </div>`;
}

/** @param {import("../router.js").Place} place */
export default function FilesScreen({ query }) {
    const table = tableOf("files");
    return table ? html`<${Files} table=${table} query=${query} />` : html`<${NotFound} title="There are no files here" />`;
}
