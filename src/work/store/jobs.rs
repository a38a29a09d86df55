//! Statements over `jobs`.

use pawbase_engine::{Object, RecordId, SurrealValue, Tx, Value, Vars};
use serde_json::Value as Json;
use uuid::Uuid;

use super::queue::{Lane, Place, insert, put_places};
use super::{Row, queue_record};
use crate::context::Ctx;
use crate::kernel::time::{Instant, floored};
use crate::kernel::{Error, Result};
use crate::work::enqueue::NewJob;
use crate::work::job::{State, record};

/// A job that is to be written.
pub struct NewRow {
    pub id: Uuid,
    pub kind: String,
    pub state: State,
    pub event: Option<Uuid>,
    pub about: Option<RecordId>,
    pub payload: Option<Json>,
    pub run_at: Instant,
    pub unique_key: Option<String>,
    pub lane: Option<Lane>,
    pub next: Option<Uuid>,
    pub request_id: Option<String>,
    pub created_at: Instant,
}

impl NewRow {
    fn place(&self) -> Place {
        Place { at_ms: self.run_at.timestamp_millis(), job: self.id }
    }

    fn object(&self) -> Value {
        let mut row = Object::new();
        row.insert("id", record("jobs", self.id));
        row.insert("kind", self.kind.clone());
        row.insert("state", self.state.as_str());
        row.insert("run_at", floored(self.run_at));
        row.insert("queue_at_ms", self.run_at.timestamp_millis());
        row.insert("created_at", floored(self.created_at));
        let mut optional = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                row.insert(name, value);
            }
        };
        optional("event", self.event.map(|id| Value::RecordId(record("events", id))));
        optional("about", self.about.clone().map(Value::RecordId));
        optional("payload", self.payload.clone().map(Json::into_value));
        optional("unique_key", self.unique_key.clone().map(Value::String));
        optional("lane", self.lane.as_ref().map(lane_value));
        optional("next", self.next.map(|id| Value::RecordId(record("jobs", id))));
        optional("request_id", self.request_id.clone().map(Value::String));
        Value::Object(row)
    }
}

fn lane_value(lane: &Lane) -> Value {
    Value::Array(vec![Value::String(lane.0.clone()), Value::String(lane.1.clone())].into())
}

/// Writes jobs, and puts those that wait into the queue.
pub async fn insert_jobs(tx: &Tx, rows: &[NewRow]) -> Result<()> {
    insert(tx, "jobs", rows.iter().map(NewRow::object).collect()).await?;
    let waiting = rows.iter().filter(|row| row.state == State::Waiting);
    let queued = waiting.map(|row| {
        let mut object = Object::new();
        object.insert("id", queue_record(&row.kind, row.place()));
        Value::Object(object)
    });
    insert(tx, "job_queue", queued.collect()).await
}

/// Writes a job that was asked for; a blocked one has its turn when the one before it in its lane has ended.
pub async fn insert_job(tx: &Tx, id: Uuid, job: &NewJob, is_blocked: bool, ctx: &Ctx) -> Result<()> {
    let now = ctx.now();
    let delay = chrono::Duration::from_std(job.delay).map_err(Error::internal)?;
    let row = NewRow {
        id,
        kind: job.kind.to_owned(),
        state: if is_blocked { State::Blocked } else { State::Waiting },
        event: None,
        about: job.about.clone(),
        payload: Some(job.payload.clone()),
        run_at: job.run_at.unwrap_or(now) + delay,
        unique_key: job.unique_key.clone(),
        lane: job.lane.clone(),
        next: None,
        request_id: Some(ctx.request_id.clone()),
        created_at: now,
    };
    insert_jobs(tx, &[row]).await.map_err(|error| match error.entry() == crate::kernel::error::ALREADY_EXISTS {
        // Somebody else was faster: run again, the key is found taken.
        true => error.retryable(),
        false => error,
    })
}

/// Whether there is an open job with this unique key.
pub async fn is_key_open(tx: &Tx, key: &str) -> Result<bool> {
    let text = "SELECT VALUE id FROM jobs WHERE unique_key = $key LIMIT 1";
    Ok(!tx.query(text, Vars::new().with("key", key)).await?.rows(0).is_empty())
}

/// A job as it is stored.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: Uuid,
    pub kind: String,
    pub state: State,
    pub event: Option<Uuid>,
    pub payload: Json,
    pub queue_at_ms: i64,
    pub attempts: u32,
    pub lane: Option<Lane>,
    pub next: Option<Uuid>,
    pub history: Vec<Value>,
    pub request_id: Option<String>,
    pub created_at: Instant,
}

