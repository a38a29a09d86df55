// All that the reader was told, and what to be told from now on.

import { html } from "../vendor/preact.js";
import { EmptyState } from "../components/empty.js";
import { Icon } from "../components/icon.js";
import { NoticeList } from "../components/notice-list.js";
import { NoticePreferences } from "../components/notice-preferences.js";
import { Page } from "../components/page.js";
import { Pager } from "../components/pager.js";
import { ProblemNote } from "../components/problem.js";
import { Skeleton } from "../components/skeleton.js";
import { toastProblem } from "../components/toast.js";
import { markAllRead, notices, unread } from "../notices.js";
import { useLive, usePages } from "../resource.js";

const PAGE_SIZE = 20;

export default function NotificationsScreen() {
    const { data, problem, isSlow, reload, refresh, pages } = usePages((cursor, signal) => notices(PAGE_SIZE, cursor, signal), "", PAGE_SIZE);
    useLive(refresh);
    const items = data?.items ?? [];
    const readAll = () => markAllRead(items).then(refresh, (error) => toastProblem(error, "Not marked as read."));
    const actions = (unread.value ?? 0) > 0 && items.length > 0
        && html`<button type="button" class="button" onClick=${readAll}><${Icon} name="check" />Mark all as read</button>`;
    return html`
        <${Page} title="Notifications" lead="What you were told, newest first." actions=${actions} isWide>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${6} />`}
            <div class="halves">
                <div class="stack">
                    ${data && (items.length ? html`
                        <section class="card" aria-label="Notifications"><${NoticeList} notices=${items} onRead=${refresh} /></section>
                        <${Pager} ...${pages} count=${items.length} />`
                        : html`<${EmptyState} icon="bell" title="Nothing yet">You are told here when something needs you, such as a job that was given up.<//>`)}
                </div>
                <${NoticePreferences} />
            </div>
        <//>`;
}
