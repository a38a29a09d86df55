//! What the realtime socket asks about rooms. The answer holds for now: who is in a conversation changes with its row in `conversations`, and
//! what is delivered is read in the receiver's own session anyway.

use pawbase_engine::{RecordId, RecordIdKey, Vars};
use uuid::Uuid;

use super::store;
use crate::context::Ctx;
use crate::kernel::{Error, Result};

/// A room that somebody wants to join: `<kind>:<key>`.
#[derive(Debug, Clone, Copy)]
pub struct Room<'a> {
    /// What it is about: `conversation`, `order`, `booking`, `delivery`; others have no conversation.
    pub kind: &'a str,
    /// Key of that.
    pub key: Uuid,
}

/// Rooms about a record, and the table of that record.
const RECORDS: [(&str, &str); 3] = [("order", "orders"), ("booking", "bookings"), ("delivery", "deliveries")];

/// The conversation that a room is about, if the caller may join it. NOT_FOUND when the caller sees no such conversation or record;
/// None when there is a record and nobody has written about it yet, and for rooms that are not about a conversation.
pub async fn conversation_of(ctx: &Ctx, room: &Room<'_>) -> Result<Option<Uuid>> {
    ctx.require_signed()?;
    if room.kind == "conversation" {
        let seen = is_seen(ctx, "conversations", room.key).await?;
        return if seen { Ok(Some(room.key)) } else { Err(Error::not_found()) };
    }
    let Some((_, table)) = RECORDS.iter().find(|(kind, _)| *kind == room.kind) else { return Ok(None) };
    let is_there = ctx.platform.schema.served(table).is_some() && is_seen(ctx, table, room.key).await?;
    if !is_there {
        return Err(Error::not_found());
    }
    store::conversation_about(ctx.session(), &RecordId::new(*table, RecordIdKey::Uuid(room.key.into()))).await
}

/// Whether the caller sees a record.
async fn is_seen(ctx: &Ctx, table: &str, key: Uuid) -> Result<bool> {
    let vars = Vars::new().with("id", RecordId::new(table, RecordIdKey::Uuid(key.into())));
    Ok(!ctx.session().read("SELECT VALUE id FROM $id", vars).await?.rows(0).is_empty())
}
