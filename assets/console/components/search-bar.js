// The search above a list whose state stands in the address bar: choices, words, a span of days.
//
// Deliberately elsewhere: filters of any field of any table (filter-bar.js).

import { html, useId } from "../vendor/preact.js";
import { dayBefore } from "../model/days.js";
import { href, replace } from "../router.js";
import { Icon } from "./icon.js";

/**
 * What stands in the address bar, and ways to change it.
 * @param {string} path @param {URLSearchParams} query
 */
export function searchOf(path, query) {
    const put = (/** @type {Record<string, string>} */ change) => {
        const next = new URLSearchParams(query);
        for (const [name, value] of Object.entries(change)) {
            if (value) next.set(name, value);
            else next.delete(name);
        }
        replace(path, next);
    };
    return { path, value: (/** @type {string} */ name) => query.get(name) ?? "", put, isEmpty: [...query.keys()].length === 0 };
}
/** @typedef {ReturnType<typeof searchOf>} Search */

/**
 * A select. `isInline`: in a toolbar, where it names itself.
 * @param {{ label: string, value: string, onChange: (value: string) => void, options: { value: string, label: string }[], isInline?: boolean }} props
 */
export function Choice({ label, value, onChange, options, isInline = false }) {
    // What the address asks for is shown, even before the choices are there.
    const all = value && !options.some((option) => option.value === value) ? [{ value, label: value }, ...options] : options;
    return html`
        <label class="filter-field"><span class=${isInline ? "sr-only" : ""}>${label}</span>
            <select class=${`input ${isInline ? "toolbar-select" : ""}`} value=${value} onChange=${(/** @type {any} */ event) => onChange(event.target.value)}>
                <option value="">${isInline ? `${label}: all` : "All"}</option>
                ${all.map((option) => html`<option key=${option.value} value=${option.value} selected=${option.value === value}>${option.label}</option>`)}
            </select>
        </label>`;
}

/** Text, with suggestions. @param {{ label: string, value: string, onChange: (value: string) => void, placeholder?: string, offers?: string[] }} props */
export function Words({ label, value, onChange, placeholder, offers = [] }) {
    const list = useId();
    return html`
        <label class="filter-field"><span>${label}</span>
            <input class="input" type="search" value=${value} placeholder=${placeholder} list=${offers.length ? list : null} autocomplete="off" spellcheck=${false}
                onInput=${(/** @type {any} */ event) => onChange(event.target.value.trim())} />
            ${offers.length > 0 && html`<datalist id=${list}>${offers.map((offer) => html`<option key=${offer} value=${offer}></option>`)}</datalist>`}
        </label>`;
}

/** Days back, as quick choices of the beginning. */
const SPANS = [{ days: 0, label: "Today" }, { days: 6, label: "7 days" }, { days: 29, label: "30 days" }];

/** The bar itself: its fields, and where `hasDays` from when until when. @param {{ label: string, search: Search, hasDays?: boolean, children?: any }} props */
export function SearchBar({ label, search, hasDays = false, children }) {
    const { value, put } = search;
    const day = (/** @type {string} */ name, /** @type {string} */ text) => html`
        <label class="filter-field"><span>${text}</span>
            <input class="input" type="date" value=${value(name)} onChange=${(/** @type {any} */ event) => put({ [name]: event.target.value })} /></label>`;
    return html`
        <div class="filter-bar card" role="search" aria-label=${label}>
            ${children}
            ${hasDays && html`${day("from", "From")}${day("to", "Until")}`}
            ${(hasDays || !search.isEmpty) && html`
                <div class="filter-spans" role="group" aria-label="Since">
                    ${hasDays && SPANS.map(({ days, label: text }) => html`
                        <button key=${text} type="button" class="button button-small" aria-pressed=${value("from") === dayBefore(days) && !value("to") ? "true" : "false"}
                            onClick=${() => put({ from: dayBefore(days), to: "" })}>${text}</button>`)}
                    ${!search.isEmpty && html`<a class="button button-small" href=${href(search.path)}><${Icon} name="close" />Clear</a>`}
                </div>`}
        </div>`;
}
