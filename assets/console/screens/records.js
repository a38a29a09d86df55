// The records of a table: filter, sort, search, page, choose columns, select, export.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { get } from "../api.js";
import { BATCH_MAX, BulkDelete } from "../components/bulk-delete.js";
import { BulkEdit } from "../components/bulk-edit.js";
import { ColumnMenu } from "../components/column-menu.js";
import { copy } from "../components/copy.js";
import { DataTable } from "../components/data-table.js";
import { EmptyState } from "../components/empty.js";
import { AddFilter, FilterChips } from "../components/filter-bar.js";
import { Icon } from "../components/icon.js";
import { FreshNote, LiveMark, MARK_WORDS, RowMark } from "../components/live-mark.js";
import { Menu } from "../components/menu.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { Pager } from "../components/pager.js";
import { ProblemNote } from "../components/problem.js";
import { SavedViews } from "../components/saved-views.js";
import { Skeleton } from "../components/skeleton.js";
import { toastProblem } from "../components/toast.js";
import { Value } from "../components/value.js";
import { download } from "../download.js";
import { isNumber } from "../fields/index.js";
import { wholeRecords } from "../find-records.js";
import { learn } from "../labels.js";
import { timed, useLiveRows } from "../live.js";
import { fieldsOf, sortKeyOf, usualColumns } from "../model/columns.js";
import { curl } from "../model/curl.js";
import { liveFilter } from "../model/live-filter.js";
import { isNarrowed, parse, toApi, toCount, toExport, toQuery } from "../model/list-query.js";
import { go, href, recordHref, replace } from "../router.js";
import { useResource } from "../resource.js";
import { fieldOf, fieldWords, labelOf, shortId, tableOf, words } from "../schema.js";

/** @typedef {import("../schema.js").Table} Table @typedef {import("../model/list-query.js").ListQuery} ListQuery */

/** @typedef {import("../model/live-rows.js").Mark} Mark */

/** Cursors of the pages turned to, by list, so that coming back from a record finds the page again. @type {Map<string, string[]>} */
const turned = new Map();

/** @param {Table} table @param {ListQuery} list @param {string[]} paths */
function usePages(table, list, paths) {
    const key = `${table.name}?${toQuery({ ...list, columns: null })}`;
    const [, redraw] = useState(0);
    const cursors = turned.get(key) ?? [];
    const cursor = cursors.at(-1) ?? null;
    const fields = [...new Set(["id", ...(table.label_field ? [table.label_field] : []), ...paths])];
    const page = useResource((abort) => timed(get(`/${table.name}`, toApi(list, { fields, cursor }), abort)), [key, cursor, fields.join()]);
    const total = useResource((abort) => get(`/${table.name}`, toCount(list), abort).then((answer) => answer.total), [key]);
    const turn = (/** @type {string[]} */ next) => { turned.set(key, next); redraw((count) => count + 1); };
    useEffect(() => page.data?.items.forEach((/** @type {any} */ record) => learn(table.name, record)), [page.data]);
    const { filter, why } = liveFilter(list, (path) => fieldOf(table, path));
    const live = useLiveRows(table.name, filter === null ? null : { filter, fields: fields.join(",") }, page);
    return {
        page, live, why, total: total.data ?? null, from: cursors.length * list.limit,
        first: () => turn([]), fresh: () => { turn([]); page.reload(); total.reload(); }, back: () => turn(cursors.slice(0, -1)), next: () => turn([...cursors, page.data.next_cursor]),
        reload: () => { page.reload(); total.reload(); },
    };
}

/** @param {Table} table @param {import("../schema.js").Field[]} fields @param {Map<string, Mark>} marks */
const columnsOf = (table, fields, marks) => fields.map((field, index) => ({
    key: field.path, label: fieldWords(field.path), title: field.description ?? undefined, sortKey: sortKeyOf(table, field),
    class: isNumber(field) ? "number" : undefined, isHead: index === 0,
    cell: (/** @type {any} */ record) => (index
        ? html`<${Value} table=${table} field=${field} value=${record[field.path]} />`
        : html`<a href=${recordHref(table.name, record.id)} title=${record.id}>${table.label_field ? labelOf(table, record) : shortId(record.id)}</a><${RowMark} mark=${marks.get(String(record.id))} />`),
}));

