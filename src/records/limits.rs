//! Whether a value is within its limits: those that the schema states, and those that stand where it states none.

use std::sync::LazyLock;

use chrono::Datelike as _;
use pawbase_engine::Value;
use regex::Regex;
use serde_json::Value as Json;

use crate::schema::{Constraint, Field, Kind};

/// Most items of a list.
pub const ITEMS_MAX: usize = 1000;
/// Most characters of a text in a list.
pub const ITEM_LENGTH_MAX: usize = 1000;

/// A decimal number as a text.
pub const DECIMAL: &str = r"^-?[0-9]{1,18}(\.[0-9]{1,9})?$";
/// Most places of a decimal after the point.
pub const DECIMAL_PLACES_MAX: u32 = 9;
/// Largest decimal that may be sent as a number: a float has about this many digits.
pub const DECIMAL_NUMBER_MAX: i64 = 999_999_999_999_999;
/// A span of time as a text, such as 1h30m.
pub const DURATION: &str = "^([0-9]{1,9}(ns|us|ms|s|m|h|d|w|y)){1,9}$";

static FORMS: LazyLock<Option<[Regex; 2]>> =
    LazyLock::new(|| Some([Regex::new(DECIMAL).ok()?, Regex::new(DURATION).ok()?]));

/// A code and words for the caller.
type Refusal = (&'static str, String);

/// What is wrong with a value of `field`.
pub fn refuse(field: &Field, value: &Value) -> Option<Refusal> {
    let limits = &field.constraint;
    match value {
        Value::String(text) => limits.refuse_text(text).or_else(|| refuse_tagged(field, text)),
        Value::Array(items) => refuse_count(limits, items.len()).or_else(|| {
            let is_long = |item: &Value| matches!(item, Value::String(text) if text.chars().count() > ITEM_LENGTH_MAX);
            let words = || ("length", format!("each item must have at most {ITEM_LENGTH_MAX} characters"));
            items.iter().any(is_long).then(words)
        }),
        Value::Datetime(instant) if !(0..=9999).contains(&instant.into_inner().year()) => {
            Some(("rule", "must be within the years 0 to 9999 in UTC".into()))
        }
        Value::Number(number) => limits.refuse_number(number.to_f64().unwrap_or_default()),
        _ => None,
    }
}

/// What is wrong with how a value of `kind` is written. There are more ways to write it than the document says.
pub fn refuse_form(kind: &Kind, json: &Json) -> Option<Refusal> {
    let [decimal, duration] = FORMS.as_ref()?;
    match (kind.required(), json) {
        (Kind::Decimal, Json::String(text)) if !decimal.is_match(text) => {
            Some(("format", "must be a decimal of up to 18 digits, with up to 9 after a point".into()))
        }
        (Kind::Duration, Json::String(text)) if !duration.is_match(text) => {
            Some(("format", "must be a span of time such as 1h30m".into()))
        }
        (Kind::Array(item) | Kind::Set(item), Json::Array(items)) => {
            items.iter().find_map(|json| refuse_form(item, json))
        }
        _ => None,
    }
}

/// What is wrong with the number of items of a list.
pub fn refuse_count(limits: &Constraint, count: usize) -> Option<Refusal> {
    let is_many = count > ITEMS_MAX;
    is_many
        .then(|| ("length", format!("must have at most {ITEMS_MAX} items")))
        .or_else(|| limits.refuse_length(count, "items"))
}

/// What the tags of a COMMENT ask for and no assertion can say: @date a date that a calendar has, @url an address of the web,
/// @timezone a zone of the IANA database.
fn refuse_tagged(field: &Field, text: &str) -> Option<Refusal> {
    if field.has_tag("date") && text.parse::<chrono::NaiveDate>().is_err() {
        return Some(("format", "must be a date such as 2026-05-01".into()));
    }
    if field.has_tag("timezone") && text.parse::<chrono_tz::Tz>().is_err() {
        return Some(("enum", "must be an IANA time zone such as Europe/Berlin".into()));
    }
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    (field.has_tag("url") && !is_web).then(|| ("format", "must begin with https:// or http://".into()))
}
