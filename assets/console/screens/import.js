// Many new records from a file, in four steps: choose, match, check, import. Nothing is written before the last.
//
// Deliberately elsewhere: reading and matching (model/import-file.js), the tables of the steps (components/import-*.js).

import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { asProblem, Problem, request } from "../api.js";
import { Icon } from "../components/icon.js";
import { JsonPreview, Mapping } from "../components/import-mapping.js";
import { RowErrors, Verdict } from "../components/import-report.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { ProblemNote } from "../components/problem.js";
import { csvToSend, guess, NOWHERE, pathOf, read, templateOf } from "../model/import-file.js";
import { tableHref } from "../router.js";
import { tableOf, words } from "../schema.js";
import { canWrite } from "../session.js";

/**
 * @typedef {import("../schema.js").Table} Table
 * @typedef {import("../model/import-file.js").ImportFile} ImportFile
 * @typedef {import("../components/import-mapping.js").Plan} Plan
 * @typedef {import("../components/import-report.js").Report} Report
 * @typedef {{ done: number, total: number }} Progress
 */

const ACCEPT = ".csv,.tsv,.txt,.json,.ndjson,.jsonl,text/csv,application/json";

const BROKEN_OFF = "The connection ended before the server told the result. Look at the list before you try again.";

/** Saves text as a file of the reader's. @param {string} name @param {string} text */
function save(name, text) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
}

/** A number of things in words. @param {number} count @param {string} one @param {string} [many] */
const counted = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

/** @param {{ table: Table, file: ImportFile | null, onFile: (file: File) => void, failure: string }} props */
function Choose({ table, file, onFile, failure }) {
    const [isOver, setOver] = useState(false);
    const dropped = (/** @type {DragEvent} */ event) => {
        event.preventDefault();
        setOver(false);
        const [first] = event.dataTransfer?.files ?? [];
        if (first) onFile(first);
    };
    const over = (/** @type {DragEvent} */ event) => { event.preventDefault(); setOver(true); };
    return html`
        <label class=${`drop ${isOver ? "is-over" : ""}`} onDragOver=${over} onDragLeave=${() => setOver(false)} onDrop=${dropped}>
            <${Icon} name=${file ? "file" : "upload"} />
            <span class="drop-text">
                <strong>${file ? file.name : "Choose a file, or drop it here"}</strong>
                <span class="muted small">${file ? `${counted(file.rows.length, "row")}. Choose another to start anew.` : "CSV as spreadsheets save it, or JSON"}</span>
            </span>
            <input class="sr-only" type="file" accept=${ACCEPT} aria-invalid=${failure ? "true" : null} onChange=${(/** @type {any} */ event) => {
                if (event.target.files[0]) onFile(event.target.files[0]);
                event.target.value = "";
            }} />
        </label>
        ${failure && html`<p class="field-errors" role="alert">${failure}</p>`}
        ${!file && html`<p><button type="button" class="link-button" onClick=${() => save(`${table.name}.csv`, templateOf(table))}>Save an empty file with the right headings</button></p>`}`;
}

/** A numbered step. @param {{ number: number, title: string, children?: any }} props */
function Step({ number, title, children }) {
    return html`
        <section class="card" aria-labelledby=${`step-${number}`}>
            <header class="card-head step-head"><span class="step-number" aria-hidden="true">${number}</span><h2 id=${`step-${number}`}>${title}</h2></header>
            <div class="card-body stack">${children}</div>
        </section>`;
}

/** @param {{ skips: boolean, onChange: (skips: boolean) => void, isDisabled: boolean }} props */
function BadRows({ skips, onChange, isDisabled }) {
    const option = (/** @type {boolean} */ value, /** @type {string} */ label, /** @type {string} */ text) => html`
        <label class="role"><input type="radio" name="bad-rows" checked=${skips === value} disabled=${isDisabled} onChange=${() => onChange(value)} />
            <span><strong>${label}</strong><span class="muted small">${text}</span></span></label>`;
    return html`
        <fieldset class="stack-small"><legend class="field-label">When a row is bad</legend>
            ${option(false, "Import nothing", "All rows or none; mend the file and try again.")}
            ${option(true, "Leave it out", "The good rows are imported, the bad ones are listed.")}
        </fieldset>`;
}

