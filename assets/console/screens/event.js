// One event: what it tells, and the jobs that it set off.

import { html } from "../vendor/preact.js";
import { get, recordPath } from "../api.js";
import { CopyButton } from "../components/copy.js";
import { Moment } from "../components/date.js";
import { JobTable, JOB_FIELDS } from "../components/job-table.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { Payload } from "../components/payload.js";
import { ProblemNote } from "../components/problem.js";
import { RecordLink } from "../components/record-link.js";
import { Skeleton } from "../components/skeleton.js";
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
function Facts({ event }) {
    const same = event.about && href("/events", { about: `${event.about.table}:${event.about.id}` });
    return html`
        <section class="card" aria-labelledby="facts-title">
            <header class="card-head"><h2 id="facts-title">The event</h2>${same && html`<a href=${same}>All about this record</a>`}</header>
            <dl class="card-body facts">
                <div><dt>About</dt><dd><${RecordLink} link=${event.about} hasTable /></dd></div>
                <div><dt>Who</dt><dd>${event.actor ? html`<${RecordLink} link=${{ table: "users", id: event.actor }} />` : "Nobody who was signed in, or the program itself"}</dd></div>
                <div><dt>When</dt><dd><${Moment} value=${event.at} /></dd></div>
                <div><dt>Name</dt><dd><code>${event.name}</code></dd></div>
                <div><dt>Key</dt><dd><code class="key">${event.id}</code> <${CopyButton} text=${event.id} label="Copy the key" isQuiet /></dd></div>
                ${event.request_id && html`<div><dt>Request</dt><dd><code class="key">${event.request_id}</code> <${CopyButton} text=${event.request_id} label="Copy the request id" isQuiet /></dd></div>`}
            </dl>
        </section>`;
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
        <${Page} title=${event ? eventWords(event.name) : "Event"} lead=${event && html`<${Moment} value=${event.at} isRelative />`} crumbs=${[{ href: "#/events", label: "Events" }]} isWide>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
            ${event && html`
                <div class="halves">
                    <${Facts} event=${event} />
                    <section class="card" aria-labelledby="payload-title">
                        <header class="card-head"><h2 id="payload-title">What it tells</h2></header>
                        <div class="card-body stack"><${Payload} payload=${event.payload} nothing="That it happened is all there is to tell." /></div>
                    </section>
                </div>
                <${Jobs} event=${event} />`}
        <//>`;
}
