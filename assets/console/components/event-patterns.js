// Which events: everything, all of a domain, or some by name, each said in words; patterns that nobody lists can be typed.

import { html, useState } from "../vendor/preact.js";
import { useCatalogue } from "../catalogue.js";
import { covers, domainOf, withPattern } from "../model/event-catalogue.js";
import { patternWords } from "../model/webhooks.js";
import { domainWords, eventWords } from "../model/work.js";
import { Icon } from "./icon.js";

/** @typedef {import("../catalogue.js").EventKind} EventKind @typedef {{ patterns: string[], onChange: (patterns: string[]) => void }} Chosen */

/** A check box for a pattern; on and fixed where a wider one means it already. @param {Chosen & { pattern: string, label: any, title?: string }} props */
function Pattern({ patterns, onChange, pattern, label, title }) {
    const isWithin = patterns.some((known) => known !== pattern && covers(known, pattern));
    const isOn = isWithin || patterns.includes(pattern);
    const toggle = () => onChange(isOn ? patterns.filter((known) => known !== pattern) : withPattern(patterns, pattern));
    return html`<label class="check" title=${title}><input type="checkbox" checked=${isOn} disabled=${isWithin} onChange=${toggle} />${label}</label>`;
}

/** The events of one domain, folded. @param {Chosen & { domain: string, kinds: EventKind[] }} props */
function Domain({ domain, kinds, ...chosen }) {
    const count = kinds.filter(({ name }) => chosen.patterns.some((pattern) => covers(pattern, name))).length;
    return html`
        <details class="pattern-domain">
            <summary>${domainWords(domain)} ${count > 0 && html`<span class="count">${count === kinds.length ? "all" : count}</span>`}</summary>
            <div class="pattern-names">
                <${Pattern} ...${chosen} pattern=${`${domain}.*`} label=${html`<strong>${patternWords(`${domain}.*`)}</strong>`} />
                ${kinds.map(({ name, description }) => html`
                    <${Pattern} key=${name} ...${chosen} pattern=${name} title=${description} label=${html`${eventWords(name)} <code class="muted">${name}</code>`} />`)}
            </div>
        </details>`;
}

/** A pattern typed in. @param {Chosen & { kinds: EventKind[] }} props */
function Typed({ patterns, onChange, kinds }) {
    const [text, setText] = useState("");
    const unlisted = patterns.filter((pattern) => pattern !== "*" && !kinds.some(({ name }) => name === pattern || `${domainOf(name)}.*` === pattern));
    const add = () => {
        if (text.trim()) onChange(withPattern(patterns, text.trim()));
        setText("");
    };
    const pressed = (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        add();
    };
    return html`
        ${unlisted.length > 0 && html`<ul class="chips">${unlisted.map((pattern) => html`
            <li key=${pattern} class="chip"><code>${pattern}</code>
                <button type="button" class="chip-remove" aria-label=${`Remove ${pattern}`}
                    onClick=${() => onChange(patterns.filter((known) => known !== pattern))}><${Icon} name="close" /></button></li>`)}</ul>`}
        <div class="row"><input class="input pattern-input" aria-label="Other name or pattern" placeholder="Other, such as bookings.*" value=${text} autocomplete="off" spellcheck=${false}
                onInput=${(/** @type {any} */ event) => setText(event.target.value)} onKeyDown=${pressed} />
            <button type="button" class="button" disabled=${!text.trim()} onClick=${add}><${Icon} name="plus" />Add</button></div>`;
}

/** @param {Chosen} props */
export function EventPatterns({ patterns, onChange }) {
    const kinds = useCatalogue();
    const domains = [...new Set(kinds.map(({ name }) => domainOf(name)))];
    return html`
        <div class="patterns">
            <${Pattern} patterns=${patterns} onChange=${onChange} pattern="*" label=${html`<strong>Everything</strong> <span class="muted">also what later versions tell</span>`} />
            ${domains.map((domain) => html`<${Domain} key=${domain} domain=${domain} kinds=${kinds.filter(({ name }) => domainOf(name) === domain)} patterns=${patterns} onChange=${onChange} />`)}
            <${Typed} patterns=${patterns} onChange=${onChange} kinds=${kinds} />
        </div>`;
}
