// Loading without flicker: old data stays until the new is there, and a skeleton appears only when it takes a while.

import { useCallback, useEffect, useRef, useState } from "./vendor/preact.js";
import { asProblem } from "./api.js";

/** Milliseconds before a skeleton is shown. */
const PATIENCE_MS = 180;

/**
 * @template T
 * @typedef {object} Resource
 * @property {T | undefined} data What was loaded last.
 * @property {import("./api.js").Problem | null} problem Why the last load failed.
 * @property {boolean} isLoading
 * @property {boolean} isSlow Nothing to show yet, and it takes a while: show a skeleton.
 * @property {() => void} reload
 * @property {() => void} refresh Loads again without a sign of it, unless a load is under way; what is on the screen stays.
 * @property {(next: T) => void} set
 */

/**
 * Loads something when `inputs` change; answers that arrive after newer ones are dropped.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load @param {readonly unknown[]} inputs @returns {Resource<T>}
 */
export function useResource(load, inputs) {
    const [state, setState] = useState(/** @type {{ data?: T, problem: any, isLoading: boolean, isSlow: boolean }} */ (
        { problem: null, isLoading: true, isSlow: false }));
    const [turn, setTurn] = useState(0);
    const isUnderWay = useRef(false);
    const isQuiet = useRef(false);
    useEffect(() => {
        const abort = new AbortController();
        isUnderWay.current = true;
        if (!isQuiet.current) setState((before) => ({ ...before, isLoading: true }));
        isQuiet.current = false;
        const timer = setTimeout(
            () => setState((before) => ({ ...before, isSlow: before.isLoading && before.data === undefined })), PATIENCE_MS);
        const settle = (/** @type {any} */ change) => {
            clearTimeout(timer);
            if (abort.signal.aborted) return;
            isUnderWay.current = false;
            setState((before) => ({ ...before, isLoading: false, isSlow: false, ...change }));
        };
        load(abort.signal).then(
            (data) => settle({ data, problem: null }),
            (error) => settle({ problem: asProblem(error) }));
        return () => { abort.abort(); clearTimeout(timer); };
    }, [...inputs, turn]);
    const reload = useCallback(() => setTurn((before) => before + 1), []);
    const refresh = useCallback(() => {
        if (isUnderWay.current) return;
        isQuiet.current = true;
        setTurn((before) => before + 1);
    }, []);
    const set = useCallback((/** @type {T} */ data) => setState((before) => ({ ...before, data, problem: null })), []);
    return { ...state, data: state.data, reload, refresh, set };
}

/** Milliseconds between two looks at what changes by itself. */
const EVERY_MS = 4000;

/** Refreshes every few seconds while somebody can see it, and as soon as somebody can again. @param {() => void} refresh @param {number} [every_ms] */
export function useLive(refresh, every_ms = EVERY_MS) {
    useEffect(() => {
        const look = () => { if (document.visibilityState === "visible") refresh(); };
        const timer = setInterval(look, every_ms);
        document.addEventListener("visibilitychange", look);
        return () => { clearInterval(timer); document.removeEventListener("visibilitychange", look); };
    }, [refresh, every_ms]);
}

/** @template R @typedef {{ items: R[], next_cursor: string | null }} ListPage A page of a list, as the API gives it. */

/**
 * One page of a list at a time, by cursors. A list of another `key` begins at its first page.
 * @template {{ items: any[], next_cursor: string | null }} P
 * @param {(cursor: string | null, signal: AbortSignal) => Promise<P>} load @param {string} key @param {number} size Rows of a page.
 */
export function usePages(load, key, size) {
    // Cursors of the pages up to this one; the first has none.
    const [trail, setTrail] = useState(/** @type {{ key: string, cursors: (string | null)[] }} */ ({ key, cursors: [null] }));
    const cursors = trail.key === key ? trail.cursors : [null];
    const cursor = cursors[cursors.length - 1];
    const resource = useResource((signal) => load(cursor, signal), [key, cursor]);
    const next = resource.data?.next_cursor ?? null;
    const pages = {
        from: (cursors.length - 1) * size,
        hasNext: next !== null,
        onNext: () => setTrail({ key, cursors: [...cursors, next] }),
        onBack: () => setTrail({ key, cursors: cursors.slice(0, -1) }),
    };
    return { ...resource, pages };
}
