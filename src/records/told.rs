//! Tells of changes, for tables whose COMMENT asks for it (`@events`), in the transaction of the change.
//!
//! An event carries the record as staff see it, whoever made the change. Deliberately elsewhere: what follows from an event (work).

use pawbase_engine::{RecordId, Tx, Value, Vars};
use serde_json::{Map, Value as Json, json};

use super::{key, view};
use crate::context::Ctx;
use crate::kernel::Result;
use crate::schema::{Permission, Table};
use crate::work::{NewEvent, RecordChange, emit};

/// The record as it is stored, before it is deleted; None where nobody is told.
pub async fn before_deletion(ctx: &Ctx, tx: &Tx, table: &Table, id: &RecordId) -> Result<Option<Value>> {
    if table.is_told() { stored(ctx, tx, id).await.map(Some) } else { Ok(None) }
}

/// Tells that a record was made. `row` is what the caller sees of it, if anything.
pub async fn created(ctx: &Ctx, tx: &Tx, table: &Table, id: &RecordId, row: Option<&Value>) -> Result<()> {
    if !table.is_told() {
        return Ok(());
    }
    let row = whole(ctx, tx, table, id, row).await?;
    tell(ctx, tx, table, RecordChange::Created, id, Vec::new(), &row).await
}

/// Tells that fields of a record were written.
pub async fn updated(
    ctx: &Ctx,
    tx: &Tx,
    table: &Table,
    id: &RecordId,
    changed: Vec<String>,
    row: &Value,
) -> Result<()> {
    if !table.is_told() || changed.is_empty() {
        return Ok(());
    }
    let row = whole(ctx, tx, table, id, Some(row)).await?;
    tell(ctx, tx, table, RecordChange::Updated, id, changed, &row).await
}

/// Tells that a record was deleted, which was `row` before, if anybody is to be told.
pub async fn deleted(ctx: &Ctx, tx: &Tx, table: &Table, id: &RecordId, row: Option<Value>) -> Result<()> {
    match row {
        Some(row) => tell(ctx, tx, table, RecordChange::Deleted, id, Vec::new(), &row).await,
        None => Ok(()),
    }
}

async fn tell(
    ctx: &Ctx,
    tx: &Tx,
    table: &Table,
    change: RecordChange,
    id: &RecordId,
    changed: Vec<String>,
    row: &Value,
) -> Result<()> {
    let mut payload = Map::new();
    payload.insert("id".to_owned(), key::json(&id.key));
    if change == RecordChange::Updated {
        payload.insert("changed".to_owned(), json!(changed));
    }
    payload.insert("record".to_owned(), Json::Object(view::record_for_staff(table, row)));
    emit(tx, ctx, NewEvent::of_record(change, id.clone(), payload)).await
}

/// The whole record, when the caller may not have seen all of it.
async fn whole(ctx: &Ctx, tx: &Tx, table: &Table, id: &RecordId, seen: Option<&Value>) -> Result<Value> {
    let hides = |permission: &Permission| !permission.is_full();
    let mut fields = table.fields.values().chain(table.items.values());
    match seen {
        Some(row) if ctx.caller.is_staff() || !fields.any(|field| hides(&field.permissions.select)) => Ok(row.clone()),
        _ => stored(ctx, tx, id).await,
    }
}

async fn stored(ctx: &Ctx, tx: &Tx, id: &RecordId) -> Result<Value> {
    let vars = Vars::new().with("id", id.clone());
    Ok(tx.look_up_as(ctx.system(), "SELECT * FROM ONLY $id", vars).await?.take(0))
}
