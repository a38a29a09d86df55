//! The one list of the frames of the realtime protocol, for its document: what clients send, and what they are sent.
//!
//! Deliberately elsewhere: what the frames do (realtime), records and topics, which come from the tables (`mod.rs`). A contract test
//! compares the frames that are really sent with this list.

use serde_json::{Value as Json, json};

use crate::realtime::frames::Closing;

/// Who sends a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A client.
    Client,
    /// The server.
    Server,
}

/// A kind of frame.
#[derive(Debug)]
pub(super) struct Frame {
    /// Its `type`; of an event stream the `event`.
    pub name: &'static str,
    /// Who sends it.
    pub by: By,
    /// What it is for.
    pub words: &'static str,
    /// Schemas of its members beside `type`.
    pub members: Json,
    /// Members that are always there.
    pub required: &'static [&'static str],
    /// A sample, without `type`.
    pub sample: Json,
    /// Whether event streams have it too.
    pub is_streamed: bool,
    /// What the server sends in answer.
    pub answers: &'static [&'static str],
}

/// A key in samples.
pub(super) const KEY: &str = "01981c6e-5b7a-7c3e-9f00-0123456789ab";
/// A place in the sequence.
pub(super) const SEQUENCE: &str = "^[0-9a-f]{16}-[0-9]+$";
/// One of them, in samples.
pub(super) const SEQ: &str = "0000019b8d344e30-42";
/// A room, in samples.
const ROOM: &str = "conversation:01981c6e-5b7a-7c3e-9f00-0123456789ab";

/// What clients send.
pub(super) fn by_client() -> Vec<Frame> {
    let mut frames = subscribing();
    frames.extend(in_rooms());
    frames
}

/// What clients are sent, without changes of records, which come from the tables.
pub(super) fn by_server() -> Vec<Frame> {
    let mut frames = telling();
    frames.extend(from_rooms());
    frames
}

fn subscribing() -> Vec<Frame> {
    let named = json!({ "id": subscription() });
    let subscribe = json!({
        "id": subscription(),
        "topic": topic(),
        "filter": or_null("Only records for which this holds, in the language of `filter=`."),
        "fields": or_null("Only these fields, as in `fields=`."),
        "last": { "type": ["string", "null"], "pattern": SEQUENCE, "description": "Where it was before the connection broke off." },
    });
    let sample = json!({ "id": "cheap", "topic": "products", "filter": "price.minor < 2000", "fields": "name,price" });
    vec![
        asked(
            "authenticate",
            "Says who it is, where a browser could set no header; later, goes on with a fresh token.",
        )
        .with(
            json!({ "token": text("An access token of this listener.") }),
            &["token"],
            json!({ "token": "eyJhbGciOi…" }),
        )
        .answered(&["welcome", "error"]),
        asked("subscribe", "Asks for the changes of a topic.").with(subscribe, &["id", "topic"], sample).answered(&[
            "subscribed",
            "reset",
            "error",
        ]),
        asked("unsubscribe", "Asks for them no longer.")
            .with(named, &["id"], json!({ "id": "cheap" }))
            .answered(&["unsubscribed", "error"]),
        asked("ping", "Asks whether the connection is alive.").answered(&["pong"]),
    ]
}

fn in_rooms() -> Vec<Frame> {
    let message = json!({
        "room": room(),
        "content": { "type": "string", "maxLength": 4000, "description": "The text; empty where files say enough." },
        "files": { "type": "array", "maxItems": 10, "items": key("A file of the caller's own."), "description": "Files that go with it." },
        "client_id": { "type": ["string", "null"], "minLength": 1, "maxLength": 64,
            "description": "What the client calls it; sent again under the same name it is one message." },
        "files": { "type": "array", "items": { "type": "string", "format": "uuid" }, "description": "Keys of files that go with it." },
    });
    let sample = json!({ "room": ROOM, "content": "Is she still looking for a home?", "client_id": "phone-17" });
    let read = json!({ "room": room(), "message": key("The newest message that was read.") });
    let here = || (json!({ "room": room() }), json!({ "room": ROOM }));
    let in_room = |name, words| {
        let (members, sample) = here();
        asked(name, words).with(members, &["room"], sample)
    };
    vec![
        in_room(
            "join_room",
            "Comes into a room: of a conversation, of what is ordered or booked, of a business, of the caller.",
        )
        .answered(&["room_joined", "error"]),
        in_room("leave_room", "Leaves it.").answered(&["error"]),
        asked(
            "send_message",
            "Writes in the conversation of a room. It is stored, and everybody in the room gets it as `message`.",
        )
        .with(message, &["room", "content"], sample)
        .answered(&["message", "error"]),
        in_room("typing", "Says that the caller is writing.").answered(&["error"]),
        asked("read", "Says how far the caller has read.")
            .with(read, &["room", "message"], json!({ "room": ROOM, "message": KEY }))
            .answered(&["read", "error"]),
    ]
}