/** @param {{ progress: Progress | null, what: string }} props */
function ProgressBar({ progress, what }) {
    if (!progress) return null;
    const { done, total } = progress;
    return html`
        <div class="progress" role="status">
            <label class="row row-between" for="import-progress"><span>${what}</span>
                <span class="muted">${total ? `${done.toLocaleString()} of ${total.toLocaleString()}` : "Sending the file"}</span></label>
            <progress id="import-progress" max=${Math.max(1, total)} value=${total ? done : null}></progress>
        </div>`;
}

/** What is sent for a file. @param {ImportFile} file @param {Plan} plan */
function bodyOf(file, plan) {
    return file.kind === "csv"
        ? { mediaType: "text/csv", body: new Blob([csvToSend(file, plan.mapping, plan.constants)]) }
        : { mediaType: "application/x-ndjson", body: new Blob(file.rows.map((row) => `${JSON.stringify(row)}\n`)) };
}

/**
 * Sends the file and answers the report. A refusal on account of bad rows is a report too.
 * @param {Table} table @param {ImportFile} file @param {Plan} plan @param {{ isDry: boolean, skips: boolean }} how
 * @param {(progress: Progress) => void} tell @returns {Promise<Report>}
 */
async function send(table, file, plan, how, tell) {
    /** @type {any} */
    let last = null;
    const onLine = (/** @type {string} */ text) => {
        const line = JSON.parse(text);
        if (line.progress === undefined) last = line;
        else tell({ done: line.progress, total: line.total });
    };
    const query = { dry_run: String(how.isDry), bad_rows: how.skips ? "skip" : "refuse" };
    await request("POST", `/${table.name}/import`, { ...bodyOf(file, plan), query, accept: "application/x-ndjson", onLine });
    if (!last) throw new Problem(0, { title: "The answer broke off", detail: BROKEN_OFF });
    if (last.status >= 400 && last.failed === undefined) throw new Problem(last.status, last);
    return last;
}

/** What was sent of a row, by path. @param {ImportFile} file @param {Plan} plan @param {number} row From 1. @returns {Record<string, string> | undefined} */
function rowSent(file, plan, row) {
    const found = file.rows[row - 1];
    if (!found || file.kind === "json") return found;
    const cells = plan.mapping.flatMap((target, at) => (target === NOWHERE ? [] : [[pathOf(target), found[at] ?? ""]]));
    return { ...Object.fromEntries(cells), ...plan.constants };
}

/** What can be done next. @param {{ table: Table, rows: number, ready: number | null, isBusy: boolean, isDone: boolean, onRun: (isDry: boolean) => void, onAnew: () => void }} props */
function Next({ table, rows, ready, isBusy, isDone, onRun, onAnew }) {
    if (isDone) {
        return html`
            <div class="row">
                <a class="button button-primary" href=${tableHref(table.name)}><${Icon} name="table" />See the records</a>
                <button type="button" class="button" onClick=${onAnew}>Import another file</button>
            </div>`;
    }
    return html`
        <div class="row">
            <button type="button" class=${`button ${ready ? "" : "button-primary"}`} disabled=${isBusy} onClick=${() => onRun(true)}>Check ${counted(rows, "row")}</button>
            ${ready !== null && html`
                <button type="button" class="button button-primary" disabled=${isBusy} onClick=${() => onRun(false)}>
                    <${Icon} name="upload" />Import ${counted(ready, "record")}</button>`}
        </div>`;
}

