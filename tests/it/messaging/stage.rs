//! People who write to each other.

use pawbase::context::Role;
use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::{Client, TestApp, settings};

/// Where conversations are.
pub const PATH: &str = "/api/v1/conversations";
/// The job that looks later who has not read.
pub const TELL: &str = "messaging.tell";

/// A platform where callers stay signed in while the clock is moved, and where it may be too early to tell anybody.
pub async fn start() -> TestApp {
    let mut config = settings();
    config.auth.access_token_minutes = 1440;
    let test = TestApp::with(config).await;
    test.expect_jobs(&[TELL]);
    test
}

/// A group of `owner` with others; answers its key.
pub async fn group(owner: &Client, others: &[&Client]) -> String {
    let keys: Vec<&str> = others.iter().map(|other| other.user.as_str()).collect();
    owner.post(PATH, json!({ "kind": "group", "participants": keys })).await.assert(201).id()
}

/// A question about a record; answers what the server says.
pub async fn ask(person: &Client, table: &str, id: &str) -> Reply {
    person.post(PATH, json!({ "kind": "inquiry", "about": { "table": table, "id": id } })).await
}

/// Sends a text; answers what the server says.
pub async fn say(person: &Client, conversation: &str, text: &str) -> Reply {
    person.post(&format!("{PATH}/{conversation}/messages"), json!({ "content": text })).await
}

/// Sends a text that is taken; answers its key.
pub async fn said(person: &Client, conversation: &str, text: &str) -> String {
    say(person, conversation, text).await.assert(201).id()
}

/// Says that a message and those before it were read; answers the count that comes back.
pub async fn read(person: &Client, conversation: &str, message: &str) -> u64 {
    let reply = person.post(&format!("{PATH}/{conversation}/read"), json!({ "message": message })).await.assert(200);
    reply.json["unread"].as_u64().expect("a count")
}

/// In how many conversations somebody has something to read.
pub async fn unread(person: &Client) -> u64 {
    let reply = person.get(&format!("{PATH}/unread_count")).await.assert(200);
    reply.json["unread"].as_u64().expect("a count")
}

/// What somebody sees in a conversation, oldest first.
pub async fn seen(person: &Client, conversation: &str) -> Vec<String> {
    let path = format!("/api/v1/messages?conversation={conversation}&sort=id&limit=100");
    let page = person.get(&path).await.assert(200).json;
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item["content"].as_str().expect("a text").to_owned()).collect()
}

/// Somebody's own row in a conversation.
pub async fn own_row(person: &Client, conversation: &str) -> Value {
    let path = format!("/api/v1/participants?conversation={conversation}&user={}", person.user);
    person.get(&path).await.assert(200).json["items"][0].clone()
}

/// A listing of `seller`, available or still a draft; answers its key.
pub async fn listing(test: &TestApp, seller: &Client, status: &str) -> String {
    let admin = test.staff(Role::Admin).await;
    admin.post("/api/admin/species", json!({ "id": "dog", "name": "Dog" })).await;
    let body = json!({ "title": "Beagle puppy", "species": "dog", "price": { "minor": 90000, "currency": "EUR" } });
    let id = seller.post("/api/v1/listings", body).await.assert(201).id();
    test.system(&format!("UPDATE listings:u'{id}' SET status = '{status}'")).await;
    id
}
