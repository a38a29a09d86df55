//! A platform whose clock tests move, and news to tell.

use pawbase::context::Role;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, settings};

/// A platform where callers stay signed in while the clock is moved.
pub async fn start() -> TestApp {
    let mut config = settings();
    config.auth.access_token_minutes = 1440;
    TestApp::with(config).await
}

/// Somebody who was made a member of a new business; the news are told. Answers the person and the key of the membership.
pub async fn member(test: &TestApp, role: &str) -> (Client, String) {
    let (business, person, admin) = (test.business().await, test.customer().await, test.staff(Role::Admin).await);
    let membership = join(&admin, &person, &business, role).await;
    test.settle().await;
    (person, membership)
}

/// Makes somebody a member of a business; answers the key of the membership.
pub async fn join(admin: &Client, person: &Client, business: &str, role: &str) -> String {
    let body = json!({ "user": person.user, "business": business, "role": role });
    admin.post("/api/admin/memberships", body).await.assert(201).id()
}

/// The notifications in somebody's list, newest first.
pub async fn list(person: &Client) -> Vec<Value> {
    let reply = person.get("/api/v1/notifications?sort=-id&limit=100").await.assert(200);
    reply.json["items"].as_array().expect("items").clone()
}

/// The types of the notifications in somebody's list, newest first.
pub async fn types(person: &Client) -> Vec<String> {
    list(person).await.iter().map(|item| item["type"].as_str().expect("a type").to_owned()).collect()
}

/// How many somebody has not read.
pub async fn unread(person: &Client) -> u64 {
    let reply = person.get("/api/v1/notifications/unread_count").await.assert(200);
    reply.json["unread"].as_u64().expect("a count")
}
