//! Signed-in callers kept ready: one authenticated database session per access token.
//!
//! **Invariant:** a kept principal is used only while nothing about anybody's rights has changed since it was made. Each
//! change (roles, status, membership, session) raises the generation after its commit and before its answer, so the next
//! request authenticates anew. Kept principals assume that this process sees every change: with a remote database nothing is
//! kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use tokio::sync::watch;

use super::bell::Bell;
use super::caller::Principal;
use crate::kernel::time::Instant;

/// The generation a principal was made in, and the principal.
type Kept = (u64, Arc<Principal>);

/// A bounded set of ready principals, by access token.
#[derive(Debug)]
pub struct Principals {
    kept: Option<Cache<Box<str>, Kept>>,
    generation: AtomicU64,
    /// Rings when the generation was raised.
    bell: Bell,
}

impl Principals {
    /// Room for `capacity` principals; keeps none when `is_kept` is false.
    pub fn new(capacity: usize, is_kept: bool) -> Self {
        Self { kept: is_kept.then(|| Cache::new(capacity)), generation: AtomicU64::new(0), bell: Bell::default() }
    }

    /// The generation to remember before reading anything about rights.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// The ready principal of `token`, if its rights are still current and it has not ended at `now`.
    pub fn get(&self, token: &str, now: Instant) -> Option<Arc<Principal>> {
        let (generation, principal) = self.kept.as_ref()?.get(token)?;
        (generation == self.generation() && principal.expires_at > now).then_some(principal)
    }

    /// Keeps a principal whose rights were read after `generation` was taken.
    pub fn keep(&self, token: &str, generation: u64, principal: Arc<Principal>) {
        if let Some(kept) = &self.kept {
            kept.insert(token.into(), (generation, principal));
        }
    }

    /// Says that somebody's rights have changed. Call after the commit and before the answer.
    pub fn rights_changed(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.bell.ring();
    }

    /// Hears from now on when somebody's rights have changed.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.bell.listen()
    }
}
