//! Telling an event, in the transaction of what it tells of.

use pawbase_engine::{Object, SurrealValue, Tx, Value, Vars};
use serde_json::Value as Json;

use super::event::NewEvent;
use super::job::record;
use crate::context::Ctx;
use crate::kernel::Result;
use crate::kernel::time::floored;

/// Tells `event` once the transaction is committed. It may be the caller's own transaction or the system's: the event is written with
/// the system's rights (with a remote database with the caller's, which are to tell what the caller himself did).
///
/// **Invariant:** the transaction also writes the record that the event is about. Two of them then cannot be under way at once, so
/// the keys of the events of one record ascend in the order of their commits, and that is the order in which they are handled.
pub async fn emit(tx: &Tx, ctx: &Ctx, event: NewEvent) -> Result<()> {
    // What nothing reacts to needs no relay. With other processes beside this one only the relay knows.
    let is_relayed = !ctx.platform.engine.is_embedded() || ctx.platform.interest.in_event(&event.name);
    let table = if is_relayed { "outbox" } else { "events" };
    let actor = event.actor.unwrap_or_else(|| ctx.caller.user());
    let mut row = Object::new();
    row.insert("name".to_owned(), event.name.into_owned().into_value());
    row.insert("version".to_owned(), i64::from(event.version).into_value());
    row.insert("at".to_owned(), floored(ctx.now()).into_value());
    row.insert("actor".to_owned(), actor.map(|user| record("users", user)).into_value());
    row.insert("about".to_owned(), event.about.into_value());
    row.insert("payload".to_owned(), Json::Object(event.payload).into_value());
    row.insert("request_id".to_owned(), ctx.request_id.clone().into_value());
    let vars = Vars::new().with("id", record(table, ctx.new_id())).with("row", Value::Object(row));
    tx.query_as(ctx.system(), "CREATE $id CONTENT $row RETURN NONE", vars).await?;
    if is_relayed {
        ctx.platform.bell.ring_after(tx);
    }
    Ok(())
}
