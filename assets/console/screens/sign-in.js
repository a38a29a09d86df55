// Signing in. Returns to where one was.

import { html, useEffect, useState } from "../vendor/preact.js";
import { asProblem } from "../api.js";
import { FormField } from "../components/form-field.js";
import { Gate } from "../components/gate.js";
import { signIn } from "../session.js";

/** @param {number} seconds */
const waiting = (seconds) => (seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`);

/** Why it failed, in words for the person before the screen. @param {import("../api.js").Problem} problem */
function reason(problem) {
    if (problem.code === "invalid_credentials") return "Address or password is wrong, or the account has no staff role.";
    if (problem.status === 429 && problem.retry_after_s) return `${problem.message} Try again in ${waiting(problem.retry_after_s)}.`;
    return problem.message;
}

export default function SignIn() {
    const [form, setForm] = useState({ email: "", password: "" });
    const [problem, setProblem] = useState(/** @type {import("../api.js").Problem | null} */ (null));
    const [isBusy, setBusy] = useState(false);
    useEffect(() => { document.title = "Sign in · Pawbase"; }, []);
    const submit = async (/** @type {Event} */ event) => {
        event.preventDefault();
        setBusy(true);
        setProblem(null);
        try {
            await signIn(form.email.trim(), form.password);
        } catch (error) {
            setProblem(asProblem(error));
            setBusy(false);
            document.getElementById("password")?.focus();
        }
    };
    const bind = (/** @type {"email" | "password"} */ name) => ({
        class: "input", name, value: form[name], required: true,
        onInput: (/** @type {any} */ event) => setForm({ ...form, [name]: event.target.value }),
    });
    return html`
        <${Gate} title="Sign in" lead="For the people who run this shop.">
            <form class="stack" onSubmit=${submit}>
                ${problem && html`<p class="note note-danger" role="alert">${reason(problem)}
                    ${problem.requestId && problem.status >= 500 && html`<small class="muted">Request ${problem.requestId}</small>`}</p>`}
                <${FormField} label="E-mail" id="email">
                    ${(/** @type {any} */ input) => html`<input id=${input.id} type="email" autocomplete="username" autofocus ...${bind("email")} />`}
                <//>
                <${FormField} label="Password" id="password">
                    ${(/** @type {any} */ input) => html`<input id=${input.id} type="password" autocomplete="current-password" ...${bind("password")} />`}
                <//>
                <button class="button button-primary button-wide" disabled=${isBusy}>${isBusy ? "Signing in…" : "Sign in"}</button>
                <p class="small"><a href="/account/forgot-password">Forgot your password?</a></p>
            </form>
        <//>`;
}
