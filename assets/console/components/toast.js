// Short messages at the edge of the window, some with an undo. Read out by screen readers.

import { html, signal, useEffect } from "../vendor/preact.js";
import { asProblem } from "../api.js";
import { Icon } from "./icon.js";

/**
 * @typedef {{ label: string, run: () => void | Promise<void> }} ToastAction
 * @typedef {{ id: number, text: string, kind: "ok" | "danger", action?: ToastAction, detail?: string }} Toast
 */

/** Milliseconds a message stays; with something to do, longer. */
const STAY_MS = 5000;
const STAY_WITH_ACTION_MS = 15000;

const toasts = signal(/** @type {Toast[]} */ ([]));
let last = 0;

/** @param {number} id */
function dismiss(id) {
    toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** Shows a message. @param {string} text @param {{ kind?: "ok" | "danger", action?: ToastAction, detail?: string }} [options] */
export function toast(text, { kind = "ok", action, detail } = {}) {
    last += 1;
    toasts.value = [...toasts.value.slice(-3), { id: last, text, kind, action, detail }];
}

/** Shows a failure. @param {unknown} error @param {string} [what] What did not work. */
export function toastProblem(error, what) {
    const problem = asProblem(error);
    const first = problem.errors[0];
    const why = first ? `${problem.message} ${first.pointer} ${first.message}` : problem.message;
    toast(what ? `${what} ${why}` : why, { kind: "danger", detail: problem.requestId ? `Request ${problem.requestId}` : undefined });
}

/** @param {{ toast: Toast }} props */
function ToastView({ toast: { id, text, kind, action, detail } }) {
    useEffect(() => {
        const timer = setTimeout(() => dismiss(id), action || kind === "danger" ? STAY_WITH_ACTION_MS : STAY_MS);
        return () => clearTimeout(timer);
    }, []);
    const act = async () => {
        dismiss(id);
        try {
            await action?.run();
        } catch (error) {
            toastProblem(error);
        }
    };
    return html`
        <div class=${`toast toast-${kind}`}>
            <${Icon} name=${kind === "ok" ? "check" : "alert"} />
            <div class="toast-text"><span>${text}</span>${detail && html`<small>${detail}</small>`}</div>
            ${action && html`<button type="button" class="button button-small" onClick=${act}><${Icon} name="undo" />${action.label}</button>`}
            <button type="button" class="icon-button icon-button-small" aria-label="Dismiss" onClick=${() => dismiss(id)}><${Icon} name="close" /></button>
        </div>`;
}

/** The place of the messages; once, in main.js. */
export function ToastHost() {
    const ok = toasts.value.filter((toast) => toast.kind === "ok");
    const bad = toasts.value.filter((toast) => toast.kind === "danger");
    return html`
        <div class="toasts" role="region" aria-label="Messages">
            <div role="alert">${bad.map((toast) => html`<${ToastView} key=${toast.id} toast=${toast} />`)}</div>
            <div role="status">${ok.map((toast) => html`<${ToastView} key=${toast.id} toast=${toast} />`)}</div>
        </div>`;
}
