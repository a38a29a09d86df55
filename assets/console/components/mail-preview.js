// What a mail says: as HTML and as plain text.

import { html, useState } from "../vendor/preact.js";
import { Icon } from "./icon.js";
import { MailFrame } from "./mail-frame.js";
import { Tabs } from "./tabs.js";

/** @typedef {import("../schema.js").Schemas["MailPreview"]} Preview */

const TABS = [{ key: "html", label: "As it looks" }, { key: "text", label: "As plain text" }];

/** @param {{ preview: Preview, isSample?: boolean }} props `isSample`: no mail, but a template with made-up data. */
export function MailPreview({ preview, isSample = false }) {
    const [tab, setTab] = useState("html");
    return html`
        <section class="card" aria-labelledby="preview-title">
            <header class="card-head"><h2 id="preview-title">${isSample ? preview.subject : "What it says"}</h2></header>
            <div class="card-body stack">
                ${preview.has_live_links && html`<p class="note note-warn"><${Icon} name="link" /><span>Its links work. Whoever follows them acts as the receiver.</span></p>`}
                ${!preview.has_live_links && !isSample && html`<p class="muted small">Any links lead nowhere here, since whoever follows them acts as the receiver.</p>`}
                <${Tabs} label="Form of the mail" tabs=${TABS} current=${tab} onChange=${setTab}>
                    ${tab === "html" ? html`<${MailFrame} title=${`Mail: ${preview.subject}`} text=${preview.html} />`
                        : html`<pre class="mail-text">${preview.text}</pre>`}
                <//>
            </div>
        </section>`;
}
