// Other programs: those that are told what happens here, and those that tell us.
//
// Deliberately elsewhere: one endpoint with its log (webhook.js), and what we receive (components/webhook-sources.js).

import { html, useState } from "../vendor/preact.js";
import { get } from "../api.js";
import { Badge } from "../components/badge.js";
import { DataTable } from "../components/data-table.js";
import { Moment } from "../components/date.js";
import { EmptyState } from "../components/empty.js";
import { Icon } from "../components/icon.js";
import { Page } from "../components/page.js";
import { ProblemNote } from "../components/problem.js";
import { SecretDialog } from "../components/secret-dialog.js";
import { Skeleton } from "../components/skeleton.js";
import { Tabs } from "../components/tabs.js";
import { WebhookForm } from "../components/webhook-form.js";
import { WebhookSources } from "../components/webhook-sources.js";
import { endpointState, hostOf, patternWords } from "../model/webhooks.js";
import { useLive, useResource } from "../resource.js";
import { go, href, replace } from "../router.js";
import { canWrite } from "../session.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["WebhookEndpoint"]} Endpoint
 */

/** More endpoints there cannot be. */
const ENDPOINTS_MAX = 100;
/** Patterns shown of each. */
const PATTERNS_MAX = 3;

/** @param {{ state: string | undefined }} props */
function EndpointState({ state }) {
    const { label, kind, text } = endpointState(state);
    return html`<${Badge} text=${label} kind=${kind} title=${text} />`;
}

/** @param {{ endpoint: Endpoint }} props */
function Patterns({ endpoint: { events } }) {
    const rest = events.length - PATTERNS_MAX;
    return html`<span class="badges">${events.slice(0, PATTERNS_MAX).map((pattern) => html`<${Badge} key=${pattern} text=${patternWords(pattern)} title=${pattern} />`)}
        ${rest > 0 && html`<span class="muted small">and ${rest} more</span>`}</span>`;
}

/** @type {import("../components/data-table.js").Column<Endpoint>[]} */
const COLUMNS = [
    {
        key: "url", label: "Endpoint", isHead: true, class: "wide",
        cell: (endpoint) => html`<a href=${href(`/webhooks/${endpoint.id}`)} title=${endpoint.url}>${endpoint.description || hostOf(endpoint.url)}</a>
            ${endpoint.description && html`<span class="muted small endpoint-host"> ${hostOf(endpoint.url)}</span>`}`,
    },
    { key: "state", label: "State", cell: (endpoint) => html`<${EndpointState} state=${endpoint.state} />` },
    { key: "events", label: "Is told of", class: "wrap", cell: (endpoint) => html`<${Patterns} endpoint=${endpoint} />` },
    { key: "failing", label: "Fails since", cell: (endpoint) => (endpoint.failing_since ? html`<${Moment} value=${endpoint.failing_since} isRelative />` : html`<span class="none">–</span>`) },
    { key: "made", label: "Made", cell: (endpoint) => html`<${Moment} value=${endpoint.created_at} />` },
];

/** The endpoints that are told. @param {{ onAdd: () => void }} props */
function Endpoints({ onAdd }) {
    const load = (/** @type {AbortSignal} */ signal) => /** @type {Promise<{ items: Endpoint[] }>} */ (get("/webhook_endpoints", { sort: "-id", limit: ENDPOINTS_MAX }, signal));
    const { data, problem, isSlow, reload, refresh } = useResource(load, []);
    useLive(refresh);
    const add = canWrite() && html`<button type="button" class="button button-primary" onClick=${onAdd}><${Icon} name="plus" />New endpoint</button>`;
    return html`
        <div class="stack">
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${4} />`}
            ${data && data.items.length === 0 && html`
                <${EmptyState} icon="send" title="No other program is told yet" actions=${add}>Give the address of your accounting, your shop or an automation service, and it is told what
                    happens here the moment it happens, signed and tried again until it answers.<//>`}
            ${data && data.items.length > 0 && html`
                <div class="row">${add}</div>
                <${DataTable} caption="Endpoints" columns=${COLUMNS} rows=${data.items} keyOf=${(/** @type {Endpoint} */ endpoint) => endpoint.id} isStacked
                    onOpen=${(/** @type {Endpoint} */ endpoint) => go(`/webhooks/${endpoint.id}`)} />`}
        </div>`;
}

const TABS = [{ key: "sent", label: "Told by us" }, { key: "received", label: "Told to us" }];

/** @param {import("../router.js").Place} place */
export default function WebhooksScreen({ query }) {
    const [isAdding, setAdding] = useState(false);
    const [made, setMade] = useState(/** @type {{ endpoint: Endpoint, secret: string } | null} */ (null));
    const tab = query.get("tab") === "received" ? "received" : "sent";
    const done = (/** @type {any} */ saved) => { setAdding(false); setMade(saved); };
    return html`
        <${Page} title="Webhooks" lead="Other programs are told what happens here, and tell us what happens there." isWide>
            <${Tabs} label="Direction" tabs=${TABS} current=${tab} onChange=${(/** @type {string} */ next) => replace("/webhooks", next === "sent" ? {} : { tab: next })}>
                ${tab === "sent" ? html`<${Endpoints} onAdd=${() => setAdding(true)} />` : html`<${WebhookSources} />`}
            <//>
            ${isAdding && html`<${WebhookForm} onClose=${() => setAdding(false)} onDone=${done} />`}
            ${made && html`
                <${SecretDialog} title="The endpoint is there" secret=${made.secret} onClose=${() => go(`/webhooks/${made.endpoint.id}`)}>
                    <p>Give this secret to <strong>${hostOf(made.endpoint.url)}</strong>. By it the other program tells that what it receives comes from here.</p><//>`}
        <//>`;
}
