//! Telling an event, in the transaction of what it tells of.

use pawbase_engine::{Tx, Vars};
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
    let vars = Vars::new()
        .with("id", record(table, ctx.new_id()))
        .with("name", event.name.into_owned())
        .with("version", i64::from(event.version))
        .with("at", floored(ctx.now()))
        .with("actor", actor.map(|user| record("users", user)))
        .with("about", event.about)
        .with("payload", Json::Object(event.payload))
        .with("request", ctx.request_id.clone());
    let text = "CREATE $id SET name = $name, version = $version, at = $at, actor = $actor, about = $about,
        payload = $payload, request_id = $request RETURN NONE";
    tx.query_as(ctx.system(), text, vars).await?;
    if is_relayed {
        ctx.platform.bell.ring_after(tx);
    }
    Ok(())
}
