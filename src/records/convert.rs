//! From JSON and query text to stored values, by declared kind. Nothing is guessed: a value that is not of the kind is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SubsecRound, Utc};
use pawbase_engine::{Datetime, Decimal, Duration, Geometry, Number, Value};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{key, limits};
use crate::schema::{Kind, Schema};

/// Length of a UUID with its hyphens; there are shorter and longer ways to write one, which are no `format: uuid`.
const UUID_LENGTH: usize = 36;

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
        Kind::Int | Kind::Float | Kind::Number => {
            // JSON lets spaces stand around a number.
            let json = serde_json::from_str::<Json>(text).ok().filter(|_| !text.contains(char::is_whitespace));
            from_literal(schema, kind, &json.unwrap_or_else(|| Json::from(text)))
        }
        _ => from_word(schema, kind, &Json::from(text)),
    }
}

/// A literal of a filter as a value of `kind`. It is JSON, but for links: text cannot be an object, so that a link to one of
/// several tables is written `table:key`.
pub fn from_word(schema: &Schema, kind: &Kind, json: &Json) -> Result<Value, Refusal> {
    if let Some((_, message)) = limits::refuse_form(kind, json) {
        return Err(message);
    }
    match (kind.required(), json) {
        (Kind::Record(tables), Json::String(text)) => {
            let named = match tables.as_slice() {
                [table] => Some((table.as_str(), text.as_str())),
                _ => text.split_once(':'),
            };
            link(schema, tables, named.map(|(table, key)| (table, KeyText::Bare(key))))
        }
        _ => from_literal(schema, kind, json),
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
        (Kind::Decimal, Json::Number(_) | Json::String(_)) => match decimal(json) {
            Some(value) => Ok(Value::Number(Number::Decimal(value))),
            None => refuse(),
        },
        (Kind::String, Json::String(text)) => plain_text(text),
        (Kind::Enum(values), Json::String(text)) if values.contains(text) => Ok(Value::String(text.clone())),
        (Kind::Datetime, Json::String(text)) => datetime(text),
        (Kind::Duration, Json::String(text)) => {
            text.parse::<Duration>().map_or_else(|_| refuse(), |value| Ok(Value::Duration(value)))
        }
        (Kind::Uuid, Json::String(text)) if text.len() == UUID_LENGTH => {
            Uuid::try_parse(text).map_or_else(|_| refuse(), |value| Ok(Value::Uuid(value.into())))
        }
        (Kind::Bytes, Json::String(text)) => match STANDARD.decode(text) {
            Ok(bytes) => Ok(Value::Bytes(bytes::Bytes::from(bytes).into())),
            Err(_) => refuse(),
        },
        (Kind::Record(tables), json) => link(schema, tables, named_record(tables, json)),
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

/// A number that is sent as one was a binary float on its way, so that it is exact to nine places only; a text is exact.
fn decimal(json: &Json) -> Option<Decimal> {
    let Json::Number(number) = json else { return json.as_str()?.parse().ok() };
    // Written by Rust, a float has no exponent, which the parser of decimals would refuse.
    let text = if number.is_f64() { number.as_f64()?.to_string() } else { number.to_string() };
    let value = text.parse::<Decimal>().ok()?.round_dp(limits::DECIMAL_PLACES_MAX).normalize();
    (value.abs() <= Decimal::from(limits::DECIMAL_NUMBER_MAX)).then_some(value)
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

/// The key of a link, as it was sent.
enum KeyText<'a> {
    /// In JSON, where an integer is a number.
    Json(&'a Json),
    /// In text, where nothing tells it from its digits.
    Bare(&'a str),
}

/// The table and key that a body names: the bare key for one table; `{"table","id"}` or `table:id` for several.
fn named_record<'a>(tables: &'a [String], json: &'a Json) -> Option<(&'a str, KeyText<'a>)> {
    match (tables, json) {
        ([table], Json::String(_) | Json::Number(_)) => Some((table, KeyText::Json(json))),
        (_, Json::String(text)) => text.split_once(':').map(|(table, key)| (table, KeyText::Bare(key))),
        (_, Json::Object(map)) if map.len() == 2 => {
            let key = map.get("id").and_then(Json::as_str).map(KeyText::Bare);
            map.get("table").and_then(Json::as_str).zip(key)
        }
        _ => None,
    }
}

/// A link to a record of one of `tables`. Its key must be one that the table can have.
fn link(schema: &Schema, tables: &[String], named: Option<(&str, KeyText<'_>)>) -> Result<Value, Refusal> {
    let Some((table, key)) = named.filter(|(table, _)| tables.is_empty() || tables.iter().any(|t| t == table)) else {
        return Err(match tables {
            [table] => format!("must be the key of a record of {table}"),
            [] => "must be {\"table\",\"id\"}".into(),
            many => format!("must be {{\"table\",\"id\"}} of {}", many.join(", ")),
        });
    };
    let id = schema.tables.get(table).and_then(|table| match key {
        KeyText::Json(json) => key::from_json(table, json),
        KeyText::Bare(text) => key::from_text(table, text),
    });
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(kind: &Kind, json: &Json) -> Option<String> {
        let schema = Schema { tables: Default::default() };
        from_literal(&schema, kind, json).ok().map(|value| pawbase_engine::ToSql::to_sql(&value))
    }

    fn read_text(kind: &Kind, text: &str) -> Option<String> {
        let schema = Schema { tables: Default::default() };
        from_text(&schema, kind, text).ok().map(|value| pawbase_engine::ToSql::to_sql(&value))
    }

    #[test]
    fn an_integer_is_one_however_json_writes_it() {
        for (json, expected) in
            [("5", Some(5)), ("5.0", Some(5)), ("-5e2", Some(-500)), ("-0.0", Some(0)), ("5.5", None)]
        {
            let number: serde_json::Number = serde_json::from_str(json).expect("a number");
            assert_eq!(whole(&number), expected, "{json}");
        }
        for json in ["9223372036854775808", "1e16", "1e300", "-1e300"] {
            let number: serde_json::Number = serde_json::from_str(json).expect("a number");
            assert_eq!(whole(&number), None, "{json}: not exactly one of ours");
        }
        assert_eq!(whole(&i64::MAX.into()), Some(i64::MAX));
    }

    #[test]
    fn a_decimal_is_exact_as_text_and_rounded_as_a_number() {
        let exact = "123456789012345678.123456789";
        assert_eq!(read(&Kind::Decimal, &json!(exact)), Some(format!("{exact}dec")));
        assert_eq!(read_text(&Kind::Decimal, exact), Some(format!("{exact}dec")));
        assert_eq!(read(&Kind::Decimal, &json!(0.1 + 0.2)), Some("0.3dec".to_owned()));
        assert_eq!(read(&Kind::Decimal, &json!(1e-300)), Some("0dec".to_owned()));
        assert_eq!(read(&Kind::Decimal, &json!(-2.5e3)), Some("-2500dec".to_owned()));
        assert_eq!(read(&Kind::Decimal, &json!(limits::DECIMAL_NUMBER_MAX)), Some("999999999999999dec".to_owned()));
        for number in [json!(1e15), json!(-1e300), json!(u64::MAX)] {
            assert_eq!(read(&Kind::Decimal, &number), None, "{number}");
        }
    }

    #[test]
    fn text_has_the_form_that_the_document_says() {
        for (kind, text) in [
            (Kind::Int, " 5"),
            (Kind::Int, "5\n"),
            (Kind::Float, "1 "),
            (Kind::Decimal, "+1.5"),
            (Kind::Decimal, ".5"),
            (Kind::Decimal, "1_000"),
            (Kind::Decimal, "1234567890123456789"),
            (Kind::Duration, "1µs"),
            (Kind::Duration, "1h 30m"),
            (Kind::Uuid, "01981c6e5b7a7c3e9f000123456789ab"),
            (Kind::Uuid, "{01981c6e-5b7a-7c3e-9f00-0123456789ab}"),
            (Kind::Bytes, "cGF3cw"),
        ] {
            assert_eq!(read_text(&kind, text), None, "{text:?} is no {kind}");
        }
        assert_eq!(read_text(&Kind::Duration, "5us"), Some("5µs".to_owned()));
        assert_eq!(read_text(&Kind::Int, "-5"), Some("-5".to_owned()));
    }
}
