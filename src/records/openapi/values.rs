//! Schemas of single values, by declared kind and limits.

use serde_json::{Value as Json, json};

use super::TableView;
use crate::records::limits::{DECIMAL, DECIMAL_NUMBER_MAX, DURATION, ITEMS_MAX};
use crate::schema::{Constraint, KeyKind, Kind};

/// Text as callers may send it: without the NUL character.
pub(super) const PLAIN_TEXT: &str = "^[^\\u0000]*$";
/// A UUID inside a pattern.
pub(super) const UUID: &str = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
/// A decimal number as it may be stored: what an expression of the schema makes has other limits than what is sent.
const STORED_DECIMAL: &str = "^-?[0-9]+(\\.[0-9]+)?$";
/// A span of time as it may be stored, likewise.
const STORED_DURATION: &str = "^([0-9]+(ns|us|ms|s|m|h|d|w|y))+$";
/// Standard base64 with padding.
const BASE64: &str = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";

/// What a schema is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An answer: what is stored, whatever the limits were when it was written.
    Read,
    /// A new record.
    Create,
    /// A merge patch.
    Patch,
    /// An item of a list in a merge patch: lists are sent whole.
    PatchedItem,
}

impl Purpose {
    /// Whether all that is needed must be there.
    pub(super) fn is_whole(self) -> bool {
        matches!(self, Self::Create | Self::PatchedItem)
    }

    /// The same for the items of a list.
    pub(super) fn within_list(self) -> Self {
        if self == Self::Patch { Self::PatchedItem } else { self }
    }
}

