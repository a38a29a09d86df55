// Jobs that come again and again: when, and what to do about them.

import { html } from "../vendor/preact.js";
import { post } from "../api.js";
import { Badge } from "../components/badge.js";
import { DataTable } from "../components/data-table.js";
import { Moment } from "../components/date.js";
import { EmptyState } from "../components/empty.js";
import { Icon } from "../components/icon.js";
import { Page } from "../components/page.js";
import { ProblemNote } from "../components/problem.js";
import { Skeleton } from "../components/skeleton.js";
import { toast, toastProblem } from "../components/toast.js";
import { WorkStrip, useWork } from "../components/work-strip.js";
import { cronWords } from "../model/cron.js";
import { kindWords } from "../model/work.js";
import { href } from "../router.js";
import { canWrite } from "../session.js";

/** @typedef {import("../schema.js").Schemas["ScheduleState"]} Schedule @typedef {"run" | "pause" | "resume"} Act */

/** @type {Record<Act, { label: string, icon: string, done: string, failed: string }>} */
const ACTS = {
    run: { label: "Run now", icon: "play", done: "is run now", failed: "Not run." },
    pause: { label: "Pause", icon: "pause", done: "is paused", failed: "Not paused." },
    resume: { label: "Resume", icon: "play", done: "goes on", failed: "Not resumed." },
};

/** @param {{ schedule: Schedule, onDone: () => void }} props */
function Actions({ schedule, onDone }) {
    if (!canWrite()) return null;
    const name = kindWords(schedule.kind);
    const act = async (/** @type {Act} */ what) => {
        try {
            await post(`/schedules/${encodeURIComponent(schedule.id)}/${what}`);
            toast(`“${name}” ${ACTS[what].done}`);
        } catch (error) {
            toastProblem(error, ACTS[what].failed);
        }
        onDone();
    };
    return html`<span class="acts-row">${/** @type {Act[]} */ (["run", schedule.is_paused ? "resume" : "pause"]).map((what) => html`
        <button key=${what} type="button" class="button button-small" onClick=${() => act(what)}>
            <${Icon} name=${ACTS[what].icon} />${ACTS[what].label}<span class="sr-only"> ${name}</span></button>`)}</span>`;
}

/** @param {() => void} onDone @returns {import("../components/data-table.js").Column<Schedule>[]} */
const columns = (onDone) => [
    {
        key: "name", label: "What", isHead: true, class: "wide",
        cell: (schedule) => html`<a href=${href("/jobs", { kind: schedule.kind, state: "all" })} title=${schedule.id}>${kindWords(schedule.kind)}</a>`,
    },
    {
        key: "cron", label: "When",
        cell: (schedule) => html`<span title=${`${schedule.cron} ${schedule.timezone}`}>${cronWords(schedule.cron)} <span class="muted small">${schedule.timezone}</span></span>`,
    },
    {
        key: "next", label: "Next",
        cell: (schedule) => (schedule.is_paused ? html`<${Badge} text="Paused" kind="warn" />` : html`<${Moment} value=${schedule.next_at} isRelative />`),
    },
    { key: "last", label: "Last", cell: (schedule) => (schedule.last_at ? html`<${Moment} value=${schedule.last_at} isRelative />` : html`<span class="muted">never</span>`) },
    { key: "act", label: html`<span class="sr-only">Actions</span>`, class: "acts", cell: (schedule) => html`<${Actions} schedule=${schedule} onDone=${onDone} />` },
];

export default function SchedulesScreen() {
    const work = useWork();
    const { data, problem, isSlow, reload } = work;
    const schedules = data?.schedules ?? [];
    return html`
        <${Page} title="Schedules" lead="What the program does again and again. What was missed while it did not run is made up for once." isWide>
            <${WorkStrip} work=${work} />
            ${data && problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${4} />`}
            ${data && schedules.length === 0 && html`<${EmptyState} icon="clock" title="There are no schedules">Work that comes again and again appears here.<//>`}
            ${schedules.length > 0 && html`<${DataTable} caption="Schedules" columns=${columns(work.refresh)} rows=${schedules} keyOf=${(/** @type {Schedule} */ schedule) => schedule.id} isStacked />`}
        <//>`;
}
