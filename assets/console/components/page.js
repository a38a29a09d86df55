// The frame of a screen: title, lead, actions, content. Sets the document's title.

import { html, useEffect } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/**
 * @typedef {{ href: string, label: string }} Crumb
 * @param {{ title: any, plainTitle?: string, lead?: any, crumbs?: Crumb[], actions?: any, isWide?: boolean, isFilled?: boolean, children?: any }} props
 * `isWide` uses the whole width; `isFilled` also the whole height, for a table that scrolls by itself.
 */
export function Page({ title, plainTitle, lead, crumbs = [], actions, isWide, isFilled, children }) {
    const name = plainTitle ?? (typeof title === "string" ? title : "");
    useEffect(() => { document.title = name ? `${name} · Pawbase` : "Pawbase"; }, [name]);
    return html`
        <div class=${`page ${isWide ? "page-wide" : ""} ${isFilled ? "page-filled" : ""}`}>
            <header class="page-head">
                <div class="page-title">
                    ${crumbs.length > 0 && html`
                        <nav aria-label="Where you are">
                            <ol class="crumbs">
                                ${crumbs.map((crumb) => html`<li key=${crumb.href}><a href=${crumb.href}>${crumb.label}</a><${Icon} name="right" /></li>`)}
                            </ol>
                        </nav>`}
                    <h1 tabindex="-1" id="page-title">${title}</h1>
                    ${lead && html`<p class="lead">${lead}</p>`}
                </div>
                ${actions && html`<div class="page-actions">${actions}</div>`}
            </header>
            ${children}
        </div>`;
}
