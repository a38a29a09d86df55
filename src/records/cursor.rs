//! Cursors: where the next page begins, as the sort keys of the last row seen.
//!
//! A cursor names no row that must still exist, so inserts and deletes around it neither repeat nor lose a row. It is tied to
//! the sort and conditions it was made for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pawbase_engine::Value;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::convert;
use super::query::{LIST_ONLY, SortKey};
use super::view;
use crate::kernel::error::INVALID_CURSOR;
use crate::kernel::{Error, Result};
use crate::schema::{Schema, Table};

#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(rename = "s")]
    scope: String,
    #[serde(rename = "v")]
    values: Vec<Json>,
}

/// A digest of everything that decides the order and the set of rows of a list.
pub fn scope(pairs: &[(String, String)], sort: &[SortKey]) -> String {
    let mut digest = Sha256::new();
    for key in sort {
        digest.update([u8::from(key.is_descending)]);
        digest.update(&key.field.path);
        digest.update([0]);
    }
    let mut conditions: Vec<_> = pairs.iter().filter(|(name, _)| !LIST_ONLY.contains(&name.as_str())).collect();
    conditions.sort();
    for (name, value) in conditions {
        digest.update(name);
        digest.update([0]);
        digest.update(value);
        digest.update([0]);
    }
    URL_SAFE_NO_PAD.encode(&digest.finalize()[..9])
}

/// The cursor after a row with these sort values.
pub fn encode(scope: &str, values: &[Value], sort: &[SortKey]) -> String {
    let shown = |(key, value): (&SortKey, &Value)| view::by_kind(&key.field.path, &key.field.kind, value);
    let wire = Wire { scope: scope.to_owned(), values: sort.iter().zip(values).map(shown).collect() };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&wire).unwrap_or_default())
}

/// The sort values that a cursor holds.
pub fn decode(text: &str, scope: &str, sort: &[SortKey], schema: &Schema, table: &Table) -> Result<Vec<Value>> {
    let bad = |message: &str| Error::new(INVALID_CURSOR, message).at("?cursor", "format", message);
    let wire: Wire = URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| bad("The cursor is not one of ours."))?;
    if wire.scope != scope {
        return Err(bad("The cursor is for another sort or filter."));
    }
    if wire.values.len() != sort.len() {
        return Err(bad("The cursor is not one of ours."));
    }
    let convert = |(key, json): (&SortKey, &Json)| match json {
        Json::Null => Ok(Value::None),
        json if key.field.path == "id" => {
            super::key::from_json(table, json).map(Value::RecordId).ok_or_else(|| bad("The cursor is not one of ours."))
        }
        json => convert::from_literal(schema, key.field.kind.required(), json)
            .map_err(|_| bad("The cursor is not one of ours.")),
    };
    sort.iter().zip(&wire.values).map(convert).collect()
}
