//! From JSON and query text to stored values, by declared kind. Nothing is guessed: a value that is not of the kind is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SubsecRound, Utc};
use pawbase_engine::{Datetime, Decimal, Duration, Geometry, Number, Value};
use serde_json::Value as Json;
use uuid::Uuid;

use super::key;
use crate::schema::{Kind, Schema};

/// Why a value was refused, in words for the caller.
pub type Refusal = String;

/// Text of a query parameter as a value of `kind`; `schema` says what keys the tables have that links lead to.
pub fn from_text(schema: &Schema, kind: &Kind, text: &str) -> Result<Value, Refusal> {
    match kind.required() {
        Kind::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("must be true or false".into()),
        },
        Kind::Int | Kind::Float | Kind::Number | Kind::Decimal => {
            let json = serde_json::from_str::<Json>(text).unwrap_or_else(|_| Json::String(text.to_owned()));
            from_literal(schema, kind, &json)
        }
        _ => from_literal(schema, kind, &Json::String(text.to_owned())),
    }
}

/// A JSON value as a value of `kind`. Lists are converted item by item; objects are the caller's to walk.
pub fn from_literal(schema: &Schema, kind: &Kind, json: &Json) -> Result<Value, Refusal> {
    let refuse = || Err(format!("must be {kind}"));
    match (kind.required(), json) {
        (Kind::Any, json) => Ok(untyped(json)),
        (Kind::Bool, Json::Bool(flag)) => Ok(Value::Bool(*flag)),
        (Kind::Int, Json::Number(number)) => match whole(number) {
            Some(value) => Ok(Value::Number(Number::Int(value))),
            None => refuse(),
        },
        (Kind::Float, Json::Number(number)) => match number.as_f64() {
            Some(value) => Ok(Value::Number(Number::Float(value))),
            None => refuse(),
        },
        (Kind::Number, Json::Number(number)) => Ok(untyped(&Json::Number(number.clone()))),
        (Kind::Decimal, Json::Number(_) | Json::String(_)) => {
            let text = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
            text.parse::<Decimal>().map_or_else(|_| refuse(), |value| Ok(Value::Number(Number::Decimal(value))))
        }
        (Kind::String, Json::String(text)) => plain_text(text),
        (Kind::Enum(values), Json::String(text)) if values.contains(text) => Ok(Value::String(text.clone())),
        (Kind::Datetime, Json::String(text)) => datetime(text),
        (Kind::Duration, Json::String(text)) => {
            text.parse::<Duration>().map_or_else(|_| refuse(), |value| Ok(Value::Duration(value)))
        }
        (Kind::Uuid, Json::String(text)) => {
            Uuid::try_parse(text).map_or_else(|_| refuse(), |value| Ok(Value::Uuid(value.into())))
        }
        (Kind::Bytes, Json::String(text)) => match STANDARD.decode(text) {
            Ok(bytes) => Ok(Value::Bytes(bytes::Bytes::from(bytes).into())),
            Err(_) => refuse(),
        },
        (Kind::Record(tables), json) => link(schema, tables, json),
        (Kind::Array(item) | Kind::Set(item), Json::Array(items)) => {
            let convert = |(at, json)| from_literal(schema, item, json).map_err(|why| format!("item {at} {why}"));
            let values = items.iter().enumerate().map(convert).collect::<Result<Vec<_>, _>>()?;
            Ok(Value::Array(values.into()))
        }
        (Kind::Geometry(types), Json::Object(_)) => geometry(types, json),
        (Kind::Either(kinds), json) => {
            kinds.iter().find_map(|kind| from_literal(schema, kind, json).ok()).map_or_else(refuse, Ok)
        }
        _ => refuse(),
    }
}

/// The integer that a JSON number is: JSON makes no difference between 5 and 5.0.
pub fn whole(number: &serde_json::Number) -> Option<i64> {
    /// Beyond it not every integer has a float of its own.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let of_float = |value: f64| (value.fract() == 0.0 && value.abs() <= EXACT_MAX).then_some(value as i64);
    number.as_i64().or_else(|| number.as_f64().filter(|_| number.is_f64()).and_then(of_float))
}

