//! What staff do by hand with jobs and schedules. Deliberately elsewhere: who may (modules::operations).

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::{Object, RecordId, RecordIdKey, Tx};
use uuid::Uuid;

use super::close::{self, Ending};
use super::job::State;
use super::registry::Registry;
use super::schedule::{make_job, next_tick};
use super::store::{self, Becomes, Stored, StoredSchedule};
use crate::context::{AuditEntry, Ctx, audit, uninterrupted};
use crate::kernel::error::CONFLICT;
use crate::kernel::{Error, Result};

/// Something done to a job.
#[derive(Debug, Clone, Copy)]
enum Act {
    Retry,
    Drop,
    Run,
}

impl Act {
    /// What the audit trail calls it.
    fn name(self) -> &'static str {
        match self {
            Self::Retry => "job.retried",
            Self::Drop => "job.dropped",
            Self::Run => "job.run",
        }
    }
}

/// Begins a dead or dropped job anew, at once and with all its attempts. One that was dropped while it stood in line stands there again.
/// Fails with NOT_FOUND, or with CONFLICT in another state.
pub async fn retry_job(ctx: &Ctx, id: Uuid) -> Result<()> {
    act(ctx, id, Act::Retry).await
}

/// Decides against a job that waits or is dead. Fails with NOT_FOUND, or with CONFLICT when it runs or is over.
pub async fn drop_job(ctx: &Ctx, id: Uuid) -> Result<()> {
    act(ctx, id, Act::Drop).await
}

/// Runs a waiting job now instead of later. Fails with NOT_FOUND, or with CONFLICT in another state.
pub async fn run_job(ctx: &Ctx, id: Uuid) -> Result<()> {
    act(ctx, id, Act::Run).await
}

async fn act(ctx: &Ctx, id: Uuid, act: Act) -> Result<()> {
    let ctx = ctx.clone();
    uninterrupted(async move {
        let work = ctx.clone();
        ctx.system()
            .transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
                let ctx = work.clone();
                Box::pin(async move {
                    let job = store::job(tx, id).await?.ok_or_else(Error::not_found)?;
                    perform(tx, &ctx, &job, act).await?;
                    let mut before = Object::new();
                    before.insert("state", job.state.as_str().to_owned());
                    let target = RecordId::new("jobs", RecordIdKey::Uuid(job.id.into()));
                    let entry = AuditEntry::of_caller(&ctx, act.name(), target);
                    audit::write(tx, &[AuditEntry { before: Some(before), ..entry }]).await
                })
            })
            .await
    })
    .await
}

async fn perform(tx: &Tx, ctx: &Ctx, job: &Stored, act: Act) -> Result<()> {
    let at_ms = ctx.now().timestamp_millis();
    let becomes = match (act, job.state) {
        (Act::Retry, State::Dropped) if job.lane.is_some() => Becomes::InLine,
        (Act::Retry, State::Dead | State::Dropped) => Becomes::Waiting { at_ms, attempts: 0 },
        (Act::Run, State::Waiting) => Becomes::Waiting { at_ms, attempts: job.attempts },
        (Act::Drop, State::Blocked) => Becomes::PassedOver,
        (Act::Drop, State::Waiting | State::Dead) => return close::end(tx, ctx, job.id, None, Ending::Dropped).await,
        (act, state) => return Err(not_now(act, state)),
    };
    store::change_job(tx, job.id, becomes, None, ctx.now()).await?;
    ctx.platform.bell.ring_after(tx);
    Ok(())
}

fn not_now(act: Act, state: State) -> Error {
    let allowed = match act {
        Act::Retry => "Only a dead or dropped job is retried",
        Act::Drop => "Only a waiting, blocked or dead job is dropped",
        Act::Run => "Only a waiting job is run early",
    };
    Error::new(CONFLICT, format!("{allowed}; this one is {}.", state.as_str()))
}

/// Pauses or resumes a schedule. A resumed one goes on with its next tick; those that have passed make no job. Fails with NOT_FOUND.
pub async fn pause_schedule(ctx: &Ctx, name: &str, is_paused: bool) -> Result<StoredSchedule> {
    let act = if is_paused { "schedule.paused" } else { "schedule.resumed" };
    with_schedule(ctx, name, act, move |tx, ctx, schedule| {
        Box::pin(async move {
            if schedule.is_paused && !is_paused && schedule.next_at <= ctx.now() {
                let next = next_tick(&schedule.cron, &schedule.timezone, ctx.now())?;
                store::pass_tick(tx, &schedule.name, schedule.next_at, next, false).await?;
            }
            ctx.platform.bell.ring_after(tx);
            store::pause_schedule(tx, &schedule.name, is_paused).await?.ok_or_else(Error::not_found)
        })
    })
    .await
}

/// Makes the job of a schedule now, beside its ticks. Fails with NOT_FOUND.
pub async fn run_schedule(ctx: &Ctx, registry: &Arc<Registry>, name: &str) -> Result<StoredSchedule> {
    let registry = Arc::clone(registry);
    with_schedule(ctx, name, "schedule.run", move |tx, ctx, schedule| {
        let registry = Arc::clone(&registry);
        Box::pin(async move {
            make_job(tx, ctx, &registry, schedule, ctx.now()).await?;
            Ok(schedule.clone())
        })
    })
    .await
}

/// Does `work` with a schedule and notes it in the audit trail as `act`.
async fn with_schedule<F>(ctx: &Ctx, name: &str, act: &'static str, work: F) -> Result<StoredSchedule>
where
    F: for<'a> Fn(&'a Tx, &'a Ctx, &'a StoredSchedule) -> BoxFuture<'a, Result<StoredSchedule>> + Send + Sync + 'static,
{
    let shared = Arc::new((ctx.clone(), name.to_owned(), work));
    let ctx = ctx.clone();
    uninterrupted(async move {
        ctx.system()
            .transact(|tx: &Tx| -> BoxFuture<'_, Result<StoredSchedule>> {
                let shared = Arc::clone(&shared);
                Box::pin(async move {
                    let (ctx, name, work) = &*shared;
                    let schedule = store::schedule_named(tx, name).await?.ok_or_else(Error::not_found)?;
                    let target = RecordId::new("schedules", RecordIdKey::String(schedule.name.clone()));
                    audit::write(tx, &[AuditEntry::of_caller(ctx, act, target)]).await?;
                    work(tx, ctx, &schedule).await
                })
            })
            .await
    })
    .await
}
