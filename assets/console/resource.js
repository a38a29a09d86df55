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
    const shown = useRef(/** @type {T | undefined} */ (undefined));
    useEffect(() => {
        const abort = new AbortController();
        setState((before) => ({ ...before, isLoading: true }));
        const timer = setTimeout(
            () => setState((before) => ({ ...before, isSlow: before.isLoading && before.data === undefined })), PATIENCE_MS);
        const settle = (/** @type {any} */ change) => {
            clearTimeout(timer);
            if (!abort.signal.aborted) setState((before) => ({ ...before, isLoading: false, isSlow: false, ...change }));
        };
        load(abort.signal).then(
            (data) => { shown.current = data; settle({ data, problem: null }); },
            (error) => settle({ problem: asProblem(error) }));
        return () => { abort.abort(); clearTimeout(timer); };
    }, [...inputs, turn]);
    const reload = useCallback(() => setTurn((before) => before + 1), []);
    const set = useCallback((/** @type {T} */ data) => setState((before) => ({ ...before, data, problem: null })), []);
    return { ...state, data: state.data, reload, set };
}
