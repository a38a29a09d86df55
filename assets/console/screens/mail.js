// One mail: to whom, how it went, what it says, and a way to send it once more.

import { html } from "../vendor/preact.js";
import { get, post, recordPath } from "../api.js";
import { confirm } from "../components/confirm.js";
import { Moment } from "../components/date.js";
import { Facts, Key } from "../components/facts.js";
import { Icon } from "../components/icon.js";
import { MailPreview } from "../components/mail-preview.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { ProblemNote } from "../components/problem.js";
import { RecordLink } from "../components/record-link.js";
import { Skeleton } from "../components/skeleton.js";
import { toast, toastProblem } from "../components/toast.js";
import { mailState, templateWords } from "../model/mails.js";
import { useLive, useResource } from "../resource.js";
import { go, href } from "../router.js";
import { canWrite } from "../session.js";
import { MailState } from "./outbox.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["Mails"] & { to: string, state: string, template: string, created_at: string }} Mail A whole mail.
 * @typedef {Schemas["MailPreview"]} Preview
 */

/** Where mail goes into a folder instead of to a server. */
const KEPT = "Kept here instead of being sent: no mail server is set up.";

/** @param {{ mail: Mail, isKept: boolean }} props */
function MailFacts({ mail, isKept }) {
    /** @type {[string, any][]} */
    const lines = [
        ["To", mail.user ? html`${mail.to} (<${RecordLink} link=${{ table: "users", id: mail.user }} />)` : mail.to],
        ["Kind", html`${templateWords(mail.template)} <code class="muted">${mail.template}</code>`],
        ["Language", mail.locale],
        ["Made", html`<${Moment} value=${mail.created_at} />`],
        ["Sent", mail.sent_at && html`<${Moment} value=${mail.sent_at} />`],
        ["Attempts", String(mail.attempts ?? 0)],
        ["Repeats", mail.resends && html`<a href=${href(`/outbox/${mail.resends}`)}>an earlier mail</a>`],
        ["Kept", isKept && html`below <code>outbox</code> in the data folder`],
        ["Message", html`<${Key} text=${mail.message_id} what="the Message-ID" />`],
    ];
    return html`<${Facts} title="The mail" lines=${lines} />`;
}

/** @param {{ mail: Mail }} props */
function Resend({ mail }) {
    if (!canWrite() || mail.state === "queued") return null;
    const send = async () => {
        if (!(await confirm({ title: `Send it to ${mail.to} once more?`, text: "A new mail with the same content is made. Its links work anew.", yes: "Send" }))) return;
        try {
            const { id } = await post(`/mails/${mail.id}/resend`);
            toast(`It is on its way to ${mail.to}`);
            go(`/outbox/${id}`);
        } catch (error) {
            toastProblem(error, "Not sent.");
        }
    };
    return html`<button type="button" class="button" onClick=${send}><${Icon} name="send" />Send once more</button>`;
}

/** @param {import("../router.js").Place} place */
export default function MailScreen({ params }) {
    const path = recordPath("mails", params.id);
    const { data: mail, problem, isSlow, reload, refresh } = useResource((signal) => /** @type {Promise<Mail>} */ (get(path, {}, signal)), [params.id]);
    // It says the same before and after it went out, but may be kept only then.
    const preview = useResource((signal) => /** @type {Promise<Preview>} */ (get(`${path}/preview`, {}, signal)), [params.id, mail?.state]);
    useLive(refresh);
    if (problem?.status === 404) return html`<${NotFound} title="There is no such mail">Old mails are forgotten after a while.<//>`;
    const name = mail ? mail.subject ?? preview.data?.subject ?? templateWords(mail.template) : "Mail";
    const title = mail ? html`<span class="person-title"><span>${name}</span><${MailState} state=${mail.state} /></span>` : name;
    return html`
        <${Page} title=${title} plainTitle=${name} lead=${mail && (mail.state === "sent" && preview.data?.is_kept ? KEPT : mailState(mail.state).text)} crumbs=${[{ href: "#/outbox", label: "Mail" }]}
            actions=${mail && html`<${Resend} mail=${mail} />`} isWide>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
            ${mail?.error && mail.state !== "sent" && html`
                <div class="note note-danger"><${Icon} name="alert" /><div class="note-body"><h2>It did not go out</h2><p>${mail.error}</p></div></div>`}
            ${mail && html`
                <div class="halves">
                    ${preview.data ? html`<${MailPreview} preview=${preview.data} />` : preview.problem && html`<${ProblemNote} problem=${preview.problem} onRetry=${preview.reload} />`}
                    <${MailFacts} mail=${mail} isKept=${preview.data?.is_kept ?? false} />
                </div>`}
        <//>`;
}
