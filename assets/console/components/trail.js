// Entries of the audit trail: who did what, when, and what changed by it.
//
// Deliberately elsewhere: how entries are put into words (model/trail.js), what differs (model/difference.js).

import { html } from "../vendor/preact.js";
import { useLabel } from "../labels.js";
import { differences, inWords } from "../model/difference.js";
import { actionOf, actorOf, targetOf } from "../model/trail.js";
import { href } from "../router.js";
import { fieldWords, tableOf } from "../schema.js";
import { CopyButton } from "./copy.js";
import { Moment } from "./date.js";
import { Icon } from "./icon.js";
import { placeOf } from "./record-link.js";

/** @typedef {import("../model/trail.js").Entry} Entry */

/** Letters of a value that a line shows. */
const LONGEST = 400;

const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const time = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

/** @param {{ value: unknown }} props */
function Value({ value }) {
    const text = inWords(value);
    return html`<span title=${text.length > LONGEST ? text : null}>${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}</span>`;
}

/** @param {{ entry: Entry }} props */
function Changes({ entry }) {
    const changes = differences(entry.before, entry.after);
    if (changes.length === 0) return null;
    const isBoth = entry.before !== undefined && entry.after !== undefined;
    return html`
        <div class="changes-frame" role="region" tabindex="0" aria-label="What changed">
            <table class="changes">
                <thead><tr><th scope="col">Field</th>${isBoth ? html`<th scope="col">Before</th><th scope="col">After</th>` : html`<th scope="col">Value</th>`}</tr></thead>
                <tbody>${changes.map((change) => html`
                    <tr key=${change.path}>
                        <th scope="row" title=${change.path}>${fieldWords(change.path)}</th>
                        ${isBoth
                            ? html`<td class=${change.kind === "added" ? "" : "was"}><${Value} value=${change.before} /></td>
                                <td class=${change.kind === "removed" ? "" : "is"}><${Value} value=${change.after} /></td>`
                            : html`<td><${Value} value=${change.after ?? change.before} /></td>`}
                    </tr>`)}</tbody>
            </table>
        </div>`;
}

/** @param {{ label: string, text: string, copied: string }} props */
function Key({ label, text, copied }) {
    return html`
        <div><dt>${label}</dt>
            <dd><code>${text}</code> <${CopyButton} text=${copied} label=${`Copy the key of the ${label.toLowerCase()}`} isQuiet /></dd></div>`;
}

/** @param {{ entry: Entry }} props */
function Details({ entry }) {
    return html`
        <div class="trail-details">
            <${Changes} entry=${entry} />
            ${entry.others ? html`<p class="small">${entry.others} other ${entry.others === 1 ? "record" : "records"} went or changed with it.</p>` : null}
            <dl class="trail-facts">
                <div><dt>When</dt><dd><${Moment} value=${entry.at} /></dd></div>
                <div><dt>Action</dt><dd><code>${entry.action}</code></dd></div>
                ${entry.target && html`<${Key} label="Record" text=${`${entry.target.table}:${entry.target.id}`} copied=${entry.target.id} />`}
                ${entry.ip && html`<div><dt>Address</dt><dd><code>${entry.ip}</code></dd></div>`}
                ${entry.request_id && html`<${Key} label="Request" text=${entry.request_id} copied=${entry.request_id} />`}
            </dl>
        </div>`;
}

/** The name of a record that the entry itself does not name. @param {{ table: string, id: string }} props */
function Name({ table, id }) {
    return html`${useLabel(table, id)}`;
}

/** The sentence of an entry. @param {{ entry: Entry }} props */
function Sentence({ entry }) {
    const action = actionOf(entry.action);
    const target = targetOf(entry, tableOf);
    return html`
        <span class="trail-sentence">
            <strong>${actorOf(entry)}</strong> ${action.text}
            ${target && html`
                ${" "}<span class="trail-target">${target.isNamed ? target.label : html`<${Name} table=${target.table} id=${target.id} />`}</span>
                ${" "}<span class="muted">in ${target.tableWords}</span>`}
            ${entry.reason && html`<span class="trail-reason">“${entry.reason}”</span>`}
        </span>`;
}

/** @param {{ entry: Entry, isShort: boolean }} props */
function EntryView({ entry, isShort }) {
    const action = actionOf(entry.action);
    const place = entry.action === "record.deleted" ? null : placeOf(entry.target);
    const mark = html`<span class=${`trail-mark trail-${action.kind}`}><${Icon} name=${action.icon} /></span>`;
    if (isShort) {
        return html`<li class="trail-line">${mark}<${Sentence} entry=${entry} /><span class="trail-time"><${Moment} value=${entry.at} isRelative /></span></li>`;
    }
    return html`
        <li>
            <details class="trail-entry">
                <summary class="trail-line">${mark}<${Sentence} entry=${entry} />
                    <time class="trail-time" datetime=${entry.at}>${time.format(new Date(entry.at))}</time><${Icon} name="down" class="trail-fold" /></summary>
                <${Details} entry=${entry} />
                ${entry.target && html`
                    <p class="trail-more">
                        ${place && html`<a href=${place}>Look at the record</a> · `}
                        <a href=${href("/audit", entry.target)}>All that happened to it</a>
                    </p>`}
            </details>
        </li>`;
}

/** `isShort`: sentences only. @param {{ entries: Entry[], isShort?: boolean }} props */
export function TrailList({ entries, isShort = false }) {
    if (isShort) return html`<ul class="trail">${entries.map((entry) => html`<${EntryView} key=${entry.id} entry=${entry} isShort />`)}</ul>`;
    /** @type {Map<string, Entry[]>} */
    const days = new Map();
    for (const entry of entries) {
        const name = day.format(new Date(entry.at));
        days.set(name, [...(days.get(name) ?? []), entry]);
    }
    return html`${[...days].map(([name, list]) => html`
        <section key=${name} class="trail-day">
            <h2>${name}</h2>
            <ul class="trail card">${list.map((entry) => html`<${EntryView} key=${entry.id} entry=${entry} isShort=${false} />`)}</ul>
        </section>`)}`;
}
