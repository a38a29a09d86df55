// One event on its way to one endpoint: what was sent, and what came of each attempt.

import { html } from "../vendor/preact.js";
import { get, recordPath } from "../api.js";
import { Badge } from "../components/badge.js";
import { Moment } from "../components/date.js";
import { Facts, Key } from "../components/facts.js";
import { Icon } from "../components/icon.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { Body, HeaderList } from "../components/payload.js";
import { ProblemNote } from "../components/problem.js";
import { RecordLink } from "../components/record-link.js";
import { Skeleton } from "../components/skeleton.js";
import { DeliveryState, ReplayButton } from "../components/webhook-deliveries.js";
import { answerWords, deliveryState, hostOf } from "../model/webhooks.js";
import { eventWords } from "../model/work.js";
import { useLive, useResource } from "../resource.js";
import { href } from "../router.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["WebhookDeliveries"] & { name: string, endpoint: string, body: string, created_at: string }} Delivery A whole delivery.
 * @typedef {Schemas["WebhookAttempts"] & { at: string }} Attempt
 */

/** Attempts shown: there are fewer, but for many replays. */
const ATTEMPTS_MAX = 100;

/** @param {string} id @param {AbortSignal} signal @returns {Promise<{ delivery: Delivery, attempts: Attempt[] }>} */
async function load(id, signal) {
    const [delivery, attempts] = await Promise.all([
        get(recordPath("webhook_deliveries", id), { expand: "endpoint" }, signal),
        get("/webhook_attempts", { delivery: id, sort: "-number", limit: ATTEMPTS_MAX }, signal),
    ]);
    return { delivery, attempts: attempts.items };
}

/** @param {{ delivery: Delivery }} props */
function DeliveryFacts({ delivery }) {
    const endpoint = delivery.expand?.endpoint;
    /** @type {[string, any][]} */
    const lines = [
        ["To", html`<a href=${href(`/webhooks/${delivery.endpoint}`)}>${endpoint?.description || hostOf(endpoint?.url ?? "") || "the endpoint"}</a>`],
        ["Event", delivery.event ? html`<a href=${href(`/events/${delivery.event}`)}>${eventWords(delivery.name)}</a>` : "A test"],
        ["About", delivery.about && html`<${RecordLink} link=${delivery.about} hasTable />`],
        ["Made", html`<${Moment} value=${delivery.created_at} />`],
        ["Ended", delivery.finished_at && html`<${Moment} value=${delivery.finished_at} />`],
        ["Job", delivery.job && html`<a href=${href(`/jobs/${delivery.job}`)}>The job that sends it</a>`],
        ["Message", html`<${Key} text=${delivery.message} what="the webhook-id" />`],
    ];
    return html`<${Facts} title="The delivery" lines=${lines} />`;
}

/** @param {{ attempt: Attempt }} props */
function AttemptView({ attempt }) {
    const isGood = !attempt.error;
    return html`
        <li>
            <details class="trail-entry">
                <summary class="trail-line"><span class=${`trail-mark ${isGood ? "trail-good" : "trail-bad"}`}><${Icon} name=${isGood ? "check" : "alert"} /></span>
                    <span class="trail-sentence"><strong>Attempt ${attempt.number}</strong>
                        ${" "}<${Badge} text=${answerWords({ last_status: attempt.status, last_ms: attempt.ms })} kind=${isGood ? "good" : "bad"} />
                        ${attempt.error && html`<span class="trail-reason">${attempt.error}</span>`}</span>
                    <span class="trail-time"><${Moment} value=${attempt.at} isRelative /></span><${Icon} name="down" class="trail-fold" /></summary>
                <div class="trail-details">
                    <p class="small muted"><${Moment} value=${attempt.at} /></p>
                    ${attempt.url && html`<div class="stack-small"><h3>Sent to</h3><code class="wrapped">${attempt.url}</code></div>`}
                    ${attempt.request_headers && html`<div class="stack-small"><h3>With these headers</h3><${HeaderList} headers=${attempt.request_headers} /></div>`}
                    <div class="stack-small"><h3>The answer began with</h3>
                        ${attempt.response_start ? html`<pre tabindex="0" role="region" aria-label=${`Answer to attempt ${attempt.number}`}>${attempt.response_start}</pre>`
                            : html`<p class="muted">There was none.</p>`}</div>
                </div>
            </details>
        </li>`;
}

/** @param {import("../router.js").Place} place */
export default function WebhookDeliveryScreen({ params }) {
    const { data, problem, isSlow, reload, refresh } = useResource((signal) => load(params.id, signal), [params.id]);
    useLive(refresh, 2000);
    if (problem?.status === 404) return html`<${NotFound} title="There is no such delivery">Old ones are forgotten after a while.<//>`;
    const { delivery, attempts = [] } = data ?? {};
    const name = delivery ? (delivery.event ? eventWords(delivery.name) : "Test") : "Delivery";
    const title = delivery ? html`<span class="person-title"><span>${name}</span><${DeliveryState} state=${delivery.state} /></span>` : name;
    const endpoint = delivery && { href: href(`/webhooks/${delivery.endpoint}`), label: hostOf(delivery.expand?.endpoint?.url ?? "Endpoint") };
    const crumbs = [{ href: "#/webhooks", label: "Webhooks" }, ...(endpoint ? [endpoint] : [])];
    return html`
        <${Page} title=${title} plainTitle=${name}
            lead=${delivery && deliveryState(delivery.state).text} crumbs=${crumbs} actions=${delivery && html`<${ReplayButton} delivery=${delivery} onDone=${reload} />`} isWide>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
            ${delivery && html`
                <div class="halves">
                    <div class="stack"><${DeliveryFacts} delivery=${delivery} />
                        <section class="card" aria-labelledby="body-title">
                            <header class="card-head"><h2 id="body-title">What it tells</h2></header>
                            <div class="card-body stack"><${Body} text=${delivery.body} label="The body" /></div>
                        </section></div>
                    <section class="stack" aria-labelledby="attempts-title">
                        <h2 id="attempts-title">Attempts</h2>
                        ${attempts.length ? html`<ul class="trail card">${attempts.map((attempt) => html`<${AttemptView} key=${attempt.id} attempt=${attempt} />`)}</ul>`
                            : html`<p class="muted">None yet.</p>`}
                    </section>
                </div>`}
        <//>`;
}
