// One job: what it is to do, how it stands, and each attempt that failed.

import { html } from "../vendor/preact.js";
import { get, recordPath } from "../api.js";
import { Moment } from "../components/date.js";
import { Facts, Key } from "../components/facts.js";
import { Icon } from "../components/icon.js";
import { JobActions } from "../components/job-actions.js";
import { JobState } from "../components/job-table.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { Payload } from "../components/payload.js";
import { ProblemNote } from "../components/problem.js";
import { RecordLink } from "../components/record-link.js";
import { Skeleton } from "../components/skeleton.js";
import { eventWords, kindWords, stateOf } from "../model/work.js";
import { useLive, useResource } from "../resource.js";
import { href } from "../router.js";
import { shortId } from "../schema.js";

/** @typedef {import("../schema.js").Schemas} Schemas @typedef {Schemas["Jobs"] & { kind: string, state: import("../model/work.js").JobState }} Job A whole job. */

/** @param {{ job: Job }} props */
function JobFacts({ job }) {
    const event = job.expand?.event;
    /** @type {[string, any][]} */
    const lines = [
        ["About", job.about && html`<${RecordLink} link=${job.about} hasTable />`],
        ["Because of", job.event && html`<a href=${href(`/events/${job.event}`)}>${event?.name ? eventWords(event.name) : shortId(job.event)}</a>`],
        ["Asked for", html`<${Moment} value=${job.created_at} />`],
        ["Due", job.state === "waiting" && html`<${Moment} value=${job.run_at} /> (<${Moment} value=${job.run_at} isRelative />)`],
        ["Ended", job.finished_at && html`<${Moment} value=${job.finished_at} />`],
        ["Attempts", String(job.attempts ?? 0)],
        ["In the hands of", job.lease_owner && html`<code>${job.lease_owner}</code>, until <${Moment} value=${job.lease_until} /> at most`],
        ["Next in line", job.next && html`<a href=${href(`/jobs/${job.next}`)}>${shortId(job.next)}</a>`],
        ["Only one of", job.unique_key && html`<code>${job.unique_key}</code>`],
        ["Kind", html`<code>${job.kind}</code>`],
        ["Key", html`<${Key} text=${job.id} what="the key" />`],
        ["Request", job.request_id && html`<${Key} text=${job.request_id} what="the request id" />`],
    ];
    const more = html`<a href=${href("/audit", { table: "jobs", id: job.id })}>What staff did with it</a>`;
    return html`<${Facts} title="The job" lines=${lines} more=${more} />`;
}

/** @param {{ job: Job }} props */
function History({ job }) {
    const failed = [...(job.history ?? [])].reverse();
    return html`
        <section class="card" aria-labelledby="history-title">
            <header class="card-head"><h2 id="history-title">Attempts that failed</h2></header>
            <div class="card-body">
                ${failed.length === 0 ? html`<p class="muted">None.</p>` : html`
                    <ol class="lines">${failed.map((attempt) => html`
                        <li key=${attempt.attempt}><${Icon} name="alert" />
                            <span class="line-text"><span>${attempt.error}</span>
                                <span class="muted small">Attempt ${attempt.attempt} · <${Moment} value=${attempt.at} /></span></span></li>`)}</ol>`}
            </div>
        </section>`;
}

/** @param {{ job: Job }} props */
function Standing({ job }) {
    const { text } = stateOf(job.state);
    const isBad = job.state === "dead" || (job.state === "waiting" && job.error);
    if (!isBad) return html`<p class="note"><${Icon} name="info" /><span>${text}</span></p>`;
    return html`
        <div class=${`note ${job.state === "dead" ? "note-danger" : "note-warn"}`}><${Icon} name="alert" /><div class="note-body">
            <h2>${job.state === "dead" ? "This job was given up" : "The last attempt failed"}</h2>
            <p>${job.error ?? "It is not known why."}</p><p>${text}</p></div></div>`;
}

/** @param {import("../router.js").Place} place */
export default function JobScreen({ params }) {
    const load = (/** @type {AbortSignal} */ signal) => /** @type {Promise<Job>} */ (get(recordPath("jobs", params.id), { expand: "event" }, signal));
    const { data: job, problem, isSlow, reload, refresh } = useResource(load, [params.id]);
    useLive(refresh);
    if (problem?.status === 404) return html`<${NotFound} title="There is no such job">Old jobs are forgotten after a while.<//>`;
    const title = job ? html`<span class="person-title"><span>${kindWords(job.kind)}</span><${JobState} state=${job.state} /></span>` : "Job";
    return html`
        <${Page} title=${title} plainTitle=${job ? kindWords(job.kind) : "Job"} crumbs=${[{ href: "#/jobs", label: "Jobs" }]}
            actions=${job && html`<${JobActions} jobs=${[job]} onDone=${reload} />`} isWide>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
            ${job && html`
                <${Standing} job=${job} />
                <div class="halves">
                    <${JobFacts} job=${job} />
                    <div class="stack">
                        <${History} job=${job} />
                        ${job.payload && html`
                            <section class="card" aria-labelledby="payload-title">
                                <header class="card-head"><h2 id="payload-title">What it is to do</h2></header>
                                <div class="card-body stack"><${Payload} payload=${job.payload} /></div>
                            </section>`}
                    </div>
                </div>`}
        <//>`;
}
