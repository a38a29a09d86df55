//! Statements over `schedules`.

use pawbase_engine::{RecordId, Session, Tx, Value, Vars};

use super::Row;
use crate::kernel::Result;
use crate::kernel::time::Instant;
use crate::work::registry::Schedule;

/// A schedule as it is stored.
#[derive(Debug, Clone)]
pub struct StoredSchedule {
    /// Its name.
    pub name: String,
    /// The kind of job that each tick makes.
    pub kind: String,
    /// Minute, hour, day of month, month, day of week.
    pub cron: String,
    /// IANA name of the zone whose clock that is.
    pub timezone: String,
    /// Whether its ticks pass without a job.
    pub is_paused: bool,
    /// Next tick.
    pub next_at: Instant,
    /// The last tick that made a job.
    pub last_at: Option<Instant>,
}

fn schedule_record(name: &str) -> RecordId {
    RecordId::new("schedules", name)
}

fn schedule(row: Value) -> Result<StoredSchedule> {
    let mut row = Row(row);
    let id: RecordId = row.take("id")?;
    let name = if let pawbase_engine::RecordIdKey::String(name) = id.key { name } else { String::new() };
    Ok(StoredSchedule {
        name,
        kind: row.take("kind")?,
        cron: row.take("cron")?,
        timezone: row.take("timezone")?,
        is_paused: row.take("is_paused")?,
        next_at: row.take("next_at")?,
        last_at: row.take("last_at")?,
    })
}

/// All schedules, by name. There are as many as the program's list names.
pub async fn schedules(session: &Session) -> Result<Vec<StoredSchedule>> {
    let rows = session.read("SELECT * FROM schedules ORDER BY id", ()).await?.rows(0);
    rows.into_iter().map(schedule).collect()
}

/// Writes a schedule of the program's list, new or changed.
pub async fn keep_schedule(tx: &Tx, wanted: &Schedule, next_at: Instant) -> Result<()> {
    let vars = Vars::new()
        .with("id", schedule_record(wanted.name))
        .with("kind", wanted.kind)
        .with("cron", wanted.cron)
        .with("timezone", wanted.timezone)
        .with("next", next_at);
    let text = "UPSERT $id SET kind = $kind, cron = $cron, timezone = $timezone, next_at = $next RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// Removes a schedule that the program's list names no more.
pub async fn forget_schedule(tx: &Tx, name: &str) -> Result<()> {
    tx.query("DELETE $id RETURN NONE", Vars::new().with("id", schedule_record(name))).await?;
    Ok(())
}

/// Moves a schedule on from `tick` to `next`, if nobody else has; says whether that was so. `made` says whether the tick makes a job.
pub async fn pass_tick(tx: &Tx, name: &str, tick: Instant, next: Instant, made: bool) -> Result<bool> {
    let vars = Vars::new().with("id", schedule_record(name)).with("tick", tick).with("next", next).with("made", made);
    let text = "UPDATE $id SET next_at = $next, last_at = IF $made { $tick } ELSE { last_at }
        WHERE next_at = $tick RETURN id";
    Ok(!tx.query(text, vars).await?.rows(0).is_empty())
}

/// Pauses or resumes a schedule; answers it as it is then. A resumed one goes on with the tick at `next_at`.
pub async fn pause_schedule(tx: &Tx, name: &str, is_paused: bool) -> Result<Option<StoredSchedule>> {
    let vars = Vars::new().with("id", schedule_record(name)).with("paused", is_paused);
    let row = tx.query("UPDATE $id SET is_paused = $paused RETURN AFTER", vars).await?.rows(0).pop();
    row.map(schedule).transpose()
}

/// One schedule.
pub async fn schedule_named(tx: &Tx, name: &str) -> Result<Option<StoredSchedule>> {
    let row = tx.query("SELECT * FROM $id", Vars::new().with("id", schedule_record(name))).await?.rows(0).pop();
    row.map(schedule).transpose()
}
