//! Ends an attempt: the job is over or waits again, and the next one of its lane has its turn.

use pawbase_engine::{Tx, Value};
use serde_json::json;
use uuid::Uuid;

use super::catalogue;
use super::emit::emit;
use super::event::NewEvent;
use super::job::{State, record};
use super::store::{self, Becomes, Fence, Stored};
use crate::context::Ctx;
use crate::kernel::error::CONFLICT;
use crate::kernel::{Error, Result};

/// How an attempt, or a job, ends.
#[derive(Debug, Clone)]
pub(super) enum Ending {
    /// The effect has happened.
    Done,
    /// It failed and is tried again.
    Retry { at_ms: i64, error: String, history: Vec<Value> },
    /// It failed and is given up.
    Dead { error: String, history: Vec<Value> },
    /// It was not tried: it goes back as it was, and the attempt does not count.
    Back { at_ms: i64, attempts: u32 },
    /// Somebody decided against it.
    Dropped,
}

/// Says that the job is in somebody else's hands.
pub(super) fn lost() -> Error {
    Error::new(CONFLICT, "The job is no longer this worker's.")
}

/// Ends the attempt of `fence` at a job, in the transaction of its effect. Fails when the job is not in its hands any more, so that
/// the effect comes to nothing as well.
pub(super) async fn end(tx: &Tx, ctx: &Ctx, job: Uuid, fence: Fence<'_>, ending: Ending) -> Result<()> {
    let becomes = match &ending {
        Ending::Done => Becomes::Over(State::Done),
        Ending::Dropped => Becomes::Over(State::Dropped),
        Ending::Retry { at_ms, error, history } => Becomes::Failed { at_ms: *at_ms, error, history: history.clone() },
        Ending::Dead { error, history } => Becomes::Dead { error, history: history.clone() },
        Ending::Back { at_ms, attempts } => Becomes::Waiting { at_ms: *at_ms, attempts: *attempts },
    };
    let was = store::change_job(tx, job, becomes, fence, ctx.now()).await?.ok_or_else(lost)?;
    match ending {
        Ending::Done | Ending::Dropped => advance(tx, ctx, &was).await?,
        Ending::Dead { error, .. } => {
            advance(tx, ctx, &was).await?;
            tell_of_death(tx, ctx, &was, &error).await?;
        }
        Ending::Retry { .. } | Ending::Back { .. } => ctx.platform.bell.ring_after(tx),
    }
    Ok(())
}

/// Tells that a job was given up; not of one that is about the death of another. What handles this event, such as a webhook, would else
/// be told of its own failure to tell, for ever.
async fn tell_of_death(tx: &Tx, ctx: &Ctx, was: &Stored, error: &str) -> Result<()> {
    if store::is_about_a_job(tx, was.id).await? {
        return Ok(());
    }
    let payload = json!({ "kind": was.kind, "attempts": was.attempts, "error": error });
    emit(tx, ctx, NewEvent::new(&catalogue::JOB_DIED, record("jobs", was.id), payload)?).await
}

/// Gives the next job of the lane its turn. Those that were dropped while they stood in line are passed over.
async fn advance(tx: &Tx, ctx: &Ctx, was: &Stored) -> Result<()> {
    let Some(lane) = &was.lane else { return Ok(()) };
    let mut next = was.next;
    while let Some(id) = next {
        let Some(job) = store::job(tx, id).await? else { break };
        if job.state == State::Blocked {
            let turn = Becomes::Waiting { at_ms: ctx.now().timestamp_millis(), attempts: job.attempts };
            store::change_job(tx, id, turn, None, ctx.now()).await?;
            ctx.platform.bell.ring_after(tx);
            return Ok(());
        }
        store::leave_lane(tx, id).await?;
        next = job.next;
    }
    store::end_lane(tx, lane).await
}
