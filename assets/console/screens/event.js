// One event: what it tells, and the jobs that it set off.

import { html } from "../vendor/preact.js";
import { get, recordPath } from "../api.js";
import { Moment } from "../components/date.js";
import { Facts, Key } from "../components/facts.js";
import { JobTable, JOB_FIELDS } from "../components/job-table.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { Payload } from "../components/payload.js";
import { ProblemNote } from "../components/problem.js";
import { RecordLink } from "../components/record-link.js";
import { Skeleton } from "../components/skeleton.js";
import { ToldEndpoints } from "../components/webhook-deliveries.js";
import { eventWords } from "../model/work.js";
import { useLive, useResource } from "../resource.js";
import { href } from "../router.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["Events"] & { name: string, at: string }} Event A whole event.
 */

/** Jobs shown here; there are as many as reactions to the event. */
const JOBS_MAX = 100;

/** @param {{ event: Event }} props */
function EventFacts({ event }) {
    const same = event.about && href("/events", { about: `${event.about.table}:${event.about.id}` });
    /** @type {[string, any][]} */
    const lines = [
        ["About", html`<${RecordLink} link=${event.about} hasTable />`],
        ["Who", event.actor ? html`<${RecordLink} link=${{ table: "users", id: event.actor }} />` : "Nobody who was signed in, or the program itself"],
        ["When", html`<${Moment} value=${event.at} />`],
        ["Name", html`<code>${event.name}</code>`],
        ["Key", html`<${Key} text=${event.id} what="the key" />`],
        ["Request", event.request_id && html`<${Key} text=${event.request_id} what="the request id" />`],
    ];
    return html`<${Facts} title="The event" lines=${lines} more=${same && html`<a href=${same}>All about this record</a>`} />`;
}

/** @param {{ event: Event }} props */
function Jobs({ event }) {
    const load = (/** @type {AbortSignal} */ signal) => get("/jobs", { event: event.id, fields: JOB_FIELDS, limit: JOBS_MAX }, signal);
    const { data, problem, reload, refresh } = useResource(load, [event.id]);
    useLive(refresh);
    return html`
        <section class="stack" aria-labelledby="jobs-title">
            <h2 id="jobs-title">What was done about it</h2>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${data && (data.items.length ? html`<${JobTable} caption="Jobs of this event" jobs=${data.items} onDone=${reload} without=${["about"]} />`
                : html`<p class="muted">Nothing follows from events of this kind.</p>`)}
        </section>`;
}

/** @param {import("../router.js").Place} place */
export default function EventScreen({ params }) {
    const load = (/** @type {AbortSignal} */ signal) => /** @type {Promise<Event>} */ (get(recordPath("events", params.id), {}, signal));
    const { data: event, problem, isSlow, reload } = useResource(load, [params.id]);
    if (problem?.status === 404) return html`<${NotFound} title="There is no such event">Old events are forgotten after a while.<//>`;
    return html`
        <${Page} title=${event ? eventWords(event.name) : "Event"} lead=${event && html`<${Moment} value=${event.at} isRelative />`}
            crumbs=${[{ href: "#/events", label: "Events" }]} isWide>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
            ${event && html`
                <div class="halves">
                    <${EventFacts} event=${event} />
                    <section class="card" aria-labelledby="payload-title">
                        <header class="card-head"><h2 id="payload-title">What it tells</h2></header>
                        <div class="card-body stack"><${Payload} payload=${event.payload} nothing="That it happened is all there is to tell." /></div>
                    </section>
                </div>
                <${Jobs} event=${event} />
                <${ToldEndpoints} event=${event.id} />`}
        <//>`;
}