/// Text without the characters that no name or sentence has.
fn plain_text(text: &str) -> Result<Value, Refusal> {
    if text.contains('\0') { Err("must not hold a NUL character".into()) } else { Ok(Value::String(text.to_owned())) }
}

/// An instant, in whole seconds (finer fractions would sort wrongly in an index).
fn datetime(text: &str) -> Result<Value, Refusal> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(value) => Ok(Value::Datetime(Datetime::from(value.with_timezone(&Utc).trunc_subsecs(0)))),
        Err(_) => Err("must be an RFC 3339 date and time such as 2026-05-01T10:00:00Z".into()),
    }
}

/// A link: the bare key for one table; `{"table","id"}` or `table:id` for several. Its key must be one that the table can have.
fn link(schema: &Schema, tables: &[String], json: &Json) -> Result<Value, Refusal> {
    let found = match (tables, json) {
        ([table], Json::String(_) | Json::Number(_)) => Some((table.as_str(), json.clone())),
        (_, Json::String(text)) => text.split_once(':').map(|(table, key)| (table, Json::from(key))),
        (_, Json::Object(map)) if map.len() == 2 => map.get("table").and_then(Json::as_str).zip(map.get("id").cloned()),
        _ => None,
    };
    let Some((table, key)) = found.filter(|(table, _)| tables.is_empty() || tables.iter().any(|t| t == table)) else {
        return Err(match tables {
            [table] => format!("must be the key of a record of {table}"),
            [] => "must be {\"table\",\"id\"}".into(),
            many => format!("must be {{\"table\",\"id\"}} of {}", many.join(", ")),
        });
    };
    let id = schema.tables.get(table).and_then(|table| key::from_json(table, &key));
    id.map(Value::RecordId).ok_or_else(|| format!("must be the key of a record of {table}"))
}

fn geometry(types: &[String], json: &Json) -> Result<Value, Refusal> {
    let bad = || "must be a GeoJSON geometry such as {\"type\":\"Point\",\"coordinates\":[13.4,52.5]}".to_owned();
    let pair = |json: &Json| -> Option<geo_types::Coord<f64>> {
        let [x, y] = json.as_array()?.as_slice() else { return None };
        let (x, y) = (x.as_f64()?, y.as_f64()?);
        ((-180.0..=180.0).contains(&x) && (-90.0..=90.0).contains(&y)).then_some(geo_types::Coord { x, y })
    };
    let line = |json: &Json| -> Option<geo_types::LineString<f64>> {
        json.as_array()?.iter().map(pair).collect::<Option<Vec<_>>>().map(geo_types::LineString::new)
    };
    let kind = json.get("type").and_then(Json::as_str).unwrap_or_default();
    let coordinates = json.get("coordinates").unwrap_or(&Json::Null);
    if json.as_object().is_none_or(|map| map.len() != 2) {
        return Err(bad());
    }
    let value = match kind {
        "Point" => pair(coordinates).map(|c| Geometry::Point(c.into())),
        "LineString" => line(coordinates).filter(|l| l.0.len() >= 2).map(Geometry::Line),
        "Polygon" => coordinates.as_array().and_then(|rings| {
            let mut rings = rings.iter().map(line).collect::<Option<Vec<_>>>()?.into_iter();
            let exterior = rings.next().filter(|ring| ring.0.len() >= 4 && ring.is_closed())?;
            Some(Geometry::Polygon(geo_types::Polygon::new(exterior, rings.collect())))
        }),
        _ => None,
    };
    let is_allowed =
        types.is_empty() || types.iter().any(|t| t.eq_ignore_ascii_case(kind) || (t == "line" && kind == "LineString"));
    value.filter(|_| is_allowed).map(Value::Geometry).ok_or_else(bad)
}

/// JSON as it is, for fields of any kind.
pub fn untyped(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => Value::Number(match number.as_i64() {
            Some(value) => Number::Int(value),
            None => Number::Float(number.as_f64().unwrap_or_default()),
        }),
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => Value::Array(items.iter().map(untyped).collect::<Vec<_>>().into()),
        Json::Object(map) => {
            let mut object = pawbase_engine::Object::new();
            for (name, value) in map {
                object.insert(name.clone(), untyped(value));
            }
            Value::Object(object)
        }
    }
}