impl Stored {
    /// Where it stands in the queue, if it does.
    pub fn place(&self) -> Place {
        Place { at_ms: self.queue_at_ms, job: self.id }
    }
}

fn stored(row: Value) -> Result<Stored> {
    let mut row = Row(row);
    let state: String = row.take("state")?;
    let lane: Option<Vec<String>> = row.take("lane")?;
    Ok(Stored {
        id: row.key("id")?,
        kind: row.take("kind")?,
        state: State::parse(&state).ok_or_else(|| Error::internal(format!("a job in state {state}")))?,
        event: row.link("event")?,
        payload: row.json("payload")?,
        queue_at_ms: row.take("queue_at_ms")?,
        attempts: u32::try_from(row.count("attempts")?).unwrap_or(u32::MAX),
        lane: lane.and_then(|parts| <[String; 2]>::try_from(parts).ok()).map(|[kind, about]| (kind, about)),
        next: row.link("next")?,
        history: row.take::<Option<Vec<Value>>>("history")?.unwrap_or_default(),
        request_id: row.take("request_id")?,
        created_at: row.take("created_at")?,
    })
}

/// The jobs with these keys, inside a transaction.
pub async fn jobs(tx: &Tx, ids: impl Iterator<Item = Uuid>) -> Result<Vec<Stored>> {
    let ids: Vec<Value> = ids.map(|id| Value::RecordId(record("jobs", id))).collect();
    let vars = Vars::new().with("ids", Value::Array(ids.into()));
    tx.query("SELECT * FROM $ids", vars).await?.rows(0).into_iter().map(stored).collect()
}

/// The job with this key, inside a transaction.
pub async fn job(tx: &Tx, id: Uuid) -> Result<Option<Stored>> {
    Ok(jobs(tx, std::iter::once(id)).await?.pop())
}

/// Whether a job is about another job.
pub async fn is_about_a_job(tx: &Tx, id: Uuid) -> Result<bool> {
    let text = "SELECT VALUE about FROM $id";
    let about = tx.query(text, Vars::new().with("id", record("jobs", id))).await?.rows(0).pop();
    Ok(matches!(about, Some(Value::RecordId(about)) if about.table.as_str() == "jobs"))
}

/// Who runs a job and until when.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The worker.
    pub owner: String,
    /// When another may take it over, in milliseconds since 1970.
    pub until_ms: i64,
}

/// Begins an attempt at each of these jobs of one kind.
pub async fn begin_jobs(tx: &Tx, kind: &str, ids: &[Uuid], lease: &Lease) -> Result<()> {
    let records: Vec<Value> = ids.iter().map(|id| Value::RecordId(record("jobs", *id))).collect();
    let vars = Vars::new()
        .with("ids", Value::Array(records.into()))
        .with("owner", lease.owner.clone())
        .with("until", whole_seconds(lease.until_ms)?)
        .with("until_ms", lease.until_ms);
    let text = "UPDATE $ids SET state = 'running', attempts += 1, lease_owner = $owner, lease_until = $until,
        queue_at_ms = $until_ms RETURN NONE";
    tx.query(text, vars).await?;
    let places: Vec<Place> = ids.iter().map(|job| Place { at_ms: lease.until_ms, job: *job }).collect();
    put_places(tx, kind, &places).await
}

/// Notes a failure of a job that is begun again at once.
pub async fn note_failure(tx: &Tx, id: Uuid, error: &str, history: &[Value]) -> Result<()> {
    let vars = Vars::new()
        .with("id", record("jobs", id))
        .with("error", error)
        .with("history", Value::Array(history.to_vec().into()));
    tx.query("UPDATE $id SET error = $error, history = $history RETURN NONE", vars).await?;
    Ok(())
}

/// The instant, without its fraction of a second.
pub fn whole_seconds(at_ms: i64) -> Result<Instant> {
    chrono::DateTime::from_timestamp_millis(at_ms)
        .map(floored)
        .ok_or_else(|| Error::internal(format!("{at_ms} is no time")))
}

/// What a job becomes.
pub enum Becomes<'a> {
    /// It is over, and out of its lane.
    Over(State),
    /// It is passed over when its turn in the lane comes.
    PassedOver,
    /// It stands in its lane again, as it did before it was passed over.
    InLine,
    /// It waits again.
    Waiting {
        /// When it is due, in milliseconds since 1970.
        at_ms: i64,
        /// Attempts made so far.
        attempts: u32,
    },
    /// It waits again, after a failure that is noted.
    Failed {
        /// When it is due, in milliseconds since 1970.
        at_ms: i64,
        /// Why it failed.
        error: &'a str,
        /// All failures that are kept.
        history: Vec<Value>,
    },
    /// It is given up, after a failure that is noted.
    Dead {
        /// Why it failed.
        error: &'a str,
        /// All failures that are kept.
        history: Vec<Value>,
    },
}

