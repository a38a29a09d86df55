// A button that opens a small panel (native popover): a list of actions, or anything else.

import { html, useId, useLayoutEffect, useRef, useState } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/** Keeps a panel below its button and inside the window. @param {HTMLElement} panel @param {HTMLElement} button */
function place(panel, button) {
    const anchor = button.getBoundingClientRect();
    const { width, height } = panel.getBoundingClientRect();
    const left = Math.max(8, Math.min(anchor.left, innerWidth - width - 8));
    const isBelow = anchor.bottom + height + 8 < innerHeight || anchor.top < height + 8;
    panel.style.left = `${left}px`;
    panel.style.top = `${isBelow ? anchor.bottom + 4 : anchor.top - height - 4}px`;
    panel.style.maxHeight = isBelow ? `${Math.max(160, innerHeight - anchor.bottom - 16)}px` : "";
}

/**
 * @param {{ label: any, name?: string, icon?: string, class?: string, count?: number, onOpen?: () => void,
 *   children?: any | ((close: () => void) => any) }} props
 * `name` is read out where `label` is no text. Children that are a function get a way to close the panel.
 */
export function Panel({ label, name, icon, class: look = "button", count, onOpen, children }) {
    const id = useId();
    const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
    const panel = useRef(/** @type {HTMLDivElement | null} */ (null));
    const [isOpen, setOpen] = useState(false);
    const close = () => panel.current?.hidePopover();
    useLayoutEffect(() => {
        const node = panel.current;
        const toggled = (/** @type {any} */ event) => {
            setOpen(event.newState === "open");
            if (event.newState === "open") onOpen?.();
        };
        node?.addEventListener("toggle", toggled);
        return () => node?.removeEventListener("toggle", toggled);
    });
    useLayoutEffect(() => {
        if (!isOpen || !panel.current || !button.current) return undefined;
        const node = panel.current;
        const anchor = button.current;
        const again = () => place(node, anchor);
        again();
        node.querySelector(/** @type {any} */ ("[autofocus], input, select, button, a"))?.focus();
        addEventListener("resize", again);
        return () => removeEventListener("resize", again);
    }, [isOpen]);
    return html`
        <span class="panel-anchor">
            <button ref=${button} type="button" class=${look} popovertarget=${id} aria-expanded=${isOpen ? "true" : "false"}
                aria-label=${name ?? null} title=${name ?? null}>
                ${icon && html`<${Icon} name=${icon} />`}${label}${count ? html` <span class="count">${count}</span>` : null}
            </button>
            <div ref=${panel} id=${id} class="panel" popover="auto" role="group" aria-label=${name ?? (typeof label === "string" ? label : null)}>
                ${isOpen && (typeof children === "function" ? children(close) : children)}
            </div>
        </span>`;
}

/** @typedef {{ label: string, icon?: string, href?: string, download?: boolean, onSelect?: () => void, isDangerous?: boolean, isExternal?: boolean } | null | false | undefined} MenuItem */

/** A list of links and actions. @param {{ label: any, name?: string, icon?: string, class?: string, items: MenuItem[] }} props */
export function Menu({ label, name, icon, class: look, items }) {
    const moved = (/** @type {KeyboardEvent} */ event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const list = [.../** @type {HTMLElement} */ (event.currentTarget).querySelectorAll("a, button")];
        const at = list.indexOf(/** @type {Element} */ (document.activeElement));
        /** @type {any} */ (list[(at + step + list.length) % list.length])?.focus();
    };
    return html`
        <${Panel} label=${label} name=${name} icon=${icon} class=${look}>
            ${(/** @type {() => void} */ close) => html`
                <ul class="menu" onKeyDown=${moved}>
                    ${items.map((item, index) => item && html`<li key=${index}>${item.href
                        ? html`<a href=${item.href} download=${item.download ? "" : null} target=${item.isExternal ? "_blank" : null} onClick=${close}>
                            <${Icon} name=${item.icon ?? "right"} />${item.label}</a>`
                        : html`<button type="button" class=${item.isDangerous ? "danger" : ""} onClick=${() => { close(); item.onSelect?.(); }}>
                            <${Icon} name=${item.icon ?? "right"} />${item.label}</button>`}</li>`)}
                </ul>`}
        <//>`;
}
