//! What staff see of the work at one glance.

use std::collections::BTreeMap;

use chrono::Duration;
use uuid::Uuid;

use super::breaker::Position;
use super::job::State;
use super::store::{self, StoredSchedule};
use super::worker::Worker;
use crate::kernel::Result;
use crate::kernel::time::{Instant, floored};

/// Everything at one glance.
#[derive(Debug, Clone)]
pub struct Overview {
    /// Events that wait to be relayed.
    pub events_waiting: u64,
    /// Seconds since the oldest of them was told.
    pub events_lag_s: u64,
    /// Jobs by kind: all kinds of the program, and those of jobs that it does not know any more.
    pub kinds: Vec<KindCounts>,
    /// Outside services that have failed lately, as this process sees them.
    pub services: Vec<Service>,
    /// Schedules by name.
    pub schedules: Vec<StoredSchedule>,
}

/// Jobs of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindCounts {
    /// The kind.
    pub kind: String,
    /// Whether this program knows how to do it.
    pub is_known: bool,
    /// Jobs that wait.
    pub waiting: u64,
    /// Jobs that wait for another of their lane.
    pub blocked: u64,
    /// Jobs that run.
    pub running: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// Jobs that were done in the last hour.
    pub done_last_hour: u64,
    /// Seconds for which the first job that is due has been waiting.
    pub lag_s: u64,
}

/// An outside service that has failed lately.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Failures in a row.
    pub failures: u32,
    /// Until when it is left alone; None while it is called.
    pub open_until: Option<Instant>,
}

impl Worker {
    /// Everything at one glance.
    pub async fn overview(&self) -> Result<Overview> {
        let root = self.platform().engine.root();
        let now = self.platform().clock.now();
        let (events_waiting, first) = store::waiting_events(root).await?;
        let mut kinds: BTreeMap<String, KindCounts> = BTreeMap::new();
        for kind in self.registry().kinds() {
            let first = store::first_places(root, kind.name, 1).await?;
            let lag_ms = first.first().map_or(0, |place| now.timestamp_millis().saturating_sub(place.at_ms));
            let counts = KindCounts {
                kind: kind.name.to_owned(),
                is_known: true,
                lag_s: u64::try_from(lag_ms / 1000).unwrap_or_default(),
                ..KindCounts::default()
            };
            kinds.insert(kind.name.to_owned(), counts);
        }
        for counted in store::count_jobs(root, floored(now - Duration::hours(1))).await? {
            let unknown = || KindCounts { kind: counted.kind.clone(), ..KindCounts::default() };
            let counts = kinds.entry(counted.kind.clone()).or_insert_with(unknown);
            match counted.state {
                State::Waiting => counts.waiting = counted.count,
                State::Blocked => counts.blocked = counted.count,
                State::Running => counts.running = counted.count,
                State::Dead => counts.dead = counted.count,
                State::Done => counts.done_last_hour = counted.count,
                State::Dropped => {}
            }
        }
        Ok(Overview {
            events_waiting,
            events_lag_s: first.map_or(0, |id| age_s(id, now)),
            kinds: kinds.into_values().collect(),
            services: self.services(now),
            schedules: store::schedules(root).await?,
        })
    }

    fn services(&self, now: Instant) -> Vec<Service> {
        let service = |(name, failures, position)| {
            let open_until = match position {
                Position::Open(until) | Position::HalfOpen(until) if until > now => Some(floored(until)),
                _ => None,
            };
            Service { name, failures, open_until }
        };
        self.breakers().troubled().into_iter().map(service).collect()
    }
}

/// Seconds since a UUIDv7 was made.
fn age_s(id: Uuid, now: Instant) -> u64 {
    let made_s = id.get_timestamp().map_or(0, |time| time.to_unix().0);
    u64::try_from(now.timestamp()).unwrap_or_default().saturating_sub(made_s)
}
