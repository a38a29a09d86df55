//! Recipes for the commands on webhooks, and rows of theirs to look at.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::requests::Ask;
use super::stage::Stage;
use crate::support::client::Reply;

/// The secret of every source here.
const SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

/// The answer with `status`; None where there is no such way.
pub async fn answer<'a>(stage: &'a Stage, ask: impl Fn() -> Ask<'a>, id: &str, status: u16) -> Option<Reply> {
    let ask = match (id, status) {
        ("create_webhook_endpoint", 201) => ask().json(new_endpoint()),
        ("update_webhook_endpoint", 200) => ask().on(&endpoint(stage, "active").await).json(json!({ "events": ["*"] })),
        ("delete_webhook_endpoint", 204) | ("rotate_webhook_secret" | "test_webhook_endpoint", 200) => {
            ask().on(&endpoint(stage, "active").await)
        }
        ("pause_webhook_endpoint", 200) => ask().on(&endpoint(stage, "active").await),
        ("pause_webhook_endpoint" | "enable_webhook_endpoint", 409) | ("resume_webhook_endpoint", 200) => {
            ask().on(&endpoint(stage, "paused").await)
        }
        ("resume_webhook_endpoint", 409) | ("enable_webhook_endpoint", 200) => {
            ask().on(&endpoint(stage, "disabled").await)
        }
        ("replay_webhook_endpoint", 200 | 409) => {
            let state = if status == 200 { "active" } else { "paused" };
            ask().on(&endpoint(stage, state).await).json(json!({ "since": "2026-05-01T10:00:00Z" }))
        }
        ("replay_webhook_delivery", 204) => ask().on(&delivery(stage, "delivered").await),
        ("replay_webhook_delivery", 409) => ask().on(&delivery(stage, "held").await),
        ("create_webhook_source", 201) => ask().json(new_source(stage)),
        ("create_webhook_source", 409) => {
            ask().json(json!({ "id": source(stage).await, "name": "x", "scheme": "standard" }))
        }
        ("update_webhook_source", 200) => ask().on(&source(stage).await).json(json!({ "name": "Other" })),
        ("delete_webhook_source", 204) => ask().on(&source(stage).await),
        ("receive_webhook", 200) => signed(stage, ask()).await,
        ("receive_webhook", 400) => ask().by(&stage.test.guest()).on(&source(stage).await),
        ("receive_webhook", 401) => signed(stage, ask()).await.with("webhook-timestamp", "1"),
        _ => return None,
    };
    Some(ask.send().await)
}

/// Rows of each table, which nobody makes by the records API.
pub async fn furnish(stage: &Stage) {
    let delivery = delivery(stage, "delivered").await;
    let attempt = format!(
        "CREATE webhook_attempts:u'{delivery}' SET delivery = webhook_deliveries:u'{delivery}', number = 1, status = 204,
            endpoint = webhook_deliveries:u'{delivery}'.endpoint, at = d'2026-05-04T10:00:00Z', ms = 5"
    );
    stage.test.system(&attempt).await;
    let source = source(stage).await;
    let received = format!(
        "CREATE inbound_webhooks:u'{delivery}' SET source = webhook_sources:{source}, external_id = 'msg_1', headers = {{}},
            body = '{{}}', received_at = d'2026-05-04T10:00:00Z'"
    );
    stage.test.system(&received).await;
    stage.test.expect_jobs(&["webhooks.deliver"]);
}

/// An address that nobody listens at.
fn new_endpoint() -> Value {
    json!({ "url": "https://127.0.0.1:9/", "events": ["nothing.*"] })
}

async fn endpoint(stage: &Stage, state: &str) -> String {
    let made = stage.boss.post("/api/admin/webhooks/endpoints", new_endpoint()).await.assert(201).json;
    let id = made["endpoint"]["id"].as_str().expect("a key").to_owned();
    stage.test.system(&format!("UPDATE webhook_endpoints:u'{id}' SET state = '{state}'")).await;
    id
}

async fn delivery(stage: &Stage, state: &str) -> String {
    let (id, endpoint) = (format!("01900000-0000-7000-8000-{:012x}", stage.number()), endpoint(stage, "active").await);
    let text = format!(
        "CREATE webhook_deliveries:u'{id}' SET endpoint = webhook_endpoints:u'{endpoint}', name = 'nothing.done',
            message = '{id}', body = '{{}}', state = '{state}', created_at = d'2026-05-04T10:00:00Z'"
    );
    stage.test.system(&text).await;
    id
}

fn new_source(stage: &Stage) -> Value {
    json!({ "id": format!("source{}", stage.number()), "name": "Contract", "scheme": "standard", "secret": SECRET })
}

async fn source(stage: &Stage) -> String {
    let body = new_source(stage);
    stage.boss.post("/api/admin/webhooks/sources", body.clone()).await.assert(201);
    body["id"].as_str().expect("a key").to_owned()
}

/// A webhook as a new source sends it.
async fn signed<'a>(stage: &'a Stage, ask: Ask<'a>) -> Ask<'a> {
    let at = stage.test.app.platform.clock.now().timestamp();
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).expect("base64");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), format!("msg_1.{at}.{{}}").as_bytes());
    ask.by(&stage.test.guest())
        .on(&source(stage).await)
        .with("webhook-id", "msg_1")
        .with("webhook-timestamp", &at.to_string())
        .with("webhook-signature", &format!("v1,{}", STANDARD.encode(tag)))
        .raw("application/json", "{}")
}
