//! The statements of this module, one per function. Deliberately elsewhere: every decision.

mod conversations;
mod messages;
mod participants;

pub(super) use self::conversations::*;
pub(super) use self::messages::*;
pub(super) use self::participants::*;

use pawbase_engine::{RecordId, RecordIdKey, Value};
use uuid::Uuid;

use crate::kernel::{Error, Result};
use crate::work::Row;

/// The record of `table` with a UUID as its key.
pub fn record(table: &str, id: Uuid) -> RecordId {
    RecordId::new(table, RecordIdKey::Uuid(id.into()))
}

/// The records of users.
fn users(keys: &[Uuid]) -> Vec<RecordId> {
    keys.iter().map(|user| record("users", *user)).collect()
}

/// The keys of links, or of rows that are nothing but links.
fn keys(rows: Vec<Value>) -> Result<Vec<Uuid>> {
    let key = |value: Value| match value {
        Value::RecordId(RecordId { key: RecordIdKey::Uuid(key), .. }) => Ok(key.into_inner()),
        other => Err(Error::internal(format!("no link with a UUID key: {other:?}"))),
    };
    rows.into_iter().map(key).collect()
}

/// The keys of the links in a list.
fn list(row: &mut Row, field: &str) -> Result<Vec<Uuid>> {
    match row.take::<Value>(field)? {
        Value::Array(items) => keys(items.into_vec()),
        _ => Ok(Vec::new()),
    }
}
