//! What is sent: the body that tells of an event, and the headers that sign it. Pure.

use pawbase_engine::{RecordId, RecordIdKey, ToSql};
use serde::Serialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::model::{Delivery, Endpoint};
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::work::Event;

/// What a test tells.
pub const TEST: &str = "webhook.test";

/// A body. The order of the members is that of the specification's examples.
#[derive(Serialize)]
struct Message<'a> {
    id: Uuid,
    #[serde(rename = "type")]
    name: &'a str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Uuid>,
    about: Json,
    payload: &'a Json,
}

/// The body that tells of an event.
pub fn of_event(event: &Event) -> Result<String> {
    written(&Message {
        id: event.id,
        name: &event.name,
        timestamp: moment(event.at),
        data: Data { version: event.version, actor: event.actor, about: link(&event.about), payload: &event.payload },
    })
}

/// The body of a test of the endpoint `about`.
pub fn of_test(id: Uuid, at: Instant, actor: Option<Uuid>, about: &RecordId) -> Result<String> {
    let payload = json!({ "note": "A test; nothing has happened." });
    written(&Message {
        id,
        name: TEST,
        timestamp: moment(at),
        data: Data { version: 1, actor, about: link(about), payload: &payload },
    })
}

fn written(message: &Message<'_>) -> Result<String> {
    serde_json::to_string(message).map_err(Error::internal)
}

/// An instant as the API shows it.
pub fn moment(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A link to a record of any table, as the API shows it.
fn link(record: &RecordId) -> Json {
    let id = match &record.key {
        RecordIdKey::Number(number) => json!(number),
        RecordIdKey::String(text) => json!(text),
        RecordIdKey::Uuid(uuid) => json!(uuid.into_inner().to_string()),
        other => json!(other.to_sql()),
    };
    json!({ "table": record.table.as_str(), "id": id })
}

/// The headers of an attempt at `now`. While a secret is being replaced both sign.
pub fn headers(delivery: &Delivery, endpoint: &Endpoint, now: Instant) -> Vec<(&'static str, String)> {
    let sign = |secret: &super::signature::Secret| secret.sign(&delivery.message, now, delivery.body.as_bytes());
    let old = endpoint.old_secret.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| sign(secret));
    let signatures: Vec<String> = std::iter::once(sign(&endpoint.secret)).chain(old).collect();
    vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", delivery.message.clone()),
        ("webhook-timestamp", now.timestamp().to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_told_in_the_form_of_the_specification() {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        let event = Event {
            id,
            name: "pets.updated".to_owned(),
            version: 1,
            at: chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time"),
            actor: None,
            about: RecordId::new("species", "dog"),
            payload: json!({ "id": "dog" }),
            request_id: Some("secret to others".to_owned()),
        };
        let expected = r#"{"id":"01900000-0000-7000-8000-000000000001","type":"pets.updated","timestamp":"2023-11-14T22:13:20Z","data":{"version":1,"about":{"id":"dog","table":"species"},"payload":{"id":"dog"}}}"#;
        let body: Json = serde_json::from_str(&of_event(&event).expect("a body")).expect("JSON");
        assert_eq!(body, serde_json::from_str::<Json>(expected).expect("JSON"));
        assert!(
            of_event(&event).expect("a body").starts_with(r#"{"id":"01900000-0000-7000-8000-000000000001","type""#)
        );
    }

    #[test]
    fn links_show_bare_keys() {
        assert_eq!(link(&RecordId::new("orders", 7)), json!({ "table": "orders", "id": 7 }));
        let key = Uuid::from_u128(1);
        let record = RecordId::new("pets", RecordIdKey::Uuid(key.into()));
        assert_eq!(link(&record), json!({ "table": "pets", "id": key.to_string() }));
    }
}
