// Mails that were sent, or are on their way, and the templates that they are made from.
//
// Deliberately elsewhere: one mail with what it says (mail.js).

import { html } from "../vendor/preact.js";
import { get, post } from "../api.js";
import { Badge } from "../components/badge.js";
import { DataTable } from "../components/data-table.js";
import { Moment } from "../components/date.js";
import { EmptyState } from "../components/empty.js";
import { Reason } from "../components/facts.js";
import { Icon } from "../components/icon.js";
import { MailTemplates } from "../components/mail-templates.js";
import { Page } from "../components/page.js";
import { Pager } from "../components/pager.js";
import { ProblemNote } from "../components/problem.js";
import { Choice, searchOf } from "../components/search-bar.js";
import { Skeleton } from "../components/skeleton.js";
import { Tabs } from "../components/tabs.js";
import { toast, toastProblem } from "../components/toast.js";
import { MAIL_STATES, mailState, templateWords } from "../model/mails.js";
import { useLive, usePages } from "../resource.js";
import { go, href, replace } from "../router.js";
import { canWrite } from "../session.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["Mails"] & { to: string, state: string, template: string, created_at: string }} Mail The fields of the list.
 */

const PAGE_SIZE = 30;
const FIELDS = "id,to,template,state,subject,error,attempts,created_at,sent_at";

/** @param {{ state: string | undefined }} props */
export function MailState({ state }) {
    const { label, kind, text } = mailState(state);
    return html`<${Badge} text=${label} kind=${kind} title=${text} />`;
}

/** @type {import("../components/data-table.js").Column<Mail>[]} */
const COLUMNS = [
    {
        key: "subject", label: "Mail", isHead: true, class: "wide",
        cell: (mail) => html`<a href=${href(`/outbox/${mail.id}`)} title=${mail.template}>${mail.subject ?? templateWords(mail.template)}</a>`,
    },
    { key: "to", label: "To", cell: (mail) => mail.to },
    { key: "state", label: "State", cell: (mail) => html`<${MailState} state=${mail.state} />` },
    { key: "at", label: "When", cell: (mail) => html`<${Moment} value=${mail.sent_at ?? mail.created_at} isRelative />` },
    { key: "error", label: "Why it failed", class: "reason", cell: (mail) => html`<${Reason} text=${mail.state === "sent" ? null : mail.error} />` },
];

/** @param {{ query: URLSearchParams }} props */
function Mails({ query }) {
    const { value, put } = searchOf("/outbox", query);
    const asked = { state: value("state"), "to[contains]": value("to").toLowerCase() };
    const load = (/** @type {string | null} */ cursor, /** @type {AbortSignal} */ signal) =>
        /** @type {Promise<import("../resource.js").ListPage<Mail>>} */ (get("/mails", { ...asked, fields: FIELDS, sort: "-id", limit: PAGE_SIZE, cursor }, signal));
    const { data, problem, isSlow, isLoading, reload, refresh, pages } = usePages(load, query.toString(), PAGE_SIZE);
    useLive(refresh);
    const mails = data?.items ?? [];
    const isNarrowed = value("state") !== "" || value("to") !== "";
    return html`
        <div class="stack">
            <div class="toolbar" role="search">
                <label class="search-field"><span class="sr-only">Find by address</span><${Icon} name="search" />
                    <input class="input" type="search" placeholder="Address" value=${value("to")} onInput=${(/** @type {any} */ event) => put({ to: event.target.value })} /></label>
                <${Choice} label="State" value=${value("state")} options=${MAIL_STATES} onChange=${(/** @type {string} */ state) => put({ state })} isInline />
            </div>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
            ${data && mails.length === 0 && html`
                <${EmptyState} icon="mail" title=${isNarrowed ? "No such mail" : "No mail yet"}>${isNarrowed ? "No mail fits what you are looking for."
                    : "Confirmations of addresses, new passwords and notifications appear here, with what they say and whether they went out."}<//>`}
            ${mails.length > 0 && html`
                <${DataTable} caption="Mails" columns=${COLUMNS} rows=${mails} keyOf=${(/** @type {Mail} */ mail) => mail.id} isBusy=${isLoading} isStacked
                    onOpen=${(/** @type {Mail} */ mail) => go(`/outbox/${mail.id}`)} />
                <${Pager} ...${pages} count=${mails.length} />`}
        </div>`;
}

/** Sends a mail to oneself and shows it. */
async function test() {
    try {
        const { id } = await post("/mail/test");
        toast("A test mail is on its way to you");
        go(`/outbox/${id}`);
    } catch (error) {
        toastProblem(error, "No test mail was sent.");
    }
}

const TABS = [{ key: "mails", label: "Mails" }, { key: "templates", label: "Templates" }];

/** @param {import("../router.js").Place} place */
export default function OutboxScreen({ query }) {
    const tab = query.get("tab") === "templates" ? "templates" : "mails";
    const actions = canWrite() && html`<button type="button" class="button" onClick=${test}><${Icon} name="send" />Send a test mail</button>`;
    return html`
        <${Page} title="Mail" lead="What was sent to whom, and whether it went out." actions=${actions} isWide>
            <${Tabs} label="Mails or templates" tabs=${TABS} current=${tab} onChange=${(/** @type {string} */ next) => replace("/outbox", next === "mails" ? {} : { tab: next })}>
                ${tab === "mails" ? html`<${Mails} query=${query} />` : html`<${MailTemplates} query=${query} />`}
            <//>
        <//>`;
}