impl TableView<'_> {
    /// The schema of a value of `kind`.
    pub(super) fn value_schema(&self, kind: &Kind, limits: &Constraint, purpose: Purpose) -> Json {
        let is_read = purpose == Purpose::Read;
        match kind.required() {
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::Int => with_range(json!({ "type": "integer", "format": "int64" }), limits, is_read),
            Kind::Float | Kind::Number => with_range(json!({ "type": "number" }), limits, is_read),
            Kind::Decimal if is_read => json!({ "type": "string", "pattern": STORED_DECIMAL }),
            Kind::Decimal => decimal_schema(limits),
            Kind::Datetime => json!({ "type": "string", "format": "date-time" }),
            Kind::Duration => {
                let pattern = if is_read { STORED_DURATION } else { DURATION };
                json!({ "type": "string", "pattern": pattern, "description": "Span of time such as 1h30m." })
            }
            Kind::Uuid => json!({ "type": "string", "format": "uuid" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64", "pattern": BASE64 }),
            Kind::Enum(values) => json!({ "type": "string", "enum": values }),
            Kind::String => text_schema(limits, is_read),
            Kind::Record(tables) => self.link_schema(tables),
            Kind::Array(item) | Kind::Set(item) => {
                list_of(self.value_schema(item, &Constraint::default(), purpose), limits, purpose)
            }
            Kind::Geometry(types) => geometry_schema(types),
            Kind::Object => json!({ "type": "object", "additionalProperties": true }),
            Kind::Any | Kind::Option(_) => json!({}),
            Kind::Either(kinds) => {
                let schemas = kinds.iter().map(|kind| self.value_schema(kind, limits, purpose));
                json!({ "anyOf": schemas.collect::<Vec<_>>() })
            }
        }
    }

    /// A link: the bare key when it leads to one table, else table and key.
    fn link_schema(&self, tables: &[String]) -> Json {
        if let [table] = tables {
            let mut schema = self.key_schema(table);
            schema["x-link"] = json!(table);
            return schema;
        }
        let mut table = json!({ "type": "string", "description": "Table of the record." });
        if !tables.is_empty() {
            table["enum"] = json!(tables);
        }
        let id = json!({ "type": "string", "minLength": 1, "maxLength": 64, "description": "Key of the record." });
        json!({ "type": "object", "required": ["table", "id"], "additionalProperties": false,
            "properties": { "table": table, "id": id } })
    }

    /// The key of a record of `table`.
    pub(super) fn key_schema(&self, table: &str) -> Json {
        match self.schema.tables.get(table).map(|table| table.key) {
            Some(KeyKind::Uuid) => json!({ "type": "string", "format": "uuid" }),
            Some(KeyKind::Int) => json!({ "type": "integer", "format": "int64" }),
            _ => json!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": PLAIN_TEXT }),
        }
    }
}

/// A list of such items.
pub(super) fn list_of(items: Json, limits: &Constraint, purpose: Purpose) -> Json {
    let mut schema = json!({ "type": "array", "items": items });
    if purpose != Purpose::Read {
        schema["maxItems"] = json!(limits.length_max.unwrap_or(ITEMS_MAX).min(ITEMS_MAX));
        if let Some(least) = limits.length_min {
            schema["minItems"] = json!(least);
        }
    }
    schema
}

fn text_schema(limits: &Constraint, is_read: bool) -> Json {
    let mut schema = json!({ "type": "string" });
    if !is_read {
        schema["pattern"] = json!(limits.pattern.as_ref().map_or(PLAIN_TEXT, |pattern| pattern.as_str()));
        for (name, length) in [("minLength", limits.length_min), ("maxLength", limits.length_max)] {
            if let Some(length) = length {
                schema[name] = json!(length);
            }
        }
    }
    if let Some(format) = limits.format {
        schema["format"] = json!(format);
    }
    schema
}

/// A decimal as it is sent. A text has the digits that it has; a number went through a float.
fn decimal_schema(limits: &Constraint) -> Json {
    let most = DECIMAL_NUMBER_MAX as f64;
    let least = limits.min.unwrap_or(-most).max(-most);
    let range = Constraint { min: Some(least), max: Some(limits.max.unwrap_or(most).min(most)), ..limits.clone() };
    let schema = json!({ "type": ["string", "number"], "pattern": DECIMAL,
        "description": "Decimal number. As a text it is exact; a number is rounded to 9 places." });
    with_range(schema, &range, false)
}

fn with_range(mut schema: Json, limits: &Constraint, is_read: bool) -> Json {
    let lowest = if limits.is_min_exclusive { "exclusiveMinimum" } else { "minimum" };
    for (name, bound) in [(lowest, limits.min), ("maximum", limits.max)] {
        if let (Some(bound), false) = (bound, is_read) {
            // Bounds of integers are written as integers.
            schema[name] = serde_json::from_str(&bound.to_string()).unwrap_or_else(|_| json!(bound));
        }
    }
    schema
}

/// GeoJSON of one of these types; of any that is understood when there are none.
fn geometry_schema(types: &[String]) -> Json {
    let position = json!({ "type": "array", "minItems": 2, "maxItems": 2,
        "prefixItems": [{ "type": "number", "minimum": -180, "maximum": 180 }, { "type": "number", "minimum": -90, "maximum": 90 }],
        "description": "Longitude and latitude." });
    let line = |least: u8| json!({ "type": "array", "minItems": least, "items": position });
    let all = [
        ("Point", "point", position.clone()),
        ("LineString", "line", line(2)),
        ("Polygon", "polygon", json!({ "type": "array", "minItems": 1, "items": line(4) })),
    ];
    let is_wanted = |name: &str| types.is_empty() || types.iter().any(|wanted| wanted == name);
    let mut shapes: Vec<Json> = all
        .into_iter()
        .filter(|(_, name, _)| is_wanted(name))
        .map(|(name, _, coordinates)| {
            json!({ "type": "object", "required": ["type", "coordinates"], "additionalProperties": false,
                "properties": { "type": { "type": "string", "const": name }, "coordinates": coordinates } })
        })
        .collect();
    match shapes.len() {
        1 => shapes.remove(0),
        _ => json!({ "anyOf": shapes }),
    }
}

/// The same schema, with null.
pub(super) fn nullable(mut schema: Json) -> Json {
    let types = match schema.get("type") {
        Some(Json::String(name)) => vec![json!(name), json!("null")],
        Some(Json::Array(names)) => names.iter().cloned().chain([json!("null")]).collect(),
        _ if schema.as_object().is_some_and(|map| map.keys().all(|key| key == "description")) => return schema,
        _ => return json!({ "anyOf": [schema, { "type": "null" }] }),
    };
    schema["type"] = Json::Array(types);
    if let Some(values) = schema.get_mut("enum").and_then(Json::as_array_mut) {
        values.push(Json::Null);
    }
    schema
}
