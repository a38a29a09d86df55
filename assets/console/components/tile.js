// One number that matters, with what it means; perhaps a way to what it counts.

import { html } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/** @param {{ icon: string, label: string, value: any, detail?: any, href?: string, isBad?: boolean }} props */
export function Tile({ icon, label, value, detail, href, isBad = false }) {
    const inside = html`
        <span class="tile-mark"><${Icon} name=${icon} /></span>
        <span class="tile-text">
            <span class="tile-label">${label}</span>
            <strong class="tile-value">${value}</strong>
            ${detail && html`<span class="tile-detail">${detail}</span>`}
        </span>`;
    const look = `tile ${isBad ? "tile-bad" : ""}`;
    return html`<li>${href ? html`<a class=${look} href=${href}>${inside}</a>` : html`<div class=${look}>${inside}</div>`}</li>`;
}
