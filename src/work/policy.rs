//! How often and how long something is tried, and how much of it at once.

use std::time::Duration;

/// How a kind of job is run. Start from [`Policy::EFFECT`] or [`Policy::OUTSIDE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Attempts before it is dead.
    pub attempts_max: u32,
    /// Pause after the first failure.
    pub pause: Duration,
    /// How many times longer the pause is after each further failure.
    pub pause_factor: u32,
    /// Longest pause.
    pub pause_max: Duration,
    /// Longest time of one attempt.
    pub timeout: Duration,
    /// Jobs of the kind that one process runs at once.
    pub at_once: usize,
    /// Jobs of the kind that one process takes at once.
    pub batch: usize,
    /// Of those that call the outside, how many call one service at once, so that a slow one leaves room for others.
    pub at_once_per_service: usize,
}

impl Policy {
    /// For effects in the database: quick, tried for a day.
    pub const EFFECT: Self = Self {
        attempts_max: 12,
        pause: Duration::from_secs(2),
        pause_factor: 2,
        pause_max: Duration::from_secs(6 * 3600),
        timeout: Duration::from_secs(30),
        at_once: 4,
        batch: 50,
        at_once_per_service: 4,
    };
    /// For calls to the outside: slow, few at once, tried for more than a day.
    pub const OUTSIDE: Self = Self {
        attempts_max: 15,
        pause: Duration::from_secs(5),
        pause_factor: 2,
        pause_max: Duration::from_secs(6 * 3600),
        timeout: Duration::from_secs(60),
        at_once: 8,
        batch: 8,
        at_once_per_service: 8,
    };

    /// How long a worker that has taken a job keeps it for itself: time for the whole batch, and some to spare.
    pub fn lease(&self) -> Duration {
        let rounds = u32::try_from(self.batch.div_ceil(self.at_once.max(1))).unwrap_or(1).clamp(1, 4);
        self.timeout * rounds + Duration::from_secs(15)
    }
}
