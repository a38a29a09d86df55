//! Statements over `webhook_deliveries`.

use pawbase_engine::{Session, Tx, Value, Vars};
use uuid::Uuid;

use super::{delivery_record, endpoint_record, record};
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::modules::webhooks::model::{Delivery, DeliveryState};
use crate::work::Row;

fn delivery_of(row: Value) -> Result<Delivery> {
    let mut row = Row(row);
    let state: String = row.take("state")?;
    Ok(Delivery {
        id: row.key("id")?,
        endpoint: row.key("endpoint")?,
        event: row.link("event")?,
        name: row.take("name")?,
        about: row.take("about")?,
        message: row.take("message")?,
        body: row.take("body")?,
        state: DeliveryState::parse(&state).ok_or_else(|| Error::internal(format!("a delivery in state {state}")))?,
        attempts: u32::try_from(row.count("attempts")?).unwrap_or(u32::MAX),
        job: row.link("job")?,
    })
}

/// Keeps a new delivery.
pub async fn insert_delivery(tx: &Tx, delivery: &Delivery, at: Instant) -> Result<()> {
    let vars = Vars::new()
        .with("id", delivery_record(delivery.id))
        .with("endpoint", endpoint_record(delivery.endpoint))
        .with("event", delivery.event.map(|id| record("events", id)))
        .with("name", delivery.name.clone())
        .with("about", delivery.about.clone())
        .with("message", delivery.message.clone())
        .with("body", delivery.body.clone())
        .with("state", delivery.state.as_str())
        .with("job", delivery.job.map(|id| record("jobs", id)))
        .with("at", at);
    let text = "CREATE $id SET endpoint = $endpoint, event = $event, name = $name, about = $about, message = $message,
        body = $body, state = $state, job = $job, created_at = $at RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// A delivery, to look at.
pub async fn delivery(session: &Session, id: Uuid) -> Result<Option<Delivery>> {
    let mut answer = session.read("SELECT * FROM $id", Vars::new().with("id", delivery_record(id))).await?;
    answer.rows(0).pop().map(delivery_of).transpose()
}

/// A delivery, in a transaction that will change it.
pub async fn delivery_within(tx: &Tx, id: Uuid) -> Result<Option<Delivery>> {
    let mut answer = tx.query("SELECT * FROM $id", Vars::new().with("id", delivery_record(id))).await?;
    answer.rows(0).pop().map(delivery_of).transpose()
}

/// Puts a delivery into another state without an attempt; `job` sends it from now on, and `error` says why it came so.
pub async fn move_delivery(
    tx: &Tx,
    id: Uuid,
    state: DeliveryState,
    job: Option<Uuid>,
    error: Option<&str>,
    now: Instant,
) -> Result<()> {
    let vars = Vars::new()
        .with("id", delivery_record(id))
        .with("state", state.as_str())
        .with("job", job.map(|id| record("jobs", id)))
        .with("error", error.map(str::to_owned))
        .with("end", state.is_over().then_some(now));
    let text = "UPDATE $id SET state = $state, job = $job, error = $error, finished_at = $end RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// The first deliveries that are held back for an endpoint, in the order of the events.
pub async fn held(tx: &Tx, endpoint: Uuid, most: i64) -> Result<Vec<Delivery>> {
    let vars = Vars::new().with("endpoint", endpoint_record(endpoint)).with("most", most);
    let text = "SELECT * FROM webhook_deliveries WHERE endpoint = $endpoint AND state = 'held' ORDER BY id LIMIT $most";
    tx.query(text, vars).await?.rows(0).into_iter().map(delivery_of).collect()
}

/// What replays of a whole endpoint send again: what was given up or dropped, made at `$since` or later.
const FAILED: &str =
    "endpoint = $endpoint AND state IN ['failed', 'dropped'] AND event != NONE AND created_at >= $since";

/// How many deliveries a replay would send again.
pub async fn count_failed(tx: &Tx, endpoint: Uuid, since: Instant) -> Result<u64> {
    let vars = Vars::new().with("endpoint", endpoint_record(endpoint)).with("since", since);
    let text = format!("SELECT count() AS count FROM webhook_deliveries WHERE {FAILED} GROUP ALL");
    match tx.query(&text, vars).await?.rows(0).pop() {
        Some(row) => Row(row).count("count"),
        None => Ok(0),
    }
}

/// The first of them after the key `after`, in the order of the events.
pub async fn failed(tx: &Tx, endpoint: Uuid, since: Instant, after: Uuid, most: i64) -> Result<Vec<Delivery>> {
    let vars = Vars::new()
        .with("endpoint", endpoint_record(endpoint))
        .with("since", since)
        .with("after", delivery_record(after))
        .with("most", most);
    let text = format!("SELECT * FROM webhook_deliveries WHERE {FAILED} AND id > $after ORDER BY id LIMIT $most");
    tx.query(&text, vars).await?.rows(0).into_iter().map(delivery_of).collect()
}
