// Jobs in a table, and the state of a job as a badge.

import { html } from "../vendor/preact.js";
import { kindWords, stateOf } from "../model/work.js";
import { go, href } from "../router.js";
import { Badge } from "./badge.js";
import { DataTable } from "./data-table.js";
import { Moment } from "./date.js";
import { Reason } from "./facts.js";
import { JobActions } from "./job-actions.js";
import { RecordLink } from "./record-link.js";

/** @typedef {import("../schema.js").Schemas["Jobs"]} Job */

/** The fields that the table shows. */
export const JOB_FIELDS = "id,kind,state,about,attempts,error,run_at,created_at,finished_at";

/** @param {{ state: Job["state"] }} props */
export function JobState({ state }) {
    const { label, kind, text } = stateOf(state ?? "waiting");
    return html`<${Badge} text=${label} kind=${kind} title=${text} />`;
}

/** When it ended, or when it is due. @param {{ job: Job }} props */
function When({ job }) {
    if (job.finished_at) return html`<${Moment} value=${job.finished_at} isRelative />`;
    if (job.state === "waiting") return html`<span class="muted">due</span> <${Moment} value=${job.run_at} isRelative />`;
    return html`<span class="muted">asked for</span> <${Moment} value=${job.created_at} isRelative />`;
}

/** What a table of jobs tells of each. @param {() => void} onDone After something was done to one. @returns {import("./data-table.js").Column<Job>[]} */
const columns = (onDone) => [
    { key: "kind", label: "Job", isHead: true, class: "wide", cell: (job) => html`<a href=${href(`/jobs/${job.id}`)} title=${job.kind}>${kindWords(job.kind ?? "")}</a>` },
    { key: "state", label: "State", cell: (job) => html`<${JobState} state=${job.state} />` },
    { key: "about", label: "About", cell: (job) => html`<${RecordLink} link=${job.about} hasTable />` },
    { key: "when", label: "When", cell: (job) => html`<${When} job=${job} />` },
    { key: "attempts", label: "Attempts", class: "number", cell: (job) => job.attempts ?? 0 },
    { key: "error", label: "Why it failed", class: "reason", cell: (job) => html`<${Reason} text=${job.state === "done" ? null : job.error} />` },
    {
        key: "act", label: html`<span class="sr-only">Actions</span>`, class: "acts",
        cell: (job) => html`<${JobActions} jobs=${[job]} only=${["retry", "run"]} onDone=${onDone} isSmall name=${kindWords(job.kind ?? "")} />`,
    },
];

/**
 * @param {{ caption: string, jobs: Job[], onDone: () => void, selected?: Set<string>, onSelect?: (selected: Set<string>) => void, isBusy?: boolean,
 *   without?: string[] }} props `without`: columns that say the same in each row.
 */
export function JobTable({ caption, jobs, onDone, selected, onSelect, isBusy, without = [] }) {
    const shown = columns(onDone).filter((column) => !without.includes(column.key));
    return html`
        <${DataTable} caption=${caption} columns=${shown} rows=${jobs} keyOf=${(/** @type {Job} */ job) => job.id} isBusy=${isBusy}
            labelOf=${(/** @type {Job} */ job) => `${kindWords(job.kind ?? "")} ${job.id.slice(-6)}`} selected=${selected} onSelect=${onSelect} isStacked
            onOpen=${(/** @type {Job} */ job) => go(`/jobs/${job.id}`)} />`;
}
