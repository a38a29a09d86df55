//! Takes jobs that are due: many at once, under a lease with this worker's name.
//!
//! A job that is taken keeps a place in the queue, at the end of its lease. So one whose worker is gone is due again by itself,
//! and nobody has to look for it.

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::{Object, Tx, Value};
use uuid::Uuid;

use super::close::{self, Ending};
use super::job::{Job, State};
use super::registry::Kind;
use super::store::{self, Lease, Place, Stored};
use super::turn::Failure;
use super::worker::Worker;
use crate::context::Ctx;
use crate::kernel::Result;
use crate::kernel::time::floored;

/// A job in this worker's hands.
#[derive(Debug, Clone)]
pub(super) struct Claimed {
    pub job: Arc<Job>,
    /// The failures noted so far.
    pub history: Vec<Value>,
    /// When another worker may take it over, in milliseconds since 1970.
    pub until_ms: i64,
}

/// What came of looking for jobs of a kind.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Taken.
    pub claimed: Vec<Claimed>,
    /// When to look again, in milliseconds since 1970; None when nothing waits.
    pub look_at_ms: Option<i64>,
}

impl Worker {
    /// Takes the jobs of `kind` that are due, a batch at most.
    pub(super) async fn claim(&self, kind: &Kind) -> Result<Found> {
        let root = self.platform().engine.root();
        let first = store::first_places(root, kind.name, kind.policy.batch).await?;
        let now = self.platform().clock.now();
        let now_ms = now.timestamp_millis();
        let (due, later): (Vec<Place>, Vec<Place>) = first.into_iter().partition(|place| place.at_ms <= now_ms);
        // More may be due behind a full batch.
        let look_at_ms = if due.len() >= kind.policy.batch { Some(now_ms) } else { later.first().map(|p| p.at_ms) };
        if due.is_empty() {
            return Ok(Found { claimed: Vec::new(), look_at_ms });
        }
        let lease_ms = i64::try_from(kind.policy.lease().as_millis()).unwrap_or(i64::MAX / 2);
        let lease = Lease { owner: self.owner().to_owned(), until_ms: now_ms.saturating_add(lease_ms) };
        let work = Arc::new((self.internal("claim"), kind.clone(), due, lease));
        let begun = root
            .transact(|tx: &Tx| -> BoxFuture<'_, Result<Vec<Stored>>> {
                let work = Arc::clone(&work);
                Box::pin(async move { begin(tx, &work.0, &work.1, &work.2, &work.3).await })
            })
            .await?;
        let claimed = self.with_events(kind, begun, work.3.until_ms).await?;
        let look_at_ms = Some(look_at_ms.map_or(work.3.until_ms, |at| at.min(work.3.until_ms)));
        Ok(Found { claimed, look_at_ms })
    }

    /// The jobs as whoever does them sees them.
    async fn with_events(&self, kind: &Kind, begun: Vec<Stored>, until_ms: i64) -> Result<Vec<Claimed>> {
        let ids: Vec<Uuid> = begun.iter().filter_map(|row| row.event).collect();
        let events = store::events(self.platform().engine.root(), &ids).await?;
        let claimed = begun.into_iter().map(|row| Claimed {
            job: Arc::new(Job {
                id: row.id,
                kind: row.kind,
                event: row.event.and_then(|id| events.get(&id).cloned()),
                payload: row.payload,
                attempt: row.attempts,
                is_last_attempt: row.attempts >= kind.policy.attempts_max,
                request_id: row.request_id,
                created_at: row.created_at,
            }),
            history: row.history,
            until_ms,
        });
        Ok(claimed.collect())
    }
}

/// Begins an attempt at each job at these places that nobody else has taken. One whose last worker is gone has failed once more.
async fn begin(tx: &Tx, ctx: &Ctx, kind: &Kind, places: &[Place], lease: &Lease) -> Result<Vec<Stored>> {
    let taken = store::take_places(tx, kind.name, places).await?;
    let rows = store::jobs(tx, taken.iter().map(|place| place.job)).await?;
    let mut begun = Vec::with_capacity(rows.len());
    for row in rows {
        match row.state {
            State::Waiting => begun.push(row),
            State::Running => {
                let lost = Failure::retry("The worker that ran it is gone, or took too long.");
                let history = noted(row.history.clone(), ctx, row.attempts, lost.message());
                if row.attempts >= kind.policy.attempts_max {
                    let ending = Ending::Dead { error: lost.message().to_owned(), history };
                    close::end(tx, ctx, row.id, None, ending).await?;
                } else {
                    store::note_failure(tx, row.id, lost.message(), &history).await?;
                    begun.push(Stored { history, ..row });
                }
            }
            // Its place should not have been there any more; now it is not.
            State::Blocked | State::Done | State::Dead | State::Dropped => {}
        }
    }
    let ids: Vec<Uuid> = begun.iter().map(|row| row.id).collect();
    if !ids.is_empty() {
        store::begin_jobs(tx, kind.name, &ids, lease).await?;
    }
    Ok(begun.into_iter().map(|row| Stored { attempts: row.attempts.saturating_add(1), ..row }).collect())
}

/// Failures kept of a job.
const HISTORY_MAX: usize = 20;

/// The history with another failure.
pub(super) fn noted(mut history: Vec<Value>, ctx: &Ctx, attempt: u32, error: &str) -> Vec<Value> {
    let mut entry = Object::new();
    entry.insert("at", floored(ctx.now()));
    entry.insert("attempt", i64::from(attempt));
    entry.insert("error", error);
    history.push(Value::Object(entry));
    let surplus = history.len().saturating_sub(HISTORY_MAX);
    history.drain(..surplus);
    history
}
