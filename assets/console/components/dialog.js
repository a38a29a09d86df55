// A modal dialog on the native element: Escape closes it, focus stays in it and returns where it was.

import { html, useEffect, useId, useRef } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/**
 * @param {{ title: string, onClose: () => void, children?: any, actions?: any, isWide?: boolean, isSticky?: boolean, class?: string }} props
 * Shown while it is rendered. `actions` stand at its foot; `isSticky`: a press beside it does not close it.
 */
export function Dialog({ title, onClose, children, actions, isWide = false, isSticky = false, class: extra = "" }) {
    const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
    const id = useId();
    useEffect(() => {
        const before = document.activeElement;
        const dialog = ref.current;
        if (dialog && !dialog.open) dialog.showModal();
        return () => {
            dialog?.close();
            if (before instanceof HTMLElement && before.isConnected) before.focus();
        };
    }, []);
    const cancel = (/** @type {Event} */ event) => {
        event.preventDefault();
        onClose();
    };
    const pressed = (/** @type {MouseEvent} */ event) => !isSticky && event.target === ref.current && onClose();
    return html`
        <dialog ref=${ref} class=${`dialog ${isWide ? "dialog-wide" : ""} ${extra}`} aria-labelledby=${id} onCancel=${cancel} onMouseDown=${pressed}>
            <div class="dialog-frame">
                <header class="dialog-head">
                    <h2 id=${id}>${title}</h2>
                    <button type="button" class="icon-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button>
                </header>
                <div class="dialog-body">${children}</div>
                ${actions && html`<footer class="dialog-foot">${actions}</footer>`}
            </div>
        </dialog>`;
}
