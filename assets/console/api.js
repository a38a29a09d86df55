// The one place that talks to the server: CSRF, one silent refresh, problems as errors, ETags.
//
// Deliberately elsewhere: who is signed in (session.js), what the tables look like (schema.js).

/** Where the admin API is. */
export const BASE = "/api/admin";
const CSRF_COOKIE = "pawbase_admin_csrf";

/**
 * @typedef {{ pointer: string, code: string, message: string }} FieldError
 * @typedef {{ status: number, body: any, etag: string | null, headers: Headers }} Answer
 * @typedef {Record<string, string | number | boolean | null | undefined> | [string, string][] | URLSearchParams} Query
 * @typedef {object} Options
 * @property {Query} [query] Parameters; empty ones are left out.
 * @property {any} [body] Sent as JSON, unless it is text or a Blob with `mediaType`.
 * @property {string} [mediaType] What `body` is, if not JSON.
 * @property {string | null} [ifMatch] The ETag the record must still have.
 * @property {string} [accept] Media type wanted.
 * @property {AbortSignal} [signal] Ends the request.
 * @property {(text: string) => void} [onLine] Called for each line of a streamed answer.
 */

/** A failed request, with the members of the server's problem document. */
export class Problem extends Error {
    /** @param {number} status @param {any} body @param {Headers} [headers] */
    constructor(status, body, headers) {
        super(body?.detail || body?.message || body?.title || "The server did not answer.");
        this.name = "Problem";
        this.status = status;
        /** @type {string} */
        this.code = body?.error ?? (status ? "internal" : "offline");
        /** @type {string} */
        this.title = body?.title ?? (status ? "Something failed" : "No connection");
        /** @type {string | null} */
        this.requestId = body?.request_id ?? null;
        /** @type {FieldError[]} */
        this.errors = body?.errors ?? [];
        /** Seconds to wait before trying again, if the server says so. */
        this.retry_after_s = Number(headers?.get("retry-after")) || null;
        this.body = body;
    }
}

/** Any thrown value as a Problem. @param {unknown} error @returns {Problem} */
export function asProblem(error) {
    if (error instanceof Problem) return error;
    const problem = new Problem(0, { title: "Something failed in the console", detail: String(error) });
    problem.code = "console";
    return problem;
}

/** The value of a cookie, or null. @param {string} name */
function cookie(name) {
    const pair = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
    return pair ? decodeURIComponent(pair.slice(name.length + 1)) : null;
}

/** Whether this browser holds a sign-in, perhaps an old one. Asking without one would only be a failed request. */
export const mayBeSignedIn = () => cookie(CSRF_COOKIE) !== null;

/** The path and query of an API address. @param {string} path @param {Query} [query] */
export function address(path, query) {
    const pairs = query instanceof URLSearchParams || Array.isArray(query) ? [...query] : Object.entries(query ?? {});
    const kept = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
    const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
    return BASE + path + (text ? `?${text}` : "");
}

/** @param {string} method @param {Options} options @returns {RequestInit} */
function init(method, options) {
    /** @type {Record<string, string>} */
    const headers = { Accept: options.accept ?? "application/json" };
    const csrf = cookie(CSRF_COOKIE);
    if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
    if (options.ifMatch) headers["If-Match"] = options.ifMatch;
    let body;
    if (options.body !== undefined) {
        headers["Content-Type"] = options.mediaType ?? "application/json";
        body = options.mediaType ? options.body : JSON.stringify(options.body);
    }
    return { method, headers, body, signal: options.signal, credentials: "same-origin", cache: "no-cache" };
}

/** @param {string} url @param {RequestInit} request */
async function send(url, request) {
    try {
        return await fetch(url, request);
    } catch (error) {
        if (error instanceof DOMException && error.name === "AbortError") throw error;
        throw new Problem(0, { detail: "The server cannot be reached. Check that it is running and try again." });
    }
}

/** When a tab of this browser last exchanged the refresh cookie, in milliseconds. */
const REFRESHED_KEY = "pawbase.refreshed_at";

/** Exchanges the refresh cookie, unless another tab did so in the meantime: a spent one that comes again ends the sign-in.
 * @param {number} asked_at_ms @returns {Promise<boolean>} */
async function exchange(asked_at_ms) {
    if (Number(localStorage.getItem(REFRESHED_KEY)) > asked_at_ms) return true;
    const response = await send(`${BASE}/auth/refresh`, init("POST", {}));
    await response.text();
    if (response.ok) localStorage.setItem(REFRESHED_KEY, String(Date.now()));
    return response.ok;
}

/** @type {Promise<boolean> | null} */
let refreshing = null;

/** One exchange at a time, however many requests and tabs wait for it. @returns {Promise<boolean>} */
function refresh() {
    const asked_at_ms = Date.now();
    const run = () => exchange(asked_at_ms);
    // Locks are there in secure contexts only, not on plain http in a local network.
    const done = () => (navigator.locks ? navigator.locks.request("pawbase-refresh", run) : run());
    refreshing ??= Promise.resolve(done()).catch(() => false).finally(() => { refreshing = null; });
    return refreshing;
}

