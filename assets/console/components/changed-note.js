// Says that somebody else changed or deleted the record that one looks at, or is changing.
//
// Deliberately elsewhere: the question when one saves over it (stale.js).

import { html, useRef, useState } from "../vendor/preact.js";
import { asProblem } from "../api.js";
import { useLiveRecord } from "../live.js";
import { changedNames } from "../model/changes.js";
import { href } from "../router.js";
import { fieldOf, fieldWords } from "../schema.js";
import { Icon } from "./icon.js";

/**
 * @typedef {import("../schema.js").Table} Table
 * @typedef {{ record: any, etag: string | null }} Loaded
 * @typedef {{ names: string[], isGone: boolean, theirs: Loaded | null }} News `names`: fields that differ; `theirs`: what is not shown yet.
 */

/**
 * What others do to the record that is shown. While it is not edited their values are shown at once.
 * @param {{ table: Table, id: string, loaded: import("../resource.js").Resource<Loaded>, isEditing: boolean, load: () => Promise<Loaded> }} record
 */
export function useRecordNews({ table, id, loaded, isEditing, load }) {
    const [news, setNews] = useState(/** @type {News | null} */ (null));
    const own = useRef({ isHeld: false, due: /** @type {string | null} */ (null) }).current;
    const newest = useRef({ loaded, isEditing });
    newest.current = { loaded, isEditing };
    const gone = () => setNews((before) => ({ names: before?.names ?? [], theirs: null, isGone: true }));
    const compare = async (/** @type {string} */ action) => {
        if (action === "deleted" || action === "removed") return gone();
        if (!newest.current.loaded.data) return undefined;
        try {
            const now = await load();
            if (own.isHeld) own.due = action;
            else tell(now);
        } catch (error) {
            // Anything else is told when the reader acts.
            if (asProblem(error).status === 404) gone();
        }
        return undefined;
    };
    const tell = (/** @type {Loaded} */ now) => {
        const { loaded: shown, isEditing: isOpen } = newest.current;
        const names = changedNames(shown.data?.record, now.record).filter((name) => name !== "updated_at" && fieldOf(table, name));
        if (!names.length) return;
        if (!isOpen) shown.set(now);
        setNews((before) => ({ names: isOpen ? names : [...new Set([...(before?.names ?? []), ...names])], theirs: isOpen ? now : null, isGone: false }));
    };
    useLiveRecord(table.name, id, own, compare);
    /** Runs a change of our own, which is no news. @template T @param {() => Promise<T>} run @returns {Promise<T>} */
    const holding = async (run) => {
        own.isHeld = true;
        let isDone = false;
        try {
            const answer = await run();
            isDone = true;
            return answer;
        } finally {
            own.isHeld = false;
            const due = own.due;
            own.due = null;
            // A record that we have just deleted ourselves is gone, and that is no news either.
            if (due && !(isDone && due !== "updated")) compare(due);
        }
    };
    return { news, clear: () => setNews(null), holding };
}

/** @param {{ table: Table, id: string, news: News | null, isEditing: boolean, onTake: (theirs: Loaded) => void, onClear: () => void }} props */
export function ChangedNote({ table, id, news, isEditing, onTake, onClear }) {
    const words = (news?.names ?? []).map((name) => fieldWords(name)).join(", ");
    const trail = href("/audit", { table: table.name, id });
    const theirs = news?.theirs;
    return html`
        <div role="status" class="changed-note">
            ${news?.isGone ? html`
                <div class="note note-warn"><${Icon} name="trash" /><div class="note-body"><h2>Deleted elsewhere</h2>
                    <p>This record is not there any more, or you may no longer see it. <a href=${trail}>What happened to it</a></p></div></div>`
            : news && html`
                <div class="note"><${Icon} name="refresh" /><div class="note-body"><h2>Changed elsewhere</h2>
                    <p>${isEditing ? `Somebody saved other values of ${words} while you edit. You are asked what to do when you save.` : `${words}: these are the new values.`}</p>
                    <p class="row">
                        ${isEditing && theirs ? html`<button type="button" class="button button-small" onClick=${() => onTake(theirs)}>Load theirs, drop mine</button>`
                            : html`<button type="button" class="button button-small" onClick=${onClear}>Got it</button>`}
                        <a class="small" href=${trail}>Who changed it</a></p></div></div>`}
        </div>`;
}
