//! The protocol: frames that clients send, and what they are sent, as text for WebSockets and for event streams (SSE).
//!
//! A message about a change is made once for all who get the same, and shared as bytes. What differs by receiver stands before
//! it: the id of the subscription in a WebSocket, nothing in an event stream. Deliberately elsewhere: what frames do (http, hub, feed).

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::seq::Seq;
use crate::kernel::Error;

/// A frame that a client sends.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ClientFrame {
    /// Says who it is, or goes on with a fresh token.
    Authenticate {
        /// An access token of this listener.
        token: String,
    },
    /// Asks for the changes of a topic.
    Subscribe {
        /// The client's own name for the subscription.
        id: String,
        /// A table, or a table and a key: `products` or `products/<key>`.
        topic: String,
        /// Only records for which this holds, in the language of `filter=`.
        filter: Option<String>,
        /// Only these fields, as in `fields=`.
        fields: Option<String>,
        /// Where it was in the sequence before the connection broke off.
        last: Option<String>,
    },
    /// Asks for them no longer.
    Unsubscribe {
        /// The client's name for the subscription.
        id: String,
    },
    /// Asks whether the connection is alive.
    Ping {},
    /// Enters a room.
    JoinRoom {
        /// `conversation:<key>`, `business:<key>`, `user:<key>`, …
        room: String,
    },
    /// Leaves it.
    LeaveRoom {
        /// Its name.
        room: String,
    },
    /// Sends a message to its conversation.
    SendMessage {
        /// Its name.
        room: String,
        /// The text.
        content: String,
        /// The client's own name for the message; sent again under the same one it is one message.
        client_id: Option<String>,
        /// Files that go with it.
        #[serde(default)]
        files: Vec<Uuid>,
    },
    /// Says that somebody is typing.
    Typing {
        /// The room's name.
        room: String,
    },
    /// Says how far somebody has read.
    Read {
        /// The room's name.
        room: String,
        /// Key of the newest message that was read.
        message: Uuid,
    },
}

/// By which way a connection is sent its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// A WebSocket: one JSON object per text frame.
    Socket,
    /// An event stream (SSE).
    Stream,
}

/// Why a connection is closed by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The sign-in has ended.
    SignedOut,
    /// The account may not be used any more.
    Suspended,
    /// The right to be here is gone.
    Rights,
    /// The access token is over.
    Expired,
    /// It did not take its messages fast enough.
    TooSlow,
    /// It gave no sign of life.
    Silent,
    /// It sent what no client of this protocol sends.
    Protocol,
    /// The program stops.
    Shutdown,
}

impl Closing {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SignedOut,
        Self::Suspended,
        Self::Rights,
        Self::Expired,
        Self::TooSlow,
        Self::Silent,
        Self::Protocol,
        Self::Shutdown,
    ];

    /// Its name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Suspended => "suspended",
            Self::Rights => "rights",
            Self::Expired => "expired",
            Self::TooSlow => "too_slow",
            Self::Silent => "silent",
            Self::Protocol => "protocol",
            Self::Shutdown => "shutdown",
        }
    }

    /// The close code of a WebSocket: our own follow the HTTP status that means the same.
    pub fn code(self) -> u16 {
        match self {
            Self::SignedOut | Self::Expired => 4401,
            Self::Suspended | Self::Rights => 4403,
            Self::TooSlow | Self::Silent => 4408,
            Self::Protocol => 4400,
            Self::Shutdown => 1001,
        }
    }

    /// Whether what still waits may be sent before it.
    pub fn is_gentle(self) -> bool {
        matches!(self, Self::Expired | Self::Shutdown | Self::Protocol)
    }
}

/// What happened to a record, as one receiver sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It was made.
    Created,
    /// It was changed, or has come into sight.
    Updated,
    /// It was deleted.
    Deleted,
    /// It is there or was there, but no longer for this receiver: hidden now, or outside of the filter.
    Removed,
}

impl Action {
    /// Its name in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Removed => "removed",
        }
    }
}

/// A message in two parts: what is the receiver's own, and what all who get it share.
#[derive(Debug, Clone)]
pub struct Message {
    /// The receiver's own beginning.
    pub head: Bytes,
    /// What all share.
    pub tail: Bytes,
}

impl Message {
    /// A message for one receiver.
    pub fn own(text: String) -> Self {
        Self { head: Bytes::new(), tail: Bytes::from(text) }
    }

