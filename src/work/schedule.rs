//! Turns ticks into jobs, each tick once however many processes there are.
//!
//! Ticks that passed while no worker ran are made up for by one job. A paused schedule lets its ticks pass. Cron is read in the
//! schedule's own time zone: a time that a change to summer time leaves out runs at the next one there is, and one that comes
//! twice runs once.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use chrono_tz::Tz;
use croner::Cron;
use futures::future::BoxFuture;
use pawbase_engine::Tx;
use serde_json::json;

use super::enqueue::{NewJob, enqueue};
use super::registry::{Registry, Schedule};
use super::store::{self, StoredSchedule};
use super::worker::Worker;
use crate::context::Ctx;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};

/// The first tick after `after`.
pub(super) fn next_tick(cron: &str, timezone: &str, after: Instant) -> Result<Instant> {
    let wrong = |what: &dyn std::fmt::Display| Error::internal(format!("schedule {cron:?} in {timezone:?}: {what}"));
    let cron = Cron::from_str(cron).map_err(|cause| wrong(&cause))?;
    let zone = Tz::from_str(timezone).map_err(|cause| wrong(&cause))?;
    let next = cron.find_next_occurrence(&after.with_timezone(&zone), false).map_err(|cause| wrong(&cause))?;
    Ok(crate::kernel::time::floored(next.to_utc()))
}

impl Worker {
    /// Makes the schedules in the database those of the program's list. New and changed ones begin with their next tick.
    pub async fn keep_schedules(&self) -> Result<()> {
        let work = Arc::new((self.internal("schedules"), self.registry()));
        let root = self.platform().engine.root();
        let stored = store::schedules(root).await?;
        let stored = Arc::new(stored);
        root.transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
            let (work, stored) = (Arc::clone(&work), Arc::clone(&stored));
            Box::pin(async move { keep_list(tx, &work.0, &work.1, &stored).await })
        })
        .await
    }

    /// Makes jobs of the ticks that have come; answers how many, and when the next tick comes.
    pub async fn tick(&self) -> Result<(usize, Option<Instant>)> {
        let root = self.platform().engine.root();
        let now = self.platform().clock.now();
        let mut made = 0;
        let mut next: Option<Instant> = None;
        for schedule in store::schedules(root).await? {
            let mut next_at = schedule.next_at;
            if next_at <= now {
                next_at = next_tick(&schedule.cron, &schedule.timezone, now)?;
                made += usize::from(self.pass(schedule, next_at).await?);
            }
            next = Some(next.map_or(next_at, |other| other.min(next_at)));
        }
        Ok((made, next))
    }

    /// Moves a schedule on, and makes the job of the tick if it is this worker that moved it.
    async fn pass(&self, schedule: StoredSchedule, next_at: Instant) -> Result<bool> {
        let work = Arc::new((self.internal("schedules"), self.registry(), schedule));
        self.platform()
            .engine
            .root()
            .transact(|tx: &Tx| -> BoxFuture<'_, Result<bool>> {
                let work = Arc::clone(&work);
                Box::pin(async move {
                    let (ctx, registry, schedule) = &*work;
                    let made = !schedule.is_paused;
                    let is_ours = store::pass_tick(tx, &schedule.name, schedule.next_at, next_at, made).await?;
                    if is_ours && made {
                        make_job(tx, ctx, registry, schedule, schedule.next_at).await?;
                    }
                    Ok(is_ours && made)
                })
            })
            .await
    }
}

/// The job of a tick. While the one before is still open there is none.
pub(super) async fn make_job(
    tx: &Tx,
    ctx: &Ctx,
    registry: &Registry,
    schedule: &StoredSchedule,
    tick: Instant,
) -> Result<()> {
    let Some(kind) = registry.kind(&schedule.kind) else { return Ok(()) };
    let payload = json!({ "schedule": schedule.name, "tick": tick });
    let job = NewJob::new(kind.name, payload)?.unique(format!("schedule {}", schedule.name));
    enqueue(tx, ctx, job).await.map(drop)
}

async fn keep_list(tx: &Tx, ctx: &Ctx, registry: &Registry, stored: &[StoredSchedule]) -> Result<()> {
    let is_same = |wanted: &Schedule, stored: &StoredSchedule| {
        (wanted.name, wanted.kind, wanted.cron, wanted.timezone)
            == (&*stored.name, &*stored.kind, &*stored.cron, &*stored.timezone)
    };
    for wanted in registry.schedules() {
        if !stored.iter().any(|stored| is_same(wanted, stored)) {
            let next_at = next_tick(wanted.cron, wanted.timezone, ctx.now())?;
            store::keep_schedule(tx, wanted, next_at).await?;
        }
    }
    let names: BTreeSet<&str> = registry.schedules().iter().map(|schedule| schedule.name).collect();
    for gone in stored.iter().filter(|stored| !names.contains(&*stored.name)) {
        store::forget_schedule(tx, &gone.name).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn at(text: &str) -> Instant {
        DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
    }

    #[test]
    fn ticks_follow_the_clock_of_their_zone() {
        let cases = [
            ("30 3 * * *", "UTC", "2026-05-04T03:30:00Z", "2026-05-05T03:30:00Z"),
            ("30 3 * * *", "UTC", "2026-05-04T03:29:59.5Z", "2026-05-04T03:30:00Z"),
            ("0 9 * * *", "Europe/Berlin", "2026-05-04T06:59:00Z", "2026-05-04T07:00:00Z"),
            ("0 9 * * *", "Europe/Berlin", "2026-12-04T07:30:00Z", "2026-12-04T08:00:00Z"),
            ("0 9 * * MON", "America/New_York", "2026-05-05T00:00:00Z", "2026-05-11T13:00:00Z"),
            ("*/15 * * * *", "Asia/Kathmandu", "2026-05-04T00:01:00Z", "2026-05-04T00:15:00Z"),
            ("0 0 29 2 *", "UTC", "2026-05-04T00:00:00Z", "2028-02-29T00:00:00Z"),
        ];
        for (cron, zone, after, expected) in cases {
            assert_eq!(next_tick(cron, zone, at(after)).expect("a tick"), at(expected), "{cron} {zone} {after}");
        }
    }

    #[test]
    fn a_day_with_a_change_of_the_clock_has_one_tick() {
        // Berlin: 2026-03-29 has no 02:30, 2026-10-25 has it twice.
        for (day, end) in
            [("2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"), ("2026-10-25T00:00:00Z", "2026-10-26T00:00:00Z")]
        {
            let (mut now, end, mut count) = (at(day), at(end), 0);
            loop {
                now = next_tick("30 2 * * *", "Europe/Berlin", now).expect("a tick");
                if now >= end {
                    break;
                }
                count += 1;
            }
            assert_eq!(count, 1, "{day}");
        }
    }

    #[test]
    fn what_is_no_cron_or_no_zone_is_refused() {
        for (cron, zone) in [("every day", "UTC"), ("61 * * * *", "UTC"), ("0 9 * * *", "Berlin")] {
            assert!(next_tick(cron, zone, at("2026-05-04T00:00:00Z")).is_err(), "{cron} {zone}");
        }
    }
}
