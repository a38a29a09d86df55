//! What a reaction or job gets to work with, and how it fails.

use std::time::Duration;

use pawbase_engine::{EngineError, IsConflict, Tx};
use serde::de::DeserializeOwned;

use super::emit::emit;
use super::enqueue::{NewJob, enqueue};
use super::event::{Event, NewEvent};
use super::job::Job;
use crate::context::Ctx;
use crate::kernel::Error;

/// One attempt at a job: the job, and the transaction that its effect belongs to and that closes it. The transaction is the
/// system's and may be run again after a conflict, so the attempt has no effect outside of it.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// The transaction of the effect.
    pub tx: &'a Tx,
    /// Clock, ids and settings; nobody is the caller.
    pub ctx: &'a Ctx,
    /// What is to be done.
    pub job: &'a Job,
}

impl Turn<'_> {
    /// The event that this is a reaction to.
    pub fn event(&self) -> Attempted<&Event> {
        self.job.event.as_deref().ok_or_else(|| Failure::last("The job has no event."))
    }

    /// What the job was asked to do, or the payload of its event. One that does not fit is tried no more.
    pub fn payload<T: DeserializeOwned>(&self) -> Attempted<T> {
        self.job.read()
    }

    /// Tells an event in this transaction.
    pub async fn emit(&self, event: NewEvent) -> Attempted {
        Ok(emit(self.tx, self.ctx, event).await?)
    }

    /// Asks for another job in this transaction.
    pub async fn enqueue(&self, job: NewJob) -> Attempted {
        enqueue(self.tx, self.ctx, job).await?;
        Ok(())
    }
}

impl Job {
    /// What it was asked to do, or the payload of its event. One that does not fit is tried no more.
    pub fn read<T: DeserializeOwned>(&self) -> Attempted<T> {
        let payload = self.event.as_ref().map_or(&self.payload, |event| &event.payload);
        T::deserialize(payload).map_err(|cause| Failure::last(format!("The payload does not fit: {cause}")))
    }
}

/// What comes of trying something.
pub type Attempted<T = ()> = Result<T, Failure>;

/// How an attempt failed. An error becomes one that is tried again.
#[derive(Debug)]
pub struct Failure {
    pub(super) error: Error,
    pub(super) then: Then,
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Another attempt after the usual pause.
    Retry,
    /// Another attempt after this time at least.
    RetryAfter(Duration),
    /// Nothing: it would fail again.
    GiveUp,
}

impl Failure {
    /// It would fail again: no further attempt. `message` is shown to staff.
    pub fn last(message: impl Into<String>) -> Self {
        Self { error: Error::new(crate::kernel::error::INTERNAL, message), then: Then::GiveUp }
    }

    /// Try again. `message` is shown to staff.
    pub fn retry(message: impl Into<String>) -> Self {
        Self { error: Error::new(crate::kernel::error::UNAVAILABLE, message), then: Then::Retry }
    }

    /// Try again, but not before `pause` is over. `message` is shown to staff.
    pub fn later(pause: Duration, message: impl Into<String>) -> Self {
        Self { then: Then::RetryAfter(pause), ..Self::retry(message) }
    }

    /// The same failure in other words for staff.
    pub(super) fn in_other_words(self, message: &str) -> Self {
        Self { error: self.error.rephrased(message.to_owned(), Vec::new()), ..self }
    }

    /// Whether it would fail again, so that no further attempt follows.
    pub fn is_last(&self) -> bool {
        self.then == Then::GiveUp
    }

    /// The words that staff see.
    pub fn message(&self) -> &str {
        self.error.message()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, then: Then::Retry }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        Error::from(error).into()
    }
}

impl IsConflict for Failure {
    fn is_conflict(&self) -> bool {
        self.error.is_retryable()
    }
}
