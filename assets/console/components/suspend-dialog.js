// Suspends an account, with a reason that is kept.

import { html, useState } from "../vendor/preact.js";
import { asProblem, post } from "../api.js";
import { Dialog } from "./dialog.js";
import { FormField } from "./form-field.js";
import { ProblemNote } from "./problem.js";
import { toast } from "./toast.js";

/** @param {{ user: { id: string, name: string }, onClose: () => void, onDone: () => void }} props */
export function SuspendDialog({ user, onClose, onDone }) {
    const [reason, setReason] = useState("");
    const [problem, setProblem] = useState(/** @type {import("../api.js").Problem | null} */ (null));
    const [isSending, setSending] = useState(false);
    const errors = (problem?.errors ?? []).filter((error) => error.pointer === "/reason").map((error) => error.message);
    const send = async (/** @type {Event} */ event) => {
        event.preventDefault();
        setSending(true);
        try {
            await post(`/users/${user.id}/suspend`, { reason });
            toast(`${user.name} is suspended and signed out everywhere.`);
            onDone();
        } catch (error) {
            setProblem(asProblem(error));
            setSending(false);
        }
    };
    const actions = html`
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" form="suspend-form" class="button button-danger" disabled=${isSending}>Suspend</button>`;
    return html`
        <${Dialog} title=${`Suspend ${user.name}?`} onClose=${onClose} actions=${actions} class="dialog-small">
            <p>The person is signed out everywhere at once and cannot sign in until you reinstate the account. Nothing is deleted.</p>
            <form id="suspend-form" onSubmit=${send}>
                <${FormField} label="Reason" isRequired errors=${errors} help="Kept in the audit trail, in your words.">
                    ${(/** @type {import("./form-field.js").InputProps} */ input) => html`
                        <textarea class="input" id=${input.id} aria-describedby=${input.describedBy} aria-invalid=${input.isInvalid ? "true" : null} required autofocus
                            rows="3" maxlength="500" value=${reason} onInput=${(/** @type {any} */ event) => setReason(event.target.value)}></textarea>`}
                <//>
            </form>
            ${problem && errors.length === 0 && html`<${ProblemNote} problem=${problem} />`}
        <//>`;
}
