//! A platform whose endpoints are on this machine, and something that happens there.

use chrono::Duration;
use pawbase::context::Role;
use serde_json::{Value, json};

use super::receiver::Receiver;
use crate::support::{Client, TestApp, settings};

/// A platform that may call this machine, and an administrator.
pub async fn open() -> (TestApp, Client) {
    let mut config = settings();
    config.webhooks.allow_private = vec!["127.0.0.0/8".parse().expect("a network")];
    config.webhooks.allow_http = true;
    config.webhooks.timeout_s = 1;
    // Tests move the clock, and staff stay signed in.
    config.auth.access_token_minutes = 1440;
    let test = TestApp::with(config).await;
    let admin = test.staff(Role::Admin).await;
    (test, admin)
}

/// Tells a receiver of these events; answers the key of the endpoint and its secret.
pub async fn tell(admin: &Client, receiver: &Receiver, events: &[&str]) -> (String, String) {
    let body = json!({ "url": receiver.url(), "events": events });
    let made = admin.post("/api/admin/webhooks/endpoints", body).await.assert(201).json;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&made["endpoint"]["id"]), text(&made["secret"]))
}

/// Something done to an endpoint, with status 200.
pub async fn act(admin: &Client, endpoint: &str, what: &str) -> Value {
    admin.post(&format!("/api/admin/webhooks/endpoints/{endpoint}/{what}"), Value::Null).await.assert(200).json
}

/// An endpoint as its row is.
pub async fn endpoint(admin: &Client, id: &str) -> Value {
    admin.get(&format!("/api/admin/webhook_endpoints/{id}")).await.assert(200).json
}

/// The deliveries to an endpoint, in their order.
pub async fn deliveries(admin: &Client, endpoint: &str) -> Vec<Value> {
    let path = format!("/api/admin/webhook_deliveries?endpoint={endpoint}&sort=id&limit=100");
    admin.get(&path).await.assert(200).json["items"].as_array().expect("rows").clone()
}

/// The states of the deliveries to an endpoint.
pub async fn states(admin: &Client, endpoint: &str) -> Vec<String> {
    deliveries(admin, endpoint).await.iter().map(|row| row["state"].as_str().expect("a state").to_owned()).collect()
}

/// The attempts at a delivery, in their order.
pub async fn attempts(admin: &Client, delivery: &Value) -> Vec<Value> {
    let path = format!("/api/admin/webhook_attempts?delivery={}&sort=number", delivery["id"].as_str().expect("a key"));
    admin.get(&path).await.assert(200).json["items"].as_array().expect("rows").clone()
}

/// Changes a business, which tells `businesses.updated`.
pub async fn change(admin: &Client, business: &str, city: &str) {
    admin.patch(&format!("/api/admin/businesses/{business}"), json!({ "city": city })).await.assert(200);
}

/// Makes as many species, then pets of a new customer in one transaction.
pub async fn pets(test: &TestApp, admin: &Client, count: usize) {
    let known = admin.get("/api/admin/species/dog").await;
    if known.status == 404 {
        admin.post("/api/admin/species", json!({ "id": "dog", "name": "Dog" })).await.assert(201);
    }
    let customer = test.customer().await;
    let pet = |at: usize| json!({ "method": "POST", "table": "pets", "body": { "name": format!("Rex {at}"), "species": "dog" } });
    let pets: Vec<Value> = (0..count).map(pet).collect();
    customer.post("/api/v1/batch", json!({ "operations": pets })).await.assert(200);
}

/// Moves the clock and does what is due then.
pub async fn pass(test: &TestApp, time: Duration) {
    test.clock.advance(time);
    test.settle().await;
}
