//! Asking for a job, in the transaction of whoever asks.

use std::time::Duration;

use pawbase_engine::{RecordId, Tx};
use serde::Serialize;
use serde_json::Value as Json;
use uuid::Uuid;

use super::store;
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
}

impl NewJob {
    /// A job of a registered kind, due at once. Fails when the payload is no object.
    pub fn new(kind: &'static str, payload: impl Serialize) -> Result<Self> {
        let payload = serde_json::to_value(payload).map_err(Error::internal)?;
        if !payload.is_object() {
            return Err(Error::internal(format!("the payload of a job {kind} is no object")));
        }
        Ok(Self { kind, payload, run_at: None, delay: Duration::ZERO, unique_key: None, about: None })
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
    store::insert_job(tx, id, &job, ctx).await?;
    ctx.platform.bell.ring_after(tx);
    Ok(Some(id))
}
