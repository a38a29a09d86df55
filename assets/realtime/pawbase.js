// Realtime: a connection to Pawbase that keeps itself. Tables, records and rooms tell over it what changes in them.
//
//     import { connect } from "/realtime/pawbase.js";
//     const realtime = connect({ token: () => session.access_token });
//     const stop = realtime.subscribe("products", { filter: "price.minor <= 1000" }, ({ action, record }) => show(action, record));
//     const room = realtime.join("conversation:019b8d38-edc8-7000-8000-000000000000", { message: (message) => append(message) });
//     await room.send("On my way");
//
// One file without dependencies, for browsers and for Node from 22. After a break it connects again, with more patience each
// time, and goes on after the last change that it saw; where the server no longer knows that far back it says `reset`: load
// again what is on the screen. Where no WebSocket gets through, changes come as server-sent events; rooms need a WebSocket.
//
// Deliberately elsewhere: what the messages mean (the AsyncAPI document, /api/asyncapi.json).

/**
 * @typedef {"connecting" | "live" | "waiting" | "closed"} State `waiting`: it was lost, and is tried again soon.
 * @typedef {"created" | "updated" | "deleted" | "removed"} Action `removed`: it may still exist, but you no longer see it, or it
 *   no longer fits the filter.
 * @typedef {{ id: string } & Record<string, any>} Row A record; with `deleted` and `removed` only its key.
 * @typedef {{ topic: string, action: Action, seq: string, record: Row }} Change
 * @typedef {{ error: string, status: number, message: string, errors?: { pointer: string, code: string, message: string }[] }} Refusal
 *   As problems of the HTTP API: `error` is the stable code.
 *
 * @typedef {object} Options
 * @property {string | URL} [url] Where realtime is; `/api/v1/realtime` of the page's own origin if left out.
 * @property {() => string | null | undefined | Promise<string | null | undefined>} [token] The access token, asked for before each
 *   connection, so that it may be renewed then; none where cookies sign in, and for guests.
 * @property {"auto" | "socket" | "events"} [transport] `events`: server-sent events only.
 * @property {(state: State, reason: string | null) => void} [onState] Told of each change of the state, with the server's reason.
 *
 * @typedef {object} SubscribeOptions
 * @property {string} [filter] A condition in the language of the lists' `filter=`.
 * @property {string} [fields] Fields wanted, with commas, as the lists' `fields=`.
 *
 * @typedef {object} Subscriber
 * @property {(change: Change) => void} [change]
 * @property {() => void} [live] Changes are told from now on; what was loaded before may be older.
 * @property {() => void} [reset] Changes were missed: load again.
 * @property {(refusal: Refusal) => void} [error] The subscription is over.
 *
 * @typedef {{ id: string, name?: string } & Record<string, any>} Member Somebody in a room.
 * @typedef {{ id: string, content: string, created_at: string, client_id?: string } & Record<string, any>} Message
 *
 * @typedef {object} RoomSubscriber
 * @property {(members: Member[]) => void} [joined] Who is there now; again after each break.
 * @property {(user: Member) => void} [userJoined]
 * @property {(user: Member) => void} [userLeft]
 * @property {(user: Member) => void} [typing]
 * @property {(message: Message) => void} [message]
 * @property {(user: Member, message: string) => void} [read] How far somebody has read.
 * @property {(refusal: Refusal) => void} [error] One is not let in, or no longer; with status 429 one is still there.
 *
 * @typedef {{ type: string } & Record<string, any>} Frame
 * @typedef {{ reason?: string, status?: number, retry_after_s?: number, wasReached?: boolean }} Loss Why a connection ended.
 * @typedef {{ frame: (frame: Frame) => void, closed: (loss: Loss) => void }} Hooks
 * @typedef {{ send: (frame: Frame) => void, close: () => void }} Transport
 */

