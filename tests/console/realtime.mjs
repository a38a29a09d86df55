// The client module of realtime against a server that this script plays: what it says, what it does after a break, when it gives up.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { connect, eventOf, patience } from "./pawbase.js";

/** The sockets that were opened, oldest first. */
let sockets = [];

/** A WebSocket whose other end is the test. */
class PlayedSocket {
  static OPEN = 1;
  readyState = 1;
  said = [];
  constructor(url, protocols) {
    Object.assign(this, { url: String(url), protocols });
    sockets.push(this);
  }
  send(text) { this.said.push(JSON.parse(text)); }
  close() { this.isClosed = true; }
  tell(frame) { this.onmessage({ data: JSON.stringify(frame) }); }
  welcome() { this.onopen(); this.tell({ type: "welcome", connection: "c", user: null, heartbeat_s: 25 }); }
  breakOff(reason) { if (reason) this.tell({ type: "closing", reason }); this.readyState = 3; this.onclose(); }
}

/** The answers that played event streams give, in order. */
let answers = [];
globalThis.WebSocket = PlayedSocket;
globalThis.fetch = async (url, options) => answers.shift()(new URL(url), options);

/** Waits until something is so. */
async function until(isSo, what) {
  const deadline = Date.now() + 10_000;
  while (!isSo()) {
    if (Date.now() > deadline) assert.fail(`not yet: ${what}`);
    await new Promise((later) => setTimeout(later, 5));
  }
}

let realtime;
/** A client, and its newest socket when the server has welcomed it. */
async function welcomed(options = {}) {
  sockets = [];
  realtime = connect({ url: "http://shop.example/api/v1/realtime", transport: "socket", ...options });
  await until(() => sockets.length === 1, "a socket");
  sockets[0].welcome();
  return sockets[0];
}
afterEach(() => realtime?.close());

test("a subscription is asked for with its parts, and told of its changes only", async () => {
  const socket = await welcomed({ token: async () => "a.b.c" });
  assert.equal(socket.url, "ws://shop.example/api/v1/realtime");
  assert.deepEqual(socket.protocols, ["pawbase", "pawbase.bearer.a.b.c"]);
  const heard = [];
  const stop = realtime.subscribe("products", { filter: "name = \"x\"", fields: "id,name" }, (change) => heard.push(change));
  realtime.subscribe("pets", null, () => assert.fail("not for pets"));
  assert.deepEqual(socket.said, [
    { type: "subscribe", id: "s1", topic: "products", filter: "name = \"x\"", fields: "id,name" },
    { type: "subscribe", id: "s2", topic: "pets" },
  ]);
  socket.tell({ type: "subscribed", id: "s1", seq: "e-1" });
  socket.tell({ type: "change", id: "s1", seq: "e-2", topic: "products", action: "created", record: { id: "1" } });
  assert.deepEqual(heard, [{ topic: "products", action: "created", seq: "e-2", record: { id: "1" } }]);
  stop();
  stop();
  assert.deepEqual(socket.said.slice(2), [{ type: "unsubscribe", id: "s1" }]);
  socket.tell({ type: "change", id: "s1", seq: "e-3", topic: "products", action: "deleted", record: { id: "1" } });
  assert.equal(heard.length, 1);
});

test("after a break it connects again and goes on after the last change", async () => {
  const states = [];
  const socket = await welcomed({ onState: (state) => states.push(state) });
  const heard = [];
  realtime.subscribe("products", null, { change: ({ seq }) => heard.push(seq), live: () => heard.push("live"), reset: () => heard.push("reset") });
  socket.tell({ type: "subscribed", id: "s1", seq: "e-1" });
  socket.tell({ type: "change", id: "s1", seq: "e-5", action: "updated", record: { id: "1" } });
  socket.breakOff();
  await until(() => sockets.length === 2, "a second socket");
  sockets[1].welcome();
  assert.deepEqual(sockets[1].said, [{ type: "subscribe", id: "s1", topic: "products", last: "e-5" }]);
  sockets[1].tell({ type: "subscribed", id: "s1", seq: "f-0" });
  sockets[1].tell({ type: "reset", id: "s1", seq: "f-0" });
  assert.deepEqual(heard, ["live", "e-5", "live", "reset"]);
  sockets[1].breakOff("shutdown");
  await until(() => sockets.length === 3, "a third socket");
  sockets[2].welcome();
  assert.equal(sockets[2].said[0].last, "f-0");
  assert.deepEqual(states, ["connecting", "live", "waiting", "connecting", "live", "waiting", "connecting", "live"]);
});

test("an old sign-in is renewed at once; one that has ended is not tried again", async () => {
  let tokens = 0;
  const states = [];
  const socket = await welcomed({ token: () => `t${++tokens}`, onState: (state, reason) => states.push([state, reason]) });
  const asked_at_ms = Date.now();
  socket.breakOff("expired");
  await until(() => sockets.length === 2, "a second socket");
  assert.ok(Date.now() - asked_at_ms < 200, "without patience");
  assert.deepEqual(sockets[1].protocols, ["pawbase", "pawbase.bearer.t2"]);
  sockets[1].welcome();
  const pending = realtime.join("conversation:1", {}).send("Anybody there?");
  sockets[1].breakOff("suspended");
  await assert.rejects(pending, /closed/);
  assert.deepEqual(states.at(-1), ["closed", "suspended"]);
  assert.equal(realtime.state, "closed");
  realtime.reconnect();
  await until(() => sockets.length === 3, "a socket after signing in again");
});

