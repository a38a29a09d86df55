// Where no screen is.

import { html } from "../vendor/preact.js";
import { EmptyState } from "./empty.js";
import { Page } from "./page.js";

/** @param {{ title?: string, children?: any }} props */
export function NotFound({ title = "There is no such page", children }) {
    return html`
        <${Page} title="Not found">
            <${EmptyState} icon="search" title=${title} actions=${html`<a class="button" href="#/">To the overview</a>`}>
                ${children ?? "The address may be from an older version, or mistyped."}
            <//>
        <//>`;
}
