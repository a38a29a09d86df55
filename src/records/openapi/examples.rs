//! Sample records and bodies, made from the model: each value fits its kind and limits.

use serde_json::{Map, Value as Json, json};

use super::TableView;
use super::values::Purpose;
use crate::schema::{Constraint, Field, KeyKind, Kind};

/// The key in samples.
const UUID: &str = "01981c6e-5b7a-7c3e-9f00-0123456789ab";
/// Sample texts; the first that fits is taken.
const TEXTS: [&str; 14] = [
    "Example",
    "example",
    "dog",
    "EUR",
    "DE",
    "en",
    "+4930123456",
    "2026-05-01",
    "4006381333931",
    "276098102345678",
    "example-1",
    "EXAMPLE1",
    "1.0",
    "Example text",
];

impl TableView<'_> {
    /// A record with all its fields.
    pub(super) fn record_example(&self) -> Json {
        let mut record = Map::from_iter([("id".to_owned(), self.key_example(&self.table.name))]);
        for field in self.readable().filter(|field| !field.path.contains('.')) {
            if let Some(value) = self.field_example(field, &|part| self.is_readable(part)) {
                record.insert(field.path.clone(), value);
            }
        }
        Json::Object(record)
    }

    /// A body that creates a record with what it needs, or changes the first field that is easy to change. None where no
    /// sample text fits a pattern.
    pub(super) fn input_example(&self, is_create: bool) -> Option<Json> {
        let mut body = Map::new();
        if is_create && self.table.key != KeyKind::Uuid {
            body.insert("id".into(), self.given_key_example()?);
        }
        let is_written = |field: &Field| self.is_writable(field, is_create);
        let is_needed = |field: &Field| !field.kind.is_optional() && !self.is_filled(field, Purpose::Create);
        let mut writable = self.table.top_fields().filter(|field| is_written(field));
        if is_create {
            for field in writable.filter(|field| is_needed(field)) {
                body.insert(
                    field.path.clone(),
                    self.field_example(field, &|part| is_written(part) && is_needed(part))?,
                );
            }
        } else {
            let is_plain = |field: &&Field| !matches!(field.kind.required(), Kind::Record(_) | Kind::Object);
            let field = writable.find(is_plain)?;
            body.insert(field.path.clone(), self.field_example(field, &is_written)?);
        }
        Some(Json::Object(body))
    }

    /// The key of a record of `table`, as a link shows it.
    fn key_example(&self, table: &str) -> Json {
        match self.schema.tables.get(table).map(|table| table.key) {
            Some(KeyKind::Uuid) => json!(UUID),
            Some(KeyKind::Int) => json!(1),
            _ => json!("dog"),
        }
    }

    fn given_key_example(&self) -> Option<Json> {
        if self.table.key == KeyKind::Int {
            return Some(json!(1));
        }
        let default = Constraint::default();
        text(self.table.fields.get("id").map_or(&default, |field| &field.constraint))
    }

    fn field_example(&self, field: &Field, is_shown: &dyn Fn(&Field) -> bool) -> Option<Json> {
        match field.kind.required() {
            Kind::Object if !field.is_flexible => {
                let mut object = Map::new();
                for part in self.table.children(&field.path).filter(|part| is_shown(part)) {
                    let name = part.path[field.path.len() + 1..].to_owned();
                    object.insert(name, self.field_example(part, is_shown)?);
                }
                Some(Json::Object(object))
            }
            Kind::String if field.has_tag("date") => Some(json!("2026-05-01")),
            Kind::String if field.has_tag("timezone") => Some(json!("Europe/Berlin")),
            Kind::String if field.has_tag("url") => Some(json!("https://example.com")),
            kind => self.value_example(kind, &field.constraint),
        }
    }

    fn value_example(&self, kind: &Kind, limits: &Constraint) -> Option<Json> {
        Some(match kind.required() {
            Kind::Bool => json!(true),
            Kind::Int => json!(number(limits).ceil() as i64),
            Kind::Float | Kind::Number => json!(number(limits)),
            Kind::Decimal => json!("9.90"),
            Kind::Datetime => json!("2026-05-01T10:00:00Z"),
            Kind::Duration => json!("1h30m"),
            Kind::Uuid => json!(UUID),
            Kind::Bytes => json!("cGF3"),
            Kind::Enum(values) => json!(values.first()?),
            Kind::String => text(limits)?,
            Kind::Record(tables) => match tables.as_slice() {
                [table] => self.key_example(table),
                tables => {
                    let table = tables.first().map_or("users", String::as_str);
                    let key = self.key_example(table);
                    // A text, whatever the key is made of.
                    json!({ "table": table, "id": key.as_str().map_or_else(|| key.to_string(), str::to_owned) })
                }
            },
            Kind::Array(item) | Kind::Set(item) => {
                let count = limits.length_min.unwrap_or_default();
                let item = self.value_example(item, &Constraint::default()).filter(|_| count > 0);
                Json::Array(item.into_iter().cycle().take(count).collect())
            }
            Kind::Geometry(types) if types.iter().any(|name| name == "point") || types.is_empty() => {
                json!({ "type": "Point", "coordinates": [13.4, 52.5] })
            }
            Kind::Geometry(_) => return None,
            Kind::Object => json!({}),
            Kind::Any | Kind::Option(_) => json!("Example"),
            Kind::Either(kinds) => self.value_example(kinds.first()?, limits)?,
        })
    }

    /// A condition in its written form.
    pub(super) fn filter_example(&self) -> String {
        let first = |is_wanted: fn(&Kind) -> bool| {
            self.readable().find(|field| is_wanted(field.kind.required())).map(|field| field.path.as_str())
        };
        let text = first(|kind| *kind == Kind::String).map(|path| format!("{path} contains \"a\""));
        let flag = first(|kind| *kind == Kind::Bool).map(|path| format!("{path} = true"));
        match (text, flag) {
            (Some(text), Some(flag)) => format!("{text} and not ({flag})"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "id != null".to_owned(),
        }
    }
}

/// A number within the limits, nearest to ten.
fn number(limits: &Constraint) -> f64 {
    let least = limits.min.map_or(f64::MIN, |min| if limits.is_min_exclusive { min + 1.0 } else { min });
    10.0_f64.max(least).min(limits.max.unwrap_or(f64::MAX))
}

/// A sample text within the limits.
fn text(limits: &Constraint) -> Option<Json> {
    match limits.format {
        Some("email") => Some(json!("jane@example.com")),
        Some("uri") => Some(json!("https://example.com")),
        _ => TEXTS.into_iter().find(|text| limits.refuse_text(text).is_none()).map(|text| json!(text)),
    }
}
