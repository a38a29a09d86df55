//! What the operations give.

use poem_openapi::Object;

use crate::kernel::time::Instant;
use crate::work::{KindCounts, Overview, Service, StoredSchedule};

/// The work at a glance.
#[derive(Object)]
pub struct WorkOverview {
    /// Events that wait to be turned into jobs.
    pub events_waiting: u64,
    /// Seconds since the oldest of them.
    pub events_lag_s: u64,
    /// Jobs by kind.
    pub kinds: Vec<KindOfJob>,
    /// Outside services that have failed lately, as this process sees them.
    pub services: Vec<OutsideService>,
    /// All schedules, by name.
    pub schedules: Vec<ScheduleView>,
}

/// Jobs of one kind.
#[derive(Object)]
pub struct KindOfJob {
    /// Its name.
    pub kind: String,
    /// Whether this version of the program knows how to do it.
    pub is_known: bool,
    /// Jobs that wait until they are due.
    pub waiting: u64,
    /// Jobs that wait for an earlier event of the same record.
    pub blocked: u64,
    /// Jobs that run.
    pub running: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// Jobs done in the last hour.
    pub done_last_hour: u64,
    /// Seconds for which the first job that is due has been waiting.
    pub lag_s: u64,
}

/// An outside service that has failed lately.
#[derive(Object)]
pub struct OutsideService {
    /// Its name.
    pub name: String,
    /// Failures in a row.
    pub failures: u32,
    /// Until when it is left alone; absent while it is called.
    #[oai(skip_serializing_if_is_none)]
    pub open_until: Option<String>,
}

/// Jobs that come again and again.
#[derive(Object)]
#[oai(rename = "ScheduleState")]
pub struct ScheduleView {
    /// Its name.
    pub id: String,
    /// The kind of job that each tick makes.
    pub kind: String,
    /// When: minute, hour, day of month, month, day of week.
    pub cron: String,
    /// Whose clock that is.
    pub timezone: String,
    /// Whether its ticks pass without a job.
    pub is_paused: bool,
    /// Next tick.
    pub next_at: String,
    /// The last tick that made a job.
    #[oai(skip_serializing_if_is_none)]
    pub last_at: Option<String>,
}

fn shown(instant: Instant) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

impl From<StoredSchedule> for ScheduleView {
    fn from(schedule: StoredSchedule) -> Self {
        let StoredSchedule { name, kind, cron, timezone, is_paused, next_at, last_at } = schedule;
        Self { id: name, kind, cron, timezone, is_paused, next_at: shown(next_at), last_at: last_at.map(shown) }
    }
}

impl From<KindCounts> for KindOfJob {
    fn from(counts: KindCounts) -> Self {
        let KindCounts { kind, is_known, waiting, blocked, running, dead, done_last_hour, lag_s } = counts;
        Self { kind, is_known, waiting, blocked, running, dead, done_last_hour, lag_s }
    }
}

impl From<Service> for OutsideService {
    fn from(service: Service) -> Self {
        Self { name: service.name, failures: service.failures, open_until: service.open_until.map(shown) }
    }
}

impl From<Overview> for WorkOverview {
    fn from(overview: Overview) -> Self {
        Self {
            events_waiting: overview.events_waiting,
            events_lag_s: overview.events_lag_s,
            kinds: overview.kinds.into_iter().map(KindOfJob::from).collect(),
            services: overview.services.into_iter().map(OutsideService::from).collect(),
            schedules: overview.schedules.into_iter().map(ScheduleView::from).collect(),
        }
    }
}
