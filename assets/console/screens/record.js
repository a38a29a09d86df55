// One record: all its fields, its links both ways, and the form to change it (`?edit=1`).

import { html, useEffect } from "../vendor/preact.js";
import { asProblem, post, recordPath, remove, request } from "../api.js";
import { ChangedNote, useRecordNews } from "../components/changed-note.js";
import { confirm } from "../components/confirm.js";
import { copy, CopyButton } from "../components/copy.js";
import { Icon } from "../components/icon.js";
import { LinkedHere } from "../components/linked-here.js";
import { Menu } from "../components/menu.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { ProblemNote } from "../components/problem.js";
import { RecordForm } from "../components/record-form.js";
import { Skeleton } from "../components/skeleton.js";
import { askStale } from "../components/stale.js";
import { toast, toastProblem } from "../components/toast.js";
import { Value } from "../components/value.js";
import { learn } from "../labels.js";
import { curl } from "../model/curl.js";
import { go, href, replace, setLeaveGuard, tableHref } from "../router.js";
import { useResource } from "../resource.js";
import { fieldWords, labelOf, tableOf, topFields, words } from "../schema.js";
import { hasRole } from "../session.js";

/** @typedef {import("../schema.js").Table} Table */

/** @param {string} table @param {string} id @param {AbortSignal} [signal] @returns {Promise<{ record: any, etag: string | null }>} */
async function load(table, id, signal) {
    const answer = await request("GET", recordPath(table, id), { signal });
    learn(table, answer.body);
    return { record: answer.body, etag: answer.etag };
}

/** Deletes after asking, with a way back where there is one. @param {Table} table @param {any} record @param {string | null} etag @param {Holding} holding */
async function drop(table, record, etag, holding) {
    const label = labelOf(table, record);
    const isSure = await confirm({
        title: `Delete ${label}?`, yes: "Delete", isDangerous: true,
        text: table.can_restore ? "You can undo it right after, as long as nothing else was deleted with it." : "This cannot be undone. What belongs to the record goes with it.",
    });
    if (!isSure) return;
    try {
        await holding(() => remove(recordPath(table.name, record.id), etag));
    } catch (error) {
        toastProblem(error, asProblem(error).status === 412 ? "Not deleted:" : `${label} was not deleted.`);
        return;
    }
    const undo = async () => {
        await post(`${recordPath(table.name, record.id)}/restore`);
        toast(`${label} is back`);
        go(`/tables/${table.name}/${encodeURIComponent(record.id)}`);
    };
    toast(`${label} deleted`, table.can_restore ? { action: { label: "Undo", run: undo } } : {});
    go(`/tables/${table.name}`);
}

/** @param {{ table: Table, record: any, changed: string[] }} props `changed`: fields that somebody else changed just now. */
function Fields({ table, record, changed }) {
    const fields = topFields(table).filter((field) => field.path !== "id");
    return html`
        <dl class="card record-values">
            ${fields.map((field) => html`
                <div key=${field.path} class=${changed.includes(field.path) ? "is-changed" : ""}>
                    <dt title=${field.description}>${fieldWords(field.path)}</dt>
                    <dd><${Value} table=${table} field=${field} value=${record[field.path]} isWhole /></dd>
                </div>`)}
        </dl>`;
}

/** @typedef {<T>(run: () => Promise<T>) => Promise<T>} Holding */

/** @param {{ table: Table, loaded: { record: any, etag: string | null }, holding: Holding, onLoaded: (next: { record: any, etag: string | null }) => void, onDone: () => void, onCancel: () => void }} props */
function Edit({ table, loaded, holding, onLoaded, onDone, onCancel }) {
    const { record, etag } = loaded;
    const path = recordPath(table.name, record.id);
    const store = async (/** @type {any} */ patch, /** @type {string | null} */ tag) => {
        const answer = await request("PATCH", path, { body: patch, ifMatch: tag });
        learn(table.name, answer.body);
        toast("Changes saved");
        setLeaveGuard(null);
        onLoaded({ record: answer.body, etag: answer.etag });
        onDone();
    };
    const save = async (/** @type {any} */ patch) => {
        try {
            await holding(() => store(patch, etag));
        } catch (error) {
            if (asProblem(error).status !== 412) throw error;
            const now = await load(table.name, record.id);
            const choice = await askStale(table, record, now.record, patch);
            if (choice === "reload") onLoaded(now);
            else if (choice === "overwrite") await holding(() => store(patch, now.etag));
            else throw error;
        }
    };
    return html`<${RecordForm} table=${table} record=${record} onSave=${save} onCancel=${onCancel} />`;
}

