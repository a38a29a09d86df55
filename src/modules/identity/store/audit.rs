//! Statements over `audit`.

use pawbase_engine::{Object, Tx, Value, Vars};

use super::record;
use crate::kernel::Result;
use crate::modules::identity::model::AuditEntry;

/// Writes an entry, in the transaction of what it tells of.
pub async fn insert_audit(tx: &Tx, entry: &AuditEntry) -> Result<()> {
    let (before, after) = match &entry.change {
        Some((name, before, after)) => (image(name, before), image(name, after)),
        None => (Value::None, Value::None),
    };
    let vars = Vars::new()
        .with("id", record("audit", entry.id))
        .with("at", entry.at)
        .with("actor", entry.actor.map(|user| record("users", user)))
        .with("action", entry.action)
        .with("target", record("users", entry.target))
        .with("before", before)
        .with("after", after)
        .with("reason", entry.reason.clone())
        .with("request", entry.request_id.clone());
    let text = "CREATE $id SET at = $at, actor = $actor, action = $action, target = $target, before = $before,
        after = $after, reason = $reason, request_id = $request RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

fn image(name: &str, values: &[String]) -> Value {
    let mut object = Object::new();
    object.insert(name, values.to_vec());
    Value::Object(object)
}
