//! What the OpenAPI document says about the operations beyond their types: limits, formats, samples, who may call.

use serde_json::{Value as Json, json};

use super::rules::{DESCRIPTION_MAX, NAME_MAX, PATTERNS_MAX, URL_MAX, WORD_MAX};
use super::scheme;
use crate::context::Audience;
use crate::modules::Described;

/// The name of an event, `domain.*` or `*`.
const PATTERN: &str = "^([a-z][a-z0-9_]{0,62}\\.([a-z][a-z0-9_]{0,62}|\\*)|\\*)$";
/// A key of lower-case letters, digits and underscores.
const WORD: &str = "^[a-z][a-z0-9_]*$";
/// Text without control characters other than line feed and tab.
const TEXT: &str = "^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*$";
/// The same, with something to see.
const WORDS: &str = "^[^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]*$";
/// A secret: 24 to 64 bytes in base64, whose last character has no bits that say nothing.
const SECRET: &str = "^whsec_([A-Za-z0-9+/]{4}){8,20}([A-Za-z0-9+/]{4}|([A-Za-z0-9+/]{4})?[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";
/// The key in samples.
const KEY: &str = "01981c6e-5b7a-7c3e-9f00-0123456789ab";

/// The details of this module's operations on the listener of `audience`.
pub fn described(audience: Audience) -> Described {
    let for_guests = if audience == Audience::Public { vec!["receive_webhook"] } else { Vec::new() };
    Described { for_guests, members: members(), samples: samples() }
}

fn members() -> Json {
    let (time, key) = (json!({ "format": "date-time" }), json!({ "format": "uuid" }));
    let url = json!({ "format": "uri", "maxLength": URL_MAX });
    let events = json!({ "minItems": 1, "maxItems": PATTERNS_MAX, "items": { "type": "string", "pattern": PATTERN } });
    let name = json!({ "minLength": 1, "maxLength": NAME_MAX, "pattern": WORDS });
    let or_null = |schema: Json| {
        let mut schema = schema;
        schema["type"] = json!(["string", "null"]);
        schema
    };
    let description = or_null(json!({ "maxLength": DESCRIPTION_MAX, "pattern": TEXT }));
    let or_left_out = |schema: &Json| {
        let mut schema = schema.clone();
        schema["type"] = json!([schema.get("items").map_or("string", |_| "array"), "null"]);
        schema
    };
    let secret = json!({ "pattern": SECRET });
    let states = json!({ "enum": ["active", "paused", "disabled"] });
    json!({
        "NewWebhookEndpoint": { "url": url, "description": description, "events": events },
        "ChangeWebhookEndpoint": { "url": or_left_out(&url), "description": description, "events": or_left_out(&events) },
        "WebhookEndpoint": { "id": key, "state": states, "failing_since": time, "old_secret_until": time,
            "created_at": time, "updated_at": time },
        "WebhookSecret": { "old_secret_until": time },
        "WebhookTest": { "delivery": key },
        "ReplayWebhooks": { "since": time },
        "WebhookReplay": { "deliveries": { "format": "int64", "minimum": 0 } },
        "NewWebhookSource": { "id": { "minLength": 1, "maxLength": WORD_MAX, "pattern": WORD }, "name": name,
            "scheme": { "enum": scheme::names() }, "secret": or_left_out(&secret) },
        "ChangeWebhookSource": { "name": or_left_out(&name), "secret": or_left_out(&secret) },
        "WebhookSource": { "created_at": time, "updated_at": time },
        "WebhookTaken": { "id": key, "received_at": time },
    })
}

fn samples() -> Json {
    let (url, events) = ("https://shop.example/hooks/pawbase", json!(["pets.*", "user.registered"]));
    let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let endpoint = json!({
        "id": KEY, "url": url, "description": "Our newsletter", "events": events, "state": "active",
        "created_at": "2026-05-01T10:00:00Z", "updated_at": "2026-05-01T10:00:00Z",
    });
    let source = json!({
        "id": "payments", "name": "Payments", "scheme": "standard", "created_at": "2026-05-01T10:00:00Z",
        "updated_at": "2026-05-01T10:00:00Z",
    });
    json!({
        "NewWebhookEndpoint": { "url": url, "description": "Our newsletter", "events": events },
        "ChangeWebhookEndpoint": { "events": ["*"], "description": null },
        "WebhookEndpoint": endpoint,
        "WebhookEndpointMade": { "endpoint": endpoint, "secret": secret },
        "WebhookSecret": { "secret": secret, "old_secret_until": "2026-05-02T10:00:00Z" },
        "WebhookTest": { "delivery": KEY },
        "ReplayWebhooks": { "since": "2026-05-01T10:00:00Z" },
        "WebhookReplay": { "deliveries": 12 },
        "NewWebhookSource": { "id": "payments", "name": "Payments", "scheme": "standard" },
        "ChangeWebhookSource": { "secret": secret },
        "WebhookSource": source,
        "WebhookSourceMade": { "source": source, "secret": secret },
        "WebhookTaken": { "id": KEY, "received_at": "2026-05-01T10:00:00Z" },
    })
}
