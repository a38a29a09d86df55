// What stands where there is nothing, with what to do about it.

import { html } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/** @param {{ icon?: string, title: string, children?: any, actions?: any }} props */
export function EmptyState({ icon = "table", title, children, actions }) {
    return html`
        <div class="empty">
            <div class="empty-mark"><${Icon} name=${icon} /></div>
            <h2>${title}</h2>
            ${children && html`<p>${children}</p>`}
            ${actions && html`<div class="row row-center">${actions}</div>`}
        </div>`;
}
