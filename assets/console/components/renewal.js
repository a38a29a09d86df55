// Signing in again above a screen with unsaved changes, so that they are not lost with the session.

import { html, useState } from "../vendor/preact.js";
import { asProblem } from "../api.js";
import { account, giveUp, isRenewing, renew } from "../session.js";
import { Dialog } from "./dialog.js";
import { FormField } from "./form-field.js";

function RenewalForm() {
    const [password, setPassword] = useState("");
    const [why, setWhy] = useState("");
    const submit = async (/** @type {Event} */ event) => {
        event.preventDefault();
        try {
            await renew(password);
        } catch (error) {
            const problem = asProblem(error);
            setWhy(problem.code === "invalid_credentials" ? "is not your password" : problem.message);
        }
    };
    return html`
        <${Dialog} title="Your session has ended" onClose=${giveUp} class="dialog-small">
            <form class="stack" onSubmit=${submit}>
                <p>Sign in again as ${account.value?.email}. What you have typed is still here; save it afterwards.</p>
                <input type="text" class="sr-only" autocomplete="username" value=${account.value?.email ?? ""} readonly tabindex="-1" aria-hidden="true" />
                <${FormField} label="Password" id="renewal-password" errors=${why ? [why] : []}>
                    ${(/** @type {any} */ input) => html`<input class="input" id=${input.id} type="password" autocomplete="current-password" autofocus required value=${password}
                        aria-describedby=${input.describedBy} aria-invalid=${input.isInvalid ? "true" : null} onInput=${(/** @type {any} */ event) => setPassword(event.target.value)} />`}
                <//>
                <div class="row">
                    <button class="button button-primary">Sign in</button>
                    <button type="button" class="button" onClick=${giveUp}>Drop my changes</button>
                </div>
            </form>
        <//>`;
}

/** The place of the dialog; once, in main.js. */
export function Renewal() {
    return isRenewing.value && html`<${RenewalForm} />`;
}