/** Milliseconds before the first new attempt, and most before any. */
const PATIENCE_MS = 500;
const PATIENCE_MAX_MS = 30_000;
/** Milliseconds that a handshake may take. */
const HANDSHAKE_MS = 15_000;
/** Milliseconds after which a connection counts as one that works, so that the next break is met with little patience again. */
const STEADY_MS = 5000;
/** Attempts by WebSocket that fail before server-sent events are tried. */
const SOCKET_ATTEMPTS = 2;
/** Streams of server-sent events at once: browsers open six connections to a server, and requests need some. */
const STREAMS_MAX = 4;
/** Frames said at once, and then per second: the server takes no more of one connection. */
const BURST = 500;
const FRAMES_PER_S = 50;
/** Least milliseconds between two words that somebody types. */
const TYPING_MS = 2000;
/** Status of a refusal that says nothing about rights. */
const TOO_MANY_REQUESTS = 429;
/** Reasons after which a new attempt would fail too. */
const FINAL = ["signed_out", "suspended"];

/** A key that nobody else makes; `randomUUID` is there in secure contexts only. */
function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The milliseconds to wait after some failures in a row: twice as long each time, not all clients at once. @param {number} failures */
export function patience(failures) {
    const most = Math.min(PATIENCE_MAX_MS, PATIENCE_MS * 2 ** Math.max(0, failures - 1));
    return most / 2 + Math.random() * (most / 2);
}

/** A WebSocket. @param {URL} url @param {string | null} token @param {Hooks} hooks @returns {Transport} */
function openSocket(url, token, hooks) {
    const address = new URL(url);
    address.protocol = address.protocol.replace("http", "ws");
    // Browsers cannot set headers here; a subprotocol is what they can send.
    const socket = token ? new WebSocket(address, ["pawbase", `pawbase.bearer.${token}`]) : new WebSocket(address);
    /** @type {Loss} */
    const loss = {};
    const timer = setTimeout(() => socket.close(), HANDSHAKE_MS);
    socket.onopen = () => { loss.wasReached = true; clearTimeout(timer); };
    socket.onmessage = (event) => {
        const frame = JSON.parse(event.data);
        if (frame.type === "closing") loss.reason = frame.reason;
        else hooks.frame(frame);
    };
    socket.onclose = () => { clearTimeout(timer); hooks.closed(loss); };
    return {
        send: (frame) => { if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame)); },
        close: () => { clearTimeout(timer); socket.onclose = null; socket.onmessage = null; socket.close(); },
    };
}

/** One event of a stream: its lines up to an empty one. @param {string} text @returns {{ event: string, data: string, id: string | null } | null} */
export function eventOf(text) {
    /** @type {{ event: string, data: string[], id: string | null }} */
    const found = { event: "message", data: [], id: null };
    for (const line of text.split(/\r\n|\n|\r/)) {
        const [, name, value] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
        if (name === "event") found.event = value;
        else if (name === "data") found.data.push(value);
        else if (name === "id") found.id = value;
    }
    return found.data.length || found.event !== "message" ? { ...found, data: found.data.join("\n") } : null;
}

/** Reads a stream of events to its end. @param {Response} response @param {(event: NonNullable<ReturnType<typeof eventOf>>) => void} onEvent */
async function readEvents(response, onEvent) {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
        const events = (rest + part.value).split(/\r\n\r\n|\n\n|\r\r/);
        rest = events.pop() ?? "";
        for (const text of events) {
            const event = eventOf(text);
            if (event) onEvent(event);
        }
    }
}

/** The stream of one subscription. @param {URL} url @param {string | null} token @param {Frame} frame @param {Hooks} hooks @param {AbortSignal} signal */
async function stream(url, token, { id, topic, filter, fields, last }, hooks, signal) {
    const address = new URL(`${url.pathname}/sse`, url);
    for (const [name, value] of Object.entries({ topic, filter, fields, last_event_id: last })) if (value) address.searchParams.set(name, value);
    /** @type {Record<string, string>} */
    const headers = token ? { Authorization: `Bearer ${token}`, Accept: "text/event-stream" } : { Accept: "text/event-stream" };
    const response = await fetch(address, { headers, signal, cache: "no-store", credentials: "same-origin" });
    if (!response.ok) {
        const problem = await response.json().catch(() => ({}));
        const isOver = response.status < 500 && ![401, 429].includes(response.status);
        if (isOver) return hooks.frame({ ...problem, type: "error", id, status: response.status });
        return hooks.closed({ status: response.status, retry_after_s: Number(response.headers.get("retry-after")) || undefined });
    }
    /** @type {Loss} */
    const loss = { wasReached: true };
    await readEvents(response, ({ event, data, id: seq }) => {
        const body = data ? JSON.parse(data) : {};
        if (event === "closing") loss.reason = body.reason;
        else hooks.frame({ seq, ...body, type: event, id });
    });
    return hooks.closed(loss);
}

