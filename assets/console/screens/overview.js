// The start page: how the business's data stands, what was entered last, and what to do next.
//
// Deliberately elsewhere: the list of all tables with their actions (tables.js).

import { html, useEffect } from "../vendor/preact.js";
import { get } from "../api.js";
import { ago, utc } from "../components/date.js";
import { Icon } from "../components/icon.js";
import { LatestList } from "../components/latest-list.js";
import { Page } from "../components/page.js";
import { ProblemNote } from "../components/problem.js";
import { Skeleton } from "../components/skeleton.js";
import { Tile } from "../components/tile.js";
import { WorkNote } from "../components/work-strip.js";
import { sizeWords } from "../model/files.js";
import { OWN_TABLES } from "../model/own-tables.js";
import { useResource } from "../resource.js";
import { tableHref } from "../router.js";
import { tableOf, words } from "../schema.js";
import { account, canWrite } from "../session.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["Overview"]} Overview
 * @typedef {Schemas["TableCount"]} Count
 */

/** Tables shown before the link to all of them. */
const TABLES_SHOWN = 12;
/** Milliseconds between two looks at the numbers. */
const EVERY_MS = 60_000;

const whole = new Intl.NumberFormat();
const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** Words for the time of the day. @param {number} hour */
const greeting = (hour) => (hour < 5 ? "Good evening" : hour < 12 ? "Good morning" : hour < 18 ? "Good afternoon" : "Good evening");

/** @param {{ overview: Overview }} props */
function Tiles({ overview }) {
    const entered = overview.tables.filter((table) => !OWN_TABLES.includes(table.name));
    const rows = entered.reduce((sum, table) => sum + table.rows, 0);
    const filled = entered.filter((table) => table.rows > 0).length;
    const users = overview.tables.find((table) => table.name === "users");
    const started = new Date(overview.started_at);
    return html`
        <ul class="tiles" aria-label="At a glance">
            <${Tile} icon="table" label="Records" value=${whole.format(rows)} href="#/tables"
                detail=${`in ${filled} of ${entered.length} tables`} />
            ${users && html`<${Tile} icon="users" label="People" value=${whole.format(users.rows)} detail="with an account" href="#/users" />`}
            <${Tile} icon="file" label="Database" value=${sizeWords(overview.database_bytes)} detail=${overview.database_bytes ? "on this disk" : "in memory, or on another machine"} />
            <${Tile} icon="bolt" label="Running" value=${ago(started).replace(/ ago$/, "")}
                detail=${html`since <time datetime=${overview.started_at} title=${utc(started)}>${short.format(started)}</time>`} />
        </ul>`;
}

/** @param {{ tables: Count[] }} props */
function TableCounts({ tables }) {
    const ordered = [...tables].sort((a, b) => b.rows - a.rows || a.name.localeCompare(b.name));
    const most = Math.max(1, ordered[0]?.rows ?? 1);
    return html`
        <section class="card" aria-labelledby="counts-title">
            <header class="card-head"><h2 id="counts-title">Records per table</h2><a href="#/tables">All ${tables.length} tables</a></header>
            <ul class="counts">
                ${ordered.slice(0, TABLES_SHOWN).map((table) => html`
                    <li key=${table.name}>
                        <a class="count-line" href=${tableHref(table.name)} title=${table.description}>
                            <span class="count-name">${words(table.name)}</span>
                            <progress class="count-bar" max=${Math.sqrt(most)} value=${Math.sqrt(table.rows)} aria-hidden="true" tabindex="-1"></progress>
                            <span class="count-rows">${whole.format(table.rows)}</span>
                        </a>
                    </li>`)}
            </ul>
        </section>`;
}

/** What a new installation needs first, in order. */
const FIRST_STEPS = [
    { table: "species", text: "Name the kinds of animals you work with" },
    { table: "product_categories", text: "Make the categories of your shelf" },
    { table: "businesses", text: "Enter your business" },
    { table: "products", text: "Add products, or import your list" },
    { table: "services", text: "Say what you offer: grooming, boarding, visits" },
];

/** @param {{ tables: Count[] }} props */
function FirstSteps({ tables }) {
    const steps = FIRST_STEPS.flatMap((step) => {
        const count = tables.find((table) => table.name === step.table);
        return count && tableOf(step.table)?.is_writable.create ? [{ ...step, isDone: count.rows > 0 }] : [];
    });
    if (!canWrite() || steps.length === 0 || steps.every((step) => step.isDone)) return null;
    const next = steps.find((step) => !step.isDone);
    return html`
        <section class="card first-steps" aria-labelledby="steps-title">
            <header class="card-head"><h2 id="steps-title">First steps</h2>
                <span class="muted">${steps.filter((step) => step.isDone).length} of ${steps.length} done</span></header>
            <ol class="steps">
                ${steps.map((step) => html`
                    <li key=${step.table} class=${step.isDone ? "step-done" : step === next ? "step-next" : ""}>
                        <span class="step-mark" aria-hidden="true">${step.isDone && html`<${Icon} name="check" />`}</span>
                        <span class="step-text">${step.text}${step.isDone && html`<span class="sr-only"> (done)</span>`}</span>
                        ${!step.isDone && html`<span class="step-actions">
                            <a class="button button-small" href=${`#/tables/${step.table}/new`}><${Icon} name="plus" />Add<span class="sr-only"> ${words(step.table)}</span></a>
                            <a class="button button-small" href=${`#/tables/${step.table}/import`}><${Icon} name="upload" />Import<span class="sr-only"> ${words(step.table)}</span></a>
                        </span>`}
                    </li>`)}
            </ol>
        </section>`;
}

export default function OverviewScreen() {
    const { data, problem, isSlow, reload } = useResource((signal) => /** @type {Promise<Overview>} */ (get("/overview", {}, signal)), []);
    useEffect(() => {
        const timer = setInterval(reload, EVERY_MS);
        return () => clearInterval(timer);
    }, [reload]);
    const first = account.value?.name.split(" ")[0] ?? "";
    const title = first ? `${greeting(new Date().getHours())}, ${first}` : "Overview";
    const actions = html`<button type="button" class="button" onClick=${reload}><${Icon} name="refresh" />Refresh</button>`;
    return html`
        <${Page} title=${title} plainTitle="Overview" lead="This is how your data stands." actions=${actions} isWide>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${6} />`}
            ${data && html`
                <${Tiles} overview=${data} />
                <${WorkNote} />
                <${FirstSteps} tables=${data.tables} />
                <div class="halves">
                    <${LatestList} latest=${data.latest} />
                    <${TableCounts} tables=${data.tables} />
                </div>
                <p class="muted small version-line">Pawbase ${data.version}</p>`}
        <//>`;
}
