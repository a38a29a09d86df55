//! What the OpenAPI document says about the operations beyond their types: limits, formats and samples.

use serde_json::{Value as Json, json};

use super::model::ConversationKind;
use super::rules::{CLIENT_ID_MAX, CONTENT_MAX, FILES_MAX, MEMBERS_MAX, OFFERED, SUBJECT_MAX};
use crate::modules::Described;

/// Nothing, or text with something to see, without control characters other than line feed and tab.
const WORDS: &str = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*)?$";
/// The same in one line.
const LINE: &str =
    "^[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u001f\\u007f-\\u009f]*$";
/// Keys in samples.
const KEY: &str = "01981c6e-5b7a-7c3e-9f00-0123456789ab";
const OTHER: &str = "01981c6e-5b7a-7c3e-9f00-0123456789ac";

/// The details of this module's operations.
pub fn described() -> Described {
    Described { for_guests: Vec::new(), members: members(), samples: samples() }
}

fn members() -> Json {
    let (key, time) = (json!({ "format": "uuid" }), json!({ "format": "date-time" }));
    let kinds: Vec<&str> = ConversationKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let people = json!({ "type": "string", "format": "uuid" });
    let named = json!({ "minItems": 1, "maxItems": MEMBERS_MAX, "items": people });
    let mut participants = named.clone();
    participants["type"] = json!(["array", "null"]);
    let client_id = json!({ "minLength": 1, "maxLength": CLIENT_ID_MAX, "pattern": LINE });
    let mut new_client_id = client_id.clone();
    new_client_id["type"] = json!(["string", "null"]);
    let content = json!({ "maxLength": CONTENT_MAX, "pattern": WORDS });
    let files = json!({ "maxItems": FILES_MAX, "items": people });
    let mut new_files = files.clone();
    new_files["type"] = json!(["array", "null"]);
    json!({
        "StartConversation": {
            "kind": { "enum": ["inquiry", "group", "support"] },
            "participants": participants,
            "subject": { "type": ["string", "null"], "minLength": 1, "maxLength": SUBJECT_MAX, "pattern": LINE },
        },
        "Conversation": {
            "id": key, "kind": { "enum": kinds }, "business": key, "members": { "items": people }, "created_by": key,
            "last_message": key, "last_message_at": time, "created_at": time,
        },
        "NewMessage": { "content": content, "client_id": new_client_id, "files": new_files },
        "SentMessage": {
            "id": key, "conversation": key, "sender": key, "content": content, "files": files, "client_id": client_id,
            "created_at": time,
        },
        "ReadUpTo": { "message": key },
        "AddParticipants": { "users": named },
        "UnreadConversations": { "unread": { "format": "int64", "minimum": 0 } },
    })
}

fn samples() -> Json {
    let conversation = json!({
        "id": KEY, "kind": "inquiry", "subject": "Beagle puppies", "about": { "table": OFFERED[0], "id": OTHER },
        "members": [KEY, OTHER], "created_by": KEY, "created_at": "2026-05-01T10:00:00Z",
    });
    json!({
        "StartConversation": { "kind": "inquiry", "about": { "table": OFFERED[0], "id": OTHER } },
        "Conversation": conversation,
        "NewMessage": { "content": "Is she still looking for a home?", "client_id": "phone-17" },
        "SentMessage": {
            "id": OTHER, "conversation": KEY, "sender": KEY, "content": "Is she still looking for a home?",
            "files": [], "client_id": "phone-17", "created_at": "2026-05-01T10:00:00Z",
        },
        "ReadUpTo": { "message": OTHER },
        "AddParticipants": { "users": [OTHER] },
        "UnreadConversations": { "unread": 2 },
    })
}
