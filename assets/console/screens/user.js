// One person: the account, what it may do, where it is signed in, what belongs to it, what happened to it.
//
// Deliberately elsewhere: changing the profile (the record's own form, record.js) and one's own account (account.js).

import { html, useState } from "../vendor/preact.js";
import { get, post, request } from "../api.js";
import { Avatar } from "../components/avatar.js";
import { Badge } from "../components/badge.js";
import { confirm } from "../components/confirm.js";
import { Moment } from "../components/date.js";
import { FactLines, Key } from "../components/facts.js";
import { Icon } from "../components/icon.js";
import { NotFound } from "../components/not-found.js";
import { Page } from "../components/page.js";
import { ProblemNote } from "../components/problem.js";
import { RolesCard } from "../components/roles-card.js";
import { Skeleton } from "../components/skeleton.js";
import { SuspendDialog } from "../components/suspend-dialog.js";
import { toast, toastProblem } from "../components/toast.js";
import { TrailList } from "../components/trail.js";
import { deviceOf } from "../model/device.js";
import { OWN_TABLES } from "../model/own-tables.js";
import { useResource } from "../resource.js";
import { href, recordHref, tableHref } from "../router.js";
import { fieldWords, tables as allTables, words } from "../schema.js";
import { account, canWrite } from "../session.js";

/**
 * @typedef {import("../schema.js").Schemas} Schemas
 * @typedef {Schemas["Users"] & { email: string, name: string, roles: string[], status: string, created_at: string, photo?: string | null }} User A whole record.
 * @typedef {Schemas["SignInSession"]} Session
 */

/** Entries of the trail that are shown here. */
const TRAIL_SIZE = 8;

/** @param {{ user: User }} props */
function Profile({ user }) {
    /** @type {[string, any][]} */
    const lines = [
        ["E-mail", html`${user.email} ${user.email_verified_at ? html`<${Badge} text="confirmed" />` : html`<${Badge} text="not confirmed" kind="quiet" />`}
            ${" "}<a href=${href("/outbox", { to: user.email })}>Mails</a>`],
        ["Phone", user.phone], ["City", user.city], ["Date of birth", user.birthday],
        ["Language", user.locale], ["Time zone", user.timezone],
        ["Profile", user.public_profile ? "Others may see it" : "Hidden from others"],
        ["Joined", html`<${Moment} value=${user.created_at} />`],
        ["Last sign-in", user.last_login_at ? html`<${Moment} value=${user.last_login_at} />` : "never"],
        ["Key", html`<${Key} text=${user.id} what="the key" />`],
    ];
    return html`
        <section class="card" aria-labelledby="profile-title">
            <header class="card-head"><h2 id="profile-title">Profile</h2>
                ${canWrite() && html`<a class="button button-small" href=${recordHref("users", user.id)}><${Icon} name="edit" />Edit<span class="sr-only"> the profile</span></a>`}</header>
            <div class="card-body stack">
                ${user.bio && html`<p class="bio">${user.bio}</p>`}
                <${FactLines} lines=${lines} />
            </div>
        </section>`;
}

/** @param {{ user: User, turn: number, onEnd: () => void }} props */
function Sessions({ user, turn, onEnd }) {
    const load = (/** @type {AbortSignal} */ signal) => /** @type {Promise<{ items: Session[] }>} */ (get(`/users/${user.id}/sessions`, {}, signal));
    const { data, problem, reload } = useResource(load, [user.id, turn]);
    const sessions = data?.items ?? [];
    return html`
        <section class="card" aria-labelledby="sessions-title">
            <header class="card-head"><h2 id="sessions-title">Signed in on</h2>
                ${canWrite() && sessions.length > 0 && html`<button type="button" class="button button-small" onClick=${onEnd}><${Icon} name="out" />End all</button>`}</header>
            <div class="card-body">
                ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
                ${data && sessions.length === 0 && html`<p class="muted">Not signed in anywhere.</p>`}
                <ul class="lines">${sessions.map((session) => html`
                    <li key=${session.id}>
                        <${Icon} name="device" />
                        <span class="line-text">
                            <span title=${session.user_agent}>${deviceOf(session.user_agent)}${session.is_current && html` <${Badge} text="this one" kind="good" />`}</span>
                            <span class="muted small">${session.ip ?? "unknown address"} · since <${Moment} value=${session.created_at} /> ·
                                used <${Moment} value=${session.used_at} isRelative /></span>
                        </span>
                    </li>`)}</ul>
            </div>
        </section>`;
}

/** Tables with a link to users, and how many of their records lead to this one. @param {string} id @param {AbortSignal} signal */
async function belongings(id, signal) {
    const links = (allTables.value ?? []).flatMap((table) => table.fields
        .filter((field) => field.is_filterable && !field.is_list && field.links?.length === 1 && field.links[0] === "users" && !OWN_TABLES.includes(table.name))
        .map((field) => ({ table: table.name, path: field.path })));
    const counts = await Promise.all(links.map(async (link) => {
        const page = await get(`/${link.table}`, { [link.path]: id, limit: 1, count: "true", fields: "id" }, signal);
        return { ...link, count: /** @type {number} */ (page.total) };
    }));
    return counts.filter((link) => link.count > 0);
}

