//! Whether a value is within its limits: those that the schema states, and those that stand where it states none.

use pawbase_engine::Value;

use crate::schema::{Constraint, Field};

/// Most items of a list.
pub const ITEMS_MAX: usize = 1000;
/// Most characters of a text in a list.
pub const ITEM_LENGTH_MAX: usize = 1000;

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
        Value::Number(number) => limits.refuse_number(number.to_f64().unwrap_or_default()),
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
