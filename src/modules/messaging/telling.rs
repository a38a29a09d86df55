//! Telling those who have not read for a while that there is something new. Not once for each message: a job looks some time after the first
//! one, and who has been told is not told again before they have read.

use futures::future::BoxFuture;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::model::{Conversation, Part};
use super::{rules, store};
use crate::kernel::Result;
use crate::modules::notifications;
use crate::work::{Attempted, Turn};

/// The kind of job that tells those who have not read.
pub const TELL: &str = "messaging.tell";

#[derive(Deserialize)]
struct Payload {
    conversation: Uuid,
}

/// Somebody who has not read, and since which message.
struct Waiting {
    user: Uuid,
    last_read: Option<Uuid>,
}

/// A job: tells everybody in a conversation who has not read and has not muted it.
pub fn tell_unread<'a>(turn: &'a Turn<'a>) -> BoxFuture<'a, Attempted> {
    Box::pin(async move {
        let Payload { conversation } = turn.payload()?;
        // Written, so that a message that is sent at the same time finds this job gone, or is found by it.
        let Some(conversation) = store::count_telling(turn.tx, conversation).await? else { return Ok(()) };
        let Some(last) = conversation.last_message else { return Ok(()) };
        let Some(from) = store::sender_name(turn.tx, last).await? else { return Ok(()) };
        let subject = conversation.subject.clone().unwrap_or_default();
        let about = store::record("conversations", conversation.id);
        for Waiting { user, last_read } in waiting(turn, &conversation, last).await? {
            let since = last_read.map_or_else(|| "start".to_owned(), |message| message.to_string());
            let cause = format!("{} {since}", conversation.id);
            let data = json!({ "from": from, "subject": subject });
            notifications::tell_person(turn, &notifications::MESSAGE, user, Some(about.clone()), data, &cause).await?;
        }
        Ok(())
    })
}

/// Who has not read the newest message: those in the conversation, and of a business whoever receives its customers.
async fn waiting(turn: &Turn<'_>, conversation: &Conversation, last: Uuid) -> Result<Vec<Waiting>> {
    let people = store::participants(turn.tx, conversation.id).await?;
    let mut found = Vec::new();
    for one in people.iter().filter(|one| rules::is_behind(one, last) && !one.is_muted) {
        let is_in = match (one.part, conversation.business) {
            (Part::Business, Some(business)) => store::works_in(turn.tx, one.user, business).await?,
            (Part::Business, None) => false,
            _ => true,
        };
        if is_in {
            found.push(Waiting { user: one.user, last_read: one.last_read });
        }
    }
    if let Some(business) = conversation.business {
        let desk = store::front_desk(turn.tx, business, rules::FRONT_DESK_MAX).await?;
        let is_new = |user: &Uuid| people.iter().all(|one| one.user != *user);
        found.extend(desk.into_iter().filter(is_new).map(|user| Waiting { user, last_read: None }));
    }
    Ok(found)
}
