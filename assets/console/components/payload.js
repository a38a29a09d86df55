// Data of any shape in lines of a name and a value, and as JSON for those who want to see it.

import { html } from "../vendor/preact.js";
import { linkOf } from "../labels.js";
import { inWords } from "../model/difference.js";
import { linesOf, objectIn } from "../model/flat.js";
import { fieldWords } from "../schema.js";
import { CopyButton } from "./copy.js";
import { Moment } from "./date.js";
import { RecordLink } from "./record-link.js";

/** Letters of a value that a line shows. */
const LONGEST = 400;

/** @param {{ value: unknown }} props */
function Line({ value }) {
    if (typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value)) return html`<${Moment} value=${value} />`;
    const link = typeof value === "object" && value && "table" in value ? linkOf({}, value) : null;
    if (link) return html`<${RecordLink} link=${link} hasTable />`;
    if (typeof value === "boolean") return html`${value ? "yes" : "no"}`;
    const text = Array.isArray(value) ? value.map(inWords).join(", ") || "–" : inWords(value);
    return html`${text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text}`;
}

/** JSON, folded away. @param {{ value: unknown, label?: string }} props */
export function Json({ value, label = "As JSON" }) {
    const text = JSON.stringify(value, null, 2);
    return html`
        <details class="json">
            <summary>${label}</summary>
            <pre tabindex="0" role="region" aria-label=${label}>${text}</pre>
            <p><${CopyButton} text=${text} label="Copy JSON" /></p>
        </details>`;
}

/** Text that may be JSON. @param {{ text: string, label: string }} props */
export function Body({ text, label }) {
    const object = objectIn(text);
    return object ? html`<${Payload} payload=${object} />` : html`<pre tabindex="0" role="region" aria-label=${label}>${text}</pre>`;
}

/** Headers of a request. @param {{ headers: Record<string, unknown> | null | undefined }} props */
export const HeaderList = ({ headers }) => html`
    <dl class="header-list">${Object.entries(headers ?? {}).map(([name, value]) => html`
        <div key=${name}><dt><code>${name}</code></dt><dd><code>${String(value)}</code></dd></div>`)}</dl>`;

/** @param {{ payload: Record<string, unknown> | null | undefined, nothing?: string }} props */
export function Payload({ payload, nothing = "Nothing more is known." }) {
    const lines = linesOf(payload ?? {});
    if (!lines.length) return html`<p class="muted">${nothing}</p>`;
    return html`
        <dl class="facts">${lines.map(({ path, value }) => html`
            <div key=${path}><dt title=${path}>${fieldWords(path)}</dt><dd><${Line} value=${value} /></dd></div>`)}</dl>
        <${Json} value=${payload} />`;
}
