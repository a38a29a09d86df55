//! What happens, and how it is told.

use std::borrow::Cow;

use pawbase_engine::RecordId;
use serde::Serialize;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};

/// An entry of the catalogue: something that may happen.
#[derive(Debug, PartialEq, Eq)]
pub struct EventKind {
    /// Stable name, `<domain>.<action>`.
    pub name: &'static str,
    /// Version of the payload; raised when a member changes its meaning.
    pub version: u32,
    /// When it is emitted, for people.
    pub description: &'static str,
    /// Table of the record that it is about.
    pub about: &'static str,
    /// Members of the payload and what they hold. No event carries others; a member may be absent.
    pub members: &'static [(&'static str, &'static str)],
}

/// What the records API does to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordChange {
    /// It was made.
    Created,
    /// Fields of it were changed.
    Updated,
    /// It was removed.
    Deleted,
}

impl RecordChange {
    /// All changes.
    pub const ALL: [Self; 3] = [Self::Created, Self::Updated, Self::Deleted];

    /// The action in the event's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// An event that is to be told.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub(super) name: Cow<'static, str>,
    pub(super) version: u32,
    pub(super) about: RecordId,
    pub(super) payload: Map<String, Json>,
    pub(super) actor: Option<Option<Uuid>>,
}

impl NewEvent {
    /// An event of the catalogue about a record. Fails when the payload is no object or has a member that the catalogue
    /// does not name. Members that are null are left out.
    pub fn new(kind: &'static EventKind, about: RecordId, payload: impl Serialize) -> Result<Self> {
        let Json::Object(mut payload) = serde_json::to_value(payload).map_err(Error::internal)? else {
            return Err(Error::internal(format!("the payload of {} is no object", kind.name)));
        };
        payload.retain(|_, value| !value.is_null());
        if let Some(name) = payload.keys().find(|name| !kind.members.iter().any(|(known, _)| known == name)) {
            return Err(Error::internal(format!("{} has no member {name}", kind.name)));
        }
        Ok(Self { name: Cow::Borrowed(kind.name), version: kind.version, about, payload, actor: None })
    }

    /// The event of a change of a record through the records API: `<table>.created`, `.updated` or `.deleted`.
    pub fn of_record(change: RecordChange, record: RecordId, payload: Map<String, Json>) -> Self {
        let name = format!("{}.{}", record.table.as_str(), change.as_str());
        Self { name: Cow::Owned(name), version: 1, about: record, payload, actor: None }
    }

    /// Names who did it, where that is not the caller: None for the program itself.
    pub fn by(mut self, actor: Option<Uuid>) -> Self {
        self.actor = Some(actor);
        self
    }
}

/// An event that has happened.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its key, in order of time.
    pub id: Uuid,
    /// What happened, `<domain>.<action>`.
    pub name: String,
    /// Version of the payload.
    pub version: u32,
    /// When, in whole seconds.
    pub at: Instant,
    /// The user who did it; None for guests and the program itself.
    pub actor: Option<Uuid>,
    /// The record that it is about.
    pub about: RecordId,
    /// What others need to know.
    pub payload: Json,
    /// The request or job that did it.
    pub request_id: Option<String>,
}

/// Whether `pattern` names the event `name`: itself, `domain.*`, or `*`.
pub fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(domain) => domain.ends_with('.') && name.starts_with(domain),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::work::catalogue;

    fn user() -> RecordId {
        RecordId::new("users", "somebody")
    }

    #[test]
    fn patterns_name_one_event_a_domain_or_all() {
        for (pattern, name) in [("user.registered", "user.registered"), ("user.*", "user.registered"), ("*", "a.b")] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("user.*", "users.created"), ("user.", "user.registered"), ("u*", "user.registered")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_payload_has_no_member_that_the_catalogue_does_not_name() {
        let kind = &catalogue::USER_SUSPENDED;
        let told = NewEvent::new(kind, user(), json!({ "reason": "x", "status": null })).expect("told");
        assert_eq!(Json::Object(told.payload), json!({ "reason": "x" }));
        assert!(NewEvent::new(kind, user(), json!({ "password": "x" })).is_err());
        assert!(NewEvent::new(kind, user(), "x").is_err());
    }
}
