//! A worker: relays events, makes jobs of ticks, takes jobs that are due and runs them.
//!
//! `run_forever` is the loop of a process; `settle` does the same step by step until nothing is due, for tests, which own the
//! clock. Each kind of job has its own pool, so that a slow kind holds up no other.

use std::sync::Arc;

use super::attempt::Outcome;
use super::breaker::Breakers;
use super::claim::Claimed;
use super::load::Load;
use super::registry::{Kind, Registry};
use crate::context::{Ctx, Platform};
use crate::kernel::Result;

/// A worker of this process. It does nothing of itself.
#[derive(Debug)]
pub struct Worker {
    platform: Arc<Platform>,
    registry: Arc<Registry>,
    owner: Arc<str>,
    breakers: Breakers,
    load: Load,
}

/// What [`Worker::settle`] has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// Events relayed.
    pub events: usize,
    /// Ticks that made a job.
    pub ticks: usize,
    /// Jobs done.
    pub done: usize,
    /// Attempts that failed.
    pub failed: usize,
}

impl Worker {
    /// A worker with a name of its own.
    pub fn new(platform: Arc<Platform>, registry: Arc<Registry>) -> Self {
        let id = platform.ids.next(platform.clock.now());
        let owner = format!("{}-{id}", std::process::id()).into();
        Self { platform, registry, owner, breakers: Breakers::default(), load: Load::default() }
    }

    /// What all requests share.
    pub fn platform(&self) -> &Arc<Platform> {
        &self.platform
    }

    /// What is done about events and jobs.
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry)
    }

    /// Its name in leases.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    pub(super) fn owner_shared(&self) -> Arc<str> {
        Arc::clone(&self.owner)
    }

    /// How the outside services are doing.
    pub(super) fn breakers(&self) -> &Breakers {
        &self.breakers
    }

    /// The calls to outside services under way.
    pub(super) fn load(&self) -> &Load {
        &self.load
    }

    /// A context for the program's own work.
    pub(super) fn internal(&self, cause: &str) -> Ctx {
        Ctx::internal(Arc::clone(&self.platform), cause)
    }

    /// Relays, ticks and runs until nothing is due at the present instant of the platform's clock.
    pub async fn settle(&self) -> Result<Settled> {
        let mut total = Settled::default();
        loop {
            let events = self.relay().await?;
            let (ticks, _) = self.tick().await?;
            let (mut done, mut failed, mut count) = (0, 0, 0);
            for kind in self.registry.kinds() {
                for claimed in self.claim(kind).await?.claimed {
                    count += 1;
                    match self.attempt(kind, claimed).await {
                        Outcome::Done => done += 1,
                        Outcome::Failed => failed += 1,
                        Outcome::Back | Outcome::Lost => {}
                    }
                }
            }
            total.events += events;
            total.ticks += ticks;
            total.done += done;
            total.failed += failed;
            if events + ticks + count == 0 {
                return Ok(total);
            }
        }
    }

    pub(super) async fn put_all_back(&self, kind: &Kind, claimed: Vec<Claimed>) {
        for claimed in claimed {
            if let Err(error) = self.put_back(kind, claimed).await {
                // Its lease will run out.
                tracing::warn!(kind = kind.name, %error, "a job could not be put back");
            }
        }
    }
}