/** @param {{ user: User }} props */
function Belongings({ user }) {
    const { data, problem, reload } = useResource((signal) => belongings(user.id, signal), [user.id]);
    return html`
        <section class="card" aria-labelledby="belongings-title">
            <header class="card-head"><h2 id="belongings-title">Belongs to this person</h2></header>
            <div class="card-body">
                ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
                ${data && data.length === 0 && html`<p class="muted">Nothing yet.</p>`}
                <ul class="chips">${(data ?? []).map((link) => html`
                    <li key=${`${link.table} ${link.path}`}><a class="chip" href=${tableHref(link.table, { [link.path]: user.id })} title=${`as ${fieldWords(link.path).toLowerCase()}`}>
                        <strong>${link.count.toLocaleString()}</strong> ${words(link.table)}</a></li>`)}</ul>
            </div>
        </section>`;
}

/** @param {{ user: User, turn: number }} props */
function Trail({ user, turn }) {
    const filter = `actor = "${user.id}" or target = "users:${user.id}"`;
    const { data, problem, reload } = useResource((signal) => get("/audit", { filter, sort: "-id", limit: TRAIL_SIZE, expand: "actor" }, signal), [user.id, turn]);
    return html`
        <section class="card" aria-labelledby="trail-title">
            <header class="card-head"><h2 id="trail-title">What happened</h2><a href=${href("/audit", { actor: user.id })}>All they did</a></header>
            <div class="card-body">
                ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
                ${data && (data.items.length ? html`<${TrailList} entries=${data.items} isShort />` : html`<p class="muted">Nothing on record.</p>`)}
            </div>
        </section>`;
}

/** What can be done with the account as a whole. @param {{ user: User, onDone: () => void, onSuspend: () => void }} props */
function Actions({ user, onDone, onSuspend }) {
    if (!canWrite() || user.status === "deleted") return null;
    if (user.id === account.value?.id) return html`<a class="button" href="#/account"><${Icon} name="user" />Your account</a>`;
    const reinstate = async () => {
        if (!(await confirm({ title: `Reinstate ${user.name}?`, text: "The person can sign in again at once.", yes: "Reinstate" }))) return;
        try {
            await post(`/users/${user.id}/reinstate`);
            toast(`${user.name} can sign in again.`);
            onDone();
        } catch (error) {
            toastProblem(error, "Not reinstated.");
        }
    };
    return user.status === "suspended"
        ? html`<button type="button" class="button button-primary" onClick=${reinstate}><${Icon} name="undo" />Reinstate</button>`
        : html`<button type="button" class="button" onClick=${onSuspend}><${Icon} name="lock" />Suspend</button>`;
}

/** @param {{ user: User, reload: () => void }} props */
function UserView({ user, reload }) {
    const [isSuspending, setSuspending] = useState(false);
    const [turn, setTurn] = useState(0);
    const done = () => {
        setSuspending(false);
        setTurn(turn + 1);
        reload();
    };
    const end = async () => {
        const isSelf = user.id === account.value?.id;
        const text = isSelf ? "This ends your own sign-in too, on every device." : "Every device must sign in again.";
        if (!(await confirm({ title: "End all sign-ins?", text, yes: "End all", isDangerous: true }))) return;
        try {
            await request("DELETE", `/users/${user.id}/sessions`);
            toast("All sign-ins have ended.");
            done();
        } catch (error) {
            toastProblem(error, "Not ended.");
        }
    };
    const title = html`<span class="person-title"><${Avatar} name=${user.name} photo=${user.photo} isLarge /><span>${user.name}</span><${Badge} text=${user.status} /></span>`;
    return html`
        <${Page} title=${title} plainTitle=${user.name} lead=${user.email} crumbs=${[{ href: "#/users", label: "Users" }]}
            actions=${html`<${Actions} user=${user} onDone=${done} onSuspend=${() => setSuspending(true)} />`} isWide>
            ${user.status === "suspended" && html`
                <div class="note note-warn"><${Icon} name="lock" /><div class="note-body">
                    <h2>This account is suspended</h2><p>${user.status_reason || "No reason was noted."}</p></div></div>`}
            <div class="halves">
                <div class="stack"><${Profile} user=${user} /><${Belongings} user=${user} /></div>
                <div class="stack">
                    <${RolesCard} user=${user} onDone=${done} />
                    <${Sessions} user=${user} turn=${turn} onEnd=${end} />
                    <${Trail} user=${user} turn=${turn} />
                </div>
            </div>
            ${isSuspending && html`<${SuspendDialog} user=${user} onClose=${() => setSuspending(false)} onDone=${done} />`}
        <//>`;
}

/** @param {import("../router.js").Place} place */
export default function UserScreen({ params }) {
    const load = (/** @type {AbortSignal} */ signal) => /** @type {Promise<User>} */ (get(`/users/${encodeURIComponent(params.id)}`, {}, signal));
    const { data, problem, isSlow, reload } = useResource(load, [params.id]);
    if (problem?.status === 404) return html`<${NotFound} title="There is no such person">The account may have been deleted.<//>`;
    if (data) return html`<${UserView} user=${data} reload=${reload} />`;
    return html`
        <${Page} title="User" crumbs=${[{ href: "#/users", label: "Users" }]}>
            ${problem && html`<${ProblemNote} problem=${problem} onRetry=${reload} />`}
            ${isSlow && html`<${Skeleton} rows=${8} />`}
        <//>`;
}
