// Who did what, and when: the trail of every write by staff, searched by person, action, table and time.
//
// Deliberately elsewhere: how an entry looks (components/trail.js). Nobody can change the trail, so there is nothing to edit.

import { html } from "../vendor/preact.js";
import { get } from "../api.js";
import { EmptyState } from "../components/empty.js";
import { Icon } from "../components/icon.js";
import { Page } from "../components/page.js";
import { Pager } from "../components/pager.js";
import { ProblemNote } from "../components/problem.js";
import { Choice, SearchBar, searchOf } from "../components/search-bar.js";
import { Skeleton } from "../components/skeleton.js";
import { TrailList } from "../components/trail.js";
import { between } from "../model/days.js";
import { ACTION_NAMES, actionWords } from "../model/trail.js";
import { usePages, useResource } from "../resource.js";
import { tables as allTables, words } from "../schema.js";

/**
 * @typedef {import("../model/trail.js").Entry} Entry
 * @typedef {import("../schema.js").Schemas["AuditPage"] & { items: Entry[] }} TrailPage
 */

const PAGE_SIZE = 50;
/** People offered as actors. */
const ACTORS_MAX = 100;

/** The list's parameters for what the reader asks for. @param {URLSearchParams} query */
function asked(query) {
    const table = query.get("table");
    const id = query.get("id");
    return {
        sort: "-id", limit: PAGE_SIZE, expand: "actor",
        actor: query.get("actor"), action: query.get("action"),
        ...(id && table ? { target: `${table}:${id}` } : { target_table: table }),
        ...between("at", query.get("from"), query.get("to")),
    };
}

/** Who may have done something here: staff. The trail itself is too long to be asked. @param {AbortSignal} signal @returns {Promise<any[]>} */
async function staff(signal) {
    const filter = ["support", "admin", "super_admin"].map((role) => `roles contains "${role}"`).join(" or ");
    return (await get("/users", { filter, fields: "id,name,email", limit: ACTORS_MAX }, signal)).items;
}

/** @param {{ query: URLSearchParams }} props */
function Filters({ query }) {
    const { data } = useResource(staff, []);
    const search = searchOf("/audit", query);
    const { value, put } = search;
    const people = (data ?? []).map((person) => ({ value: person.id, label: `${person.name} (${person.email})` }));
    const actions = ACTION_NAMES.map((action) => ({ value: action, label: actionWords(action) }));
    const tables = (allTables.value ?? []).map((table) => ({ value: table.name, label: words(table.name) }));
    return html`
        <${SearchBar} label="Search the trail" search=${search} hasDays>
            <${Choice} label="Who" value=${value("actor")} onChange=${(/** @type {string} */ actor) => put({ actor })} options=${people} />
            <${Choice} label="What" value=${value("action")} onChange=${(/** @type {string} */ action) => put({ action })} options=${actions} />
            <${Choice} label="Table" value=${value("table")} onChange=${(/** @type {string} */ table) => put({ table, id: "" })} options=${tables} />
        <//>`;
}

/** One page of the trail at a time. @param {URLSearchParams} query */
function useTrail(query) {
    const load = (/** @type {string | null} */ cursor, /** @type {AbortSignal} */ signal) =>
        /** @type {Promise<TrailPage>} */ (get("/audit", { ...asked(query), cursor }, signal));
    return usePages(load, query.toString(), PAGE_SIZE);
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