test("what is refused is over, and nothing else", async () => {
  const socket = await welcomed();
  const refused = [];
  realtime.subscribe("secrets", null, { error: (refusal) => refused.push(refusal.error) });
  realtime.subscribe("pets", null, { error: () => assert.fail("pets are fine") });
  realtime.join("order:1", { error: (refusal) => refused.push(refusal.status) });
  socket.tell({ type: "error", id: "s1", error: "not_found", status: 404, message: "There is no such topic." });
  socket.tell({ type: "error", room: "order:1", error: "too_many_requests", status: 429, message: "Slower." });
  socket.tell({ type: "error", room: "order:1", error: "not_found", status: 404, message: "There is no such room." });
  socket.tell({ type: "error", room: "order:1", error: "not_found", status: 404, message: "One is out already." });
  assert.deepEqual(refused, ["not_found", 429, 404]);
  socket.breakOff();
  await until(() => sockets.length === 2, "a second socket");
  sockets[1].welcome();
  assert.deepEqual(sockets[1].said, [{ type: "subscribe", id: "s2", topic: "pets" }]);
});

test("a message is said again after a break with the same key, and settled by its answer", async () => {
  const socket = await welcomed();
  const heard = [];
  const room = realtime.join("conversation:1", { joined: (members) => heard.push(members.length), message: ({ content }) => heard.push(content), typing: (user) => heard.push(user) });
  socket.tell({ type: "room_joined", room: "conversation:1", members: [{ id: "u" }] });
  const sent = room.send("On my way", { files: ["f"] });
  const [, first] = socket.said;
  assert.equal(first.type, "send_message");
  socket.breakOff();
  await until(() => sockets.length === 2, "a second socket");
  sockets[1].welcome();
  assert.deepEqual(sockets[1].said, [{ type: "join_room", room: "conversation:1" }]);
  sockets[1].tell({ type: "room_joined", room: "conversation:1", members: [{ id: "u" }, { id: "v" }] });
  assert.deepEqual(sockets[1].said[1], first);
  sockets[1].tell({ type: "message", room: "conversation:1", message: { id: "m", content: "On my way", created_at: "…", client_id: first.client_id } });
  assert.equal((await sent).id, "m");
  sockets[1].tell({ type: "typing", room: "conversation:1", user: "v" });
  assert.deepEqual(heard, [1, 2, "On my way", "v"]);
  room.typing();
  room.typing();
  room.read("m");
  assert.deepEqual(sockets[1].said.slice(2), [{ type: "typing", room: "conversation:1" }, { type: "read", room: "conversation:1", message: "m" }]);
  const blocked = room.send("And now?");
  sockets[1].tell({ type: "error", room: "conversation:1", client_id: sockets[1].said.at(-1).client_id, error: "forbidden", status: 403, message: "You may not." });
  await assert.rejects(blocked, { error: "forbidden", status: 403 });
  room.leave();
  assert.deepEqual(sockets[1].said.at(-1), { type: "leave_room", room: "conversation:1" });
});

test("where sockets never get through, changes come as events, and a refused sign-in ends it", async () => {
  sockets = [];
  const asked = [];
  const streamOf = (text) => async (url, { headers }) => {
    asked.push([url.pathname, Object.fromEntries(url.searchParams), headers.Authorization]);
    return new Response(text, { headers: { "content-type": "text/event-stream" } });
  };
  const denied = async () => Response.json({ error: "unauthenticated", message: "Sign in." }, { status: 401 });
  const events = ':\n\nevent: subscribed\nid: e-1\ndata: {"seq":"e-1"}\n\nid: e-2\nevent: change\ndata: {"seq":"e-2","topic":"pets","action":"updated",'
    + '"record":{"id":"1","name":"Rex"}}\n\nevent: closing\ndata: {"reason":"expired"}\n\n';
  answers = [streamOf(events), denied, denied];
  const heard = [];
  const states = [];
  realtime = connect({ url: "http://shop.example/api/v1/realtime", token: () => "t", onState: (state, reason) => states.push(reason ? `${state}: ${reason}` : state) });
  realtime.subscribe("pets", { fields: "name" }, { change: ({ record }) => heard.push(record.name), live: () => heard.push("live") });
  for (const attempt of [1, 2]) {
    await until(() => sockets.length === attempt, `socket ${attempt}`);
    sockets[attempt - 1].onclose();
  }
  await until(() => states.at(-1).startsWith("closed"), "an end");
  assert.deepEqual(heard, ["live", "Rex"]);
  assert.deepEqual(asked, [["/api/v1/realtime/sse", { topic: "pets", fields: "name" }, "Bearer t"]]);
  assert.deepEqual(states.filter((state) => !/^(connecting|waiting)$/.test(state)), ["live", "waiting: expired", "closed: signed_out"]);
  assert.equal(answers.length, 0);
});

test("events have lines of any kind; patience grows to a limit", () => {
  for (const [text, event] of [
    ["data: a\ndata: b", { event: "message", data: "a\nb", id: null }],
    ["event: change\r\nid: 7\r\ndata:x", { event: "change", data: "x", id: "7" }],
    [": only a comment", null],
    ["retry: 1000", null],
  ]) {
    assert.deepEqual(eventOf(text), event, text);
  }
  for (const [failures, least, most] of [[1, 250, 500], [2, 500, 1000], [20, 15_000, 30_000]]) {
    const wait_ms = patience(failures);
    assert.ok(wait_ms >= least && wait_ms <= most, `${failures}: ${wait_ms}`);
  }
});
