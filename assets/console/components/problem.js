// A failure in words, with the request id for whoever looks into it.

import { html } from "../vendor/preact.js";
import { CopyButton } from "./copy.js";
import { Icon } from "./icon.js";

/** @type {Record<string, string>} */
const ADVICE = {
    offline: "Nothing was lost. Try again when the server runs.",
    forbidden: "Your account lacks the right. A super_admin can change your roles.",
    too_many_requests: "Wait a moment, then try again.",
    not_found: "It does not exist any more, or you may not see it.",
    internal: "It failed on our side. If it stays, report the request id.",
};

/** @param {{ problem: import("../api.js").Problem, onRetry?: () => void, children?: any }} props */
export function ProblemNote({ problem, onRetry, children }) {
    const advice = ADVICE[problem.code];
    const isSaidBelow = problem.errors.some((error) => error.message === problem.message);
    return html`
        <section class="note note-danger" role="alert">
            <${Icon} name="alert" />
            <div class="note-body">
                <h2>${problem.title}</h2>
                ${!isSaidBelow && html`<p>${problem.message}${advice ? ` ${advice}` : ""}</p>`}
                ${problem.errors.length > 0 && html`
                    <ul>${problem.errors.map((error, index) => html`<li key=${index}><code>${error.pointer}</code> ${error.message}</li>`)}</ul>`}
                ${children}
                <p class="row">
                    ${onRetry && html`<button type="button" class="button" onClick=${onRetry}><${Icon} name="refresh" />Try again</button>`}
                    ${problem.requestId && html`<span class="muted small">Request <code>${problem.requestId}</code></span>
                        <${CopyButton} text=${problem.requestId} label="Copy request id" isQuiet />`}
                </p>
            </div>
        </section>`;
}