/** Called when the sign-in is over and cannot be refreshed. @type {() => void} */
let signedOut = () => {};
/** @param {() => void} callback */
export function onSignedOut(callback) {
    signedOut = callback;
}

/** @param {Response} response @param {(text: string) => void} onLine */
async function readLines(response, onLine) {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
        const lines = (rest + part.value).split("\n");
        rest = lines.pop() ?? "";
        lines.filter(Boolean).forEach(onLine);
    }
    if (rest) onLine(rest);
}

/** @param {Response} response */
async function readBody(response) {
    if (response.status === 204) return null;
    const text = await response.text();
    if (!text) return null;
    if (!/json/.test(response.headers.get("content-type") ?? "")) return text;
    return JSON.parse(text);
}

/**
 * Sends a request below `/api/admin`. Throws a Problem for every status from 400 on and when there is no connection.
 * @param {string} method @param {string} path @param {Options} [options] @returns {Promise<Answer>}
 */
export async function request(method, path, options = {}) {
    const url = address(path, options.query);
    let response = await send(url, init(method, options));
    const isAuth = /^\/auth\/(login|refresh|setup)/.test(path);
    if (response.status === 401 && !isAuth && await refresh()) {
        await response.text();
        response = await send(url, init(method, options));
    }
    if (response.ok && options.onLine) {
        await readLines(response, options.onLine);
        return { status: response.status, body: null, etag: null, headers: response.headers };
    }
    const body = await readBody(response);
    if (!response.ok) {
        if (response.status === 401 && !isAuth) signedOut();
        throw new Problem(response.status, body, response.headers);
    }
    return { status: response.status, body, etag: response.headers.get("etag"), headers: response.headers };
}

/** The body of a GET. @param {string} path @param {Query} [query] @param {AbortSignal} [signal] @returns {Promise<any>} */
export const get = async (path, query, signal) => (await request("GET", path, { query, signal })).body;
/** The body of the answer to a POST. @param {string} path @param {any} [body] @returns {Promise<any>} */
export const post = async (path, body) => (await request("POST", path, { body })).body;
/** The body of the answer to a PUT. @param {string} path @param {any} body @returns {Promise<any>} */
export const put = async (path, body) => (await request("PUT", path, { body })).body;
/** The body of the answer to a PATCH. @param {string} path @param {any} body @param {string | null} [ifMatch] @returns {Promise<any>} */
export const patch = async (path, body, ifMatch) => (await request("PATCH", path, { body, ifMatch })).body;
/** Deletes. @param {string} path @param {string | null} [ifMatch] @returns {Promise<any>} */
export const remove = async (path, ifMatch) => (await request("DELETE", path, { ifMatch })).body;

/**
 * One attempt to send a form. Only this old way tells how much has been sent.
 * @param {string} url @param {FormData} form @param {{ onProgress?: (share: number) => void, signal?: AbortSignal }} options @returns {Promise<Response>}
 */
const sendForm = (url, form, { onProgress, signal }) => new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("POST", url);
    sending.setRequestHeader("Accept", "application/json");
    const csrf = cookie(CSRF_COOKIE);
    if (csrf) sending.setRequestHeader("X-CSRF-Token", csrf);
    sending.upload.onprogress = (event) => { if (event.lengthComputable) onProgress?.(event.loaded / event.total); };
    sending.onload = () => {
        const headers = new Headers(sending.getAllResponseHeaders().trim().split("\r\n").map((line) => /** @type {[string, string]} */ (line.split(/:\s*(.*)/s).slice(0, 2))));
        resolve(new Response(sending.responseText, { status: sending.status, headers }));
    };
    sending.onerror = () => reject(new Problem(0, { detail: "The connection broke while the file was sent. Try again." }));
    sending.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal?.addEventListener("abort", () => sending.abort());
    sending.send(form);
});

/** Sends a form with files; answers the body. Throws a Problem. @param {string} path @param {FormData} form
 * @param {{ onProgress?: (share: number) => void, signal?: AbortSignal }} [options] @returns {Promise<any>} */
export async function upload(path, form, options = {}) {
    let response = await sendForm(BASE + path, form, options);
    if (response.status === 401 && await refresh()) response = await sendForm(BASE + path, form, options);
    const body = await readBody(response);
    if (response.status === 401) signedOut();
    if (!response.ok) throw new Problem(response.status, body, response.headers);
    return body;
}

/** A text that stands outside of the API. @param {string} url @returns {Promise<string>} */
export async function getText(url) {
    const response = await send(url, { credentials: "same-origin", cache: "no-cache" });
    const text = await response.text();
    if (!response.ok) throw new Problem(response.status, null);
    return text;
}

/** One record's path. @param {string} table @param {string | number} id */
export const recordPath = (table, id) => `/${encodeURIComponent(table)}/${encodeURIComponent(String(id))}`;

/** Up to 100 operations in one transaction; throws a Problem when any of them fails.
 * @param {{ method: string, table: string, id?: string, body?: any }[]} operations @returns {Promise<any>} */
export const batchOf = (operations) => post("/batch", { operations });
