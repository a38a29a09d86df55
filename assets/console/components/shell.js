// What surrounds every screen: skip link, side bar, top bar.

import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { NAVIGATION } from "../navigation.js";
import { href, tableHref } from "../router.js";
import { tables, words } from "../schema.js";
import { account, signOut } from "../session.js";
import { theme } from "../theme.js";
import { Bell } from "./bell.js";
import { Icon, Logo } from "./icon.js";
import { Menu } from "./menu.js";
import { openPalette } from "./palette.js";
import { toastProblem } from "./toast.js";

/** Whether an entry's place is the present one or above it. @param {string} path @param {string} entry */
const isWithin = (path, entry) => (entry === "/" ? path === "/" : path === entry || path.startsWith(`${entry}/`));

/** @param {{ path: string }} props */
function TableLinks({ path }) {
    const list = tables.value ?? [];
    const ref = useRef(/** @type {HTMLElement | null} */ (null));
    useEffect(() => ref.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }), [path, list.length]);
    return html`<ul class="nav-tables" ref=${ref}>${list.map((table) => {
        const isHere = isWithin(path, `/tables/${table.name}`);
        return html`<li key=${table.name}><a href=${tableHref(table.name)} aria-current=${isHere ? "page" : null}>${words(table.name)}</a></li>`;
    })}</ul>`;
}

/** @param {{ path: string, entry: import("../navigation.js").Entry }} props */
function NavEntry({ path, entry }) {
    if (entry.isExternal) {
        return html`<li><a href=${entry.path} target="_blank" rel="noopener"><${Icon} name=${entry.icon} />${entry.label}
            <${Icon} name="external" class="nav-mark" /><span class="sr-only"> (new window)</span></a></li>`;
    }
    const isHere = entry.shows_tables ? path === entry.path : isWithin(path, entry.path);
    return html`
        <li>
            <a href=${href(entry.path)} aria-current=${isHere ? "page" : null}><${Icon} name=${entry.icon} />${entry.label}</a>
            ${entry.shows_tables && html`<${TableLinks} path=${path} />`}
        </li>`;
}

/** @param {{ path: string, label: string }} props */
function Navigation({ path, label }) {
    return html`
        <nav class="nav" aria-label=${label}>
            ${NAVIGATION.map((group) => html`
                <section key=${group.label}>
                    <h2>${group.label}</h2>
                    <ul>${group.entries.map((entry) => html`<${NavEntry} key=${entry.path} path=${path} entry=${entry} />`)}</ul>
                </section>`)}
        </nav>`;
}

/** The side bar of narrow windows. @param {{ path: string, onClose: () => void }} props */
function Drawer({ path, onClose }) {
    const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
    useEffect(() => {
        ref.current?.showModal();
        return () => ref.current?.close();
    }, []);
    return html`
        <dialog ref=${ref} class="drawer" aria-label="Menu" onCancel=${onClose} onClose=${onClose}
            onClick=${(/** @type {any} */ event) => (event.target === ref.current || event.target.closest("a")) && onClose()}>
            <div class="drawer-frame">
                <div class="brand"><${Logo} /><span>Pawbase</span>
                    <button type="button" class="icon-button" aria-label="Close menu" onClick=${onClose}><${Icon} name="close" /></button></div>
                <${Navigation} path=${path} label="Main, as menu" />
            </div>
        </dialog>`;
}

/** @type {{ value: import("../theme.js").Theme, label: string, icon: string }[]} */
const THEMES = [
    { value: "system", label: "As the system", icon: "system" },
    { value: "light", label: "Light", icon: "sun" },
    { value: "dark", label: "Dark", icon: "moon" },
];

function AccountMenu() {
    const { name = "", email = "" } = account.value ?? {};
    const initials = name.split(/\s+/).map((word) => word[0] ?? "").slice(0, 2).join("").toUpperCase() || "?";
    const items = [
        { label: email || "Account", icon: "user", href: href("/account") },
        ...THEMES.map((item) => ({
            label: `Theme: ${item.label.toLowerCase()}${theme.value === item.value ? " ✓" : ""}`,
            icon: item.icon,
            onSelect: () => { theme.value = item.value; },
        })),
        { label: "Sign out", icon: "out", onSelect: () => signOut().catch((error) => toastProblem(error)) },
    ];
    return html`<${Menu} label=${html`<span class="avatar">${initials}</span>`} name=${`${initials}, account and theme`} class="avatar-button" items=${items} />`;
}

/** Moves the focus to the heading of a new screen, so that keyboard and screen reader begin there. @param {string} path */
function useFocusOnScreen(path) {
    const before = useRef(path);
    useEffect(() => {
        if (before.current === path) return;
        before.current = path;
        scrollTo(0, 0);
        document.getElementById("content")?.focus({ preventScroll: true });
    }, [path]);
}

/** @param {{ path: string, children?: any }} props */
export function Shell({ path, children }) {
    const [isOpen, setOpen] = useState(false);
    useFocusOnScreen(path);
    const skip = (/** @type {Event} */ event) => {
        event.preventDefault();
        document.getElementById("content")?.focus();
    };
    return html`
        <a class="skip" href="#content" onClick=${skip}>Skip to content</a>
        <div class="shell">
            <aside class="side">
                <a class="brand" href="#/"><${Logo} /><span>Pawbase</span></a>
                <${Navigation} path=${path} label="Main" />
            </aside>
            <div class="stage">
                <header class="top">
                    <button type="button" class="icon-button menu-button" aria-label="Menu" aria-expanded=${isOpen ? "true" : "false"}
                        onClick=${() => setOpen(true)}><${Icon} name="menu" /></button>
                    <button type="button" class="search-button" onClick=${openPalette}>
                        <${Icon} name="search" /><span>Search tables, records, screens</span><kbd>Ctrl K</kbd></button>
                    <div class="top-end">
                        <${Bell} />
                        <${AccountMenu} />
                    </div>
                </header>
                <main id="content" tabindex="-1">${children}</main>
            </div>
        </div>
        ${isOpen && html`<${Drawer} path=${path} onClose=${() => setOpen(false)} />`}`;
}