/** Server-sent events, spoken to as a socket is: a stream for each subscription. @param {URL} url @param {string | null} token @param {Hooks} hooks @returns {Transport} */
function openStreams(url, token, hooks) {
    /** @type {Map<string, AbortController>} */
    const streams = new Map();
    const refuse = (/** @type {Frame} */ frame, /** @type {string} */ message) =>
        hooks.frame({ type: "error", id: frame.id, room: frame.room, client_id: frame.client_id, error: "unavailable", status: 503, message });
    const start = (/** @type {Frame} */ frame) => {
        const abort = new AbortController();
        streams.set(frame.id, abort);
        stream(url, token, frame, hooks, abort.signal).catch(() => { if (!abort.signal.aborted) hooks.closed({}); });
    };
    queueMicrotask(() => hooks.frame({ type: "welcome", connection: null }));
    return {
        send: (frame) => {
            if (frame.type === "unsubscribe") {
                streams.get(frame.id)?.abort();
                streams.delete(frame.id);
            } else if (frame.type === "subscribe") {
                if (streams.size < STREAMS_MAX) start(frame);
                else refuse(frame, `Server-sent events carry at most ${STREAMS_MAX} subscriptions.`);
            } else if (frame.type !== "ping") refuse(frame, "Rooms need a WebSocket.");
        },
        close: () => streams.forEach((abort) => abort.abort()),
    };
}

/** A room that one is in. Made by `join`. */
export class Room {
    #realtime;
    #typed_at_ms = 0;

    /** @param {Realtime} realtime @param {string} name */
    constructor(realtime, name) {
        this.#realtime = realtime;
        /** `conversation:<id>`, `business:<id>`, … */
        this.name = name;
    }

    /** Sends a message. Resolves when it is stored; a break in between does not store it twice. @param {string} content @param {{ files?: string[] }} [more] @returns {Promise<Message>} */
    send(content, { files } = {}) {
        return this.#realtime.deliver({ type: "send_message", room: this.name, content, client_id: newKey(), ...(files ? { files } : {}) });
    }

    /** Says that one is typing; call it at each key. */
    typing() {
        if (Date.now() - this.#typed_at_ms < TYPING_MS) return;
        this.#typed_at_ms = Date.now();
        this.#realtime.say({ type: "typing", room: this.name });
    }

    /** Says how far one has read. @param {string} message Its key. */
    read(message) {
        this.#realtime.say({ type: "read", room: this.name, message });
    }

    /** Leaves the room. */
    leave() {
        this.#realtime.leave(this.name);
    }
}

/** The connection. Made by `connect`. */
export class Realtime {
    #options;
    #url;
    /** @type {Transport | null} */
    #transport = null;
    /** @type {State} */
    #state = "closed";
    /** Rises with each attempt, so that a late word of an old one is not taken for the present one's. */
    #turn = 0;
    #failures = 0;
    #refusals = 0;
    #socketFailures = 0;
    #hasSocketWorked = false;
    #count = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    #timer;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    #heart;
    #heard_at_ms = 0;
    #isWelcome = false;
    #live_at_ms = Infinity;
    /** @type {Map<string, { frame: Frame, on: Subscriber }>} */
    #subscriptions = new Map();
    /** @type {Map<string, RoomSubscriber>} */
    #rooms = new Map();
    /** Messages that the server has not confirmed, by our key. @type {Map<string, { frame: Frame, resolve: (message: Message) => void, reject: (why: Error) => void }>} */
    #unconfirmed = new Map();
    #online = () => { if (this.#state === "waiting") this.#open(); };

