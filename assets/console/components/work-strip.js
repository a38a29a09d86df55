// How the work stands: a line of numbers above the screens of events, jobs and schedules, and a note where something needs a look.

import { html } from "../vendor/preact.js";
import { get } from "../api.js";
import { spanWords, totals } from "../model/work.js";
import { useLive, useResource } from "../resource.js";
import { Moment } from "./date.js";
import { Icon } from "./icon.js";
import { ProblemNote } from "./problem.js";
import { Tile } from "./tile.js";

/** @typedef {import("../schema.js").Schemas["WorkOverview"]} Work */

const whole = new Intl.NumberFormat();
/** Seconds that something may be late without anybody noticing. */
const LATE_S = 10;

/** The work at a glance, kept fresh. */
export function useWork() {
    const work = useResource((signal) => /** @type {Promise<Work>} */ (get("/work", {}, signal)), []);
    useLive(work.refresh);
    return work;
}

/** Outside services that are left alone for a while. @param {{ services: Work["services"] }} props */
function Services({ services }) {
    const closed = services.filter((service) => service.open_until);
    if (!closed.length) return null;
    return html`
        <div class="note note-warn"><${Icon} name="alert" /><div class="note-body">
            <h2>${closed.length === 1 ? "An outside service does not answer" : "Outside services do not answer"}</h2>
            <ul>${closed.map((service) => html`
                <li key=${service.name}><code>${service.name}</code> failed ${whole.format(service.failures)} times in a row. It is left alone and tried again
                    ${" "}<${Moment} value=${service.open_until} isRelative />.</li>`)}</ul>
        </div></div>`;
}

/** @param {{ work: import("../resource.js").Resource<Work> }} props */
export function WorkStrip({ work: { data, problem, reload } }) {
    if (!data) return problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`;
    const { waiting, blocked, running, dead, doneLastHour, lag_s } = totals(data.kinds);
    const failing = data.services.length;
    return html`
        <ul class="tiles tiles-small" aria-label="The work at a glance">
            <${Tile} icon="bolt" label="Events waiting" value=${whole.format(data.events_waiting)}
                detail=${data.events_lag_s > LATE_S ? `the oldest for ${spanWords(data.events_lag_s)}` : "none late"} />
            <${Tile} icon="queue" label="Jobs to do" value=${whole.format(waiting + blocked + running)} href="#/jobs?state=waiting"
                detail=${lag_s > LATE_S ? `${spanWords(lag_s)} late` : `${whole.format(running)} running now`} />
            <${Tile} icon="check" label="Done" value=${whole.format(doneLastHour)} detail="in the last hour" href="#/jobs?state=done" />
            <${Tile} icon="alert" label="Given up" value=${whole.format(dead)} detail=${dead ? "look at them" : "all is well"} href="#/jobs?state=dead" isBad=${dead > 0} />
            <${Tile} icon="link" label="Outside services" value=${failing ? `${failing} failing` : "All well"} detail="mail, webhooks" isBad=${failing > 0} />
        </ul>
        <${Services} services=${data.services} />`;
}

/** Says on the start page that jobs were given up; nothing while all is well. */
export function WorkNote() {
    const { data } = useResource((signal) => /** @type {Promise<Work>} */ (get("/work", {}, signal)), []);
    const dead = totals(data?.kinds ?? []).dead;
    if (!dead) return null;
    return html`
        <p class="note note-warn"><${Icon} name="alert" /><span>${dead === 1 ? "One job was" : `${whole.format(dead)} jobs were`} given up after failing again and again.
            ${" "}<a href="#/jobs?state=dead">See what went wrong</a></span></p>`;
}