/// The worker and attempt that a change of a running job is for; None for changes by staff.
pub type Fence<'a> = Option<(&'a str, u32)>;

/// Changes a job, if it is still in the hands of `fence`; answers it as it was. Its place in the queue is taken out, and a new
/// one put in where it waits.
pub async fn change_job(
    tx: &Tx,
    id: Uuid,
    becomes: Becomes<'_>,
    fence: Fence<'_>,
    now: Instant,
) -> Result<Option<Stored>> {
    let now = floored(now);
    let ends = "lease_owner = NONE, lease_until = NONE, unique_key = NONE, finished_at = $now";
    let leaves = "lane = NONE, next = NONE";
    let waits = "state = 'waiting', run_at = $at, queue_at_ms = $at_ms, lease_owner = NONE, lease_until = NONE,
        finished_at = NONE";
    let mut vars = Vars::new().with("id", record("jobs", id)).with("now", now);
    let (set, at_ms) = match becomes {
        Becomes::Over(state) => {
            vars.bind("state", state.as_str());
            (format!("state = $state, {ends}, {leaves}"), None)
        }
        Becomes::PassedOver => (format!("state = 'dropped', {ends}"), None),
        Becomes::InLine => ("state = 'blocked', finished_at = NONE, attempts = 0".to_owned(), None),
        Becomes::Waiting { at_ms, attempts } => {
            vars.bind("attempts", i64::from(attempts));
            (format!("{waits}, attempts = $attempts"), Some(at_ms))
        }
        Becomes::Failed { at_ms, error, history } => {
            vars.bind("error", error);
            vars.bind("history", Value::Array(history.into()));
            (format!("{waits}, error = $error, history = $history"), Some(at_ms))
        }
        Becomes::Dead { error, history } => {
            vars.bind("error", error);
            vars.bind("history", Value::Array(history.into()));
            (format!("state = 'dead', {ends}, {leaves}, error = $error, history = $history"), None)
        }
    };
    if let Some(at_ms) = at_ms {
        vars.bind("at", whole_seconds(at_ms)?);
        vars.bind("at_ms", at_ms);
    }
    let mut condition = "";
    if let Some((owner, attempt)) = fence {
        vars.bind("owner", owner);
        vars.bind("attempt", i64::from(attempt));
        condition = " WHERE state = 'running' AND lease_owner = $owner AND attempts = $attempt";
    }
    let row = tx.query(&format!("UPDATE $id SET {set}{condition} RETURN BEFORE"), vars).await?.rows(0).pop();
    let Some(was) = row.map(stored).transpose()? else { return Ok(None) };
    super::queue::leave_place(tx, &was.kind, was.place()).await?;
    if let Some(at_ms) = at_ms {
        put_places(tx, &was.kind, &[Place { at_ms, job: id }]).await?;
    }
    Ok(Some(was))
}

/// Makes the last job of a lane known to the one before it.
pub async fn follow(tx: &Tx, before: Uuid, next: Uuid) -> Result<()> {
    let vars = Vars::new().with("id", record("jobs", before)).with("next", record("jobs", next));
    tx.query("UPDATE $id SET next = $next RETURN NONE", vars).await?;
    Ok(())
}

/// Takes a job out of its lane.
pub async fn leave_lane(tx: &Tx, id: Uuid) -> Result<()> {
    let vars = Vars::new().with("id", record("jobs", id));
    tx.query("UPDATE $id SET lane = NONE, next = NONE RETURN NONE", vars).await?;
    Ok(())
}

/// Forgets up to `most` jobs that ended in `state` before `end`; answers how many there were.
pub async fn forget_jobs(tx: &Tx, state: State, end: Instant, most: i64) -> Result<usize> {
    let vars = Vars::new().with("state", state.as_str()).with("end", end).with("most", most);
    let text = "SELECT VALUE id FROM jobs WHERE state = $state AND finished_at < $end LIMIT $most";
    let ids = tx.query(text, vars).await?.rows(0);
    let count = ids.len();
    if count > 0 {
        tx.query("DELETE $ids RETURN NONE", Vars::new().with("ids", Value::Array(ids.into()))).await?;
    }
    Ok(count)
}
