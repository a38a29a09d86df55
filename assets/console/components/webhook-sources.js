// Programs that send us webhooks, each with its secret, and what has come from them.

import { html, useState } from "../vendor/preact.js";
import { asProblem, get, patch, post, remove } from "../api.js";
import { errorsAt, errorsElsewhere } from "../model/pointers.js";
import { useLive, usePages, useResource } from "../resource.js";
import { go, href } from "../router.js";
import { canWrite } from "../session.js";
import { confirm } from "./confirm.js";
import { CopyButton } from "./copy.js";
import { DataTable } from "./data-table.js";
import { Moment } from "./date.js";
import { Dialog } from "./dialog.js";
import { EmptyState } from "./empty.js";
import { FormField } from "./form-field.js";
import { Icon } from "./icon.js";
import { Pager } from "./pager.js";
import { ProblemNote } from "./problem.js";
import { SecretDialog } from "./secret-dialog.js";
import { Skeleton } from "./skeleton.js";
import { toast, toastProblem } from "./toast.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["WebhookSource"]} Source
 * @typedef {Schemas["InboundWebhooks"] & { source: string, external_id: string, received_at: string }} Received
 */

const PAGE_SIZE = 20;
const SOURCES_MAX = 100;

/** The path at which a source's webhooks are taken. @param {string} id */
const pathOf = (id) => `/api/v1/webhooks/inbound/${encodeURIComponent(id)}`;

/** Makes or changes a source. @param {{ source?: Source, onClose: () => void, onDone: (made: { source: Source, secret: string } | null) => void }} props */
function SourceForm({ source, onClose, onDone }) {
    const [form, setForm] = useState({ id: source?.id ?? "", name: source?.name ?? "", secret: "" });
    const [problem, setProblem] = useState(/** @type {import("../api.js").Problem | null} */ (null));
    const errors = problem?.errors ?? [];
    const send = async (/** @type {Event} */ event) => {
        event.preventDefault();
        const secret = form.secret.trim() ? { secret: form.secret.trim() } : {};
        try {
            if (source) {
                await patch(`/webhooks/sources/${encodeURIComponent(source.id)}`, { ...(form.name === source.name ? {} : { name: form.name }), ...secret });
                toast("Changes saved");
                onDone(null);
            } else onDone(await post("/webhooks/sources", { id: form.id, name: form.name, scheme: "standard", ...secret }));
        } catch (error) {
            setProblem(asProblem(error));
        }
    };
    const text = (/** @type {"id" | "name" | "secret"} */ name, /** @type {Record<string, unknown>} */ more) => (/** @type {import("./form-field.js").InputProps} */ input) => html`
        <input class="input" id=${input.id} value=${form[name]} aria-describedby=${input.describedBy} aria-invalid=${input.isInvalid ? "true" : null} autocomplete="off" spellcheck=${false} ...${more}
            onInput=${(/** @type {any} */ event) => setForm({ ...form, [name]: event.target.value })} />`;
    const actions = html`
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" form="source-form" class="button button-primary">${source ? "Save changes" : "Add source"}</button>`;
    return html`
        <${Dialog} title=${source ? `Change ${source.name}` : "New source"} onClose=${onClose} actions=${actions} isSticky>
            <form id="source-form" class="stack" onSubmit=${send}>
                ${problem && errorsElsewhere(errors, ["/id", "/name", "/secret"]).length + (errors.length ? 0 : 1) > 0 && html`<${ProblemNote} problem=${problem} />`}
                <${FormField} label="Name" isRequired errors=${errorsAt(errors, "/name")}>${text("name", { required: true, autofocus: true, placeholder: "Payments" })}<//>
                ${!source && html`<${FormField} label="Key" isRequired errors=${errorsAt(errors, "/id")} help="The last part of the address that you give to the other program.">
                    ${text("id", { required: true, placeholder: "payments", maxlength: 64 })}<//>`}
                <${FormField} label=${source ? "New secret" : "Secret"} errors=${errorsAt(errors, "/secret")}
                    help=${source ? "The one it has stays if you leave this empty." : "The one that the other program shows you. If it lets you choose, leave this empty and one is made."}>
                    ${text("secret", { placeholder: "whsec_…" })}<//>
            </form>
        <//>`;
}

