// Light, dark, or as the system has it. Kept in this browser.

import { effect, signal } from "./vendor/preact.js";

const KEY = "pawbase.theme";
/** @typedef {"system" | "light" | "dark"} Theme */

/** @returns {Theme} */
function kept() {
    const found = localStorage.getItem(KEY);
    return found === "light" || found === "dark" ? found : "system";
}

/** The chosen theme. */
export const theme = signal(kept());

effect(() => {
    const root = document.documentElement;
    if (theme.value === "system") {
        root.removeAttribute("data-theme");
        localStorage.removeItem(KEY);
    } else {
        root.setAttribute("data-theme", theme.value);
        localStorage.setItem(KEY, theme.value);
    }
});
