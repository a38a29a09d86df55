// Tabs: arrow keys move, the panel is labelled by its tab.

import { html, useId } from "../vendor/preact.js";

/**
 * @param {{ label: string, tabs: { key: string, label: string, count?: number }[], current: string, onChange: (key: string) => void, children?: any }} props
 */
export function Tabs({ label, tabs, current, onChange, children }) {
    const id = useId();
    const moved = (/** @type {KeyboardEvent} */ event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const at = tabs.findIndex((tab) => tab.key === current);
        const next = tabs[(at + step + tabs.length) % tabs.length];
        onChange(next.key);
        document.getElementById(`${id}-${next.key}`)?.focus();
    };
    return html`
        <div class="tabs">
            <div role="tablist" aria-label=${label} onKeyDown=${moved}>
                ${tabs.map((tab) => html`
                    <button key=${tab.key} type="button" role="tab" id=${`${id}-${tab.key}`} aria-controls=${`${id}-panel`}
                        aria-selected=${tab.key === current ? "true" : "false"} tabindex=${tab.key === current ? 0 : -1}
                        onClick=${() => onChange(tab.key)}>${tab.label}${tab.count !== undefined && html` <span class="count">${tab.count}</span>`}</button>`)}
            </div>
            <div role="tabpanel" id=${`${id}-panel`} aria-labelledby=${`${id}-${current}`} tabindex="0">${children}</div>
        </div>`;
}
