//! One attempt at a job.

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::Tx;
use serde_json::Value as Json;
use tokio_util::task::AbortOnDropHandle;

use super::backoff;
use super::claim::{Claimed, noted};
use super::close::{self, Ending};
use super::policy::Policy;
use super::registry::{AnyEffect, Doing, Kind, Outside};
use super::turn::{Attempted, Failure, Then, Turn};
use super::worker::Worker;
use crate::context::Ctx;
use crate::kernel::error::CONFLICT;
use crate::kernel::{Error, Result};

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The job is done.
    Done,
    /// It failed; it waits again or is dead.
    Failed,
    /// It was put back without being tried.
    Back,
    /// Somebody else has it now; nothing has happened.
    Lost,
}

/// An attempt on its way.
#[derive(Clone)]
struct Attempt {
    ctx: Ctx,
    claimed: Claimed,
    policy: Policy,
    owner: Arc<str>,
}

impl Worker {
    /// Runs an attempt to its end.
    pub(super) async fn attempt(&self, kind: &Kind, claimed: Claimed) -> Outcome {
        let ctx = self.internal(&format!("job {}", claimed.job.id));
        let attempt = Attempt { ctx, claimed, policy: kind.policy, owner: self.owner_shared() };
        let job = Arc::clone(&attempt.claimed.job);
        let outcome = match &kind.doing {
            _ if attempt.is_too_late() => Ok(Outcome::Lost),
            Doing::Effect(effect) => attempt.effect(effect).await,
            Doing::Outside(outside) => self.outside(attempt, outside).await,
        };
        outcome.unwrap_or_else(|error| {
            // Its lease will run out, and then it is due again.
            tracing::error!(job = %job.id, kind = job.kind, %error, cause = error.cause().unwrap_or("-"),
                "the end of an attempt could not be kept");
            Outcome::Lost
        })
    }

    async fn outside(&self, attempt: Attempt, outside: &Arc<dyn Outside>) -> Result<Outcome> {
        let service = outside.service(&attempt.claimed.job);
        let (most, now) = (attempt.policy.at_once_per_service, attempt.ctx.now());
        let under_way = match self.load().begin(&service, most, now) {
            Ok(call) => call,
            Err(at) => return attempt.back(at.timestamp_millis()).await,
        };
        let timeout = chrono::Duration::from_std(attempt.policy.timeout).map_err(Error::internal)?;
        if let Err(until) = self.breakers().ask(&service, attempt.ctx.now(), timeout) {
            return attempt.back(until.timestamp_millis()).await;
        }
        let (called, callee) = (attempt.clone(), Arc::clone(outside));
        let call = async move { callee.call(&called.ctx, &called.claimed.job).await };
        let outcome = attempt.within_time(call).await;
        under_way.end();
        match &outcome {
            Err(failure) if failure.then != Then::GiveUp => self.breakers().failed(&service, attempt.ctx.now()),
            _ => self.breakers().succeeded(&service),
        }
        attempt.keep(Arc::clone(outside), outcome).await
    }

    /// Puts a job back that was taken and not begun.
    pub(super) async fn put_back(&self, kind: &Kind, claimed: Claimed) -> Result<Outcome> {
        let ctx = self.internal("stop");
        let at_ms = ctx.now().timestamp_millis();
        Attempt { ctx, claimed, policy: kind.policy, owner: self.owner_shared() }.back(at_ms).await
    }
}

impl Attempt {
    /// Whether another worker may have taken it over while it waited here.
    fn is_too_late(&self) -> bool {
        self.ctx.now().timestamp_millis() >= self.claimed.until_ms
    }

