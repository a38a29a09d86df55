//! What others send us: verified, kept once, told.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Duration;
use hmac::{Hmac, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use super::stage::{open, tell};
use crate::support::client::Reply;
use crate::support::{Client, TestApp, run};
use crate::webhooks::receiver::Receiver;

const BODY: &str = r#"{ "type": "charge.paid",  "amount": 5 }"#;

/// Somebody who sends webhooks.
struct Sender {
    guest: Client,
    secret: String,
}

impl Sender {
    async fn new(test: &TestApp, admin: &Client) -> Self {
        let body = json!({ "id": "payments", "name": "Payments", "scheme": "standard" });
        let made = admin.post("/api/admin/webhooks/sources", body).await.assert(201).json;
        Self { guest: test.guest(), secret: made["secret"].as_str().expect("a secret").to_owned() }
    }

    /// Sends `sent`, signed as if it were `signed`, at `at` seconds since 1970.
    async fn send(&self, id: &str, at: i64, signed: &str, sent: &str) -> Reply {
        let key = STANDARD.decode(self.secret.strip_prefix("whsec_").expect("a prefix")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        mac.update(format!("{id}.{at}.{signed}").as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let client = self.guest.with("webhook-id", id).with("webhook-timestamp", &at.to_string());
        let client = client.with("webhook-signature", &signature).with("x-more", "yes");
        client.raw(Method::POST, "/api/v1/webhooks/inbound/payments", "application/json", sent.to_owned()).await
    }
}

fn now(test: &TestApp) -> i64 {
    test.app.platform.clock.now().timestamp()
}

async fn kept(admin: &Client) -> Vec<Value> {
    let page = admin.get("/api/admin/inbound_webhooks?sort=id").await.assert(200).json;
    page["items"].as_array().expect("rows").clone()
}

async fn told(test: &TestApp) -> usize {
    test.settle().await;
    test.texts("SELECT VALUE name FROM events WHERE name = 'webhook.received'").await.len()
}

#[test]
fn a_signed_webhook_is_kept_as_it_came_and_told() {
    run(async {
        let (test, admin) = open().await;
        let sender = Sender::new(&test, &admin).await;
        let answer = sender.send("msg_1", now(&test), BODY, BODY).await.assert(200).json;
        let row = kept(&admin).await.remove(0);
        assert_eq!((&row["id"], &row["received_at"]), (&answer["id"], &answer["received_at"]));
        let expected = (&json!("payments"), &json!("msg_1"), &json!(BODY));
        assert_eq!((&row["source"], &row["external_id"], &row["body"]), expected);
        assert_eq!((&row["headers"]["x-more"], &row["headers"]["webhook-id"]), (&json!("yes"), &json!("msg_1")));
        assert_eq!(told(&test).await, 1);
        let event = admin.get("/api/admin/events?name=webhook.received").await.assert(200).json["items"][0].clone();
        assert_eq!(event["about"], json!({ "table": "inbound_webhooks", "id": row["id"] }));
        assert_eq!(event["payload"], json!({ "source": "payments", "external_id": "msg_1" }));
    });
}

#[test]
fn a_repeat_is_answered_as_the_first_also_when_both_come_at_once() {
    run(async {
        let (test, admin) = open().await;
        let sender = Sender::new(&test, &admin).await;
        let at = now(&test);
        let sends = (0..8).map(|_| sender.send("msg_1", at, BODY, BODY));
        let answers: Vec<Value> =
            futures::future::join_all(sends).await.into_iter().map(|reply| reply.assert(200).json).collect();
        test.clock.advance(Duration::minutes(2));
        let later = sender.send("msg_1", now(&test), "{}", "{}").await.assert(200).json;
        assert!(answers.iter().all(|answer| *answer == later), "{answers:?} {later}");
        assert_eq!((kept(&admin).await.len(), told(&test).await), (1, 1));
        sender.send("msg_2", now(&test), BODY, BODY).await.assert(200);
        assert_eq!((kept(&admin).await.len(), told(&test).await), (2, 2));
    });
}

#[test]
fn what_is_not_signed_as_agreed_leaves_nothing() {
    run(async {
        let (test, admin) = open().await;
        let sender = Sender::new(&test, &admin).await;
        let at = now(&test);
        let refused = sender.send("msg_1", at, BODY, "{}").await.assert_error(401, "signature_refused");
        assert!(!refused.text.contains(&sender.secret));
        for seconds in [-301, 301] {
            sender.send("msg_1", at + seconds, BODY, BODY).await.assert_error(401, "signature_refused");
        }
        let other = Sender { secret: format!("whsec_{}", STANDARD.encode([7; 32])), guest: test.guest() };
        other.send("msg_1", at, BODY, BODY).await.assert_error(401, "signature_refused");
        let path = "/api/v1/webhooks/inbound/payments";
        test.guest().post(path, json!({})).await.assert_error(400, "malformed");
        test.guest().post("/api/v1/webhooks/inbound/other", json!({})).await.assert(404);
        test.guest().get(path).await.assert_error(405, "method_not_allowed");
        sender.send("msg_1", at, &"x".repeat(2_000_000), &"x".repeat(2_000_000)).await.assert(413);
        assert_eq!((kept(&admin).await.len(), told(&test).await), (0, 0));
        sender.send("msg_1", at, BODY, BODY).await.assert(200);
    });
}

#[test]
fn a_source_gets_another_secret_and_goes() {
    run(async {
        let (test, admin) = open().await;
        let mut sender = Sender::new(&test, &admin).await;
        let path = "/api/admin/webhooks/sources/payments";
        admin.patch(path, json!({ "secret": "short" })).await.assert(422).assert_fields(&["/secret"]);
        let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
        admin.patch(path, json!({ "secret": secret, "name": "Other" })).await.assert(200);
        sender.send("msg_1", now(&test), BODY, BODY).await.assert(401);
        sender.secret = secret.clone();
        sender.send("msg_1", now(&test), BODY, BODY).await.assert(200);
        let body = json!({ "id": "payments", "name": "Payments", "scheme": "standard", "secret": secret });
        admin.post("/api/admin/webhooks/sources", body).await.assert_error(409, "already_exists");
        let body = json!({ "id": "A b", "name": "", "scheme": "standard", "secret": "x" });
        let refused = admin.post("/api/admin/webhooks/sources", body).await.assert(422);
        refused.assert_fields(&["/id", "/name", "/secret"]);
        admin.delete(path).await.assert(204);
        sender.send("msg_2", now(&test), BODY, BODY).await.assert(404);
        assert_eq!(kept(&admin).await.len(), 1);
    });
}

#[test]
fn what_we_receive_is_not_sent_on() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        tell(&admin, &receiver, &["webhook.*"]).await;
        let sender = Sender::new(&test, &admin).await;
        sender.send("msg_1", now(&test), BODY, BODY).await.assert(200);
        assert_eq!(told(&test).await, 1);
        assert!(receiver.got().is_empty(), "two that told each other would never end");
    });
}
