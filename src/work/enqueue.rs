//! Asking for a job, in the transaction of whoever asks.

use std::collections::HashMap;
use std::time::Duration;

use pawbase_engine::{RecordId, ToSql, Tx};
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::job::State;
use super::store::{self, Lane};
use crate::context::Ctx;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};

/// A job that is asked for.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub(super) kind: &'static str,
    pub(super) payload: Json,
    pub(super) run_at: Option<Instant>,
    pub(super) delay: Duration,
    pub(super) unique_key: Option<String>,
    pub(super) about: Option<RecordId>,
    pub(super) lane: Option<Lane>,
}

impl NewJob {
    /// A job of a registered kind, due at once. Fails when the payload is no object.
    pub fn new(kind: &'static str, payload: impl Serialize) -> Result<Self> {
        let payload = serde_json::to_value(payload).map_err(Error::internal)?;
        if !payload.is_object() {
            return Err(Error::internal(format!("the payload of a job {kind} is no object")));
        }
        Ok(Self { kind, payload, run_at: None, delay: Duration::ZERO, unique_key: None, about: None, lane: None })
    }

    /// Not before this time.
    pub fn at(mut self, time: Instant) -> Self {
        self.run_at = Some(time);
        self
    }

    /// Not before this much time has passed.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Only if there is no open job with this key, of whatever kind.
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// After all open jobs of the same lane about the same record, one after the other.
    pub fn in_lane(mut self, lane: impl Into<String>, record: RecordId) -> Self {
        self.lane = Some((lane.into(), record.to_sql()));
        self.about(record)
    }

    /// The record that it is about, for whoever looks.
    pub fn about(mut self, record: RecordId) -> Self {
        self.about = Some(record);
        self
    }
}

/// Asks for a job, which is done once the transaction is committed. Answers its key; None when there is an open one with the same
/// unique key. The transaction must be the system's: callers have no right to jobs.
pub async fn enqueue(tx: &Tx, ctx: &Ctx, job: NewJob) -> Result<Option<Uuid>> {
    if let Some(key) = &job.unique_key
        && store::is_key_open(tx, key).await?
    {
        return Ok(None);
    }
    let id = ctx.new_id();
    let is_blocked = match &job.lane {
        Some(lane) => stand_in_line(tx, lane, id).await?,
        None => false,
    };
    store::insert_job(tx, id, &job, is_blocked, ctx).await?;
    ctx.platform.bell.ring_after(tx);
    Ok(Some(id))
}

/// Makes `id` the last of its lane; says whether there is a job before it.
async fn stand_in_line(tx: &Tx, lane: &Lane, id: Uuid) -> Result<bool> {
    let before = store::last_of_lanes(tx, std::slice::from_ref(lane)).await?.remove(lane);
    if let Some(before) = before {
        store::follow(tx, before, id).await?;
    }
    store::keep_lanes(tx, &HashMap::from([(lane.clone(), id)])).await?;
    Ok(before.is_some())
}

/// Whether a job is still to come to an end; one that is forgotten has.
pub async fn is_open(tx: &Tx, id: Uuid) -> Result<bool> {
    Ok(store::job(tx, id).await?.is_some_and(|job| State::OPEN.contains(&job.state)))
}
