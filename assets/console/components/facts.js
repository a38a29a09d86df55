// What is known of something, in lines of a name and a value.

import { html, useId } from "../vendor/preact.js";
import { CopyButton } from "./copy.js";

/** A text too long for a table's cell, cut after two lines. @param {{ text: string | null | undefined }} props */
export function Reason({ text }) {
    return text ? html`<span class="clamp" title=${text}>${text}</span>` : html`<span class="none">–</span>`;
}

/** A key, to be copied. @param {{ text: string | undefined, what: string }} props */
export function Key({ text, what }) {
    return text ? html`<code class="key">${text}</code> <${CopyButton} text=${text} label=${`Copy ${what}`} isQuiet />` : null;
}

/** Lines without a value are left out. @param {{ lines: [string, any][] }} props */
export const FactLines = ({ lines }) => html`
    <dl class="facts">${lines.filter(([, value]) => value).map(([label, value]) => html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;

/** The lines in a card. @param {{ title: any, lines: [string, any][], more?: any }} props `more`: what stands beside the title. */
export function Facts({ title, lines, more }) {
    const id = useId();
    return html`
        <section class="card" aria-labelledby=${id}>
            <header class="card-head"><h2 id=${id}>${title}</h2>${more}</header>
            <div class="card-body"><${FactLines} lines=${lines} /></div>
        </section>`;
}
