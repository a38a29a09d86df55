//! From an event to who is told, and what: one function per kind of news. None where there is nothing to tell.
//!
//! Deliberately elsewhere: whether the person wants it and on which way (`rules.rs`).

use futures::future::BoxFuture;
use pawbase_engine::{RecordId, RecordIdKey, Value, Vars};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::kernel::Result;
use crate::modules::identity::{self, Person};
use crate::work::{Attempted, Event, Failure, Turn};

/// Finds out from the event of a turn who is told, and what.
pub type News = for<'a> fn(&'a Turn<'a>) -> BoxFuture<'a, Attempted<Option<Told>>>;

/// What people are told.
#[derive(Debug, Clone)]
pub struct Told {
    /// To whom.
    pub to: To,
    /// The record to open.
    pub about: Option<RecordId>,
    /// Values for the words.
    pub data: Json,
    /// Where one of many like it is enough: what they have in common. Else each event is told.
    pub once_per: Option<String>,
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// This person.
    User(Uuid),
    /// All who administer the platform.
    Administrators,
}

impl To {
    /// The people, as they are now.
    pub async fn people(self, turn: &Turn<'_>) -> Result<Vec<Person>> {
        match self {
            Self::User(user) => Ok(identity::person(turn.tx, user).await?.into_iter().collect()),
            Self::Administrators => identity::administrators(turn.tx).await,
        }
    }
}

/// The user whom the event is about is told; its payload has the values.
pub fn about_user<'a>(turn: &'a Turn<'a>) -> BoxFuture<'a, Attempted<Option<Told>>> {
    Box::pin(async move {
        let event = turn.event()?;
        let RecordIdKey::Uuid(user) = &event.about.key else {
            return Err(Failure::last(format!("{} is not about a user.", event.name)));
        };
        let to = To::User(user.into_inner());
        Ok(Some(Told { to, about: None, data: event.payload.clone(), once_per: None }))
    })
}

/// All who administer are told; the payload has the values, and the record to open is what the event is about.
pub fn for_administrators<'a>(turn: &'a Turn<'a>) -> BoxFuture<'a, Attempted<Option<Told>>> {
    Box::pin(async move {
        let event = turn.event()?;
        let about = Some(event.about.clone());
        Ok(Some(Told { to: To::Administrators, about, data: event.payload.clone(), once_per: None }))
    })
}

/// Nobody is told of the event itself: the module that the news is of says whom it tells, and when (`tell_person` in `jobs.rs`).
pub fn told_by_its_module<'a>(_: &'a Turn<'a>) -> BoxFuture<'a, Attempted<Option<Told>>> {
    Box::pin(async { Ok(None) })
}

/// Somebody works in a business from now on, or again.
pub fn membership_added<'a>(turn: &'a Turn<'a>) -> BoxFuture<'a, Attempted<Option<Told>>> {
    Box::pin(async move {
        let event = turn.event()?;
        let is_new = event.name == "memberships.created" || has_changed(event, "status");
        if is_new && event.payload["record"]["status"] == "active" { membership(turn, event).await } else { Ok(None) }
    })
}

/// Somebody has another role in a business.
pub fn membership_changed<'a>(turn: &'a Turn<'a>) -> BoxFuture<'a, Attempted<Option<Told>>> {
    Box::pin(async move {
        let event = turn.event()?;
        let is_other = has_changed(event, "role") && !has_changed(event, "status");
        if is_other && event.payload["record"]["status"] == "active" { membership(turn, event).await } else { Ok(None) }
    })
}

/// Somebody does not work in a business any more.
pub fn membership_ended<'a>(turn: &'a Turn<'a>) -> BoxFuture<'a, Attempted<Option<Told>>> {
    Box::pin(async move {
        let (event, status) = (turn.event()?, &turn.event()?.payload["record"]["status"]);
        let has_ended = match event.name.as_str() {
            "memberships.deleted" => status == "active",
            _ => has_changed(event, "status") && status == "disabled",
        };
        if has_ended { membership(turn, event).await } else { Ok(None) }
    })
}

/// Whether an update wrote this field.
fn has_changed(event: &Event, field: &str) -> bool {
    event.payload["changed"].as_array().is_some_and(|changed| changed.iter().any(|name| name == field))
}

async fn membership(turn: &Turn<'_>, event: &Event) -> Attempted<Option<Told>> {
    let record = &event.payload["record"];
    let key = |field: &str| record[field].as_str().and_then(|key| Uuid::try_parse(key).ok());
    let (Some(user), Some(business)) = (key("user"), key("business")) else {
        return Err(Failure::last("The membership has no user or no business."));
    };
    let business = RecordId::new("businesses", RecordIdKey::Uuid(business.into()));
    let vars = Vars::new().with("business", business.clone());
    let row = turn.tx.query("SELECT VALUE name FROM $business", vars).await?.rows(0).pop();
    // A business that is gone has nobody who works in it, and nobody is told.
    let Some(Value::String(name)) = row else { return Ok(None) };
    let data = json!({ "business": name, "role": record["role"] });
    Ok(Some(Told { to: To::User(user), about: Some(business), data, once_per: None }))
}

/// Kinds of jobs of which administrators are not told this way. Those that tell people themselves would fail at that as well, for ever; of
/// an endpoint that cannot be reached they are told when it is disabled.
const UNTOLD: [&str; 3] = ["notifications.", "mail.", "webhooks.deliver"];

/// A job was given up. Once an hour for each kind of job, since where one fails many do.
pub fn job_died<'a>(turn: &'a Turn<'a>) -> BoxFuture<'a, Attempted<Option<Told>>> {
    Box::pin(async move {
        let event = turn.event()?;
        let kind = event.payload["kind"].as_str().unwrap_or_default();
        if UNTOLD.iter().any(|name| kind.starts_with(name)) {
            return Ok(None);
        }
        let once_per = Some(format!("{kind} {}", event.at.format("%Y-%m-%dT%H")));
        let data = event.payload.clone();
        Ok(Some(Told { to: To::Administrators, about: Some(event.about.clone()), data, once_per }))
    })
}
