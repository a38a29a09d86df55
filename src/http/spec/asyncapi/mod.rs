//! The AsyncAPI 3.0 document of a listener: the realtime protocol by WebSocket and as an event stream (SSE).
//!
//! `frames.rs` is the list of frames; topics and records come from the tables, with the schemas that the OpenAPI document has of them.

mod frames;

use serde_json::{Map, Value as Json, json};

use self::frames::{By, Frame, KEY};
use super::prefix;
use crate::context::Audience;
use crate::records::openapi::type_name;
use crate::schema::{Permission, Schema};

/// The document of `audience`'s listener; `openapi` is its whole OpenAPI document.
pub fn document(openapi: &Json, schema: &Schema, audience: Audience) -> Json {
    let tables = tables(openapi, schema, audience);
    let (client, mut server) = (frames::by_client(), frames::by_server());
    if tables.iter().all(|(name, _)| *name != "messages") {
        server.retain(|frame| frame.name != "message");
    }
    let base = prefix(audience);
    let mut messages = Map::new();
    for frame in client.iter().chain(&server) {
        messages.insert(message_name(frame), message(frame));
    }
    messages.insert("change".into(), change(&tables, false));
    let mut streamed = Map::new();
    for frame in server.iter().filter(|frame| frame.is_streamed) {
        streamed.insert(format!("stream_{}", frame.name), stream_message(frame));
    }
    streamed.insert("stream_change".into(), change(&tables, true));
    let refer = |names: &Map<String, Json>| -> Map<String, Json> {
        names.keys().map(|name| (name.clone(), json!({ "$ref": format!("#/components/messages/{name}") }))).collect()
    };
    let operations = operations(&client, &server);
    let channels = json!({
        "socket": {
            "address": format!("{base}/realtime"),
            "title": "WebSocket",
            "description": "JSON text frames in both directions. A token in the header Authorization, a cookie, the subprotocol \
                `pawbase.bearer.<token>`, or a first frame `authenticate`.",
            "servers": [{ "$ref": "#/servers/socket" }],
            "messages": refer(&messages),
            "bindings": { "ws": { "method": "GET", "bindingVersion": "0.1.0" } },
        },
        "stream": {
            "address": format!("{base}/realtime/sse"),
            "title": "Event stream (SSE)",
            "description": "Server-sent events: `event` is the name of the message without `stream_`, `data` its payload, `id` its place \
                in the sequence. Query: `topic` (several may be given), `filter`, `fields`, `last_event_id`; the header Last-Event-ID \
                does the same.",
            "servers": [{ "$ref": "#/servers/stream" }],
            "messages": refer(&streamed),
        },
    });
    messages.extend(streamed);
    json!({
        "asyncapi": "3.0.0",
        "info": info(audience),
        "defaultContentType": "application/json",
        "servers": servers(),
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": schemas(openapi, &tables),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
        },
    })
}

/// The tables of which some caller of the listener may read something, with the names of their schemas.
fn tables<'a>(openapi: &Json, schema: &'a Schema, audience: Audience) -> Vec<(&'a str, String)> {
    let is_read = |select: &Permission| audience == Audience::Admin || select.is_public();
    let served = schema.tables.values().filter(|table| !table.is_private() && is_read(&table.permissions.select));
    let named = served.map(|table| (table.name.as_str(), type_name(&table.name)));
    named.filter(|(_, name)| openapi["components"]["schemas"][name].is_object()).collect()
}

fn info(audience: Audience) -> Json {
    json!({
        "title": if audience == Audience::Admin { "Pawbase admin realtime" } else { "Pawbase realtime" },
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Changes of records as they happen, and rooms. What a caller may not see is not told either: rights are checked \
            for each message as they are then. What stops being visible comes as `removed`.",
        "license": { "name": "MIT", "url": "https://opensource.org/license/mit" },
    })
}

/// Where the program listens is not its to say; it is where this document came from.
fn servers() -> Json {
    let host = json!({ "host": { "default": "localhost:3000", "description": "Where this document came from." } });
    let security = json!([{ "$ref": "#/components/securitySchemes/bearer" }]);
    json!({
        "socket": { "host": "{host}", "protocol": "ws", "description": "WebSocket.", "variables": host, "security": security },
        "stream": { "host": "{host}", "protocol": "http", "description": "Event streams.", "variables": host, "security": security },
    })
}

/// Both sides have frames of some names.
fn message_name(frame: &Frame) -> String {
    match frame.by {
        By::Client => format!("client_{}", frame.name),
        By::Server => frame.name.to_owned(),
    }
}

fn message(frame: &Frame) -> Json {
    let mut members = frame.members.clone();
    members["type"] = json!({ "const": frame.name, "description": "What it is." });
    let mut sample = frame.sample.clone();
    sample["type"] = json!(frame.name);
    let required: Vec<&str> = std::iter::once("type").chain(frame.required.iter().copied()).collect();
    described(frame.name, frame.words, payload(frame.by, members, &required), sample)
}

/// As an event of a stream: without `type`, which is the event's name, and without a subscription, which is the stream.
fn stream_message(frame: &Frame) -> Json {
    let mut members = frame.members.clone();
    let mut sample = frame.sample.clone();
    for part in [&mut members, &mut sample] {
        if let Some(part) = part.as_object_mut() {
            part.remove("id");
        }
    }
    described(frame.name, frame.words, payload(frame.by, members, frame.required), sample)
}

