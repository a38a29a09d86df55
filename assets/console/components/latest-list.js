// The newest records. One that has no name of its own is told by what it links to.

import { html } from "../vendor/preact.js";
import { get } from "../api.js";
import { linkOf, useLabel } from "../labels.js";
import { useResource } from "../resource.js";
import { recordHref } from "../router.js";
import { shortId, tableOf, words } from "../schema.js";
import { Moment } from "./date.js";
import { EmptyState } from "./empty.js";

/** @typedef {import("../schema.js").Schemas["LatestRecord"]} Latest @typedef {import("../labels.js").Link} Link */

/** Links by which a record is told. */
const LINKS_MAX = 2;

/** @param {Latest} record */
const isUnnamed = (record) => record.label === record.id;

/** The links of records without a name, by their keys: one question for each table. @param {Latest[]} latest @param {AbortSignal} signal */
async function linksOf(latest, signal) {
    const unnamed = latest.filter(isUnnamed);
    const names = [...new Set(unnamed.map((record) => record.table))];
    const found = await Promise.all(names.map(async (name) => {
        const fields = (tableOf(name)?.fields ?? []).filter((field) => /^links?(_any)?$/.test(field.type) && !field.is_list && !field.path.includes(".")).slice(0, LINKS_MAX);
        if (fields.length === 0) return [];
        const keys = unnamed.filter((record) => record.table === name).map((record) => record.id).join(",");
        const page = await get(`/${name}`, { "id[in]": keys, fields: fields.map((field) => field.path).join(",") }, signal);
        return page.items.map((/** @type {any} */ record) => [record.id, fields.flatMap((field) => linkOf(field, record[field.path]) ?? [])]);
    }));
    return /** @type {Map<string, Link[]>} */ (new Map(found.flat()));
}

/** @param {{ link: Link }} props */
function LinkName({ link }) {
    return html`${useLabel(link.table, link.id)}`;
}

/** @param {{ record: Latest, links: Link[] }} props */
function Name({ record, links }) {
    if (!isUnnamed(record)) return html`${record.label}`;
    if (links.length === 0) return html`${shortId(record.id)}`;
    return html`${links.map((link, at) => html`${at > 0 && " · "}<${LinkName} key=${`${link.table}:${link.id}`} link=${link} />`)}`;
}

/** @param {{ latest: Latest[] }} props */
export function LatestList({ latest }) {
    const { data: links } = useResource((signal) => linksOf(latest, signal), [latest.map((record) => record.id).join()]);
    return html`
        <section class="card" aria-labelledby="latest-title">
            <header class="card-head"><h2 id="latest-title">Entered last</h2><a href="#/audit">What was changed</a></header>
            ${latest.length === 0
                ? html`<${EmptyState} icon="clock" title="Nothing yet">New records appear here, newest first.<//>`
                : html`<ul class="feed">${latest.map((record) => html`
                    <li key=${`${record.table} ${record.id}`}>
                        <a class="feed-line" href=${recordHref(record.table, record.id)}>
                            <span class="feed-mark" aria-hidden="true">${words(record.table).slice(0, 1)}</span>
                            <span class="feed-text">
                                <span class="feed-label"><${Name} record=${record} links=${links?.get(record.id) ?? []} /></span>
                                <span class="feed-table">${words(record.table)}</span>
                            </span>
                            <span class="feed-time"><${Moment} value=${record.created_at} isRelative /></span>
                        </a>
                    </li>`)}</ul>`}
        </section>`;
}
