// One's own account: who one is, password, sessions.

import { html, useState } from "../vendor/preact.js";
import { asProblem, get, post, remove } from "../api.js";
import { Badge } from "../components/badge.js";
import { confirm } from "../components/confirm.js";
import { Moment, ZONE } from "../components/date.js";
import { FormField } from "../components/form-field.js";
import { Icon } from "../components/icon.js";
import { Page } from "../components/page.js";
import { ProblemNote } from "../components/problem.js";
import { Skeleton } from "../components/skeleton.js";
import { toast, toastProblem } from "../components/toast.js";
import { deviceOf } from "../model/device.js";
import { useResource } from "../resource.js";
import { account } from "../session.js";
import { theme } from "../theme.js";

/** @typedef {import("../schema.js").Schemas["SignInSession"]} Session */

/** @param {{ id: string, label: string, value: string, onInput: (event: any) => void, autocomplete: string, errors: string[], help?: string }} props */
function PasswordField({ id, label, value, onInput, autocomplete, errors, help }) {
    return html`
        <${FormField} id=${id} label=${label} errors=${errors} help=${help}>
            ${(/** @type {any} */ input) => html`<input class="input" id=${input.id} type="password" autocomplete=${autocomplete} required value=${value}
                aria-describedby=${input.describedBy} aria-invalid=${input.isInvalid ? "true" : null} onInput=${onInput} />`}
        <//>`;
}

function Password() {
    const empty = { current_password: "", new_password: "", again: "" };
    const [form, setForm] = useState(empty);
    const [problem, setProblem] = useState(/** @type {import("../api.js").Problem | null} */ (null));
    const [isUnequal, setUnequal] = useState(false);
    const submit = async (/** @type {Event} */ event) => {
        event.preventDefault();
        setProblem(null);
        setUnequal(form.new_password !== form.again);
        if (form.new_password !== form.again) return;
        try {
            await post("/auth/password", { current_password: form.current_password, new_password: form.new_password });
            setForm(empty);
            toast("Password changed; other sessions were ended");
        } catch (error) {
            setProblem(asProblem(error));
        }
    };
    const errorsOf = (/** @type {string} */ name) => (problem?.errors ?? []).filter((error) => error.pointer === `/${name}`).map((error) => error.message);
    const bind = (/** @type {"current_password" | "new_password" | "again"} */ name) =>
        ({ id: name, value: form[name], onInput: (/** @type {any} */ event) => setForm({ ...form, [name]: event.target.value }) });
    return html`
        <section class="card" aria-labelledby="password-title">
            <header class="card-head"><h2 id="password-title">Password</h2></header>
            <form class="card-body stack narrow-form" onSubmit=${submit}>
                <input type="text" class="sr-only" autocomplete="username" value=${account.value?.email ?? ""} readonly tabindex="-1" aria-hidden="true" />
                ${problem && !problem.errors.length && html`<p class="note note-danger" role="alert">${problem.message}</p>`}
                <${PasswordField} ...${bind("current_password")} label="Present password" autocomplete="current-password" errors=${errorsOf("current_password")} />
                <${PasswordField} ...${bind("new_password")} label="New password" autocomplete="new-password" errors=${errorsOf("new_password")}
                    help="At least 12 characters; a few words are best." />
                <${PasswordField} ...${bind("again")} label="New password again" autocomplete="new-password" errors=${isUnequal ? ["is not the same as above"] : []} />
                <div class="row"><button class="button button-primary">Change password</button><span class="help">Ends all your other sessions.</span></div>
            </form>
        </section>`;
}

/** @param {{ session: Session, onEnd: () => void }} props */
function SessionRow({ session, onEnd }) {
    return html`
        <li class="session">
            <${Icon} name="device" />
            <div>
                <strong title=${session.user_agent}>${deviceOf(session.user_agent)}</strong> ${session.is_current && html`<${Badge} kind="good" text="this one" />`}
                <div class="small muted">
                    ${session.ip && `${session.ip} · `}signed in <${Moment} value=${session.created_at} />${" · last used "}<${Moment} value=${session.used_at} isRelative />
                </div>
            </div>
            ${!session.is_current && html`<button type="button" class="button button-small" onClick=${onEnd}>End</button>`}
        </li>`;
}

function Sessions() {
    const sessions = useResource((signal) => get("/auth/sessions", undefined, signal), []);
    const items = /** @type {Session[]} */ (sessions.data?.items ?? []);
    const end = async (/** @type {string} */ path, /** @type {string} */ done) => {
        try {
            await remove(path);
            toast(done);
        } catch (error) {
            toastProblem(error);
        }
        sessions.reload();
    };
    const endOthers = async () => {
        const isSure = await confirm({ title: "End all other sessions?", text: "You stay signed in here. Everywhere else you have to sign in again.", yes: "End them", isDangerous: true });
        if (isSure) end("/auth/sessions", "All other sessions ended");
    };
    return html`
        <section class="card" aria-labelledby="sessions-title">
            <header class="card-head"><h2 id="sessions-title">Sessions</h2>
                ${items.length > 1 && html`<button type="button" class="button button-small" onClick=${endOthers}>End all others</button>`}</header>
            <div class="card-body">
                ${sessions.problem && html`<${ProblemNote} problem=${sessions.problem} onRetry=${sessions.reload} />`}
                ${sessions.isSlow && html`<${Skeleton} rows=${3} />`}
                <ul class="sessions">${items.map((session) => html`
                    <${SessionRow} key=${session.id} session=${session} onEnd=${() => end(`/auth/sessions/${session.id}`, "Session ended")} />`)}</ul>
            </div>
        </section>`;
}

/** @type {[import("../theme.js").Theme, string][]} */
const THEMES = [["system", "As the system"], ["light", "Light"], ["dark", "Dark"]];

export default function AccountScreen() {
    const me = account.value;
    return html`
        <${Page} title="Account" lead=${me && html`${me.name} · ${me.email}`} plainTitle="Account">
            <section class="card" aria-labelledby="about-title">
                <header class="card-head"><h2 id="about-title">About you</h2></header>
                <dl class="record-values">
                    <div><dt>Roles</dt><dd><span class="items items-wrap">${(me?.roles ?? []).map((role) => html`<${Badge} key=${role} text=${role} />`)}</span></dd></div>
                    <div><dt>Times are shown in</dt><dd>${ZONE} <span class="muted small">(this browser's zone; UTC when the pointer rests on a time)</span></dd></div>
                    <div><dt id="theme-label">Theme</dt><dd>
                        <div class="segments" role="radiogroup" aria-labelledby="theme-label">${THEMES.map(([value, label]) => html`
                            <label key=${value}><input type="radio" name="theme" checked=${theme.value === value}
                                onChange=${() => { theme.value = value; }} /><span>${label}</span></label>`)}</div></dd></div>
                </dl>
            </section>
            <${Password} />
            <${Sessions} />
        <//>`;
}