/** @param {{ list: ListQuery, table: Table, onChange: (change: Partial<ListQuery>) => void }} props */
function SearchBox({ list, table, onChange }) {
    const [text, setText] = useState(list.q);
    const typed = useRef(list.q);
    useEffect(() => { if (list.q !== typed.current) setText(list.q); typed.current = list.q; }, [list.q]);
    useEffect(() => {
        if (text === list.q) return undefined;
        const timer = setTimeout(() => { typed.current = text; onChange({ q: text }); }, 300);
        return () => clearTimeout(timer);
    }, [text]);
    return html`<input class="input search-input" type="search" aria-label=${`Search ${words(table.name).toLowerCase()}`} placeholder="Search words"
        value=${text} onInput=${(/** @type {any} */ event) => setText(event.target.value)} />`;
}

/** Copies whole records, not only the columns shown. @param {Table} table @param {string[]} keys */
const copyWhole = (table, keys) =>
    wholeRecords(table.name, keys).then((records) => copy(JSON.stringify(records, null, 2), "Copied as JSON"), (error) => toastProblem(error));

/** @param {{ table: Table, chosen: Map<string, any>, onClear: () => void, onEdit: () => void, onDelete: () => void }} props */
function SelectionBar({ table, chosen, onClear, onEdit, onDelete }) {
    const isTooMany = chosen.size > BATCH_MAX;
    return html`
        <div class="selection-bar" role="group" aria-label="Selected records">
            <strong aria-live="polite">${chosen.size} selected</strong>
            ${isTooMany && html`<span class="small">At most ${BATCH_MAX} at once.</span>`}
            ${table.is_writable.update && html`<button type="button" class="button button-small" disabled=${isTooMany} onClick=${onEdit}><${Icon} name="edit" />Edit</button>`}
            ${table.is_writable.delete && html`<button type="button" class="button button-small" disabled=${isTooMany} onClick=${onDelete}><${Icon} name="trash" />Delete</button>`}
            <button type="button" class="button button-small" onClick=${() => copyWhole(table, [...chosen.keys()])}><${Icon} name="copy" />Copy as JSON</button>
            <button type="button" class="button button-small button-quiet" onClick=${onClear}>Clear selection</button>
        </div>`;
}

/** @param {{ table: Table, list: ListQuery, records: any[], fields: string[] }} props */
function MoreMenu({ table, list, records, fields }) {
    const save = (/** @type {string} */ format) => () =>
        download(`/${table.name}/export`, toExport(list, format)).catch((error) => toastProblem(error, "The export did not start."));
    const query = toApi(list, { fields: list.columns ? fields : [] });
    const copyCurl = () => copy(curl({ origin: location.origin, path: `/${table.name}`, query }), "Copied as curl");
    const items = [
        { label: "Export list as CSV", icon: "download", onSelect: save("csv") },
        { label: "Export list as JSON", icon: "download", onSelect: save("json") },
        table.is_writable.create && { label: "Import records", icon: "upload", href: href(`/tables/${table.name}/import`) },
        { label: "Copy page as JSON", icon: "copy", onSelect: () => copyWhole(table, records.map((record) => record.id)) },
        { label: "Copy as curl", icon: "code", onSelect: copyCurl },
        { label: "Schema of this table", icon: "schema", href: href(`/tables/${table.name}/schema`) },
    ];
    return html`<${Menu} label="More" icon="more" class="button" items=${items} />`;
}

/** @param {{ table: Table, list: ListQuery, onClear: () => void }} props */
function Nothing({ table, list, onClear }) {
    const name = words(table.name).toLowerCase();
    if (isNarrowed(list)) {
        return html`<${EmptyState} icon="search" title="Nothing fits" actions=${html`<button type="button" class="button" onClick=${onClear}>Clear search and filters</button>`}>
            No record of ${name} fits all of the filters and words.<//>`;
    }
    const add = table.is_writable.create && html`<a class="button button-primary" href=${href(`/tables/${table.name}/new`)}><${Icon} name="plus" />New record</a>
        <a class="button" href=${href(`/tables/${table.name}/import`)}><${Icon} name="upload" />Import</a>`;
    return html`<${EmptyState} title=${`No ${name} yet`} actions=${add}>${table.description}<//>`;
}

/** Says to screen readers what others changed on this page. @param {{ table: Table, live: ReturnType<typeof useLiveRows> }} props */
function Heard({ table, live: { last, marks, rows } }) {
    const key = String(last?.record.id);
    const row = rows.find((record) => String(record.id) === key);
    const mark = marks.get(key);
    return html`<p class="sr-only" role="status">${row && mark && `${labelOf(table, row)}: ${MARK_WORDS[mark]}`}</p>`;
}

