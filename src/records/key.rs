//! Keys of records: bare text outside, record ids inside.

use pawbase_engine::{RecordId, RecordIdKey};
use uuid::Uuid;

use crate::schema::{KeyKind, Schema, Table};

/// Longest readable key.
const TEXT_LENGTH_MAX: usize = 64;

/// The record of `table` with the bare key `text`; None when no such key could exist.
pub fn record_id(table: &Table, text: &str) -> Option<RecordId> {
    let key = match table.key {
        KeyKind::Uuid => RecordIdKey::Uuid(hyphenated(text)?.into()),
        KeyKind::Int => RecordIdKey::Number(text.parse().ok()?),
        KeyKind::Text if !text.is_empty() && text.len() <= TEXT_LENGTH_MAX => RecordIdKey::String(text.to_owned()),
        KeyKind::Text => return None,
    };
    Some(RecordId::new(table.name.clone(), key))
}

/// A UUID in its one canonical form, so that one record has one address.
fn hyphenated(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|uuid| uuid.as_hyphenated().to_string() == text)
}

/// A record id for a table whose key kind is looked up by name; readable text when the table is unknown.
pub fn in_table(schema: &Schema, table: &str, text: &str) -> Option<RecordId> {
    record_id(schema.tables.get(table)?, text)
}

/// The bare key of a record.
pub fn bare(key: &RecordIdKey) -> String {
    match key {
        RecordIdKey::Number(number) => number.to_string(),
        RecordIdKey::String(text) => text.clone(),
        RecordIdKey::Uuid(uuid) => uuid.into_inner().to_string(),
        other => pawbase_engine::ToSql::to_sql(other),
    }
}

/// The key of a user.
pub fn user(id: Uuid) -> RecordId {
    RecordId::new("users", RecordIdKey::Uuid(id.into()))
}
