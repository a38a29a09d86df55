//! Circuit breakers: a service that fails again and again is left alone for a while, then tried with one job.
//!
//! Each process has its own, in memory: whether a service answers is a matter of from where.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::Duration;

use crate::kernel::time::Instant;

/// Failures in a row before a service is left alone.
const FAILURES_MAX: u32 = 5;
/// How long it is left alone at first; doubled each time it fails again.
const PAUSE: Duration = Duration::seconds(30);
/// Longest time that it is left alone.
const PAUSE_MAX: Duration = Duration::minutes(15);
/// When to ask again while another job tries the service.
const TRIAL: Duration = Duration::seconds(5);
/// Services remembered at most; beyond, those without failures are forgotten.
const SERVICES_MAX: usize = 1000;

/// How a service is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// It is called.
    Closed,
    /// It is left alone until then.
    Open(Instant),
    /// One job tries it; the others wait for what comes of it, not longer than until then.
    HalfOpen(Instant),
}

#[derive(Debug, Clone)]
struct Breaker {
    failures: u32,
    pause: Duration,
    position: Position,
}

impl Breaker {
    const NEW: Self = Self { failures: 0, pause: PAUSE, position: Position::Closed };
}

/// All breakers of a process, by service.
#[derive(Debug, Default)]
pub struct Breakers(Mutex<HashMap<String, Breaker>>);

impl Breakers {
    fn with<T>(&self, service: &str, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SERVICES_MAX && !all.contains_key(service) {
            all.retain(|_, breaker| breaker.failures > 0);
        }
        change(all.entry(service.to_owned()).or_insert(Breaker::NEW))
    }

    /// Asks to call `service` at `now`; else answers when to ask again. After a pause one may, for at most `timeout`.
    pub fn ask(&self, service: &str, now: Instant, timeout: Duration) -> Result<(), Instant> {
        self.with(service, |breaker| match breaker.position {
            Position::Closed => Ok(()),
            Position::Open(until) if now < until => Err(until),
            Position::HalfOpen(until) if now < until => Err(until.min(now + TRIAL)),
            Position::Open(_) | Position::HalfOpen(_) => {
                breaker.position = Position::HalfOpen(now + timeout);
                Ok(())
            }
        })
    }

    /// Notes that a call went well.
    pub fn succeeded(&self, service: &str) {
        self.with(service, |breaker| *breaker = Breaker::NEW);
    }

    /// Notes that a call failed at `now`.
    pub fn failed(&self, service: &str, now: Instant) {
        self.with(service, |breaker| {
            breaker.failures = breaker.failures.saturating_add(1);
            match breaker.position {
                Position::HalfOpen(_) => {
                    breaker.pause = (breaker.pause * 2).min(PAUSE_MAX);
                    breaker.position = Position::Open(now + breaker.pause);
                }
                Position::Closed if breaker.failures >= FAILURES_MAX => {
                    breaker.position = Position::Open(now + breaker.pause);
                }
                Position::Closed | Position::Open(_) => {}
            }
        });
    }

    /// All services that have failed lately, by name: failures in a row and how they are treated.
    pub fn troubled(&self) -> Vec<(String, u32, Position)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<_> = all
            .iter()
            .filter(|(_, breaker)| breaker.failures > 0)
            .map(|(name, breaker)| (name.clone(), breaker.failures, breaker.position))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::seconds(60);

    fn start() -> Instant {
        chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
    }

    fn broken(breakers: &Breakers) -> Instant {
        for _ in 0..FAILURES_MAX {
            assert_eq!(breakers.ask("mail", start(), TIMEOUT), Ok(()));
            breakers.failed("mail", start());
        }
        start() + PAUSE
    }

    #[test]
    fn a_service_that_fails_again_and_again_is_left_alone_for_a_while() {
        let breakers = Breakers::default();
        let end = broken(&breakers);
        assert_eq!(breakers.ask("mail", start(), TIMEOUT), Err(end));
        assert_eq!(breakers.ask("other", start(), TIMEOUT), Ok(()), "others are called");
    }

    #[test]
    fn one_job_tries_it_again_and_closes_it() {
        let breakers = Breakers::default();
        let end = broken(&breakers);
        assert_eq!(breakers.ask("mail", end, TIMEOUT), Ok(()));
        assert_eq!(breakers.ask("mail", end, TIMEOUT), Err(end + TRIAL), "one at a time");
        breakers.succeeded("mail");
        assert_eq!(breakers.ask("mail", end, TIMEOUT), Ok(()));
        assert!(breakers.troubled().is_empty());
    }

    #[test]
    fn a_failed_trial_doubles_the_pause_up_to_a_limit() {
        let breakers = Breakers::default();
        let (mut now, mut pause) = (broken(&breakers), PAUSE);
        for _ in 0..8 {
            assert_eq!(breakers.ask("mail", now, TIMEOUT), Ok(()));
            breakers.failed("mail", now);
            pause = (pause * 2).min(PAUSE_MAX);
            assert_eq!(breakers.ask("mail", now, TIMEOUT), Err(now + pause));
            now += pause;
        }
        assert_eq!(pause, PAUSE_MAX);
    }

    #[test]
    fn a_trial_that_nobody_ended_does_not_hold_others_for_ever() {
        let breakers = Breakers::default();
        let end = broken(&breakers);
        assert_eq!(breakers.ask("mail", end, TIMEOUT), Ok(()));
        assert_eq!(breakers.ask("mail", end + TIMEOUT, TIMEOUT), Ok(()));
    }

    #[test]
    fn a_success_in_between_starts_the_count_anew() {
        let breakers = Breakers::default();
        for _ in 0..3 * FAILURES_MAX {
            breakers.failed("mail", start());
            breakers.succeeded("mail");
        }
        assert_eq!(breakers.ask("mail", start(), TIMEOUT), Ok(()));
    }
}
