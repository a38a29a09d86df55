// What was sent to an endpoint and how that went, with a way to send it once more.

import { html, useState } from "../vendor/preact.js";
import { get, post } from "../api.js";
import { answerWords, canReplay, DELIVERY_STATES, deliveryState, hostOf } from "../model/webhooks.js";
import { eventWords } from "../model/work.js";
import { useLive, usePages, useResource } from "../resource.js";
import { go, href } from "../router.js";
import { canWrite } from "../session.js";
import { Badge } from "./badge.js";
import { DataTable } from "./data-table.js";
import { Moment } from "./date.js";
import { EmptyState } from "./empty.js";
import { Reason } from "./facts.js";
import { Icon } from "./icon.js";
import { Pager } from "./pager.js";
import { ProblemNote } from "./problem.js";
import { Choice } from "./search-bar.js";
import { Skeleton } from "./skeleton.js";
import { toast, toastProblem } from "./toast.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["WebhookDeliveries"] & { name: string, state: string, created_at: string }} Delivery The fields of the list.
 */

const PAGE_SIZE = 20;
/** More endpoints there cannot be. */
const ENDPOINTS_MAX = 100;
const FIELDS = "id,name,state,attempts,last_status,last_ms,error,created_at,finished_at,event";

/** @param {{ state: string | undefined }} props */
export function DeliveryState({ state }) {
    const { label, kind, text } = deliveryState(state);
    return html`<${Badge} text=${label} kind=${kind} title=${text} />`;
}

/** Sends a delivery once more. @param {{ delivery: { id: string, state?: string, name?: string }, onDone: () => void, isSmall?: boolean }} props */
export function ReplayButton({ delivery, onDone, isSmall = false }) {
    if (!canWrite() || !canReplay(delivery)) return null;
    const replay = async () => {
        try {
            await post(`/webhooks/deliveries/${delivery.id}/replay`);
            toast("It is sent once more");
        } catch (error) {
            toastProblem(error, "Not sent.");
        }
        onDone();
    };
    return html`
        <button type="button" class=${`button ${isSmall ? "button-small" : ""}`} onClick=${replay}><${Icon} name="refresh" />Replay
            ${isSmall && html`<span class="sr-only"> ${eventWords(delivery.name ?? "")}</span>`}</button>`;
}

/** Which event it was. @type {import("./data-table.js").Column<Delivery>} */
const EVENT = {
    key: "name", label: "Event", isHead: true, class: "wide",
    cell: (delivery) => html`<a href=${href(`/webhooks/deliveries/${delivery.id}`)} title=${delivery.name}>${delivery.event ? eventWords(delivery.name) : "Test"}</a>`,
};
/** Who was told. @type {import("./data-table.js").Column<Delivery>} */
const ENDPOINT = {
    key: "endpoint", label: "Endpoint", isHead: true, class: "wide",
    cell: (delivery) => {
        const { url = "", description } = delivery.expand?.endpoint ?? {};
        return html`<a href=${href(`/webhooks/deliveries/${delivery.id}`)} title=${url}>${description || hostOf(url)}</a>`;
    },
};

/** @param {() => void} onDone @returns {import("./data-table.js").Column<Delivery>[]} */
const columns = (onDone) => [
    { key: "state", label: "State", cell: (delivery) => html`<${DeliveryState} state=${delivery.state} />` },
    { key: "at", label: "When", cell: (delivery) => html`<${Moment} value=${delivery.finished_at ?? delivery.created_at} isRelative />` },
    { key: "answer", label: "Answer", cell: (delivery) => (delivery.attempts ? answerWords(delivery) : html`<span class="none">–</span>`) },
    { key: "attempts", label: "Attempts", class: "number", cell: (delivery) => delivery.attempts ?? 0 },
    { key: "error", label: "Why it failed", class: "reason", cell: (delivery) => html`<${Reason} text=${delivery.state === "delivered" ? null : delivery.error} />` },
    { key: "act", label: html`<span class="sr-only">Actions</span>`, class: "acts", cell: (delivery) => html`<${ReplayButton} delivery=${delivery} onDone=${onDone} isSmall />` },
];

/** @param {{ head: import("./data-table.js").Column<Delivery>, deliveries: Delivery[], onDone: () => void, isBusy?: boolean }} props */
function DeliveryTable({ head, deliveries, onDone, isBusy }) {
    return html`
        <${DataTable} caption="Deliveries" columns=${[head, ...columns(onDone)]} rows=${deliveries} keyOf=${(/** @type {Delivery} */ delivery) => delivery.id} isBusy=${isBusy} isStacked
            onOpen=${(/** @type {Delivery} */ delivery) => go(`/webhooks/deliveries/${delivery.id}`)} />`;
}

/** The endpoints that are told of an event; nothing where there are none. @param {{ event: string }} props */
export function ToldEndpoints({ event }) {
    const load = (/** @type {AbortSignal} */ signal) =>
        /** @type {Promise<{ items: Delivery[] }>} */ (get("/webhook_deliveries", { event, fields: `${FIELDS},endpoint`, expand: "endpoint", limit: ENDPOINTS_MAX }, signal));
    const { data, reload, refresh } = useResource(load, [event]);
    useLive(refresh);
    if (!data?.items.length) return null;
    return html`
        <section class="stack" aria-labelledby="told-title">
            <h2 id="told-title">Endpoints that are told of it</h2>
            <${DeliveryTable} head=${ENDPOINT} deliveries=${data.items} onDone=${reload} />
        </section>`;
}

/** What was sent to an endpoint. @param {{ endpoint: string, turn: number }} props `turn`: another number loads anew. */
export function WebhookDeliveries({ endpoint, turn }) {
    const [state, setState] = useState("");
    const load = (/** @type {string | null} */ cursor, /** @type {AbortSignal} */ signal) =>
        /** @type {Promise<import("../resource.js").ListPage<Delivery>>} */ (get("/webhook_deliveries", { endpoint, state, fields: FIELDS, sort: "-id", limit: PAGE_SIZE, cursor }, signal));
    const { data, problem, isSlow, isLoading, reload, refresh, pages } = usePages(load, `${endpoint} ${state} ${turn}`, PAGE_SIZE);
    useLive(refresh);
    const deliveries = data?.items ?? [];
    return html`
        <section class="stack" aria-labelledby="log-title">
            <header class="row row-between"><h2 id="log-title">What was sent</h2>
                <${Choice} label="State" value=${state} options=${DELIVERY_STATES} onChange=${setState} isInline /></header>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${6} />`}
            ${data && deliveries.length === 0 && html`
                <${EmptyState} icon="send" title=${state ? "Nothing in this state" : "Nothing was sent yet"}>
                    As soon as one of its events happens, it is sent, and what the other program answered stands here.<//>`}
            ${deliveries.length > 0 && html`
                <${DeliveryTable} head=${EVENT} deliveries=${deliveries} onDone=${reload} isBusy=${isLoading} />
                <${Pager} ...${pages} count=${deliveries.length} />`}
        </section>`;
}
