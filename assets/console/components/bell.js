// The bell in the top bar: how many notifications are unread, the latest of them, and the way to all.

import { html } from "../vendor/preact.js";
import { countUnread, markAllRead, notices, unread, useNotices } from "../notices.js";
import { useLive, useResource } from "../resource.js";
import { EmptyState } from "./empty.js";
import { Icon } from "./icon.js";
import { Panel } from "./menu.js";
import { NoticeList } from "./notice-list.js";
import { ProblemNote } from "./problem.js";
import { Skeleton } from "./skeleton.js";
import { toastProblem } from "./toast.js";

/** Milliseconds between two looks, for when nobody tells us. */
const EVERY_MS = 60_000;
/** Notifications shown in the panel. */
const LATEST = 10;

/** What is in the panel, loaded when it opens. @param {{ onClose: () => void }} props */
function Latest({ onClose }) {
    const { data, problem, isSlow, reload, refresh } = useResource((signal) => notices(LATEST, null, signal), []);
    useLive(refresh, EVERY_MS);
    useNotices(refresh);
    const items = data?.items ?? [];
    const readAll = () => markAllRead(items).then(refresh, (error) => toastProblem(error, "Not marked as read."));
    return html`
        <div class="bell-panel">
            <div class="bell-head"><h2>Notifications</h2>
                ${(unread.value ?? 0) > 0 && items.length > 0 && html`<button type="button" class="button button-small" onClick=${readAll}><${Icon} name="check" />Mark all as read</button>`}</div>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${3} />`}
            ${data && (items.length ? html`<${NoticeList} notices=${items} onRead=${refresh} onOpen=${onClose} />`
                : html`<${EmptyState} icon="bell" title="Nothing new">You are told here when something needs you, such as a job that was given up.<//>`)}
            <p class="bell-foot"><a href="#/notifications" onClick=${onClose}>All notifications and preferences</a></p>
        </div>`;
}

export function Bell() {
    const { refresh } = useResource(countUnread, []);
    useLive(refresh, EVERY_MS);
    useNotices(refresh);
    const count = unread.value ?? 0;
    const label = html`<${Icon} name="bell" />${count > 0 && html`<span class="bell-count" aria-hidden="true">${count > 99 ? "99+" : count}</span>`}`;
    return html`
        <${Panel} label=${label} name=${count ? `Notifications, ${count} unread` : "Notifications"} class="icon-button bell">
            ${(/** @type {() => void} */ close) => html`<${Latest} onClose=${close} />`}
        <//>`;
}
