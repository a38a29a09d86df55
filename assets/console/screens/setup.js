// The form behind the one-time setup link: the first administrator.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { asProblem } from "../api.js";
import { FormField } from "../components/form-field.js";
import { Gate } from "../components/gate.js";
import { setUp } from "../session.js";

/** @type {{ name: "name" | "email" | "password", label: string, type: string, autocomplete: string, help?: string }[]} */
const FIELDS = [
    { name: "name", label: "Your name", type: "text", autocomplete: "name" },
    { name: "email", label: "E-mail", type: "email", autocomplete: "username", help: "You sign in with it." },
    { name: "password", label: "Password", type: "password", autocomplete: "new-password", help: "At least 12 characters; a few words are best." },
];

/** @param {import("../api.js").Problem} problem */
function reason(problem) {
    if (problem.status === 410) return "There is an administrator already. This link has done its work; sign in instead.";
    if (problem.status === 403) return "This link is not valid any more. The server prints a new one when it starts.";
    return problem.message;
}

/** @param {import("../router.js").Place} place */
export default function Setup({ query }) {
    const token = useRef(query.get("token") ?? "");
    const [form, setForm] = useState({ name: "", email: "", password: "" });
    const [problem, setProblem] = useState(/** @type {import("../api.js").Problem | null} */ (null));
    const [isBusy, setBusy] = useState(false);
    useEffect(() => { document.title = "Set up · Pawbase"; }, []);
    const submit = async (/** @type {Event} */ event) => {
        event.preventDefault();
        setBusy(true);
        setProblem(null);
        try {
            await setUp({ token: token.current, ...form, email: form.email.trim() });
        } catch (error) {
            const failed = asProblem(error);
            setProblem(failed);
            setBusy(false);
            document.getElementById(failed.errors[0]?.pointer.slice(1) ?? "name")?.focus();
        }
    };
    const errorsOf = (/** @type {string} */ name) =>
        (problem?.errors ?? []).filter((error) => error.pointer === `/${name}`).map((error) => error.message);
    const isOver = problem?.status === 410;
    return html`
        <${Gate} title="Welcome" lead="Make the first account. It may do everything, and can give rights to others later.">
            <form class="stack" onSubmit=${submit} novalidate>
                ${problem && html`<p class="note note-danger" role="alert">${reason(problem)}</p>`}
                ${FIELDS.map(({ name, label, type, autocomplete, help }) => html`
                    <${FormField} key=${name} id=${name} label=${label} help=${help} errors=${errorsOf(name)} isRequired>
                        ${(/** @type {any} */ input) => html`<input class="input" id=${input.id} type=${type} name=${name} autocomplete=${autocomplete} required
                            aria-describedby=${input.describedBy} aria-invalid=${input.isInvalid ? "true" : null} autofocus=${name === "name"}
                            value=${form[name]} onInput=${(/** @type {any} */ event) => setForm({ ...form, [name]: event.target.value })} />`}
                    <//>`)}
                ${isOver ? html`<a class="button button-primary button-wide" href="#/sign-in">Sign in</a>`
                    : html`<button class="button button-primary button-wide" disabled=${isBusy}>${isBusy ? "One moment…" : "Make the account"}</button>`}
            </form>
        <//>`;
}
