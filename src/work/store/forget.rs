//! Forgetting what is old, in tables whose keys tell the time.

use std::ops::Bound;

use pawbase_engine::{RecordId, RecordIdKey, RecordIdKeyRange, Tx, Value, Vars};
use uuid::Uuid;

use crate::kernel::Result;

/// Deletes up to `most` records of `table` with keys before `end`, oldest first, of those that `condition` (our own text, such as
/// `state != 'queued'`) holds for, if there is one; answers which they were.
pub async fn forget_before(
    tx: &Tx,
    table: &'static str,
    condition: Option<&'static str>,
    end: Uuid,
    most: i64,
) -> Result<Vec<Value>> {
    let range = RecordIdKeyRange { start: Bound::Unbounded, end: Bound::Excluded(RecordIdKey::Uuid(end.into())) };
    let range = RecordId::new(table, RecordIdKey::Range(Box::new(range)));
    let vars = Vars::new().with("range", range).with("most", most);
    let condition = condition.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
    let text = format!("SELECT VALUE id FROM $range{condition} ORDER BY id LIMIT $most");
    let ids = tx.query(&text, vars).await?.rows(0);
    if !ids.is_empty() {
        tx.query("DELETE $ids RETURN NONE", Vars::new().with("ids", Value::Array(ids.clone().into()))).await?;
    }
    Ok(ids)
}
