//! Rows given in the API's own form by the program itself (demo data), as stored objects. No caller, so no permissions.

use pawbase_engine::{Object, Value};
use serde_json::{Map, Value as Json};

use super::{convert, key};
use crate::schema::{Kind, Schema, Table};

/// A row as the object to insert; the first thing wrong with it otherwise.
pub fn object(schema: &Schema, table: &Table, row: &Map<String, Json>) -> Result<Object, String> {
    let mut object = inner(schema, table, "", row)?;
    let text = row.get("id").and_then(Json::as_str).ok_or("a row without an id")?;
    let id = key::record_id(table, text).ok_or_else(|| format!("{}: {text} is not a key", table.name))?;
    object.insert("id", Value::RecordId(id));
    Ok(object)
}

fn inner(schema: &Schema, table: &Table, prefix: &str, row: &Map<String, Json>) -> Result<Object, String> {
    let mut object = Object::new();
    for (name, json) in row.iter().filter(|(name, _)| !(prefix.is_empty() && *name == "id")) {
        let path = format!("{prefix}{name}");
        let field = table.field(&path).ok_or_else(|| format!("{} has no field {path}", table.name))?;
        let value = match (field.kind.required(), json) {
            (Kind::Object, Json::Object(map)) => Value::Object(inner(schema, table, &format!("{path}."), map)?),
            (Kind::Array(item), Json::Array(items)) if *item.required() == Kind::Object => {
                let object = |json: &Json| {
                    let map = json.as_object().ok_or_else(|| format!("{}.{path} holds objects", table.name))?;
                    inner(schema, table, &format!("{path}.*."), map).map(Value::Object)
                };
                Value::Array(items.iter().map(object).collect::<Result<Vec<_>, _>>()?.into())
            }
            (kind, json) => {
                convert::from_literal(schema, kind, json).map_err(|why| format!("{}.{path} {why}", table.name))?
            }
        };
        object.insert(name.clone(), value);
    }
    Ok(object)
}