/** @param {{ table: Table, record: any, etag: string | null, holding: Holding, reload: () => void }} props */
function Actions({ table, record, etag, holding, reload }) {
    const path = `/tables/${table.name}/${encodeURIComponent(record.id)}`;
    const items = [
        table.name === "users" && { label: "Account: roles, sessions", icon: "user", href: href(`/users/${record.id}`) },
        { label: "Copy as JSON", icon: "copy", onSelect: () => copy(JSON.stringify(record, null, 2), "Copied as JSON") },
        { label: "Copy as curl", icon: "code", onSelect: () => copy(curl({ origin: location.origin, path: recordPath(table.name, record.id) }), "Copied as curl") },
        { label: "Changes of this record", icon: "history", href: href("/audit", { table: table.name, id: String(record.id) }) },
        { label: "Load again", icon: "refresh", onSelect: reload },
        table.is_writable.delete && { label: "Delete", icon: "trash", isDangerous: true, onSelect: () => drop(table, record, etag, holding) },
    ];
    return html`
        <${Menu} label="More" icon="more" class="button" items=${items} />
        ${table.is_writable.update && html`<a class="button button-primary" href=${href(path, { edit: "1" })}><${Icon} name="edit" />Edit</a>`}`;
}

/** Puts the focus into the first input of the form. */
function focusForm() {
    const controls = ["input", "select", "textarea", "button"].map((name) => `.record-form ${name}`).join();
    /** @type {HTMLElement | null} */ (document.querySelector(controls))?.focus();
}

/** @param {{ table: Table, id: string, isEditing: boolean }} props */
function RecordView({ table, id, isEditing }) {
    const loaded = useResource((signal) => load(table.name, id, signal), [table.name, id]);
    const path = `/tables/${table.name}/${encodeURIComponent(id)}`;
    const { record = null, etag = null } = loaded.data ?? {};
    const name = record ? labelOf(table, record) : words(table.name);
    const crumbs = [{ href: href("/tables"), label: "Tables" }, { href: tableHref(table.name), label: words(table.name) }];
    const isOpen = isEditing && record && table.is_writable.update && (table.name !== "users" || hasRole("admin", "super_admin"));
    useEffect(() => { if (isOpen) focusForm(); }, [Boolean(isOpen)]);
    const { news, clear, holding } = useRecordNews({ table, id, loaded, isEditing: Boolean(isOpen), load: () => load(table.name, id) });
    const take = (/** @type {{ record: any, etag: string | null }} */ next) => { clear(); loaded.set(next); };
    const done = () => replace(path);
    const cancel = () => {
        if (news?.theirs) take(news.theirs);
        done();
    };
    if (loaded.problem?.status === 404) {
        return html`<${NotFound} title="This record is not there">
            It was deleted, or never was. <a href=${tableHref(table.name)}>All ${words(table.name).toLowerCase()}</a><//>`;
    }
    const lead = record && html`<span class="record-id"><code>${record.id}</code><${CopyButton} text=${String(record.id)} label="Copy id" what="Id copied" isQuiet /></span>`;
    const actions = record && !isOpen && html`<${Actions} table=${table} record=${record} etag=${etag} holding=${holding} reload=${() => { clear(); loaded.reload(); }} />`;
    return html`
        <${Page} title=${isOpen ? `Edit ${name}` : name} lead=${lead} crumbs=${crumbs} actions=${actions}>
            ${loaded.problem && html`<${ProblemNote} problem=${loaded.problem} onRetry=${loaded.reload} />`}
            ${loaded.isSlow && html`<${Skeleton} rows=${8} />`}
            ${record && html`<${ChangedNote} table=${table} id=${id} news=${news} isEditing=${Boolean(isOpen)} onTake=${take} onClear=${clear} />`}
            ${isOpen ? html`<${Edit} table=${table} loaded=${loaded.data} holding=${holding} onLoaded=${take} onDone=${done} onCancel=${cancel} />`
                : record && html`<div class="record-page"><${Fields} table=${table} record=${record} changed=${news?.names ?? []} /><${LinkedHere} table=${table.name} id=${String(record.id)} /></div>`}
        <//>`;
}

/** @param {import("../router.js").Place} place */
export default function RecordScreen({ params, query }) {
    const table = tableOf(params.table);
    if (!table) return html`<${NotFound} title=${`There is no table ${params.table}`} />`;
    return html`<${RecordView} key=${`${table.name}/${params.id}`} table=${table} id=${params.id} isEditing=${query.get("edit") === "1"} />`;
}
