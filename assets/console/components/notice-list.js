// Notifications as a list: what is new stands out, and each leads to what it is about.

import { html } from "../vendor/preact.js";
import { markRead } from "../notices.js";
import { Badge } from "./badge.js";
import { Moment } from "./date.js";
import { Icon } from "./icon.js";
import { placeOf } from "./record-link.js";
import { toastProblem } from "./toast.js";

/** @typedef {import("../notices.js").Notice} Notice */

/** @param {{ notice: Notice, onRead: () => void, onOpen?: () => void }} props */
function NoticeView({ notice, onRead, onOpen }) {
    const read = () => markRead(notice).then(onRead, (error) => toastProblem(error, "Not marked as read."));
    const place = placeOf(notice.about);
    const title = html`${notice.title}${!notice.read_at && html`<span class="sr-only"> (unread)</span>`}`;
    return html`
        <li class=${`notice ${notice.read_at ? "" : "is-unread"}`}>
            <div class="notice-text">
                <p class="notice-title">${place ? html`<a href=${place} onClick=${() => { read(); onOpen?.(); }}>${title}</a>` : html`<strong>${title}</strong>`}
                    ${notice.is_urgent && html` <${Badge} text="urgent" kind="bad" />`}</p>
                <p class="notice-body">${notice.body}</p>
                <p class="muted small"><${Moment} value=${notice.created_at} isRelative /></p>
            </div>
            ${!notice.read_at && html`
                <button type="button" class="icon-button icon-button-small" title="Mark as read" aria-label=${`Mark as read: ${notice.title}`} onClick=${read}><${Icon} name="check" /></button>`}
        </li>`;
}

/** @param {{ notices: Notice[], onRead: () => void, onOpen?: () => void }} props `onOpen`: before a link is followed. */
export function NoticeList({ notices, onRead, onOpen }) {
    return html`<ul class="notices">${notices.map((notice) => html`<${NoticeView} key=${notice.id} notice=${notice} onRead=${onRead} onOpen=${onOpen} />`)}</ul>`;
}
