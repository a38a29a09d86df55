// A question before something that matters. `if (!(await confirm({ … }))) return;`

import { html, signal, useState } from "../vendor/preact.js";
import { Dialog } from "./dialog.js";

/**
 * @typedef {object} Question
 * @property {string} title @property {any} [text] @property {string} [yes] @property {string} [no]
 * @property {boolean} [isDangerous] @property {boolean} [isWide] @property {string} [typed] Text that must be typed to go on.
 * @property {{ value: string, label: string, isDangerous?: boolean }[]} [choices] Other answers than yes.
 */

const asked = signal(/** @type {(Question & { answer: (value: string | null) => void }) | null} */ (null));

/** Asks, and answers which choice was taken, null for none. @param {Question} question @returns {Promise<string | null>} */
export function choose(question) {
    asked.peek()?.answer(null);
    return new Promise((resolve) => {
        asked.value = { ...question, answer: (value) => { asked.value = null; resolve(value); } };
    });
}

/** Asks, and answers whether yes was taken. @param {Question} question */
export const confirm = async (question) => (await choose(question)) === "yes";

/** @param {{ question: Question & { answer: (value: string | null) => void } }} props */
function QuestionView({ question }) {
    const [typed, setTyped] = useState("");
    const choices = question.choices ?? [{ value: "yes", label: question.yes ?? "Yes", isDangerous: question.isDangerous }];
    const isLocked = question.typed !== undefined && typed !== question.typed;
    const actions = html`
        <button type="button" class="button" autofocus onClick=${() => question.answer(null)}>${question.no ?? "Cancel"}</button>
        ${choices.map((choice) => html`
            <button key=${choice.value} type="button" disabled=${isLocked} class=${`button ${choice.isDangerous ? "button-danger" : "button-primary"}`}
                onClick=${() => question.answer(choice.value)}>${choice.label}</button>`)}`;
    return html`
        <${Dialog} title=${question.title} onClose=${() => question.answer(null)} actions=${actions} isWide=${question.isWide} class=${question.isWide ? "" : "dialog-small"}>
            ${typeof question.text === "string" ? html`<p>${question.text}</p>` : question.text}
            ${question.typed !== undefined && html`
                <label class="stack-small">Type <code>${question.typed}</code> to go on
                    <input class="input" value=${typed} autocomplete="off" onInput=${(/** @type {any} */ event) => setTyped(event.target.value)} />
                </label>`}
        <//>`;
}

/** The place of the question; once, in main.js. */
export function ConfirmHost() {
    return asked.value && html`<${QuestionView} key=${asked.value.title} question=${asked.value} />`;
}
