//! Something to be done.

use std::sync::Arc;

use pawbase_engine::RecordId;
use serde_json::Value as Json;
use uuid::Uuid;

use super::event::Event;
use crate::kernel::time::Instant;

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It will be begun when it is due.
    Waiting,
    /// An earlier job of its lane comes first.
    Blocked,
    /// A worker has it.
    Running,
    /// Its effect has happened.
    Done,
    /// It failed too often, or for good.
    Dead,
    /// Somebody decided against it.
    Dropped,
}

impl State {
    /// All states.
    pub const ALL: [Self; 6] = [Self::Waiting, Self::Blocked, Self::Running, Self::Done, Self::Dead, Self::Dropped];
    /// States of jobs that are still to come to an end.
    pub const OPEN: [Self; 3] = [Self::Waiting, Self::Blocked, Self::Running];

    /// Its name in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Blocked => "blocked",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A job as whoever does it sees it.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its key; the same for every attempt, so it serves as the idempotency key of calls to the outside.
    pub id: Uuid,
    /// The name of its reaction or kind.
    pub kind: String,
    /// The event that it reacts to.
    pub event: Option<Arc<Event>>,
    /// What to do, where it is no reaction.
    pub payload: Json,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// Whether no attempt follows if this one fails.
    pub is_last_attempt: bool,
    /// The request or job that asked for it.
    pub request_id: Option<String>,
    /// When it was asked for.
    pub created_at: Instant,
}

impl Job {
    /// Its record.
    pub fn record(&self) -> RecordId {
        record("jobs", self.id)
    }
}

/// The record of `table` with a UUID as its key.
pub(super) fn record(table: &str, id: Uuid) -> RecordId {
    RecordId::new(table, pawbase_engine::RecordIdKey::Uuid(id.into()))
}
