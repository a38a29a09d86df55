// All people with an account: found by name or address, by role, by status.
//
// Deliberately elsewhere: one person and what can be done with the account (user.js).

import { html } from "../vendor/preact.js";
import { get } from "../api.js";
import { Avatar } from "../components/avatar.js";
import { Badge } from "../components/badge.js";
import { DataTable } from "../components/data-table.js";
import { Moment } from "../components/date.js";
import { EmptyState } from "../components/empty.js";
import { Icon } from "../components/icon.js";
import { Page } from "../components/page.js";
import { Pager } from "../components/pager.js";
import { ProblemNote } from "../components/problem.js";
import { Choice, searchOf } from "../components/search-bar.js";
import { Skeleton } from "../components/skeleton.js";
import { usePages, useResource } from "../resource.js";
import { go, href } from "../router.js";
import { fieldOf, tableOf, words } from "../schema.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["Users"] & { name: string, created_at: string, photo?: string | null }} Person The fields of the list.
 * @typedef {Schemas["UsersPage"] & { items: Person[] }} PeoplePage
 */

const PAGE_SIZE = 30;
const FIELDS = "id,name,email,photo,city,roles,status,created_at,last_login_at";

/** Part of a name or an address, however the name is capitalised. @param {string} text */
function finding(text) {
    const capitalised = text.toLowerCase().replace(/(^|[\s-])\p{L}/gu, (start) => start.toUpperCase());
    const names = [...new Set([text, text.toLowerCase(), capitalised])].map((name) => `name contains ${JSON.stringify(name)}`);
    return [...names, `email contains ${JSON.stringify(text.toLowerCase())}`].join(" or ");
}

/** The conditions of the list for what the reader asks for. @param {URLSearchParams} query */
function asked(query) {
    const text = (query.get("q") ?? "").trim();
    return {
        filter: text && finding(text),
        "roles[contains]": query.get("role"),
        status: query.get("status"),
    };
}

/** @param {string} path */
const valuesOf = (path) => {
    const users = tableOf("users");
    return (users && fieldOf(users, path)?.values) ?? [];
};

/** @param {{ query: URLSearchParams }} props */
function Filters({ query }) {
    const { value, put } = searchOf("/users", query);
    const options = (/** @type {string} */ path) => valuesOf(path).map((item) => ({ value: item, label: words(item) }));
    return html`
        <div class="toolbar" role="search">
            <label class="search-field"><span class="sr-only">Find by name or e-mail address</span><${Icon} name="search" />
                <input class="input" type="search" placeholder="Name or e-mail address" value=${value("q")} onInput=${(/** @type {any} */ event) => put({ q: event.target.value })} />
            </label>
            <${Choice} label="Role" value=${value("role")} options=${options("roles")} onChange=${(/** @type {string} */ role) => put({ role })} isInline />
            <${Choice} label="Status" value=${value("status")} options=${options("status")} onChange=${(/** @type {string} */ status) => put({ status })} isInline />
        </div>`;
}

/** @type {import("../components/data-table.js").Column<Person>[]} */
const COLUMNS = [
    {
        key: "name", label: "Person", isHead: true, class: "wide",
        cell: (person) => html`
            <a class="person" href=${href(`/users/${person.id}`)}>
                <${Avatar} name=${person.name} photo=${person.photo} />
                <span class="person-text"><span class="person-name">${person.name}</span><span class="muted small">${person.email}</span></span>
            </a>`,
    },
    { key: "status", label: "Status", cell: (person) => html`<${Badge} text=${person.status ?? "unknown"} />` },
    { key: "roles", label: "Roles", cell: (person) => html`<span class="badges">${(person.roles ?? []).map((role) => html`<${Badge} key=${role} text=${role} />`)}</span>` },
    { key: "city", label: "City", cell: (person) => person.city ?? html`<span class="none">–</span>` },
    { key: "last", label: "Last sign-in", cell: (person) => (person.last_login_at ? html`<${Moment} value=${person.last_login_at} isRelative />` : html`<span class="muted">never</span>`) },
    { key: "joined", label: "Joined", cell: (person) => html`<${Moment} value=${person.created_at} />` },
];

/** One page of people at a time. @param {URLSearchParams} query */
function usePeople(query) {
    const key = query.toString();
    const load = (/** @type {string | null} */ cursor, /** @type {AbortSignal} */ signal) =>
        /** @type {Promise<PeoplePage>} */ (get("/users", { ...asked(query), fields: FIELDS, limit: PAGE_SIZE, sort: "-id", cursor }, signal));
    // Counting may take longer than a page, so that the page does not wait for it.
    const count = useResource((signal) => get("/users", { ...asked(query), fields: "id", limit: 1, count: "true" }, signal), [key]);
    return { ...usePages(load, key, PAGE_SIZE), total: /** @type {number | undefined} */ (count.data?.total) };
}

/** @param {import("../router.js").Place} place */
export default function UsersScreen({ query }) {
    const { data, problem, isSlow, isLoading, reload, total, pages } = usePeople(query);
    const people = data?.items ?? [];
    const isFiltered = [...query.keys()].length > 0;
    const counted = total === 1 ? "1 person" : `${total?.toLocaleString()} people`;
    const lead = total === undefined ? "Everybody with an account" : `${counted} ${isFiltered ? "found" : "with an account"}`;
    return html`
        <${Page} title="Users" lead=${lead} isWide>
            <${Filters} query=${query} />
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
            ${data && people.length === 0 && html`
                <${EmptyState} icon="users" title="Nobody found" actions=${html`<a class="button" href="#/users">Show everybody</a>`}>Nobody fits what you are looking for.<//>`}
            ${people.length > 0 && html`
                <${DataTable} caption="People" columns=${COLUMNS} rows=${people} keyOf=${(/** @type {Person} */ person) => person.id} isBusy=${isLoading}
                    onOpen=${(/** @type {Person} */ person) => go(`/users/${person.id}`)} />
                <${Pager} ...${pages} count=${people.length} total=${total} />`}
        <//>`;
}
