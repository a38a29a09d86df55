// A secret that is shown this once: to be copied now.

import { html } from "../vendor/preact.js";
import { CopyButton } from "./copy.js";
import { Dialog } from "./dialog.js";
import { FormField } from "./form-field.js";

/** @param {{ title: string, secret: string, onClose: () => void, children?: any }} props */
export function SecretDialog({ title, secret, onClose, children }) {
    return html`
        <${Dialog} title=${title} onClose=${onClose} isSticky actions=${html`<button type="button" class="button button-primary" onClick=${onClose}>I have kept it</button>`}>
            ${children}
            <${FormField} label="Secret" help="It is shown only now. If it is lost, make a new one.">
                ${(/** @type {import("./form-field.js").InputProps} */ input) => html`
                    <div class="row secret-row"><input class="input mono" id=${input.id} aria-describedby=${input.describedBy} readonly value=${secret} autofocus
                        onFocus=${(/** @type {any} */ event) => event.target.select()} /><${CopyButton} text=${secret} what="Secret copied" /></div>`}
            <//>
        <//>`;
}
