// One webhook that another program has sent us: what it told, and the headers it came with.

import { html } from "../vendor/preact.js";
import { get, recordPath } from "../api.js";
import { Moment } from "../components/date.js";
import { Facts, Key } from "../components/facts.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { Body, HeaderList } from "../components/payload.js";
import { ProblemNote } from "../components/problem.js";
import { Skeleton } from "../components/skeleton.js";
import { useResource } from "../resource.js";
import { href } from "../router.js";

/** @typedef {import("../schema.js").Schemas["InboundWebhooks"] & { source: string, external_id: string, body: string, received_at: string }} Received */

/** @param {import("../router.js").Place} place */
export default function WebhookReceivedScreen({ params }) {
    const load = (/** @type {AbortSignal} */ signal) => /** @type {Promise<Received>} */ (get(recordPath("inbound_webhooks", params.id), { expand: "source" }, signal));
    const { data, problem, isSlow, reload } = useResource(load, [params.id]);
    if (problem?.status === 404) return html`<${NotFound} title="There is no such webhook">Old ones are forgotten after a while.<//>`;
    const name = data ? data.expand?.source?.name ?? data.source : "Received webhook";
    /** @type {[string, any][]} */
    const lines = data ? [
        ["From", name],
        ["Received", html`<${Moment} value=${data.received_at} />`],
        ["Their key", html`<${Key} text=${data.external_id} what="their key" />`],
        ["Our key", html`<${Key} text=${data.id} what="our key" />`],
    ] : [];
    return html`
        <${Page} title=${name} lead=${data && html`Received <${Moment} value=${data.received_at} isRelative />. Its signature was right.`}
            crumbs=${[{ href: href("/webhooks", { tab: "received" }), label: "Webhooks" }]} isWide>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${6} />`}
            ${data && html`
                <div class="halves">
                    <section class="card" aria-labelledby="body-title">
                        <header class="card-head"><h2 id="body-title">What it tells</h2></header>
                        <div class="card-body stack"><${Body} text=${data.body} label="The body" /></div>
                    </section>
                    <div class="stack">
                        <${Facts} title="The webhook" lines=${lines} />
                        <section class="card" aria-labelledby="headers-title">
                            <header class="card-head"><h2 id="headers-title">Headers</h2></header>
                            <div class="card-body"><${HeaderList} headers=${data.headers} /></div>
                        </section>
                    </div>
                </div>`}
        <//>`;
}
