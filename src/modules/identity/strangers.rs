//! Failed sign-ins for addresses without an account, counted in memory exactly as accounts count theirs in the database, so
//! that a lock tells nobody whether an account exists.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quick_cache::unsync::Cache;
use sha2::{Digest, Sha256};

use super::rules::LockPolicy;
use crate::kernel::time::Instant;

/// Addresses remembered; the least used is forgotten first.
const REMEMBERED_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    locked_until: Option<Instant>,
}

/// Failed sign-ins by address.
pub struct Strangers {
    known: Mutex<Cache<[u8; 32], Failures>>,
    /// How long an account's failure last took to be written: strangers wait as long.
    write_time: Mutex<Duration>,
}

impl std::fmt::Debug for Strangers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Strangers")
    }
}

impl Strangers {
    /// Nobody yet.
    pub fn new() -> Self {
        Self { known: Mutex::new(Cache::new(REMEMBERED_MAX)), write_time: Mutex::new(Duration::ZERO) }
    }

    /// Until when the address is locked, if it is.
    pub fn locked_until(&self, address: &str) -> Option<Instant> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&key(address)).and_then(|failures| failures.locked_until)
    }

    /// Counts a failure.
    pub fn fail(&self, address: &str, policy: LockPolicy, now: Instant) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut failures = known.get(&key(address)).copied().unwrap_or_default();
        failures.count += 1;
        if failures.count >= policy.failures {
            failures = Failures { count: 0, locked_until: Some(policy.until(now)) };
        }
        known.insert(key(address), failures);
    }

    /// Remembers how long an account's failure took to be written.
    pub fn learn_write_time(&self, took: Duration) {
        *self.write_time.lock().unwrap_or_else(PoisonError::into_inner) = took;
    }

    /// Waits as long as an account's failure would take to be written, so that the time of an answer tells nothing.
    pub async fn wait_as_if_written(&self) {
        let time = *self.write_time.lock().unwrap_or_else(PoisonError::into_inner);
        tokio::time::sleep(time).await;
    }
}

fn key(address: &str) -> [u8; 32] {
    Sha256::digest(address).into()
}
