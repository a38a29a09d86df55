// What others change while one looks: one connection for the whole console, opened by the first screen that wants it.
//
// Deliberately elsewhere: the connection itself (../realtime/pawbase.js), which is the same that apps use.

import { effect, signal, useEffect, useMemo, useRef, useState } from "./vendor/preact.js";
import { connect } from "../realtime/pawbase.js";
import { BASE, get } from "./api.js";
import { nothingTold, rowsNow, take } from "./model/live-rows.js";
import { account, whoAmI } from "./session.js";

/** @typedef {import("../realtime/pawbase.js").Subscriber} Subscriber @typedef {import("../realtime/pawbase.js").Realtime} Realtime
 * @typedef {import("../realtime/pawbase.js").Change} Change */

/** How the connection stands. */
export const connection = signal(/** @type {import("../realtime/pawbase.js").State} */ ("closed"));

/** @type {Realtime | null} */
let client = null;

/** Cookies sign in; an old one is renewed before it is shown to the server. */
async function renewed() {
    await get("/auth/me");
    return null;
}

/** @param {import("../realtime/pawbase.js").State} state @param {string | null} reason */
function changed(state, reason) {
    connection.value = state;
    // Signed out elsewhere, or suspended: find out and say so.
    if (state === "closed" && reason) whoAmI().catch(() => {});
}

/** @returns {Realtime} */
function shared() {
    client ??= connect({ url: `${BASE}/realtime`, token: renewed, onState: changed });
    return client;
}

/** Whose connection it is. @type {string | undefined} */
let owner;
effect(() => {
    const id = account.value?.id;
    if (id === owner) {
        // Renewed after it had ended: those who listen go on.
        if (id && client?.state === "closed") client.reconnect();
        return;
    }
    owner = id;
    client?.close();
    client = null;
});

/**
 * Listens to a topic while the component is shown; null listens to nothing. The newest `on` is called.
 * @param {string | null} topic @param {import("../realtime/pawbase.js").SubscribeOptions} options @param {Subscriber} on
 */
export function useTopic(topic, { filter = "", fields = "" }, on) {
    const newest = useRef(on);
    newest.current = on;
    const isSignedIn = Boolean(account.value);
    useEffect(() => {
        if (topic === null || !isSignedIn) return undefined;
        return shared().subscribe(topic, { filter, fields }, {
            change: (change) => newest.current.change?.(change),
            live: () => newest.current.live?.(),
            reset: () => newest.current.reset?.(),
            error: (refusal) => newest.current.error?.(refusal),
        });
    }, [topic, filter, fields, isSignedIn]);
}

/** Changes remembered while a page is shown; of one that more happens to, the oldest are forgotten. */
const REMEMBERED_MAX = 1000;

/** A page with the time at which it was asked for: what changed since then may not be in it. @template P @param {Promise<P>} page @returns {Promise<P & { asked_at_ms: number }>} */
export async function timed(page) {
    const asked_at_ms = performance.now();
    return { ...(await page), asked_at_ms };
}

/**
 * Keeps a page of a list true: rows change in their places and are marked, new records are counted.
 * @param {string} table @param {{ filter: string, fields: string } | null} asked What the page shows; null: it cannot be followed.
 * @param {{ data?: { items: any[], asked_at_ms: number }, refresh: () => void }} page
 */
export function useLiveRows(table, asked, page) {
    const key = asked ? `${table} ${asked.filter} ${asked.fields}` : null;
    const [told, setTold] = useState(/** @type {{ at_ms: number, key: string | null, change: Change }[]} */ ([]));
    const [refused, setRefused] = useState(/** @type {{ key: string | null, why: string } | null} */ (null));
    const live = useRef(/** @type {string | null} */ (null));
    const [followed, setFollowed] = useState(/** @type {string | null} */ (null));
    useTopic(asked ? table : null, asked ?? {}, {
        change: (change) => setTold((before) => [...before.slice(1 - REMEMBERED_MAX), { at_ms: performance.now(), key, change }]),
        live: () => {
            // What changed between loading and listening was not told.
            if (live.current !== key && page.data) page.refresh();
            live.current = key;
            setFollowed(key);
        },
        reset: page.refresh,
        error: (refusal) => setRefused({ key, why: refusal.message }),
    });
    const { items = [], asked_at_ms = Infinity } = page.data ?? {};
    const kept = useMemo(() => told.filter((one) => one.key === key && one.at_ms >= asked_at_ms)
        .reduce((before, { change }) => take(before, items, change), nothingTold()), [told, page.data, key]);
    const isRefused = refused !== null && refused.key === key;
    return {
        rows: rowsNow(items, kept), marks: kept.marks, fresh: kept.fresh.size, last: told.at(-1)?.change ?? null,
        isFollowed: key !== null && followed === key, refused: isRefused ? refused.why : null,
    };
}

/**
 * Notices when somebody else changes the record that is shown. `compare` is called with what happened, never while `isHeld`: our own
 * changes come back too, often before the answer to our request.
 * @param {string} table @param {string} id @param {{ isHeld: boolean, due: string | null }} own @param {(action: import("../realtime/pawbase.js").Action) => void} compare
 */
export function useLiveRecord(table, id, own, compare) {
    const happened = (/** @type {import("../realtime/pawbase.js").Action} */ action) => {
        if (own.isHeld) own.due = action;
        else compare(action);
    };
    const hasBeenLive = useRef(false);
    useTopic(`${table}/${id}`, {}, {
        change: ({ action }) => happened(action),
        // What changed between loading and listening, or in a break, was not told.
        live: () => { if (!hasBeenLive.current) happened("updated"); hasBeenLive.current = true; },
        reset: () => happened("updated"),
    });
}
