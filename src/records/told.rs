//! Tells of changes, for tables whose COMMENT asks for it (`@events`), in the transaction of the change.
//!
//! An event carries the record as staff see it, whoever made the change. Deliberately elsewhere: what follows from an event (work).

use pawbase_engine::{RecordId, Tx, Value, Vars};
use serde_json::{Map, Value as Json, json};

use super::{key, view};
use crate::context::Ctx;
use crate::kernel::Result;
use crate::schema::{Field, Permission, Table};
use crate::work::{NewEvent, RecordChange, emit};

/// The record as it is stored, before it is deleted; None where nobody is told, or where what the deletion answers will do.
pub async fn before_deletion(
    ctx: &Ctx,
    tx: &Tx,
    table: &Table,
    id: &RecordId,
    is_answer_enough: bool,
) -> Result<Option<Value>> {
    let is_needed = table.is_told() && !is_answer_enough;
    if is_needed { stored(ctx, tx, id).await.map(Some) } else { Ok(None) }
}

/// Whether a caller who may see the hidden fields of a record sees in it that they do.
pub fn can_show_all(table: &Table) -> bool {
    let is_always_there = |field: &Field| !field.kind.is_optional();
    conditions(table).all(|condition| witnesses(table, condition).any(is_always_there))
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

/// Tells that a record was deleted: `row`, as it was stored, or as the caller saw it. False if that was not all of it, and nothing is
/// told.
pub async fn deleted(ctx: &Ctx, tx: &Tx, table: &Table, id: &RecordId, row: Deleted) -> Result<bool> {
    if !table.is_told() {
        return Ok(true);
    }
    let row = match row {
        Deleted::Stored(row) => row,
        Deleted::Seen(row) if is_whole(ctx, table, &row) => row,
        Deleted::Seen(_) => return Ok(false),
    };
    tell(ctx, tx, table, RecordChange::Deleted, id, Vec::new(), &row).await?;
    Ok(true)
}

/// A record that was deleted.
pub enum Deleted {
    /// As it was stored.
    Stored(Value),
    /// As the caller saw it.
    Seen(Value),
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
    match seen {
        Some(row) if is_whole(ctx, table, row) => Ok(row.clone()),
        _ => stored(ctx, tx, id).await,
    }
}

/// Whether `row`, as the caller sees it, has all that staff see of the record: for each condition under which fields are hidden, some field
/// with the very same condition is there.
fn is_whole(ctx: &Ctx, table: &Table, row: &Value) -> bool {
    let Value::Object(row) = row else { return false };
    let is_there = |field: &Field| row.get(&field.path).is_some_and(|value| *value != Value::None);
    ctx.caller.is_staff() || conditions(table).all(|condition| witnesses(table, condition).any(is_there))
}

/// The conditions under which fields are seen. What nobody sees is not told either.
fn conditions(table: &Table) -> impl Iterator<Item = &str> {
    let all = table.fields.values().chain(table.items.values());
    all.filter_map(
        |field| if let Permission::Where(text) = &field.permissions.select { Some(text.as_str()) } else { None },
    )
}

/// The fields of the record itself that are seen under this condition. One that asks for the field's value tells nothing of others.
fn witnesses<'a>(table: &'a Table, condition: &'a str) -> impl Iterator<Item = &'a Field> {
    let asks_for_value = ["$value", "$before", "$after", "$input"].iter().any(|name| condition.contains(name));
    let has_it = move |field: &&Field| {
        !asks_for_value && matches!(&field.permissions.select, Permission::Where(text) if text == condition)
    };
    table.fields.values().filter(has_it)
}

async fn stored(ctx: &Ctx, tx: &Tx, id: &RecordId) -> Result<Value> {
    let vars = Vars::new().with("id", id.clone());
    Ok(tx.look_up_as(ctx.system(), "SELECT * FROM ONLY $id", vars).await?.take(0))
}
