// What is to be done and what was done, by state; those that were given up come first.
//
// Deliberately elsewhere: one job with its history (job.js).

import { html, useEffect, useState } from "../vendor/preact.js";
import { get } from "../api.js";
import { confirm } from "../components/confirm.js";
import { EmptyState } from "../components/empty.js";
import { Icon } from "../components/icon.js";
import { JobActions, perform } from "../components/job-actions.js";
import { JobTable, JOB_FIELDS } from "../components/job-table.js";
import { Page } from "../components/page.js";
import { Pager } from "../components/pager.js";
import { ProblemNote } from "../components/problem.js";
import { RecordLink } from "../components/record-link.js";
import { Choice, searchOf } from "../components/search-bar.js";
import { Skeleton } from "../components/skeleton.js";
import { Tabs } from "../components/tabs.js";
import { WorkStrip, useWork } from "../components/work-strip.js";
import { linkOf } from "../labels.js";
import { JOB_STATES, kindWords, stateOf, totals } from "../model/work.js";
import { useLive, usePages } from "../resource.js";
import { canWrite } from "../session.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["Jobs"]} Job
 * @typedef {import("../model/work.js").JobState} State
 * @typedef {Schemas["WorkOverview"]} Work
 */

const PAGE_SIZE = 30;
/** Jobs that are retried at one go. */
const ALL_MAX = 1000;
/** The tab of all states. */
const ALL = "all";

/** What each tab says when it is empty. @type {Record<string, { title: string, text: string }>} */
const NOTHING = {
    dead: { title: "Nothing was given up", text: "A job that fails again and again appears here, with what went wrong." },
    running: { title: "Nothing runs right now", text: "Most jobs take less than a moment, so that you seldom see one here." },
    waiting: { title: "Nothing waits", text: "Jobs for later, and those that are tried again after a failure, appear here." },
    blocked: { title: "Nothing stands in line", text: "A job about a record waits here while an earlier one about the same record is not done." },
    done: { title: "Nothing was done yet", text: "What the program has done for you appears here." },
    dropped: { title: "Nothing was dropped", text: "Jobs that somebody decided against appear here." },
    [ALL]: { title: "There are no jobs yet", text: "What follows from events, such as mails and calls to other programs, appears here." },
};

/** The list's conditions for what the reader asks for. @param {URLSearchParams} query @param {string} state */
const asked = (query, state) => ({ state: state === ALL ? null : state, kind: query.get("kind"), about: query.get("about"), event: query.get("event"), sort: "-id" });

/** All that were given up and fit the search. @param {URLSearchParams} query @returns {Promise<Job[]>} */
async function allDead(query) {
    /** @type {Job[]} */
    const found = [];
    for (let cursor = null; found.length < ALL_MAX;) {
        const page = await get("/jobs", { ...asked(query, "dead"), fields: "id", limit: 100, cursor });
        found.push(...page.items);
        cursor = page.next_cursor;
        if (!cursor) break;
    }
    return found;
}

/** @param {{ query: URLSearchParams, onDone: () => void }} props */
function RetryAll({ query, onDone }) {
    const [isBusy, setBusy] = useState(false);
    const run = async () => {
        setBusy(true);
        const jobs = await allDead(query);
        const text = "Each begins anew, with all its attempts. Do this once what made them fail is mended.";
        if (jobs.length && await confirm({ title: `Retry ${jobs.length} ${jobs.length === 1 ? "job" : "jobs"}?`, text, yes: "Retry all" })) {
            await perform("retry", jobs);
            onDone();
        }
        setBusy(false);
    };
    return html`<button type="button" class="button" disabled=${isBusy} onClick=${run}><${Icon} name="refresh" />Retry all that were given up</button>`;
}