    /** @param {Options} options */
    constructor(options) {
        this.#options = options;
        this.#url = new URL(options.url ?? "/api/v1/realtime", globalThis.location?.href);
        globalThis.addEventListener?.("online", this.#online);
        this.#open();
    }

    /** @returns {State} */
    get state() {
        return this.#state;
    }

    /**
     * Tells of changes of a table (`products`) or of one record (`products/<key>`).
     * @param {string} topic
     * @param {SubscribeOptions | null} options
     * @param {Subscriber | ((change: Change) => void)} on
     * @returns {() => void} Ends the subscription.
     */
    subscribe(topic, options, on) {
        const id = `s${++this.#count}`;
        const { filter, fields } = options ?? {};
        const frame = { type: "subscribe", id, topic, ...(filter ? { filter } : {}), ...(fields ? { fields } : {}) };
        this.#subscriptions.set(id, { frame, on: typeof on === "function" ? { change: on } : on });
        this.say(frame);
        return () => { if (this.#subscriptions.delete(id)) this.say({ type: "unsubscribe", id }); };
    }

    /** Enters a room. @param {string} name @param {RoomSubscriber} on @returns {Room} */
    join(name, on) {
        this.#rooms.set(name, on);
        this.say({ type: "join_room", room: name });
        return new Room(this, name);
    }

    /** Leaves a room. @param {string} name */
    leave(name) {
        if (this.#rooms.delete(name)) this.say({ type: "leave_room", room: name });
    }

    /** Tells the server, if it hears us; what must not be lost is told again after a break. @param {Frame} frame */
    say(frame) {
        if (this.#isWelcome) this.#transport?.send(frame);
    }

    /** Tells it until the server confirms. @param {Frame} frame @returns {Promise<Message>} */
    deliver(frame) {
        if (this.#state === "closed") return Promise.reject(new Error("The connection is closed."));
        return new Promise((resolve, reject) => {
            this.#unconfirmed.set(frame.client_id, { frame, resolve, reject });
            this.say(frame);
        });
    }

    /** Connects anew with a fresh token, for example after signing in. Subscriptions and rooms go on. */
    reconnect() {
        this.#end();
        this.#failures = 0;
        this.#open();
    }

    /** Ends everything. */
    close() {
        globalThis.removeEventListener?.("online", this.#online);
        this.#end();
        this.#giveUp(null);
        this.#subscriptions.clear();
        this.#rooms.clear();
    }

    /** @param {State} state @param {string | null} [reason] */
    #become(state, reason = null) {
        if (this.#state === state) return;
        this.#state = state;
        this.#options.onState?.(state, reason);
    }

    /** Ends the present attempt. */
    #end() {
        this.#turn += 1;
        clearTimeout(this.#timer);
        clearInterval(this.#heart);
        this.#isWelcome = false;
        this.#transport?.close();
        this.#transport = null;
    }

    /** @param {string | null} reason */
    #giveUp(reason) {
        this.#become("closed", reason);
        for (const { reject } of this.#unconfirmed.values()) reject(new Error("The connection was closed."));
        this.#unconfirmed.clear();
    }

    async #open() {
        this.#end();
        const turn = this.#turn;
        const isCurrent = () => turn === this.#turn;
        this.#become("connecting");
        let token = null;
        try {
            token = (await this.#options.token?.()) ?? null;
        } catch {
            if (isCurrent()) this.#lost({});
        }
        if (!isCurrent()) return;
        /** @type {Hooks} */
        const hooks = {
            frame: (frame) => { if (isCurrent()) this.#got(frame); },
            closed: (loss) => { if (isCurrent()) this.#lost(loss); },
        };
        this.#transport = (this.#usesStreams() ? openStreams : openSocket)(this.#url, token, hooks);
    }

    /** Streams are used where sockets never got through, turn by turn with them until one does. */
    #usesStreams() {
        const { transport = "auto" } = this.#options;
        if (transport !== "auto") return transport === "events";
        return !this.#hasSocketWorked && this.#socketFailures >= SOCKET_ATTEMPTS && this.#socketFailures % 2 === 0;
    }

    /** @param {Loss} loss */
    #lost({ reason, status, retry_after_s, wasReached }) {
        if (!wasReached && status === undefined) this.#socketFailures += 1;
        this.#end();
        if (Date.now() - this.#live_at_ms > STEADY_MS) this.#failures = 0;
        this.#live_at_ms = Infinity;
        this.#refusals = status === 401 ? this.#refusals + 1 : 0;
        if (FINAL.includes(reason ?? "") || this.#refusals > 1) return this.#giveUp(reason ?? "signed_out");
        this.#failures += 1;
        this.#become("waiting", reason ?? null);
        // With a new token one may go on at once.
        const isFresh = reason === "expired" && this.#failures === 1;
        const wait_ms = isFresh ? 0 : Math.max(patience(this.#failures), (retry_after_s ?? 0) * 1000);
        this.#timer = setTimeout(() => this.#open(), wait_ms);
    }

    /** What was subscribed, entered and not confirmed is told to a new connection. @param {Frame} frame */
    #welcome({ connection, heartbeat_s }) {
        this.#isWelcome = true;
        // An event stream is known to be there when its subscription is.
        if (connection) this.#hasSocketWorked = true;
        if (connection || !this.#subscriptions.size) this.#begin();
        if (heartbeat_s) this.#beat(heartbeat_s * 1000);
        this.#sayAll();
    }

    #begin() {
        if (this.#state !== "live") this.#live_at_ms = Date.now();
        this.#become("live");
    }

    /** All rooms and subscriptions, no faster than the server takes them. */
    async #sayAll() {
        const turn = this.#turn;
        for (const room of this.#rooms.keys()) this.say({ type: "join_room", room });
        let count = this.#rooms.size;
        for (const [id, { frame }] of [...this.#subscriptions]) {
            if (++count > BURST) await new Promise((later) => setTimeout(later, 1000 / FRAMES_PER_S));
            if (turn !== this.#turn) return;
            if (this.#subscriptions.has(id)) this.say(frame);
        }
    }

    /** A connection on which nothing is heard any more is a lost one, even if nobody said so. @param {number} every_ms */
    #beat(every_ms) {
        this.#heard_at_ms = Date.now();
        this.#heart = setInterval(() => {
            const quiet_ms = Date.now() - this.#heard_at_ms;
            if (quiet_ms > 2.5 * every_ms) this.#lost({ wasReached: true });
            else if (quiet_ms >= every_ms / 2) this.say({ type: "ping" });
        }, every_ms);
    }

    /** @param {Frame} frame */
    #got(frame) {
        this.#heard_at_ms = Date.now();
        if (frame.type === "welcome") this.#welcome(frame);
        else if (frame.type === "error") this.#refused(frame);
        else if (frame.room) this.#heardInRoom(frame);
        else if (frame.id) this.#heardOf(frame);
    }

    /** A word about a subscription. @param {Frame} told */
    #heardOf({ type, id, seq, topic, action, record }) {
        const subscription = this.#subscriptions.get(id);
        if (!subscription) return;
        const { frame, on } = subscription;
        // From here a new connection goes on.
        if (seq) frame.last = seq;
        if (type === "change") on.change?.({ topic: topic ?? frame.topic, action, seq, record });
        else if (type === "reset") on.reset?.();
        else if (type === "subscribed") {
            this.#begin();
            on.live?.();
        }
    }

    /** A word in a room. @param {Frame} told */
    #heardInRoom({ type, room, user, members, message }) {
        const on = this.#rooms.get(room);
        if (!on) return;
        if (type === "room_joined") {
            on.joined?.(members ?? []);
            for (const { frame } of this.#unconfirmed.values()) if (frame.room === room) this.say(frame);
        } else if (type === "user_joined") on.userJoined?.(user);
        else if (type === "user_left") on.userLeft?.(user);
        else if (type === "typing") on.typing?.(user);
        else if (type === "read") on.read?.(user, message);
        else if (type === "message") {
            this.#settle(message.client_id)?.resolve(message);
            on.message?.(message);
        }
    }

    /** @param {string | undefined} key */
    #settle(key) {
        const waiting = key === undefined ? undefined : this.#unconfirmed.get(key);
        if (waiting && key !== undefined) this.#unconfirmed.delete(key);
        return waiting;
    }

    /** Something that we asked for is refused. @param {Frame} frame */
    #refused({ id, room, client_id, error, status, message, errors }) {
        const refusal = { error, status, message, errors };
        const unsent = this.#settle(client_id);
        if (unsent) unsent.reject(Object.assign(new Error(message), refusal));
        else if (room !== undefined) {
            const on = this.#rooms.get(room);
            // Who typed too fast is still there.
            if (status !== TOO_MANY_REQUESTS) this.#rooms.delete(room);
            on?.error?.(refusal);
        } else if (id !== undefined) {
            const subscription = this.#subscriptions.get(id);
            this.#subscriptions.delete(id);
            subscription?.on.error?.(refusal);
        }
    }
}

/** Connects, at once and for as long as it takes. @param {Options} [options] @returns {Realtime} */
export const connect = (options = {}) => new Realtime(options);