fn payload(by: By, members: Json, required: &[&str]) -> Json {
    let mut payload = json!({ "type": "object", "properties": members });
    if !required.is_empty() {
        payload["required"] = json!(required);
    }
    if by == By::Client {
        // Unknown members are refused; what is sent may have new ones one day.
        payload["additionalProperties"] = json!(false);
    }
    payload
}

fn described(name: &str, words: &str, payload: Json, sample: Json) -> Json {
    json!({ "name": name, "title": name, "summary": words, "payload": payload, "examples": [{ "payload": sample }] })
}

/// The change of a record of any table.
fn change(tables: &[(&str, String)], is_streamed: bool) -> Json {
    let by_table = tables.iter().map(|(table, name)| {
        json!({ "properties": {
            "topic": { "type": "string", "pattern": format!("^{table}(/|$)") },
            "record": { "$ref": format!("#/components/schemas/{name}") },
        } })
    });
    let mut members = json!({
        "seq": { "$ref": "#/components/schemas/Sequence" },
        "topic": { "$ref": "#/components/schemas/Topic" },
        "action": { "type": "string", "enum": ["created", "updated", "deleted", "removed"], "description":
            "`removed`: it is there or was there, but no longer for this receiver: hidden now, or outside of the filter." },
        "record": { "type": "object", "description": "As the receiver may see it; of what is deleted or removed the key only." },
    });
    let mut required = vec!["seq", "topic", "action", "record"];
    let mut sample = json!({ "seq": frames::SEQ, "topic": "species", "action": "removed", "record": { "id": KEY } });
    if !is_streamed {
        members["type"] = json!({ "const": "change", "description": "What it is." });
        members["id"] = json!({ "type": "string", "description": "The client's own name for the subscription." });
        required.extend(["type", "id"]);
        sample["type"] = json!("change");
        sample["id"] = json!("all");
    }
    let payload =
        json!({ "type": "object", "properties": members, "required": required, "oneOf": by_table.collect::<Vec<_>>() });
    described("change", "A record was made, changed or deleted, or is not to be seen any more.", payload, sample)
}

/// What the server receives and sends, with what it answers.
fn operations(client: &[Frame], server: &[Frame]) -> Map<String, Json> {
    let at = |channel: &str, name: &str| json!({ "$ref": format!("#/channels/{channel}/messages/{name}") });
    let mut operations = Map::new();
    for frame in client {
        let known = |name: &&&str| server.iter().any(|one| one.name == **name);
        let answers: Vec<Json> = frame.answers.iter().filter(known).map(|name| at("socket", name)).collect();
        let mut operation = json!({
            "action": "receive", "channel": { "$ref": "#/channels/socket" }, "summary": frame.words,
            "messages": [at("socket", &message_name(frame))],
        });
        if !answers.is_empty() {
            operation["reply"] = json!({ "channel": { "$ref": "#/channels/socket" }, "messages": answers });
        }
        operations.insert(frame.name.to_owned(), operation);
    }
    let names: Vec<&str> = server.iter().map(|frame| frame.name).chain(["change"]).collect();
    operations.insert(
        "notify".into(),
        json!({
            "action": "send", "channel": { "$ref": "#/channels/socket" }, "summary": "What the server sends.",
            "messages": names.iter().map(|name| at("socket", name)).collect::<Vec<_>>(),
        }),
    );
    let streamed = server.iter().filter(|frame| frame.is_streamed).map(|frame| frame.name).chain(["change"]);
    operations.insert(
        "stream".into(),
        json!({
            "action": "send", "channel": { "$ref": "#/channels/stream" }, "summary": "What an event stream carries.",
            "messages": streamed.map(|name| at("stream", &format!("stream_{name}"))).collect::<Vec<_>>(),
        }),
    );
    operations
}

/// Topics, the sequence, and the records of the tables with what their schemas refer to.
fn schemas(openapi: &Json, tables: &[(&str, String)]) -> Map<String, Json> {
    let names: Vec<&str> = tables.iter().map(|(table, _)| *table).collect();
    let mut schemas = Map::new();
    schemas.insert(
        "Topic".into(),
        json!({
            "type": "string", "pattern": format!("^({})(/.+)?$", names.join("|")),
            "description": "A table, or a table and the key of one record: `products`, `products/<key>`.",
        }),
    );
    schemas.insert(
        "Sequence".into(),
        json!({
            "type": "string", "pattern": frames::SEQUENCE, "description": "Place in the sequence of changes.",
        }),
    );
    let mut open: Vec<String> = tables.iter().map(|(_, name)| name.clone()).collect();
    while let Some(name) = open.pop() {
        if schemas.contains_key(&name) {
            continue;
        }
        let mut record = openapi["components"]["schemas"][&name].clone();
        if let Some(members) = record.get_mut("properties").and_then(Json::as_object_mut) {
            // Nothing is expanded here.
            members.remove("expand");
        }
        super::references(&record, &mut |path| open.extend(path.rsplit('/').next().map(str::to_owned)));
        schemas.insert(name, record);
    }
    schemas
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_frame_has_a_name_of_its_own_on_each_side_and_a_sample_with_its_members() {
        for list in [frames::by_client(), frames::by_server()] {
            let names: BTreeSet<&str> = list.iter().map(|frame| frame.name).collect();
            assert_eq!(names.len(), list.len());
            for frame in list {
                let has = |name: &&str| frame.sample.get(name).is_some() && frame.members.get(name).is_some();
                assert!(frame.required.iter().all(has), "{}", frame.name);
                let known = |name: &String| frame.members.get(name).is_some();
                assert!(frame.sample.as_object().expect("a sample").keys().all(known), "{}", frame.name);
            }
        }
    }
}
