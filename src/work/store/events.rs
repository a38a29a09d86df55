//! Statements over `outbox` and `events`.

use std::collections::HashMap;
use std::sync::Arc;

use pawbase_engine::{Session, Tx, Value, Vars};
use uuid::Uuid;

use super::{Row, forget_before};
use crate::kernel::Result;
use crate::work::event::Event;
use crate::work::job::record;

/// Whether any event waits to be relayed.
pub async fn has_outbox(session: &Session) -> Result<bool> {
    let mut answer = session.read("SELECT VALUE id FROM outbox LIMIT 1", ()).await?;
    Ok(!answer.rows(0).is_empty())
}

/// Moves the first events of the outbox, in their order, to `events`. No two transactions do this at once.
pub async fn take_outbox(tx: &Tx, most: i64) -> Result<Vec<Event>> {
    tx.query("UPSERT work_guards:relay SET turn = (turn ?? 0) + 1 RETURN NONE", ()).await?;
    let rows = tx.query("SELECT * FROM outbox ORDER BY id LIMIT $most", Vars::new().with("most", most)).await?.rows(0);
    let (mut ids, mut kept) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        let mut copy = row.clone();
        let event = event(row)?;
        ids.push(Value::RecordId(record("outbox", event.id)));
        if let Value::Object(object) = &mut copy {
            object.insert("id", record("events", event.id));
        }
        kept.push(copy);
        events.push(event);
    }
    if !events.is_empty() {
        let vars = Vars::new().with("ids", Value::Array(ids.into())).with("rows", Value::Array(kept.into()));
        tx.query("INSERT INTO events $rows RETURN NONE; DELETE $ids RETURN NONE", vars).await?;
    }
    Ok(events)
}

/// The events with these keys.
pub async fn events(session: &Session, ids: &[Uuid]) -> Result<HashMap<Uuid, Arc<Event>>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Value> = ids.iter().map(|id| Value::RecordId(record("events", *id))).collect();
    let vars = Vars::new().with("ids", Value::Array(ids.into()));
    let rows = session.read("SELECT * FROM $ids", vars).await?.rows(0);
    rows.into_iter().map(|row| event(row).map(|event| (event.id, Arc::new(event)))).collect()
}

fn event(row: Value) -> Result<Event> {
    let mut row = Row(row);
    Ok(Event {
        id: row.key("id")?,
        name: row.take("name")?,
        version: u32::try_from(row.count("version")?).unwrap_or(1),
        at: row.take("at")?,
        actor: row.link("actor")?,
        about: row.take("about")?,
        payload: row.json("payload")?,
        request_id: row.take("request_id")?,
    })
}

/// Forgets up to `most` events with keys before `end`; answers how many there were.
pub async fn forget_events(tx: &Tx, end: Uuid, most: i64) -> Result<usize> {
    Ok(forget_before(tx, "events", None, end, most).await?.len())
}
