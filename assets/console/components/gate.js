// The frame of the screens before a sign-in.

import { html } from "../vendor/preact.js";
import { Logo } from "./icon.js";

/** @param {{ title: string, lead?: any, children?: any, foot?: any }} props */
export function Gate({ title, lead, children, foot }) {
    return html`
        <main class="gate">
            <div class="gate-card">
                <div class="brand"><${Logo} /><span>Pawbase</span></div>
                <h1>${title}</h1>
                ${lead && html`<p class="lead">${lead}</p>`}
                ${children}
            </div>
            ${foot && html`<p class="gate-foot">${foot}</p>`}
        </main>`;
}