    /// Its size in bytes.
    pub fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The beginning of messages about changes in a WebSocket: which subscription they are for.
pub fn change_head(id: &str) -> Bytes {
    let mut text = json!({ "type": "change", "id": id }).to_string();
    text.pop();
    text.push(',');
    Bytes::from(text)
}

/// The shared part of a message about a change, without its place in the sequence: what comes after `"seq":"…",`.
pub fn change_body(topic: &str, action: Action, record: &Json) -> String {
    format!("\"topic\":{},\"action\":\"{}\",\"record\":{record}}}", Json::from(topic), action.as_str())
}

/// The shared part of a message about a change, for a wire.
pub fn change_tail(wire: Wire, seq: Seq, body: &str) -> Bytes {
    Bytes::from(match wire {
        Wire::Socket => format!("\"seq\":\"{seq}\",{body}"),
        Wire::Stream => format!("event: change\ndata: {{\"seq\":\"{seq}\",{body}\n\n"),
    })
}

/// What tells an event stream where it is in the sequence.
pub fn stream_id(seq: Seq) -> Bytes {
    Bytes::from(format!("id: {seq}\n"))
}

/// A message of another kind, with these members.
pub fn told(wire: Wire, kind: &str, mut members: Json) -> Message {
    Message::own(match wire {
        Wire::Socket => {
            members["type"] = Json::from(kind);
            members.to_string()
        }
        Wire::Stream => format!("event: {kind}\ndata: {members}\n\n"),
    })
}

/// The first message of a WebSocket.
pub fn welcome(connection: Uuid, user: Option<Uuid>, heartbeat_s: u64) -> Message {
    told(Wire::Socket, "welcome", json!({ "connection": connection, "user": user, "heartbeat_s": heartbeat_s }))
}

/// A failure, in the words of the catalogue; `id` is the subscription that it is about.
pub fn error(wire: Wire, id: Option<&str>, error: &Error) -> Message {
    let entry = error.entry();
    let mut members = json!({ "error": entry.code, "status": entry.status, "message": error.message() });
    if let Some(id) = id {
        members["id"] = Json::from(id);
    }
    if !error.fields().is_empty() {
        members["errors"] = json!(error.fields());
    }
    told(wire, "error", members)
}

/// A failure about a room; `client_id` names the message that was not sent.
pub fn room_error(room: &str, client_id: Option<&str>, error: &Error) -> Message {
    let entry = error.entry();
    let mut members = json!({ "room": room, "error": entry.code, "status": entry.status, "message": error.message() });
    if let Some(id) = client_id {
        members["client_id"] = Json::from(id);
    }
    if !error.fields().is_empty() {
        members["errors"] = json!(error.fields());
    }
    told(Wire::Socket, "error", members)
}

/// The beginning of messages in a room.
pub fn room_head(kind: &str, room: &str) -> Bytes {
    let mut text = json!({ "type": kind, "room": room }).to_string();
    text.pop();
    text.push(',');
    Bytes::from(text)
}

/// A message of a conversation, after the beginning.
pub fn room_message_tail(record: &Json) -> Bytes {
    Bytes::from(format!("\"message\":{record}}}"))
}

/// How far somebody has read, after the beginning; nothing when they have not begun.
pub fn room_read_tail(participant: &Json) -> Option<Bytes> {
    let (user, message) = (participant.get("user")?, participant.get("last_read").filter(|last| !last.is_null())?);
    Some(Bytes::from(format!("\"user\":{{\"id\":{user}}},\"message\":{message}}}")))
}

/// The last message.
pub fn closing(wire: Wire, why: Closing) -> Message {
    told(wire, "closing", json!({ "reason": why.as_str() }))
}

/// What shows an event stream that the connection is still there.
pub const STREAM_HEARTBEAT: &[u8] = b":\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_two_parts_is_one_object() {
        let seq = Seq { epoch: 1, n: 2 };
        let body = change_body("pets/\"x", Action::Removed, &json!({ "id": "a\nb" }));
        let expected =
            json!({ "seq": seq.to_string(), "topic": "pets/\"x", "action": "removed", "record": { "id": "a\nb" } });
        let socket = [change_head("my \"id\""), change_tail(Wire::Socket, seq, &body)].concat();
        let mut found: Json = serde_json::from_slice(&socket).expect("JSON");
        assert_eq!(found["type"], "change");
        assert_eq!(found["id"], "my \"id\"");
        let members = found.as_object_mut().expect("an object");
        members.retain(|name, _| name != "type" && name != "id");
        assert_eq!(found, expected);
        let stream = [stream_id(seq), change_tail(Wire::Stream, seq, &body)].concat();
        let text = String::from_utf8(stream).expect("text");
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(lines[..2], [format!("id: {seq}").as_str(), "event: change"]);
        let data: Json = serde_json::from_str(lines[2].strip_prefix("data: ").expect("data")).expect("JSON");
        assert_eq!(data, expected);
        assert_eq!(lines[3..], ["", ""]);
    }

    #[test]
    fn frames_with_unknown_members_or_types_are_refused() {
        let parse = |text: &str| serde_json::from_str::<ClientFrame>(text);
        assert_eq!(parse(r#"{"type":"ping"}"#).expect("a frame"), ClientFrame::Ping {});
        assert!(parse(r#"{"type":"subscribe","id":"a","topic":"pets","filter":null}"#).is_ok());
        for wrong in [
            r#"{"type":"ping","x":1}"#,
            r#"{"type":"subscribe","id":"a"}"#,
            r#"{"type":"subscribe","id":"a","topic":"pets","filters":"x"}"#,
            r#"{"type":"dance"}"#,
            r#"[]"#,
            "",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn reasons_have_names_and_codes_of_their_own_range() {
        for why in Closing::ALL {
            assert!(!why.as_str().is_empty());
            assert!(why.code() == 1001 || (4400..4500).contains(&why.code()));
        }
    }
}
