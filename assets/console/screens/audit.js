// Who did what, and when: the trail of every write by staff, searched by person, action, table and time.
//
// Deliberately elsewhere: how an entry looks (components/trail.js). Nobody can change the trail, so there is nothing to edit.

import { html, useState } from "../vendor/preact.js";
import { get } from "../api.js";
import { EmptyState } from "../components/empty.js";
import { Icon } from "../components/icon.js";
import { Page } from "../components/page.js";
import { Pager } from "../components/pager.js";
import { ProblemNote } from "../components/problem.js";
import { Skeleton } from "../components/skeleton.js";
import { TrailList } from "../components/trail.js";
import { ACTION_NAMES, actionWords } from "../model/trail.js";
import { useResource } from "../resource.js";
import { replace } from "../router.js";
import { tables as allTables, words } from "../schema.js";

/**
 * @typedef {import("../model/trail.js").Entry} Entry
 * @typedef {import("../schema.js").Schemas["AuditPage"] & { items: Entry[] }} TrailPage
 */

const PAGE_SIZE = 50;
/** People offered as actors. */
const ACTORS_MAX = 100;

/** The beginning or the end of a day of the reader's zone as the server reads it. @param {string | null} day @param {string} time */
function instant(day, time) {
    const date = new Date(`${day}T${time}`);
    return day && !Number.isNaN(date.getTime()) ? `${date.toISOString().slice(0, 19)}Z` : null;
}

/** The list's parameters for what the reader asks for. @param {URLSearchParams} query */
function asked(query) {
    const table = query.get("table");
    const id = query.get("id");
    return {
        sort: "-id", limit: PAGE_SIZE, expand: "actor",
        actor: query.get("actor"), action: query.get("action"),
        ...(id && table ? { target: `${table}:${id}` } : { target_table: table }),
        "at[gte]": instant(query.get("from"), "00:00:00"), "at[lte]": instant(query.get("to"), "23:59:59"),
    };
}

/** Who may have done something here: staff. The trail itself is too long to be asked. @param {AbortSignal} signal @returns {Promise<any[]>} */
async function staff(signal) {
    const filter = ["support", "admin", "super_admin"].map((role) => `roles contains "${role}"`).join(" or ");
    return (await get("/users", { filter, fields: "id,name,email", limit: ACTORS_MAX }, signal)).items;
}

/** A select of the filter bar. @param {{ label: string, value: string, onChange: (event: any) => void, options: { value: string, label: string }[] }} props */
function Choice({ label, value, onChange, options }) {
    // What the address asks for is shown, even before the choices are there.
    const all = value && !options.some((option) => option.value === value) ? [{ value, label: value }, ...options] : options;
    return html`
        <label class="filter-field"><span>${label}</span>
            <select class="input" value=${value} onChange=${onChange}>
                <option value="">All</option>
                ${all.map((option) => html`<option key=${option.value} value=${option.value} selected=${option.value === value}>${option.label}</option>`)}
            </select>
        </label>`;
}

/** Days back, as quick choices of the beginning. */
const SPANS = [{ days: 0, label: "Today" }, { days: 6, label: "7 days" }, { days: 29, label: "30 days" }];

/** The day some days ago, as an input has it. @param {number} days */
function dayBefore(days) {
    const date = new Date();
    date.setDate(date.getDate() - days);
    const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
    return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** @param {{ query: URLSearchParams }} props */
function Filters({ query }) {
    const { data } = useResource(staff, []);
    const put = (/** @type {Record<string, string>} */ change) => {
        const next = new URLSearchParams(query);
        for (const [name, value] of Object.entries(change)) {
            if (value) next.set(name, value);
            else next.delete(name);
        }
        replace("/audit", next);
    };
    const set = (/** @type {string} */ name) => (/** @type {any} */ event) => put({ [name]: event.target.value, ...(name === "table" ? { id: "" } : {}) });
    const value = (/** @type {string} */ name) => query.get(name) ?? "";
    const people = (data ?? []).map((person) => ({ value: person.id, label: `${person.name} (${person.email})` }));
    const actions = ACTION_NAMES.map((action) => ({ value: action, label: actionWords(action) }));
    const tables = (allTables.value ?? []).map((table) => ({ value: table.name, label: words(table.name) }));
    return html`
        <div class="filter-bar card" role="search" aria-label="Search the trail">
            <${Choice} label="Who" value=${value("actor")} onChange=${set("actor")} options=${people} />
            <${Choice} label="What" value=${value("action")} onChange=${set("action")} options=${actions} />
            <${Choice} label="Table" value=${value("table")} onChange=${set("table")} options=${tables} />
            <label class="filter-field"><span>From</span><input class="input" type="date" value=${value("from")} onChange=${set("from")} /></label>
            <label class="filter-field"><span>Until</span><input class="input" type="date" value=${value("to")} onChange=${set("to")} /></label>
            <div class="filter-spans" role="group" aria-label="Since">
                ${SPANS.map(({ days, label }) => html`
                    <button key=${label} type="button" class="button button-small" aria-pressed=${value("from") === dayBefore(days) && !value("to") ? "true" : "false"}
                        onClick=${() => put({ from: dayBefore(days), to: "" })}>${label}</button>`)}
                ${[...query.keys()].length > 0 && html`<a class="button button-small" href="#/audit"><${Icon} name="close" />Clear</a>`}
            </div>
        </div>`;
}

/** One page of the trail at a time. @param {URLSearchParams} query */
function useTrail(query) {
    const key = query.toString();
    const [trail, setTrail] = useState(/** @type {{ key: string, cursors: (string | null)[] }} */ ({ key, cursors: [null] }));
    const cursors = trail.key === key ? trail.cursors : [null];
    const cursor = cursors[cursors.length - 1];
    const load = (/** @type {AbortSignal} */ signal) => /** @type {Promise<TrailPage>} */ (get("/audit", { ...asked(query), cursor }, signal));
    const resource = useResource(load, [key, cursor]);
    const next = resource.data?.next_cursor ?? null;
    const pages = {
        from: (cursors.length - 1) * PAGE_SIZE,
        hasNext: next !== null,
        onNext: () => setTrail({ key, cursors: [...cursors, next] }),
        onBack: () => setTrail({ key, cursors: cursors.slice(0, -1) }),
    };
    return { ...resource, pages };
}

/** @param {import("../router.js").Place} place */
export default function AuditScreen({ query }) {
    const { data, problem, isSlow, isLoading, reload, pages } = useTrail(query);
    const entries = data?.items ?? [];
    const id = query.get("id");
    return html`
        <${Page} title="Audit" lead="Who did what, and when. Nobody can change or delete what stands here."
            actions=${html`<button type="button" class="button" onClick=${reload}><${Icon} name="refresh" />Refresh</button>`}>
            <${Filters} query=${query} />
            ${id && html`<p class="note"><${Icon} name="filter" /><span>Only what happened to <code>${query.get("table")}:${id}</code>.</span></p>`}
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
            ${data && entries.length === 0 && html`
                <${EmptyState} icon="history" title="Nothing found">${[...query.keys()].length ? "Nothing on record fits what you are looking for." : "What you and your team do appears here."}<//>`}
            ${entries.length > 0 && html`
                <div class=${isLoading ? "is-busy" : ""} aria-busy=${isLoading ? "true" : "false"}><${TrailList} entries=${entries} /></div>
                <${Pager} ...${pages} count=${entries.length} />`}
        <//>`;
}
