// Makes or changes an endpoint of webhooks: where to, what for, which events.

import { html, useState } from "../vendor/preact.js";
import { asProblem, patch, post } from "../api.js";
import { mergePatch } from "../model/changes.js";
import { errorsElsewhere, errorsWithin } from "../model/pointers.js";
import { Dialog } from "./dialog.js";
import { EventPatterns } from "./event-patterns.js";
import { FormField } from "./form-field.js";
import { ProblemNote } from "./problem.js";

/**
 * @typedef {import("../schema.js").Schemas["WebhookEndpoint"]} Endpoint
 * @typedef {{ url: string, description: string, events: string[] }} Form
 */

const POINTERS = ["/url", "/description", "/events"];

/** @param {Form} form */
const body = ({ url, description, events }) => ({ url: url.trim(), description: description.trim() || null, events });

/** Sends the form: a new endpoint with its secret, or the endpoint as it is now. @param {Endpoint | undefined} endpoint @param {Form} form @returns {Promise<{ endpoint: Endpoint, secret?: string }>} */
async function save(endpoint, form) {
    const next = body(form);
    if (endpoint) {
        const before = { url: endpoint.url, description: endpoint.description ?? null, events: endpoint.events };
        return { endpoint: await patch(`/webhooks/endpoints/${endpoint.id}`, mergePatch(before, next)) };
    }
    return post("/webhooks/endpoints", next.description ? next : { url: next.url, events: next.events });
}

/** @param {{ endpoint?: Endpoint, onClose: () => void, onDone: (saved: { endpoint: Endpoint, secret?: string }) => void }} props */
export function WebhookForm({ endpoint, onClose, onDone }) {
    const [form, setForm] = useState(/** @type {Form} */ ({ url: endpoint?.url ?? "", description: endpoint?.description ?? "", events: endpoint?.events ?? [] }));
    const [problem, setProblem] = useState(/** @type {import("../api.js").Problem | null} */ (null));
    const [isSending, setSending] = useState(false);
    const errors = problem?.errors ?? [];
    const noEvents = problem && form.events.length === 0 && errorsWithin(errors, "/events").length === 0 ? ["Choose at least one."] : [];
    const send = async (/** @type {Event} */ event) => {
        event.preventDefault();
        setSending(true);
        try {
            onDone(await save(endpoint, form));
        } catch (error) {
            setProblem(asProblem(error));
        }
        setSending(false);
    };
    const text = (/** @type {"url" | "description"} */ name, /** @type {Record<string, unknown>} */ more) => (/** @type {import("./form-field.js").InputProps} */ input) => html`
        <input class="input" id=${input.id} value=${form[name]} aria-describedby=${input.describedBy} aria-invalid=${input.isInvalid ? "true" : null} autocomplete="off" ...${more}
            onInput=${(/** @type {any} */ event) => setForm({ ...form, [name]: event.target.value })} />`;
    const actions = html`
        <button type="button" class="button" onClick=${onClose}>Cancel</button>
        <button type="submit" form="webhook-form" class="button button-primary" disabled=${isSending}>${endpoint ? "Save changes" : "Add endpoint"}</button>`;
    return html`
        <${Dialog} title=${endpoint ? "Change the endpoint" : "New endpoint"} onClose=${onClose} actions=${actions} isSticky>
            <form id="webhook-form" class="stack" onSubmit=${send} noValidate>
                ${problem && errorsElsewhere(errors, POINTERS).length + (errors.length ? 0 : 1) > 0 && html`<${ProblemNote} problem=${problem} />`}
                <${FormField} label="Address" isRequired errors=${errorsWithin(errors, "/url")} help="The other program says where it wants to be told.">
                    ${text("url", { type: "url", placeholder: "https://accounting.example/hooks/pawbase", required: true, autofocus: true, spellcheck: false })}<//>
                <${FormField} label="What it is for" errors=${errorsWithin(errors, "/description")}>${text("description", { placeholder: "Invoices for the accountant", maxlength: 500 })}<//>
                <${FormField} label="Tell it of" isGroup isRequired errors=${[...errorsWithin(errors, "/events"), ...noEvents]}>
                    ${() => html`<${EventPatterns} patterns=${form.events} onChange=${(/** @type {string[]} */ events) => setForm({ ...form, events })} />`}<//>
            </form>
        <//>`;
}
