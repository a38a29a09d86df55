//! From stored values to JSON, showing only what the table's model knows and the caller selected.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::SecondsFormat;
use pawbase_engine::{Geometry, Number, Object, ToSql, Value};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use super::fields;
use super::key;
use super::query::Selection;
use crate::context::Ctx;
use crate::schema::{Field, Kind, Table};

/// Whether whoever looks could see a field.
type Sees<'a> = &'a dyn Fn(&Field) -> bool;

/// A record as JSON. Fields that nobody may read, or that are not selected, are left out even when the row carries them.
pub fn record(ctx: &Ctx, table: &Table, row: &Value, selection: &Selection) -> Json {
    Json::Object(members(&|field| fields::is_visible(ctx, table, field), table, row, selection))
}

/// The members of a record as staff see it.
pub fn record_for_staff(table: &Table, row: &Value) -> Map<String, Json> {
    members(&|field| fields::is_visible_to_staff(table, field), table, row, &Vec::new())
}

fn members(sees: Sees<'_>, table: &Table, row: &Value, selection: &Selection) -> Map<String, Json> {
    let mut out = Map::new();
    let Value::Object(row) = row else { return out };
    for field in table.top_fields() {
        if sees(field)
            && is_selected(selection, &field.path)
            && let Some(value) = row.get(&field.path)
        {
            insert(sees, table, field, value, selection, &mut out, &field.path);
        }
    }
    out
}

fn insert(
    sees: Sees<'_>,
    table: &Table,
    field: &Field,
    value: &Value,
    selection: &Selection,
    out: &mut Map<String, Json>,
    name: &str,
) {
    if *value != Value::None {
        out.insert(name.to_owned(), shown(sees, table, field, value, selection));
    }
}

/// A value of `field`; of objects only the fields that the caller could see, also inside lists.
fn shown(sees: Sees<'_>, table: &Table, field: &Field, value: &Value, selection: &Selection) -> Json {
    let kind = field.kind.required();
    let item = if kind.is_list_of_objects() { table.field(&format!("{}.*", field.path)) } else { None };
    match (value, item) {
        (Value::Object(object), _) if *kind == Kind::Object && !field.is_flexible => {
            nested(sees, table, field, object, selection)
        }
        (Value::Array(items), Some(item)) => items.iter().map(|v| shown(sees, table, item, v, selection)).collect(),
        (Value::Set(items), Some(item)) => items.iter().map(|v| shown(sees, table, item, v, selection)).collect(),
        _ => by_kind(&field.path, kind, value),
    }
}

fn nested(sees: Sees<'_>, table: &Table, parent: &Field, object: &Object, selection: &Selection) -> Json {
    let mut out = Map::new();
    for field in table.children(&parent.path) {
        let name = &field.path[parent.path.len() + 1..];
        if sees(field)
            && is_selected(selection, &field.path)
            && let Some(value) = object.get(name)
        {
            insert(sees, table, field, value, selection, &mut out, name);
        }
    }
    Json::Object(out)
}

/// Whether `path` is selected: itself, something inside it, or something around it.
pub(super) fn is_selected(selection: &Selection, path: &str) -> bool {
    selection.is_empty()
        || path == "id"
        || selection.iter().any(|chosen| {
            chosen == path
                || chosen.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'))
                || path.strip_prefix(chosen.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
}

/// A value by its declared kind: a link to one table is its bare key.
pub fn by_kind(path: &str, kind: &Kind, value: &Value) -> Json {
    match (kind.required(), value) {
        (_, Value::RecordId(id)) if path == "id" => key::json(&id.key),
        (Kind::Record(tables), Value::RecordId(id)) if tables.len() == 1 => key::json(&id.key),
        (Kind::Array(item) | Kind::Set(item), Value::Array(items)) => {
            items.iter().map(|value| by_kind(path, item, value)).collect()
        }
        (Kind::Array(item) | Kind::Set(item), Value::Set(items)) => {
            items.iter().map(|value| by_kind(path, item, value)).collect()
        }
        _ => plain(value),
    }
}

/// A value without a declared kind.
pub fn plain(value: &Value) -> Json {
    match value {
        Value::None | Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Number(Number::Int(number)) => json!(number),
        Value::Number(Number::Float(number)) => json!(number),
        Value::Number(Number::Decimal(number)) => Json::String(number.to_string()),
        Value::String(text) => Json::String(text.clone()),
        Value::Bytes(bytes) => Json::String(STANDARD.encode(bytes.clone().into_inner())),
        // As it may be sent: the engine writes µs.
        Value::Duration(duration) => Json::String(duration.to_sql().replace('µ', "u")),
        Value::Datetime(datetime) => Json::String(datetime.into_inner().to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        Value::Uuid(uuid) => Json::String(uuid.into_inner().to_string()),
        Value::RecordId(id) => json!({ "table": id.table.as_str(), "id": key::bare(&id.key) }),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Set(items) => items.iter().map(plain).collect(),
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>().into()
        }
        Value::Geometry(geometry) => geo_json(geometry),
        other => Json::String(other.to_sql()),
    }
}

fn geo_json(geometry: &Geometry) -> Json {
    let pair = |point: &geo_types::Point<f64>| json!([point.x(), point.y()]);
    let line = |line: &geo_types::LineString<f64>| -> Json { line.points().map(|p| pair(&p)).collect() };
    let area = |area: &geo_types::Polygon<f64>| -> Json {
        std::iter::once(area.exterior()).chain(area.interiors()).map(line).collect()
    };
    match geometry {
        Geometry::Point(point) => json!({ "type": "Point", "coordinates": pair(point) }),
        Geometry::Line(path) => json!({ "type": "LineString", "coordinates": line(path) }),
        Geometry::Polygon(shape) => json!({ "type": "Polygon", "coordinates": area(shape) }),
        Geometry::MultiPoint(many) => {
            json!({ "type": "MultiPoint", "coordinates": many.iter().map(pair).collect::<Json>() })
        }
        Geometry::MultiLine(many) => {
            json!({ "type": "MultiLineString", "coordinates": many.iter().map(line).collect::<Json>() })
        }
        Geometry::MultiPolygon(many) => {
            json!({ "type": "MultiPolygon", "coordinates": many.iter().map(area).collect::<Json>() })
        }
        Geometry::Collection(many) => {
            json!({ "type": "GeometryCollection", "geometries": many.iter().map(geo_json).collect::<Json>() })
        }
    }
}

/// A strong ETag: a digest of exactly what this caller sees, so it tells nothing about what is hidden.
pub fn etag(view: &Json) -> String {
    etag_of(&serde_json::to_vec(view).unwrap_or_default())
}

/// The ETag of a view in its written form.
pub fn etag_of(bytes: &[u8]) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(&Sha256::digest(bytes)[..16]))
}