/** Check and import of a file. @param {{ table: Table, file: ImportFile, plan: Plan, onAnew: () => void }} props */
function Run({ table, file, plan, onAnew }) {
    const [skips, setSkips] = useState(false);
    const [progress, setProgress] = useState(/** @type {Progress | null} */ (null));
    const [report, setReport] = useState(/** @type {Report | null} */ (null));
    const [problem, setProblem] = useState(/** @type {Problem | null} */ (null));
    // Another plan needs another check.
    useEffect(() => { setReport(null); setProblem(null); }, [plan]);
    const run = async (/** @type {boolean} */ isDry) => {
        setProblem(null);
        setProgress({ done: 0, total: 0 });
        try {
            setReport(await send(table, file, plan, { isDry, skips }, setProgress));
        } catch (error) {
            setProblem(asProblem(error));
        }
        setProgress(null);
    };
    const isDone = report !== null && !report.dry_run && report.imported > 0;
    const isReady = report?.dry_run && report.imported > 0 && (report.failed === 0 || skips);
    const ready = isReady ? report.imported : null;
    return html`
        <${Step} number=${3} title="Check and import">
            ${!isDone && html`<${BadRows} skips=${skips} onChange=${setSkips} isDisabled=${progress !== null} />`}
            ${report && html`<${Verdict} report=${report} isDone=${isDone} />`}
            ${problem && html`<${ProblemNote} problem=${problem} />`}
            <${ProgressBar} progress=${progress} what=${ready ? "Importing" : "Checking"} />
            <${Next} table=${table} rows=${file.rows.length} ready=${ready} isBusy=${progress !== null} isDone=${isDone} onRun=${run} onAnew=${onAnew} />
            ${report && html`<${RowErrors} report=${report} rowAt=${(/** @type {number} */ row) => rowSent(file, plan, row)} />`}
        <//>`;
}

/** @param {{ table: Table }} props */
function ImportView({ table }) {
    const [file, setFile] = useState(/** @type {ImportFile | null} */ (null));
    const [plan, setPlan] = useState(/** @type {Plan} */ ({ mapping: [], constants: {} }));
    const [failure, setFailure] = useState("");
    const turn = useRef(0);
    const choose = async (/** @type {File} */ chosen) => {
        setFailure("");
        try {
            const next = await read(chosen);
            turn.current += 1;
            setPlan({ mapping: next.kind === "csv" ? guess(next.heads, table) : [], constants: {} });
            setFile(next);
        } catch (error) {
            setFile(null);
            setFailure(error instanceof Error ? error.message : String(error));
        }
    };
    const ignored = useMemo(() => plan.mapping.filter((target) => target === NOWHERE).length, [plan]);
    return html`
        <${Step} number=${1} title="Choose a file"><${Choose} table=${table} file=${file} onFile=${choose} failure=${failure} /><//>
        ${file && html`
            <${Step} number=${2} title=${file.kind === "csv" ? "Match the columns" : "Look at the records"}>
                ${file.kind === "csv"
                    ? html`<${Mapping} file=${file} table=${table} plan=${plan} onChange=${setPlan} />
                        ${ignored > 0 && html`<p class="muted small">${ignored === 1 ? "1 column is" : `${ignored} columns are`} left out.</p>`}`
                    : html`<${JsonPreview} rows=${file.rows} />`}
            <//>
            <${Run} key=${turn.current} table=${table} file=${file} plan=${plan} onAnew=${() => setFile(null)} />`}`;
}

/** @param {import("../router.js").Place} place */
export default function ImportScreen({ params }) {
    const table = tableOf(params.table);
    if (!table || !table.is_writable.create || !canWrite()) {
        const why = !table ? "There is no such table." : "The program itself makes the records of this table, or your account may only read.";
        return html`<${NotFound} title="Nothing can be imported here">${why}<//>`;
    }
    const name = words(table.name);
    return html`
        <${Page} title=${`Import into ${name}`} lead="Many new records from a spreadsheet. Nothing is written before you have seen that it is good."
            crumbs=${[{ href: "#/tables", label: "Tables" }, { href: tableHref(table.name), label: name }]}>
            <${ImportView} key=${table.name} table=${table} />
        <//>`;
}