    /// Runs `work` in a task of its own, so that a panic is a failure, for as long as an attempt may take.
    async fn within_time<T: Send + 'static>(
        &self,
        work: impl Future<Output = Attempted<T>> + Send + 'static,
    ) -> Attempted<T> {
        let task = AbortOnDropHandle::new(tokio::spawn(work));
        match tokio::time::timeout(self.policy.timeout, task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(cause)) => {
                Err(Failure::from(Error::internal(cause)).in_other_words("It broke off; the log says where."))
            }
            Err(_) => Err(Failure::retry(format!("It took longer than {} seconds.", self.policy.timeout.as_secs()))),
        }
    }

    async fn effect(self, effect: &AnyEffect) -> Result<Outcome> {
        let (attempt, effect) = (Arc::new(self.clone()), Arc::clone(effect));
        let work = async move {
            let root = attempt.ctx.platform.engine.root();
            root.transact(|tx: &Tx| -> BoxFuture<'_, Attempted> {
                let (attempt, effect) = (Arc::clone(&attempt), Arc::clone(&effect));
                Box::pin(async move {
                    let turn = Turn { tx, ctx: &attempt.ctx, job: &attempt.claimed.job };
                    effect(&turn).await?;
                    Ok(attempt.end(tx, Ending::Done).await?)
                })
            })
            .await
        };
        match self.within_time(work).await {
            Ok(()) => Ok(Outcome::Done),
            Err(failure) => self.fail(failure).await,
        }
    }

    /// Keeps what came of a call to the outside, and closes the job or puts it back.
    async fn keep(self, outside: Arc<dyn Outside>, outcome: Attempted<Json>) -> Result<Outcome> {
        let shared = Arc::new((self.clone(), outside, outcome));
        let root = self.ctx.platform.engine.root();
        let kept = root
            .transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
                let shared = Arc::clone(&shared);
                Box::pin(async move {
                    let (attempt, outside, outcome) = &*shared;
                    let turn = Turn { tx, ctx: &attempt.ctx, job: &attempt.claimed.job };
                    outside.keep(&turn, outcome.as_ref()).await?;
                    let ending = match outcome {
                        Ok(_) => Ending::Done,
                        Err(failure) => attempt.ending(failure),
                    };
                    attempt.end(tx, ending).await
                })
            })
            .await;
        match (kept, &shared.2) {
            (Ok(()), Ok(_)) => Ok(Outcome::Done),
            (Ok(()), Err(failure)) => {
                self.tell(failure);
                Ok(Outcome::Failed)
            }
            (Err(error), _) => self.fail(error.into()).await,
        }
    }

    /// Notes a failure whose effect has come to nothing.
    async fn fail(&self, failure: Failure) -> Result<Outcome> {
        self.tell(&failure);
        self.end_alone(self.ending(&failure), Outcome::Failed).await
    }

    /// Puts the job back without counting the attempt.
    async fn back(&self, at_ms: i64) -> Result<Outcome> {
        let attempts = self.claimed.job.attempt.saturating_sub(1);
        self.end_alone(Ending::Back { at_ms, attempts }, Outcome::Back).await
    }

    /// Ends the attempt in a transaction of its own.
    async fn end_alone(&self, ending: Ending, outcome: Outcome) -> Result<Outcome> {
        let shared = Arc::new((self.clone(), ending));
        let root = self.ctx.platform.engine.root();
        let ended = root
            .transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
                let shared = Arc::clone(&shared);
                Box::pin(async move { shared.0.end(tx, shared.1.clone()).await })
            })
            .await;
        match ended {
            Ok(()) => Ok(outcome),
            Err(error) if error.entry() == CONFLICT && !error.is_retryable() => Ok(Outcome::Lost),
            Err(error) => Err(error),
        }
    }

    async fn end(&self, tx: &Tx, ending: Ending) -> Result<()> {
        let job = &self.claimed.job;
        close::end(tx, &self.ctx, job.id, Some((&self.owner, job.attempt)), ending).await
    }

    /// What follows a failure.
    fn ending(&self, failure: &Failure) -> Ending {
        let job = &self.claimed.job;
        let error = failure.message().to_owned();
        let history = noted(self.claimed.history.clone(), &self.ctx, job.attempt, &error);
        if job.is_last_attempt || failure.then == Then::GiveUp {
            return Ending::Dead { error, history };
        }
        let usual = backoff::pause(&self.policy, job.attempt, job.id);
        let pause = if let Then::RetryAfter(least) = failure.then { usual.max(least) } else { usual };
        let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX / 2);
        Ending::Retry { at_ms: self.ctx.now().timestamp_millis().saturating_add(pause_ms), error, history }
    }

    fn tell(&self, failure: &Failure) {
        let job = &self.claimed.job;
        let cause = failure.error.cause().unwrap_or("-");
        tracing::warn!(job = %job.id, kind = job.kind, attempt = job.attempt, is_last = job.is_last_attempt, cause,
            "a job failed: {}", failure.message());
    }
}