/** @param {{ table: Table, query: URLSearchParams }} props */
function Records({ table, query }) {
    const list = parse(query);
    const paths = list.columns ?? usualColumns(table);
    const fields = fieldsOf(table, paths);
    const pages = usePages(table, list, paths);
    const [chosen, setChosen] = useState(/** @type {Map<string, any>} */ (new Map()));
    const [task, setTask] = useState(/** @type {"" | "edit" | "delete"} */ (""));
    const { page, live } = pages;
    const records = live.rows;
    const change = (/** @type {Partial<ListQuery>} */ next) => replace(`/tables/${table.name}`, toQuery({ ...list, ...next }));
    useEffect(() => setChosen(new Map()), [toQuery({ ...list, columns: null, sort: "" }).toString()]);
    const select = (/** @type {Set<string>} */ keys) => {
        const known = new Map([...chosen, ...records.map((record) => /** @type {[string, any]} */ ([record.id, record]))]);
        setChosen(new Map([...keys].map((key) => [key, known.get(key)])));
    };
    const done = () => { setTask(""); setChosen(new Map()); pages.reload(); };
    const isEmpty = page.data && !records.length && pages.from === 0;
    const shown = html`
        <${DataTable} caption=${words(table.name)} columns=${columnsOf(table, fields, live.marks)} rows=${records} keyOf=${(/** @type {any} */ record) => record.id}
            labelOf=${(/** @type {any} */ record) => labelOf(table, record)} sort=${list.sort} onSort=${(/** @type {string} */ sort) => change({ sort })}
            selected=${new Set(chosen.keys())} onSelect=${select} isBusy=${page.isLoading} isFilled lookOf=${(/** @type {any} */ record) => (live.marks.has(String(record.id)) ? `is-${live.marks.get(String(record.id))}` : "")}
            onOpen=${(/** @type {any} */ record) => { location.hash = recordHref(table.name, record.id); }} />
        <${Pager} from=${pages.from} count=${records.length} total=${pages.total} hasNext=${Boolean(page.data?.next_cursor)}
            onFirst=${pages.first} onBack=${pages.back} onNext=${pages.next} size=${list.limit} onSize=${(/** @type {number} */ limit) => change({ limit })} />`;
    const actions = html`
        <${MoreMenu} table=${table} list=${list} records=${records} fields=${paths} />
        ${table.is_writable.create && html`<a class="button button-primary" href=${href(`/tables/${table.name}/new`)}><${Icon} name="plus" />New record</a>`}`;
    return html`
        <${Page} title=${words(table.name)} lead=${table.description} crumbs=${[{ href: href("/tables"), label: "Tables" }]} actions=${actions} isWide isFilled>
            <div class="toolbar">
                ${table.has_text_search && html`<${SearchBox} list=${list} table=${table} onChange=${change} />`}
                <${AddFilter} table=${table} onAdd=${(/** @type {any} */ filter) => change({ filters: [...list.filters, filter] })} />
                <${ColumnMenu} table=${table} shown=${paths} onChange=${(/** @type {string[] | null} */ columns) => change({ columns })} />
                <${SavedViews} table=${table.name} list=${list} onApply=${(/** @type {URLSearchParams} */ next) => go(`/tables/${table.name}`, next)} />
                <button type="button" class="icon-button" aria-label="Load again" title="Load again" onClick=${pages.reload}><${Icon} name="refresh" /></button>
                <${FreshNote} count=${live.fresh} onShow=${pages.fresh} />
                <${LiveMark} isFollowed=${live.isFollowed} off=${pages.why ?? live.refused} />
            </div>
            <${FilterChips} table=${table} list=${list} onChange=${change} />
            <${Heard} table=${table} live=${live} />
            ${chosen.size > 0 && html`<${SelectionBar} table=${table} chosen=${chosen} onClear=${() => setChosen(new Map())}
                onEdit=${() => setTask("edit")} onDelete=${() => setTask("delete")} />`}
            ${page.problem ? html`<${ProblemNote} problem=${page.problem} onRetry=${pages.reload} />`
                : isEmpty ? html`<${Nothing} table=${table} list=${list} onClear=${() => change({ filters: [], filter: "", q: "" })} />`
                : page.data ? shown : page.isSlow && html`<${Skeleton} rows=${8} />`}
            ${task === "edit" && html`<${BulkEdit} table=${table} keys=${[...chosen.keys()]} onClose=${() => setTask("")} onDone=${done} />`}
            ${task === "delete" && html`<${BulkDelete} table=${table} records=${[...chosen.values()]} onClose=${() => setTask("")} onDone=${done} />`}
        <//>`;
}

/** @param {import("../router.js").Place} place */
export default function RecordsScreen({ params, query }) {
    const table = tableOf(params.table);
    if (!table) return html`<${NotFound} title=${`There is no table ${params.table}`}>Or you may not see it. <a href=${href("/tables")}>All tables</a><//>`;
    return html`<${Records} key=${table.name} table=${table} query=${query} />`;
}

