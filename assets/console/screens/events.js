// What has happened, newest first, and what was done about each event.
//
// Deliberately elsewhere: one event with all it carries (event.js).

import { html } from "../vendor/preact.js";
import { get } from "../api.js";
import { catalogue, useCatalogue } from "../catalogue.js";
import { Badge } from "../components/badge.js";
import { DataTable } from "../components/data-table.js";
import { Moment } from "../components/date.js";
import { EmptyState } from "../components/empty.js";
import { Page } from "../components/page.js";
import { Pager } from "../components/pager.js";
import { ProblemNote } from "../components/problem.js";
import { RecordLink } from "../components/record-link.js";
import { SearchBar, Words, searchOf } from "../components/search-bar.js";
import { Skeleton } from "../components/skeleton.js";
import { WorkStrip, useWork } from "../components/work-strip.js";
import { filter as LinkFilter } from "../fields/link.js";
import { between } from "../model/days.js";
import { eventWords, JOB_STATES, namedLike, stateOf } from "../model/work.js";
import { useLive, usePages } from "../resource.js";
import { go, href } from "../router.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["Events"] & { name: string, at: string }} Event The fields of the list.
 * @typedef {{ state: import("../model/work.js").JobState, count: number }} Counted
 * @typedef {{ items: (Event & { work: Counted[] })[], next_cursor: string | null }} EventPage
 */

const PAGE_SIZE = 30;
const FIELDS = "id,name,at,actor,about";

/** Jobs of some events, counted by state. @param {Event[]} events @param {AbortSignal} signal */
async function workOf(events, signal) {
    /** @type {Map<string, Counted[]>} */
    const found = new Map(events.map((event) => [event.id, []]));
    if (!events.length) return found;
    const answer = await get("/jobs/aggregate", { group_by: "event,state", "event[in]": events.map((event) => event.id).join(",") }, signal);
    for (const { by, count } of answer.groups) found.get(by.event)?.push({ state: by.state, count });
    return found;
}

/** A page of events with what was done about each. @param {URLSearchParams} query @param {string | null} cursor @param {AbortSignal} signal @returns {Promise<EventPage>} */
async function load(query, cursor, signal) {
    const known = catalogue.peek().map(({ name }) => name);
    const asked = {
        ...namedLike(query.get("name") ?? "", known), about: query.get("about"),
        ...between("at", query.get("from"), query.get("to")),
    };
    const page = await get("/events", { ...asked, fields: FIELDS, sort: "-id", limit: PAGE_SIZE, cursor }, signal);
    const work = await workOf(page.items, signal);
    return { ...page, items: page.items.map((/** @type {Event} */ event) => ({ ...event, work: work.get(event.id) ?? [] })) };
}

/** @param {{ work: Counted[] }} props */
function Work({ work }) {
    if (!work.length) return html`<span class="muted">nothing to do</span>`;
    const ordered = [...work].sort((one, other) => JOB_STATES.indexOf(one.state) - JOB_STATES.indexOf(other.state));
    return html`<span class="badges">${ordered.map(({ state, count }) => html`
        <${Badge} key=${state} text=${`${count} ${stateOf(state).label.toLowerCase()}`} kind=${stateOf(state).kind} />`)}</span>`;
}

/** @type {import("../components/data-table.js").Column<EventPage["items"][number]>[]} */
const COLUMNS = [
    { key: "name", label: "What happened", isHead: true, class: "wide", cell: (event) => html`<a href=${href(`/events/${event.id}`)} title=${event.name}>${eventWords(event.name)}</a>` },
    { key: "about", label: "About", cell: (event) => html`<${RecordLink} link=${event.about} hasTable />` },
    { key: "actor", label: "Who", cell: (event) => html`<${RecordLink} link=${event.actor ? { table: "users", id: event.actor } : null} />` },
    { key: "at", label: "When", cell: (event) => html`<${Moment} value=${event.at} isRelative />` },
    { key: "work", label: "Jobs", class: "wrap", cell: (event) => html`<${Work} work=${event.work} />` },
];

/** Any record of any table. */
const ABOUT = /** @type {import("../schema.js").Field} */ ({ path: "about", type: "link", links: /** @type {string[]} */ ([]) });

/** @param {{ search: import("../components/search-bar.js").Search }} props */
function Filters({ search: { value, put, ...search } }) {
    return html`
        <${SearchBar} label="Search the events" search=${{ value, put, ...search }} hasDays>
            <${Words} label="What" value=${value("name")} placeholder="user.*" offers=${useCatalogue().map(({ name }) => name)} onChange=${(/** @type {string} */ name) => put({ name })} />
            <div class="filter-field filter-double"><label for="about-filter">About</label>
                <${LinkFilter} key=${value("about")} field=${ABOUT} op="eq" id="about-filter" value=${value("about")} onChange=${(/** @type {string} */ about) => put({ about })} /></div>
        <//>`;
}

/** @param {import("../router.js").Place} place */
export default function EventsScreen({ query }) {
    const search = searchOf("/events", query);
    const { data, problem, isSlow, isLoading, reload, refresh, pages } = usePages((cursor, signal) => load(query, cursor, signal), query.toString(), PAGE_SIZE);
    const work = useWork();
    useLive(refresh);
    const events = data?.items ?? [];
    return html`
        <${Page} title="Events" lead="What has happened, newest first. Each event sets off the jobs that follow from it." isWide>
            <${WorkStrip} work=${work} />
            <${Filters} search=${search} />
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
            ${data && events.length === 0 && html`
                <${EmptyState} icon="bolt" title=${search.isEmpty ? "Nothing has happened yet" : "Nothing found"}>
                    ${search.isEmpty ? "Sign-ins, new accounts and changes of your records appear here as soon as there are some." : "No event fits what you are looking for."}<//>`}
            ${events.length > 0 && html`
                <${DataTable} caption="Events" columns=${COLUMNS} rows=${events} keyOf=${(/** @type {Event} */ event) => event.id} isBusy=${isLoading} isStacked
                    onOpen=${(/** @type {Event} */ event) => go(`/events/${event.id}`)} />
                <${Pager} ...${pages} count=${events.length} />`}
        <//>`;
}
