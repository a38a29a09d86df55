//! Recipes for the commands on conversations, and rows of theirs to look at.

use serde_json::json;

use super::document::prefix;
use super::requests::Ask;
use super::stage::Stage;
use crate::support::Client;
use crate::support::client::Reply;

/// The answer with `status`; None where there is no such way.
pub async fn answer<'a>(stage: &'a Stage, ask: impl Fn() -> Ask<'a>, id: &str, status: u16) -> Option<Reply> {
    let (audience, caller) = (ask().audience(), stage.caller(ask().audience()));
    let at = |path: &str| format!("{}/conversations{path}", prefix(audience));
    let is_mine = ["_conversation", "_conversations", "send_message", "_participants", "_participant"];
    if !is_mine.iter().any(|ending| id.ends_with(ending)) {
        return None;
    }
    let other = stage.test.customer().await;
    let about = json!({ "kind": "inquiry", "about": { "table": "listings", "id": listing(stage, &other).await } });
    let ask = match (id, status) {
        ("start_conversation", 200) => {
            caller.post(&at(""), about.clone()).await.assert(201);
            ask().json(about)
        }
        ("start_conversation", 201) => ask().json(about),
        ("count_unread_conversations", 200) => ask(),
        ("send_message", 200 | 201) => {
            let (group, message) =
                (group(caller, &at(""), &other).await, json!({ "content": "x", "client_id": other.user }));
            if status == 200 {
                caller.post(&at(&format!("/{group}/messages")), message.clone()).await.assert(201);
            }
            ask().on(&group).json(message)
        }
        ("read_conversation", 200) => {
            let group = group(caller, &at(""), &other).await;
            let sent =
                caller.post(&at(&format!("/{group}/messages")), json!({ "content": "x" })).await.assert(201).id();
            ask().on(&group).json(json!({ "message": sent }))
        }
        ("add_participants", 200) => {
            let third = stage.test.customer().await;
            ask().on(&group(caller, &at(""), &other).await).json(json!({ "users": [third.user] }))
        }
        ("add_participants" | "remove_participant", 409) => {
            let ask = ask().on(&caller.post(&at(""), about).await.assert(201).id());
            if id == "add_participants" { ask.json(json!({ "users": [other.user] })) } else { ask }
        }
        ("remove_participant", 204) => ask().on(&group(caller, &at(""), &other).await),
        _ => return None,
    };
    Some(ask.send().await)
}

/// A conversation with a message, which nobody makes by the records API.
pub async fn furnish(stage: &Stage) {
    let other = stage.test.customer().await;
    let group = group(&stage.person, "/api/v1/conversations", &other).await;
    let path = format!("/api/v1/conversations/{group}/messages");
    stage.person.post(&path, json!({ "content": "Hello." })).await.assert(201);
    stage.test.expect_jobs(&["messaging.tell"]);
}

async fn group(caller: &Client, path: &str, other: &Client) -> String {
    caller.post(path, json!({ "kind": "group", "participants": [other.user] })).await.assert(201).id()
}

/// Something that somebody offers; answers its key.
async fn listing(stage: &Stage, seller: &Client) -> String {
    let id = format!("01900000-0000-7000-8000-{:012x}", stage.number());
    let text = format!(
        "CREATE listings:u'{id}' SET title = 'Contract', species = species:contract, status = 'available',
            seller = users:u'{}', price = {{ minor: 100, currency: 'EUR' }}",
        seller.user
    );
    stage.test.system(&text).await;
    id
}
