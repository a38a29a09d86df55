// What staff do with jobs by hand: try again, do at once, decide against. One job or many.

import { html, useState } from "../vendor/preact.js";
import { asProblem, post } from "../api.js";
import { possible } from "../model/work.js";
import { canWrite } from "../session.js";
import { confirm } from "./confirm.js";
import { Icon } from "./icon.js";
import { toast, toastProblem } from "./toast.js";

/** @typedef {import("../schema.js").Schemas["Jobs"]} Job @typedef {"retry" | "run" | "drop"} Act */

/** @type {Record<Act, { label: string, icon: string, done: string, failed: string }>} */
const ACTS = {
    retry: { label: "Retry", icon: "refresh", done: "begun anew", failed: "not retried" },
    run: { label: "Run now", icon: "play", done: "moved to the front", failed: "not run" },
    drop: { label: "Drop", icon: "trash", done: "dropped", failed: "not dropped" },
};

/** Asks before something is decided against. @param {number} count */
const askDrop = (count) => confirm({
    title: count === 1 ? "Drop this job?" : `Drop ${count} jobs?`, yes: "Drop", isDangerous: true,
    text: `What ${count === 1 ? "it was" : "they were"} to do is not done, and what waits in line behind goes on. It can be begun anew later.`,
});

/**
 * Does it to each of some jobs, and tells what came of it. Those that have gone on in the meantime are left as they are.
 * @param {Act} act @param {{ id: string }[]} jobs @returns {Promise<boolean>} Whether anything was tried.
 */
export async function perform(act, jobs) {
    if (act === "drop" && !(await askDrop(jobs.length))) return false;
    /** @type {import("../api.js").Problem[]} */
    const problems = [];
    for (const job of jobs) {
        try {
            await post(`/jobs/${job.id}/${act}`);
        } catch (error) {
            problems.push(asProblem(error));
            // Without a right or a connection the others fail as well.
            if (![404, 409].includes(asProblem(error).status)) break;
        }
    }
    const count = (/** @type {number} */ number) => `${number} ${number === 1 ? "job" : "jobs"}`;
    const failed = problems.length;
    if (!failed) toast(`${count(jobs.length)} ${ACTS[act].done}`);
    else toastProblem(problems[0], jobs.length === 1 ? `The job was ${ACTS[act].failed}.` : `${count(failed)} of ${jobs.length} ${ACTS[act].failed}.`);
    return true;
}

/**
 * The buttons for some jobs: what is possible with all of them.
 * @param {{ jobs: Job[], onDone: () => void, only?: Act[], isSmall?: boolean, name?: string }} props `name` tells buttons of several rows apart.
 */
export function JobActions({ jobs, onDone, only = ["retry", "run", "drop"], isSmall = false, name }) {
    const [isBusy, setBusy] = useState(false);
    if (!canWrite() || jobs.length === 0) return null;
    const run = async (/** @type {Act} */ act) => {
        setBusy(true);
        const isTried = await perform(act, jobs);
        setBusy(false);
        if (isTried) onDone();
    };
    return html`${only.filter((act) => jobs.every((job) => possible(job)[act])).map((act) => html`
        <button key=${act} type="button" class=${`button ${isSmall ? "button-small" : ""}`} disabled=${isBusy} onClick=${() => run(act)}>
            <${Icon} name=${ACTS[act].icon} />${ACTS[act].label}${name && html`<span class="sr-only"> ${name}</span>`}</button>`)}`;
}