fn telling() -> Vec<Frame> {
    let welcome = json!({
        "connection": key("Name of the connection, for the log."),
        "user": { "type": ["string", "null"], "format": "uuid", "description": "The caller; null for guests." },
        "heartbeat_s": { "type": "integer", "minimum": 1, "description": "After so many quiet seconds the server shows that it is there." },
    });
    let placed = json!({ "id": subscription(), "seq": seq() });
    let reset = json!({ "id": subscription(), "topic": topic(), "room": room(), "seq": seq() });
    let reasons: Vec<&str> = Closing::ALL.into_iter().map(Closing::as_str).collect();
    let closing = json!({ "reason": { "type": "string", "enum": reasons, "description": "Why." } });
    vec![
        told("welcome", "Who the client is: the first frame, and the answer to `authenticate`.").with(
            welcome,
            &["connection", "user", "heartbeat_s"],
            json!({ "connection": KEY, "user": null, "heartbeat_s": 25 }),
        ),
        told("subscribed", "The subscription stands; changes after this place in the sequence follow.")
            .with(placed, &["seq"], json!({ "id": "cheap", "seq": SEQ }))
            .streamed(),
        told("unsubscribed", "It has ended.").with(json!({ "id": subscription() }), &["id"], json!({ "id": "cheap" })),
        told("reset", "What was missed is not kept any more: load the records anew, changes after this place follow. A stream names the topic, and a room whose messages were missed is named too.")
            .with(reset, &["seq"], json!({ "id": "cheap", "seq": SEQ }))
            .streamed(),
        told("pong", "The answer to a ping."),
        told("error", "Something was refused, in the words of the error catalogue (/api/docs/errors). It names what it is about.")
            .with(error(), &["error", "status", "message"],
                json!({ "id": "cheap", "error": "not_found", "status": 404, "message": "No such record or path." }))
            .streamed(),
        told("closing", "The last frame: why the connection is closed. Close codes are 4400, 4401, 4403, 4408 and 1001.")
            .with(closing, &["reason"], json!({ "reason": "shutdown" }))
            .streamed(),
    ]
}

fn error() -> Json {
    let field = json!({ "pointer": text("Which field."), "code": text("What is wrong."), "message": text("Words for a person.") });
    json!({
        "id": subscription(),
        "room": room(),
        "client_id": text("What the client calls the message that was not sent."),
        "error": text("Stable code."),
        "status": { "type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status that means the same." },
        "message": text("Words for a person."),
        "errors": { "type": "array", "description": "All bad fields.", "items": {
            "type": "object", "properties": field, "required": ["pointer", "code", "message"] } },
    })
}

fn from_rooms() -> Vec<Frame> {
    let somebody = |name, words| {
        let sample = json!({ "room": ROOM, "user": { "id": KEY } });
        told(name, words).with(json!({ "room": room(), "user": person() }), &["room", "user"], sample)
    };
    let joined =
        json!({ "room": room(), "members": { "type": "array", "items": person(), "description": "Who is there." } });
    let message = json!({ "room": room(), "message": { "$ref": "#/components/schemas/Messages" } });
    let read = json!({ "room": room(), "user": person(), "message": key("The newest message that they have read.") });
    vec![
        told("room_joined", "The caller is in the room, with those who are there.").with(
            joined,
            &["room", "members"],
            json!({ "room": ROOM, "members": [{ "id": KEY }] }),
        ),
        somebody("user_joined", "Somebody has come into the room."),
        somebody("user_left", "Somebody has left it."),
        somebody("typing", "Somebody is writing."),
        told("message", "Somebody wrote in the conversation of the room, by whatever way.").with(
            message,
            &["room", "message"],
            json!({ "room": ROOM, "message": { "id": KEY, "content": "Is she still looking for a home?" } }),
        ),
        told("read", "Somebody has read so far.").with(
            read,
            &["room", "user", "message"],
            json!({ "room": ROOM, "user": { "id": KEY }, "message": KEY }),
        ),
    ]
}

/// A frame of clients that is nothing but its name.
fn asked(name: &'static str, words: &'static str) -> Frame {
    let (members, sample) = (json!({}), json!({}));
    Frame { name, by: By::Client, words, members, required: &[], sample, is_streamed: false, answers: &[] }
}

/// A frame of the server that is nothing but its name.
fn told(name: &'static str, words: &'static str) -> Frame {
    Frame { by: By::Server, ..asked(name, words) }
}

impl Frame {
    fn with(self, members: Json, required: &'static [&'static str], sample: Json) -> Self {
        Self { members, required, sample, ..self }
    }

    fn answered(self, answers: &'static [&'static str]) -> Self {
        Self { answers, ..self }
    }

    fn streamed(self) -> Self {
        Self { is_streamed: true, ..self }
    }
}

fn text(words: &str) -> Json {
    json!({ "type": "string", "description": words })
}

fn or_null(words: &str) -> Json {
    json!({ "type": ["string", "null"], "description": words })
}

fn key(words: &str) -> Json {
    json!({ "type": "string", "format": "uuid", "description": words })
}

fn subscription() -> Json {
    json!({ "type": "string", "minLength": 1, "maxLength": 100, "description": "The client's own name for the subscription." })
}

fn topic() -> Json {
    json!({ "$ref": "#/components/schemas/Topic" })
}

fn seq() -> Json {
    json!({ "$ref": "#/components/schemas/Sequence" })
}

fn person() -> Json {
    json!({ "type": "object", "properties": { "id": key("Key of the user.") }, "required": ["id"], "description": "Somebody." })
}

fn room() -> Json {
    json!({ "type": "string", "pattern": "^[a-z]+:[0-9a-f-]{36}$",
        "description": "`conversation:<key>`, `order:<key>`, `booking:<key>`, `delivery:<key>`, `business:<key>` or `user:<key>`." })
}
