//! How much each outside service is given at once, so that a slow one leaves room for the others of its kind.
//!
//! A job for which there is no room goes back and comes again when there should be some: the refused ones of a service come one
//! after the other, at the rate at which it has answered last, so that they neither crowd the queue nor let the service idle.
//! Deliberately elsewhere: services that fail (`breaker.rs`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::kernel::time::Instant;

/// Services remembered at most; beyond, those that are idle are forgotten.
const SERVICES_MAX: usize = 1000;
/// How long a call is taken to last while none has ended.
const UNKNOWN: Duration = Duration::from_millis(500);
/// Shortest time between two jobs that come again.
const GAP_MIN: Duration = Duration::from_millis(2);

#[derive(Debug)]
struct Service {
    running: usize,
    /// How long the last call lasted.
    last: Duration,
    /// When the last refused job comes again.
    next_at: Option<Instant>,
}

/// The calls of a process under way, by service.
#[derive(Debug, Clone, Default)]
pub(super) struct Load(Arc<Mutex<HashMap<String, Service>>>);

/// Room for a call; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Call {
    load: Load,
    service: String,
    begun: std::time::Instant,
}

impl Load {
    fn with<T>(&self, service: &str, change: impl FnOnce(&mut Service) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SERVICES_MAX && !all.contains_key(service) {
            all.retain(|_, service| service.running > 0);
        }
        change(all.entry(service.to_owned()).or_insert(Service { running: 0, last: UNKNOWN, next_at: None }))
    }

    /// Begins a call to a service that is called `most` times at once; else answers when to ask again.
    pub(super) fn begin(&self, service: &str, most: usize, now: Instant) -> Result<Call, Instant> {
        self.with(service, |state| {
            if state.running < most.max(1) {
                state.running += 1;
                return Ok(());
            }
            let gap = (state.last / u32::try_from(most.max(1)).unwrap_or(u32::MAX)).max(GAP_MIN);
            let after = state.next_at.map_or(now, |at| at.max(now));
            let next_at = after + chrono::Duration::from_std(gap).unwrap_or_default();
            state.next_at = Some(next_at);
            Err(next_at)
        })?;
        Ok(Call { load: self.clone(), service: service.to_owned(), begun: std::time::Instant::now() })
    }
}

impl Call {
    /// Ends a call that was made; how long it lasted says when to come again.
    pub(super) fn end(self) {
        let lasted = self.begun.elapsed();
        self.load.with(&self.service, |state| state.last = lasted);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.load.with(&self.service, |state| state.running = state.running.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Instant {
        chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
    }

    #[test]
    fn a_service_has_so_many_calls_at_once_and_others_have_theirs() {
        let load = Load::default();
        let calls: Vec<Call> = (0..2).map(|_| load.begin("slow", 2, start()).expect("room")).collect();
        assert!(load.begin("slow", 2, start()).is_err());
        assert!(load.begin("other", 2, start()).is_ok());
        drop(calls);
        assert!(load.begin("slow", 2, start()).is_ok());
    }

    #[test]
    fn refused_jobs_come_again_one_after_the_other() {
        let load = Load::default();
        let _call = load.begin("slow", 1, start()).expect("room");
        let times: Vec<Instant> = (0..3).map(|_| load.begin("slow", 1, start()).expect_err("no room")).collect();
        let gap = chrono::Duration::from_std(UNKNOWN).expect("a time");
        assert_eq!(times, [start() + gap, start() + gap * 2, start() + gap * 3]);
        let later = start() + chrono::Duration::seconds(60);
        assert_eq!(
            load.begin("slow", 1, later).expect_err("no room"),
            later + gap,
            "times that have passed do not count"
        );
    }

    #[test]
    fn a_quick_service_is_asked_again_soon() {
        let load = Load::default();
        load.begin("quick", 4, start()).expect("room").end();
        load.with("quick", |state| state.last = Duration::from_millis(40));
        let _calls: Vec<Call> = (0..4).map(|_| load.begin("quick", 4, start()).expect("room")).collect();
        assert_eq!(load.begin("quick", 4, start()).expect_err("no room"), start() + chrono::Duration::milliseconds(10));
    }
}
