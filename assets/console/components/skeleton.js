// Grey bars where content will be. Shown late, so that fast answers cause no flicker.

import { html, useEffect, useState } from "../vendor/preact.js";

/** @param {{ rows?: number, isDelayed?: boolean }} props `isDelayed`: shows nothing for a moment. */
export function Skeleton({ rows = 5, isDelayed = false }) {
    const [isShown, setShown] = useState(!isDelayed);
    useEffect(() => {
        const timer = setTimeout(() => setShown(true), 180);
        return () => clearTimeout(timer);
    }, []);
    if (!isShown) return html`<div class="skeleton" aria-busy="true"></div>`;
    return html`
        <div class="skeleton" role="status" aria-busy="true">
            <span class="sr-only">Loading…</span>
            ${Array.from({ length: rows }, (_, index) => html`<div key=${index} class=${`bar bar-${index % 4}`}></div>`)}
        </div>`;
}
