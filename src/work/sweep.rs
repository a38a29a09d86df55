//! Forgets events that were relayed and jobs that have ended, once they are old enough.

use chrono::Duration;
use futures::future::BoxFuture;
use pawbase_engine::Tx;
use uuid::Uuid;

use super::job::State;
use super::store;
use super::turn::{Attempted, Turn};
use crate::context::Ctx;
use crate::kernel::Result;
use crate::kernel::id::first_at;
use crate::kernel::time::{Instant, floored};

/// Rows removed in one transaction at most.
const BATCH: i64 = 500;

/// A job: removes what is older than the settings say, in transactions of their own, since it may be much.
pub async fn sweep(turn: &Turn<'_>) -> Attempted {
    let settings = &turn.ctx.platform.config.work;
    let now = turn.ctx.now();
    let (job_end, dead_end) = (days_before(now, settings.job_days), days_before(now, settings.dead_job_days));
    for (state, end) in [(State::Done, job_end), (State::Dropped, job_end), (State::Dead, dead_end)] {
        while forget(turn.ctx, Old::Jobs(state, end)).await? > 0 {}
    }
    let end = first_at(days_before(now, settings.event_days));
    while forget(turn.ctx, Old::Events(end)).await? > 0 {}
    Ok(())
}

/// What is to be forgotten.
#[derive(Debug, Clone, Copy)]
enum Old {
    Jobs(State, Instant),
    Events(Uuid),
}

async fn forget(ctx: &Ctx, old: Old) -> Result<usize> {
    ctx.system()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<usize>> {
            Box::pin(async move {
                match old {
                    Old::Jobs(state, end) => store::forget_jobs(tx, state, end, BATCH).await,
                    Old::Events(end) => store::forget_events(tx, end, BATCH).await,
                }
            })
        })
        .await
}

fn days_before(now: Instant, days: u64) -> Instant {
    floored(now - Duration::days(i64::try_from(days).unwrap_or(3650)))
}