/** @param {(source: Source) => void} onEdit @param {(source: Source) => void} onDrop @returns {import("./data-table.js").Column<Source>[]} */
const sourceColumns = (onEdit, onDrop) => [
    { key: "name", label: "Source", isHead: true, cell: (source) => source.name },
    {
        key: "path", label: "Address", class: "address",
        cell: (source) => html`<code>${pathOf(source.id)}</code> <${CopyButton} text=${pathOf(source.id)} label=${`Copy the address of ${source.name}`} isQuiet />`,
    },
    { key: "made", label: "Made", cell: (source) => html`<${Moment} value=${source.created_at} />` },
    {
        key: "act", label: html`<span class="sr-only">Actions</span>`, class: "acts",
        cell: (source) => canWrite() && html`<span class="acts-row">
            <button type="button" class="button button-small" onClick=${() => onEdit(source)}><${Icon} name="edit" />Change<span class="sr-only"> ${source.name}</span></button>
            <button type="button" class="button button-small" onClick=${() => onDrop(source)}><${Icon} name="trash" />Delete<span class="sr-only"> ${source.name}</span></button></span>`,
    },
];

/** @param {Map<string, string>} names @returns {import("./data-table.js").Column<Received>[]} */
const inboxColumns = (names) => [
    { key: "source", label: "From", isHead: true, cell: (received) => html`<a href=${href(`/webhooks/received/${received.id}`)}>${names.get(received.source) ?? received.source}</a>` },
    { key: "external_id", label: "Their key", cell: (received) => html`<code title=${received.external_id}>${received.external_id}</code>` },
    { key: "at", label: "Received", cell: (received) => html`<${Moment} value=${received.received_at} isRelative />` },
];

/** What has come. @param {{ names: Map<string, string> }} props */
function Inbox({ names }) {
    const load = (/** @type {string | null} */ cursor, /** @type {AbortSignal} */ signal) =>
        /** @type {Promise<import("../resource.js").ListPage<Received>>} */ (
            get("/inbound_webhooks", { fields: "id,source,external_id,received_at", sort: "-id", limit: PAGE_SIZE, cursor }, signal));
    const { data, problem, isSlow, reload, refresh, pages } = usePages(load, "", PAGE_SIZE);
    useLive(refresh);
    const items = data?.items ?? [];
    return html`
        <section class="stack" aria-labelledby="inbox-title">
            <h2 id="inbox-title">What has come</h2>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${4} />`}
            ${data && (items.length ? html`
                <${DataTable} caption="Received webhooks" columns=${inboxColumns(names)} rows=${items} keyOf=${(/** @type {Received} */ received) => received.id} isStacked
                    onOpen=${(/** @type {Received} */ received) => go(`/webhooks/received/${received.id}`)} />
                <${Pager} ...${pages} count=${items.length} />`
                : html`<p class="muted">Nothing yet. What a source sends with the right signature appears here, each once.</p>`)}
        </section>`;
}

export function WebhookSources() {
    const load = (/** @type {AbortSignal} */ signal) => /** @type {Promise<{ items: Source[] }>} */ (get("/webhook_sources", { sort: "name", limit: SOURCES_MAX }, signal));
    const { data, problem, isSlow, reload } = useResource(load, []);
    const [editing, setEditing] = useState(/** @type {Source | "new" | null} */ (null));
    const [made, setMade] = useState(/** @type {{ source: Source, secret: string } | null} */ (null));
    const done = (/** @type {typeof made} */ next) => { setEditing(null); setMade(next); reload(); };
    const drop = async (/** @type {Source} */ source) => {
        const text = "What it sends from now on is refused. What has come from it stays.";
        if (!(await confirm({ title: `Delete ${source.name}?`, text, yes: "Delete", isDangerous: true }))) return;
        await remove(`/webhooks/sources/${encodeURIComponent(source.id)}`).then(() => toast(`${source.name} is deleted`), (error) => toastProblem(error, "Not deleted."));
        reload();
    };
    const add = canWrite() && html`<button type="button" class="button button-primary" onClick=${() => setEditing("new")}><${Icon} name="plus" />New source</button>`;
    const sources = data?.items ?? [];
    return html`
        <div class="stack">
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${4} />`}
            ${data && sources.length === 0 && html`
                <${EmptyState} icon="download" title="No other program tells us yet" actions=${add}>Add one, such as your payment service: you get an address and a secret to enter there.<//>`}
            ${sources.length > 0 && html`
                <div class="row">${add}</div>
                <${DataTable} caption="Sources" columns=${sourceColumns(setEditing, drop)} rows=${sources} keyOf=${(/** @type {Source} */ source) => source.id} isStacked />
                <${Inbox} names=${new Map(sources.map((source) => [source.id, source.name]))} />`}
            ${editing && html`<${SourceForm} source=${editing === "new" ? undefined : editing} onClose=${() => setEditing(null)} onDone=${done} />`}
            ${made && html`
                <${SecretDialog} title=${`${made.source.name} can send now`} secret=${made.secret} onClose=${() => setMade(null)}>
                    <p>Enter this secret and the address of your public listener with <code class="wrapped">${pathOf(made.source.id)}</code> in the other program.</p><//>`}
        </div>`;
}
