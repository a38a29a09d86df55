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

/// The states of the e-mails to somebody, oldest first: state, how often it was sent, and why it waits or was suppressed.
pub async fn emails(test: &TestApp, person: &Client) -> Vec<String> {
    let text = format!(
        "SELECT VALUE state + ' ' + <string> attempts + (IF reason THEN ' ' + reason ELSE '' END)
            FROM (SELECT * FROM notification_deliveries WHERE user = users:u'{}' AND channel = 'email' ORDER BY id)",
        person.user
    );
    test.texts(&text).await
}

/// The mails that were posted to somebody, oldest first: template and title.
pub async fn mails(test: &TestApp, person: &Client) -> Vec<String> {
    let text = format!(
        "SELECT VALUE template + ': ' + data.title FROM (SELECT * FROM mails WHERE user = users:u'{}' AND template = 'notification' ORDER BY id)",
        person.user
    );
    test.texts(&text).await
}

/// Changes what somebody wants.
pub async fn prefer(person: &Client, changes: Value) -> Value {
    person.patch("/api/v1/notifications/preferences", changes).await.assert(200).json
}

/// What somebody wants of a type: in the list, by e-mail.
pub fn wanted(preferences: &Value, kind: &str) -> (bool, bool) {
    let types = preferences["types"].as_array().expect("types");
    let found = types.iter().find(|one| one["type"] == kind).unwrap_or_else(|| panic!("no {kind}: {preferences}"));
    (found["in_app"].as_bool().expect("a choice"), found["email"].as_bool().expect("a choice"))
}
