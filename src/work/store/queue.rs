//! Statements over `job_queue` and `lanes`. The queue's keys are [kind, milliseconds, job]: a range of them, in order, is what is
//! due for one kind.

use std::collections::HashMap;
use std::ops::Bound;

use pawbase_engine::{RecordId, RecordIdKey, RecordIdKeyRange, Session, SurrealValue, Tx, Value, Vars};
use uuid::Uuid;

use crate::kernel::{Error, Result};
use crate::work::job::record;

/// A place in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// When somebody should look at the job, in milliseconds since 1970.
    pub at_ms: i64,
    /// The job.
    pub job: Uuid,
}

/// The record of a place.
pub fn queue_record(kind: &str, place: Place) -> RecordId {
    let parts = vec![kind.to_owned().into_value(), place.at_ms.into_value(), Value::Uuid(place.job.into())];
    RecordId::new("job_queue", RecordIdKey::Array(parts.into()))
}

fn place(id: &RecordId) -> Result<Place> {
    let RecordIdKey::Array(parts) = &id.key else { return Err(Error::internal("a place in the queue without parts")) };
    match parts.iter().as_slice() {
        [_, Value::Number(at), Value::Uuid(job)] => {
            Ok(Place { at_ms: at.to_int().unwrap_or_default(), job: job.into_inner() })
        }
        _ => Err(Error::internal("a place in the queue with other parts")),
    }
}

/// The first places of a kind, in order, due or not.
pub async fn first_places(session: &Session, kind: &str, most: usize) -> Result<Vec<Place>> {
    let key = |parts: Vec<Value>| RecordIdKey::Array(parts.into());
    let name = kind.to_owned().into_value();
    let range = RecordIdKeyRange {
        start: Bound::Included(key(vec![name.clone(), i64::MIN.into_value()])),
        end: Bound::Excluded(key(vec![name, i64::MAX.into_value()])),
    };
    let range = RecordId::new("job_queue", RecordIdKey::Range(Box::new(range)));
    let vars = Vars::new().with("range", range).with("most", i64::try_from(most).unwrap_or(i64::MAX));
    let rows = session.read("SELECT VALUE id FROM $range ORDER BY id LIMIT $most", vars).await?.rows(0);
    rows.into_iter().filter_map(|id| if let Value::RecordId(id) = id { Some(place(&id)) } else { None }).collect()
}

/// Takes these places out; answers those that were still there.
pub async fn take_places(tx: &Tx, kind: &str, places: &[Place]) -> Result<Vec<Place>> {
    let ids: Vec<Value> = places.iter().map(|place| Value::RecordId(queue_record(kind, *place))).collect();
    let vars = Vars::new().with("ids", Value::Array(ids.into()));
    let gone = tx.query("DELETE $ids RETURN BEFORE", vars).await?.rows(0);
    gone.into_iter()
        .map(|row| {
            let id: RecordId = super::Row(row).take("id")?;
            place(&id)
        })
        .collect()
}

/// Puts jobs of one kind at their places.
pub async fn put_places(tx: &Tx, kind: &str, places: &[Place]) -> Result<()> {
    let row = |place: &Place| {
        let mut row = pawbase_engine::Object::new();
        row.insert("id", queue_record(kind, *place));
        Value::Object(row)
    };
    insert(tx, "job_queue", places.iter().map(row).collect()).await
}

/// Inserts rows, if there are any.
pub async fn insert(tx: &Tx, table: &str, rows: Vec<Value>) -> Result<()> {
    if !rows.is_empty() {
        let text = format!("INSERT INTO `{table}` $rows RETURN NONE");
        tx.query(&text, Vars::new().with("rows", Value::Array(rows.into()))).await?;
    }
    Ok(())
}

/// Takes a place out.
pub async fn leave_place(tx: &Tx, kind: &str, place: Place) -> Result<()> {
    tx.query("DELETE $id RETURN NONE", Vars::new().with("id", queue_record(kind, place))).await?;
    Ok(())
}

/// A lane: a reaction, and the record that its events are about, in written form.
pub type Lane = (String, String);

fn lane_record(lane: &Lane) -> RecordId {
    let parts = vec![lane.0.clone().into_value(), lane.1.clone().into_value()];
    RecordId::new("lanes", RecordIdKey::Array(parts.into()))
}

/// The last job of each of these lanes that has one.
pub async fn last_of_lanes(tx: &Tx, lanes: &[Lane]) -> Result<HashMap<Lane, Uuid>> {
    let ids: Vec<Value> = lanes.iter().map(|lane| Value::RecordId(lane_record(lane))).collect();
    let vars = Vars::new().with("ids", Value::Array(ids.into()));
    let rows = tx.query("SELECT id, last FROM $ids", vars).await?.rows(0);
    let mut found = HashMap::with_capacity(rows.len());
    for row in rows {
        let mut row = super::Row(row);
        let id: RecordId = row.take("id")?;
        if let RecordIdKey::Array(parts) = &id.key
            && let [Value::String(kind), Value::String(about)] = parts.iter().as_slice()
        {
            found.insert((kind.clone(), about.clone()), row.key("last")?);
        }
    }
    Ok(found)
}

/// Notes the last job of each lane.
pub async fn keep_lanes(tx: &Tx, lanes: &HashMap<Lane, Uuid>) -> Result<()> {
    if lanes.is_empty() {
        return Ok(());
    }
    let row = |(lane, last): (&Lane, &Uuid)| {
        let mut row = pawbase_engine::Object::new();
        row.insert("id", lane_record(lane));
        row.insert("last", record("jobs", *last));
        Value::Object(row)
    };
    let rows: Vec<Value> = lanes.iter().map(row).collect();
    let text = "INSERT INTO lanes $rows ON DUPLICATE KEY UPDATE last = $input.last RETURN NONE";
    tx.query(text, Vars::new().with("rows", Value::Array(rows.into()))).await?;
    Ok(())
}

/// Ends a lane.
pub async fn end_lane(tx: &Tx, lane: &Lane) -> Result<()> {
    tx.query("DELETE $id RETURN NONE", Vars::new().with("id", lane_record(lane))).await?;
    Ok(())
}