/** @param {{ query: URLSearchParams, state: string, reloadWork: () => void }} props */
function JobList({ query, state, reloadWork }) {
    const key = `${state}?${query}`;
    const load = (/** @type {string | null} */ cursor, /** @type {AbortSignal} */ signal) =>
        /** @type {Promise<import("../resource.js").ListPage<Job>>} */ (
            get("/jobs", { ...asked(query, state), fields: JOB_FIELDS, limit: PAGE_SIZE, cursor }, signal));
    const { data, problem, isSlow, isLoading, reload, refresh, pages } = usePages(load, key, PAGE_SIZE);
    const [selected, setSelected] = useState(/** @type {Set<string>} */ (new Set()));
    useLive(refresh);
    useEffect(() => setSelected(new Set()), [key, pages.from]);
    const jobs = data?.items ?? [];
    const chosen = jobs.filter((job) => selected.has(job.id));
    const done = () => { setSelected(new Set()); reload(); reloadWork(); };
    const nothing = NOTHING[state] ?? NOTHING[ALL];
    return html`
        <div class="stack">
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${6} />`}
            ${data && jobs.length === 0 && html`<${EmptyState} icon=${state === "dead" ? "check" : "queue"} title=${nothing.title}>${nothing.text}<//>`}
            ${chosen.length > 0 && html`
                <div class="selection-bar" role="group" aria-label="Selected jobs"><strong>${chosen.length} selected</strong>
                    <${JobActions} jobs=${chosen} onDone=${done} isSmall />
                    <button type="button" class="button button-small button-quiet" onClick=${() => setSelected(new Set())}>Clear</button></div>`}
            ${jobs.length > 0 && html`
                <${JobTable} caption="Jobs" jobs=${jobs} onDone=${done} isBusy=${isLoading} without=${state === ALL ? [] : ["state"]} selected=${canWrite() ? selected : undefined} onSelect=${canWrite() ? setSelected : undefined} />
                <${Pager} ...${pages} count=${jobs.length} />`}
            ${state === "dead" && jobs.length > 0 && canWrite() && html`<p><${RetryAll} query=${query} onDone=${done} /></p>`}
        </div>`;
}

/** Jobs by state, of one kind where one is chosen. @param {Work} work @param {string} kind */
const countsOf = (work, kind) => totals(work.kinds.filter((counted) => !kind || counted.kind === kind));

/** The tabs with how many there are of each; of the finished ones it is not counted. @param {Work | undefined} work @param {string} kind */
function tabsOf(work, kind) {
    const counts = /** @type {Record<string, number>} */ (work ? { ...countsOf(work, kind) } : {});
    const tabs = JOB_STATES.map((state) => ({ key: /** @type {string} */ (state), label: stateOf(state).label, count: counts[state] || undefined }));
    return [...tabs, { key: ALL, label: "All", count: undefined }];
}

/** @param {import("../router.js").Place} place */
export default function JobsScreen({ query }) {
    const work = useWork();
    const search = searchOf("/jobs", query);
    // Where nobody chose, what was given up comes first, and stays when the last of it is mended.
    const [first, setFirst] = useState(/** @type {string | null} */ (null));
    useEffect(() => {
        if (!first && (work.data || work.problem)) setFirst(work.data && countsOf(work.data, search.value("kind")).dead > 0 ? "dead" : ALL);
    }, [first, work.data, work.problem]);
    const state = search.value("state") || (["about", "event"].some(search.value) ? ALL : first);
    const about = linkOf({}, search.value("about"));
    const kinds = (work.data?.kinds ?? []).map(({ kind }) => ({ value: kind, label: kindWords(kind) }));
    const narrowed = new URLSearchParams([...query].filter(([name]) => name !== "state"));
    return html`
        <${Page} title="Jobs" lead="What is to be done, and what was done. A job that fails is tried again, with longer and longer pauses." isWide>
            <${WorkStrip} work=${work} />
            <div class="toolbar" role="search">
                <${Choice} label="Kind" value=${search.value("kind")} options=${kinds} onChange=${(/** @type {string} */ kind) => search.put({ kind })} isInline />
                ${about && html`<span>Only about <${RecordLink} link=${about} hasTable /></span>`}
                ${narrowed.toString() && html`
                    <button type="button" class="button button-small" onClick=${() => search.put({ kind: "", about: "", event: "" })}><${Icon} name="close" />Clear</button>`}
            </div>
            ${state && html`
                <${Tabs} label="State of the jobs" tabs=${tabsOf(work.data, search.value("kind"))} current=${state} onChange=${(/** @type {string} */ next) => search.put({ state: next })}>
                    <${JobList} query=${narrowed} state=${state} reloadWork=${work.refresh} />
                <//>`}
        <//>`;
}
