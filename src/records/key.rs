//! Keys of records: bare text outside, record ids inside.

use pawbase_engine::{RecordId, RecordIdKey};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use uuid::Uuid;

use super::convert;
use crate::schema::{KeyKind, Table};

/// Longest readable key.
const TEXT_LENGTH_MAX: usize = 64;

/// The record of `table` with the bare key `text`; None when no such key could exist.
pub fn record_id(table: &Table, text: &str) -> Option<RecordId> {
    let key = match table.key {
        KeyKind::Uuid => RecordIdKey::Uuid(hyphenated(text)?.into()),
        KeyKind::Int => RecordIdKey::Number(decimal(text)?),
        KeyKind::Text => RecordIdKey::String(readable(text)?.to_owned()),
    };
    Some(RecordId::new(table.name.clone(), key))
}

/// What stands in the place of a key in paths of the API, and so is none.
const RESERVED: [&str; 3] = ["aggregate", "export", "import"];

/// A text of the right length, without the NUL that no text has.
fn readable(text: &str) -> Option<&str> {
    let is_key = !RESERVED.contains(&text)
        && !text.is_empty()
        && text.chars().count() <= TEXT_LENGTH_MAX
        && !text.contains('\0');
    is_key.then_some(text)
}

/// A UUID in its one canonical form, so that one record has one address.
fn hyphenated(text: &str) -> Option<Uuid> {
    Uuid::try_parse(text).ok().filter(|uuid| uuid.as_hyphenated().to_string() == text)
}

/// An integer in its one canonical form.
fn decimal(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

/// The record of `table` with the key that a body or a filter names in a text. A UUID may be in capitals.
pub fn from_text(table: &Table, text: &str) -> Option<RecordId> {
    match table.key {
        KeyKind::Uuid => record_id(table, &text.to_ascii_lowercase()),
        KeyKind::Int | KeyKind::Text => record_id(table, text),
    }
}

/// The record of `table` with the key that [`json`] writes: an integer is a number.
pub fn from_json(table: &Table, json: &Json) -> Option<RecordId> {
    match (json, table.key) {
        (Json::String(text), KeyKind::Uuid | KeyKind::Text) => from_text(table, text),
        (Json::Number(number), KeyKind::Int) => record_id(table, &convert::whole(number)?.to_string()),
        _ => None,
    }
}

/// The bare key of a record as JSON: a number for an integer, else a string.
pub fn json(key: &RecordIdKey) -> Json {
    match key {
        RecordIdKey::Number(number) => Json::from(*number),
        other => Json::String(bare(other)),
    }
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

/// The bare key as a segment of an address: readable keys may hold any text.
pub fn path_segment(key: &RecordIdKey) -> String {
    /// All but what RFC 3986 lets stand for itself anywhere.
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(&bare(key), ESCAPED).to_string()
}

/// The key of a user.
pub fn user(id: Uuid) -> RecordId {
    RecordId::new("users", RecordIdKey::Uuid(id.into()))
}
