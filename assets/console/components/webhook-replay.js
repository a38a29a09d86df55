// Sends all that failed since some time once more.

import { html, useState } from "../vendor/preact.js";
import { asProblem, post } from "../api.js";
import { Dialog } from "./dialog.js";
import { FormField } from "./form-field.js";
import { ProblemNote } from "./problem.js";
import { toast } from "./toast.js";

/** @typedef {import("../schema.js").Schemas["WebhookEndpoint"]} Endpoint */

/** Hours back, as choices. */
const SPANS = [{ hours: 1, label: "the last hour" }, { hours: 24, label: "the last day" }, { hours: 24 * 7, label: "the last 7 days" }, { hours: 24 * 30, label: "the last 30 days" }];

/** Some hours ago, as the server reads it. @param {number} hours */
const before = (hours) => `${new Date(Date.now() - hours * 3_600_000).toISOString().slice(0, 19)}Z`;

/** @param {{ endpoint: { id: string }, onClose: () => void, onDone: () => void }} props */
export function WebhookReplay({ endpoint, onClose, onDone }) {
    const [hours, setHours] = useState(24);
    const [problem, setProblem] = useState(/** @type {import("../api.js").Problem | null} */ (null));
    const send = async (/** @type {Event} */ event) => {
        event.preventDefault();
        try {
            const { deliveries } = await post(`/webhooks/endpoints/${endpoint.id}/replay`, { since: before(hours) });
            toast(deliveries ? `${deliveries} ${deliveries === 1 ? "event is" : "events are"} sent once more` : "Nothing had failed in that time");
            onDone();
        } catch (error) {
            setProblem(asProblem(error));
        }
    };
    const actions = html`
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" form="replay-form" class="button button-primary">Replay</button>`;
    return html`
        <${Dialog} title="Replay what failed?" onClose=${onClose} actions=${actions} class="dialog-small">
            ${problem && html`<${ProblemNote} problem=${problem} />`}
            <p>Everything that was given up or dropped is sent once more, in the background. The other program can tell that it is the same by its key.</p>
            <form id="replay-form" onSubmit=${send}>
                <${FormField} label="Of">${(/** @type {import("./form-field.js").InputProps} */ input) => html`
                    <select class="input" id=${input.id} autofocus onChange=${(/** @type {any} */ event) => setHours(Number(event.target.value))}>
                        ${SPANS.map((span) => html`<option key=${span.hours} value=${span.hours} selected=${span.hours === hours}>${span.label}</option>`)}</select>`}<//>
            </form>
        <//>`;
}
