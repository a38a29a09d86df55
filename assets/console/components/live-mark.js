// Whether what is on the screen is kept true while others change it, and which rows they changed.

import { html } from "../vendor/preact.js";
import { connection } from "../live.js";
import { Icon } from "./icon.js";

/** Says whether the list is followed; `off` says why it cannot be. @param {{ isFollowed: boolean, off?: string | null }} props */
export function LiveMark({ isFollowed, off = null }) {
    const state = connection.value;
    const [look, text, title] = off !== null ? ["is-off", "Not live", off]
        : state === "live" && isFollowed ? ["is-live", "Live", "What others change appears here as it happens."]
        : state === "closed" ? ["is-off", "Not live", "There is no connection. Load again to see what is new."]
        : ["is-waiting", "Connecting…", "What others change appears again when the connection is back."];
    return html`<span class=${`live-mark ${look}`} title=${title}><span class="live-dot" aria-hidden="true"></span>${text}<span class="sr-only">. ${title}</span></span>`;
}

/** What happened to a row, in words. @type {Record<import("../model/live-rows.js").Mark, string>} */
export const MARK_WORDS = { changed: "changed elsewhere", deleted: "deleted elsewhere", removed: "not in this list any more" };

/** What happened to a row since it was loaded. @param {{ mark: import("../model/live-rows.js").Mark | undefined }} props */
export function RowMark({ mark }) {
    return mark ? html`<span class=${`row-mark mark-${mark}`}>${MARK_WORDS[mark]}</span>` : null;
}

/** How many new records there are, and the way to them; in a toolbar, so that nothing moves when it comes. @param {{ count: number, onShow: () => void }} props */
export function FreshNote({ count, onShow }) {
    return html`
        <span class="fresh" role="status">
            ${count > 0 && html`<button type="button" class="button button-small fresh-button" onClick=${onShow}>
                <${Icon} name="refresh" />${count === 1 ? "1 new record" : `${count.toLocaleString()} new records`}: show</button>`}
        </span>`;
}
