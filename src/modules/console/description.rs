//! From the schema model to what a screen needs to know of a table. Pure.

use super::views::{
    FieldDescription, FieldPermissions, IndexDescription, PermissionDescription, SchemaDescription, TableDescription,
    TablePermissions, ValueLimits, Writable,
};
use super::words;
use crate::schema::{Constraint, Field, KeyKind, Kind, Permission, Schema, Table};

/// What values of a field may be, for screens.
pub const TYPES: [&str; 24] = [
    "text",
    "long_text",
    "integer",
    "number",
    "decimal",
    "money",
    "boolean",
    "date",
    "datetime",
    "timezone",
    "email",
    "phone",
    "url",
    "enum",
    "link",
    "links_any",
    "array",
    "object",
    "point",
    "geometry",
    "uuid",
    "duration",
    "bytes",
    "any",
];
/// Fields by which people know a record, the best first.
const LABELS: [&str; 6] = ["name", "title", "display_name", "label", "email", "reference"];

/// All tables that staff may read; `may_write` says whether the caller may change anything at all.
pub fn describe(schema: &Schema, may_write: bool) -> SchemaDescription {
    let served = schema.tables.values().filter(|table| !table.is_private());
    SchemaDescription { tables: served.map(|table| described(table, may_write)).collect() }
}

fn described(table: &Table, may_write: bool) -> TableDescription {
    let permissions = &table.permissions;
    let fields = table.fields.values().chain(table.items.values());
    let may = |permission: &Permission| may_write && !permission.is_none();
    TableDescription {
        name: table.name.clone(),
        description: table.description.clone(),
        key: match table.key {
            KeyKind::Uuid => "uuid",
            KeyKind::Text => "text",
            KeyKind::Int => "int",
        }
        .to_owned(),
        label_field: label_field(table).map(str::to_owned),
        has_text_search: table.text_fields().next().is_some(),
        is_writable: Writable {
            create: may(&permissions.create),
            update: may(&permissions.update),
            delete: may(&permissions.delete),
        },
        can_restore: table.can_restore(),
        permissions: TablePermissions {
            select: permission(&permissions.select),
            create: permission(&permissions.create),
            update: permission(&permissions.update),
            delete: permission(&permissions.delete),
        },
        fields: fields.filter(|field| is_shown(table, field)).map(|field| field_described(table, field)).collect(),
        indexes: table.indexes.iter().map(index_described).collect(),
    }
}

fn index_described(index: &crate::schema::Index) -> IndexDescription {
    IndexDescription {
        name: index.name.clone(),
        fields: index.fields.clone(),
        is_unique: index.is_unique,
        is_full_text: index.is_full_text,
    }
}

/// The top-level text by which people know a record of the table.
pub fn label_field(table: &Table) -> Option<&str> {
    let is_text = |field: &&Field| *field.kind.required() == Kind::String && !field.permissions.select.is_none();
    let named = LABELS.iter().find_map(|name| table.fields.get(*name).filter(is_text));
    let first = || table.top_fields().filter(is_text).find(|field| !field.kind.is_optional() && !field.is_system());
    named.or_else(first).map(|field| field.path.as_str())
}

/// Whether somebody may read the field and what is around it; of the items of lists, only fields of objects are told.
fn is_shown(table: &Table, field: &Field) -> bool {
    let ends = field.path.match_indices('.').map(|(at, _)| at).chain([field.path.len()]);
    let around = ends.filter_map(|end| table.field(&field.path[..end]));
    !field.path.ends_with('*') && around.into_iter().all(|part| !part.permissions.select.is_none())
}

fn field_described(table: &Table, field: &Field) -> FieldDescription {
    let is_inside_list = field.path.contains('*');
    let (kind, is_list) = match field.kind.required() {
        Kind::Array(item) | Kind::Set(item) => (item.required(), true),
        kind => (kind, false),
    };
    let is_id = field.path == "id";
    FieldDescription {
        path: field.path.clone(),
        kind: type_of(field, kind).to_owned(),
        is_optional: field.kind.is_optional(),
        is_list,
        values: if let Kind::Enum(values) = kind { Some(values.clone()) } else { None },
        links: if let Kind::Record(tables) = kind { Some(tables.clone()) } else { None },
        description: field.description.clone(),
        tags: field.tags.clone(),
        is_read_only: field.is_read_only || is_id,
        is_system: if is_id { table.key == KeyKind::Uuid } else { field.is_system() },
        has_default: field.has_default && !field.is_default_caller,
        is_sortable: !is_inside_list && (is_id || field.kind.is_sortable()),
        is_filterable: !is_inside_list && !matches!(kind, Kind::Object | Kind::Geometry(_)),
        limits: limits(&field.constraint, kind),
        permissions: FieldPermissions {
            select: permission(&field.permissions.select),
            create: permission(&field.permissions.create),
            update: permission(&field.permissions.update),
        },
    }
}

/// One of [`TYPES`] for values of `kind`, by the tags and limits of the field.
fn type_of(field: &Field, kind: &Kind) -> &'static str {
    match kind {
        Kind::String => text_type(field),
        Kind::Int => "integer",
        Kind::Float | Kind::Number => "number",
        Kind::Decimal => "decimal",
        Kind::Object if field.has_tag("money") => "money",
        Kind::Object => "object",
        Kind::Bool => "boolean",
        Kind::Datetime => "datetime",
        Kind::Duration => "duration",
        Kind::Uuid => "uuid",
        Kind::Bytes => "bytes",
        Kind::Enum(_) => "enum",
        Kind::Record(tables) if tables.len() == 1 => "link",
        Kind::Record(_) => "links_any",
        Kind::Geometry(types) if types.as_slice() == ["point"] => "point",
        Kind::Geometry(_) => "geometry",
        Kind::Array(_) | Kind::Set(_) => "array",
        Kind::Option(inner) => type_of(field, inner),
        Kind::Any | Kind::Either(_) => "any",
    }
}

fn text_type(field: &Field) -> &'static str {
    let tagged = ["date", "timezone", "email", "phone", "url"].into_iter().find(|tag| field.has_tag(tag));
    let by_limit = || match field.constraint.format {
        Some("email") => Some("email"),
        Some("uri") => Some("url"),
        _ => None,
    };
    let plain = if field.has_tag("text") { "long_text" } else { "text" };
    tagged.or_else(by_limit).unwrap_or(plain)
}

fn limits(constraint: &Constraint, kind: &Kind) -> Option<ValueLimits> {
    let length = |length: Option<usize>| length.and_then(|length| i64::try_from(length).ok());
    // The next integer, where the bound itself is excluded.
    let step = if constraint.is_min_exclusive && *kind == Kind::Int { 1.0 } else { 0.0 };
    let limits = ValueLimits {
        min: constraint.min.map(|min| min + step),
        max: constraint.max,
        min_length: length(constraint.length_min),
        max_length: length(constraint.length_max),
        pattern: constraint.pattern.as_ref().map(|pattern| pattern.as_str().to_owned()),
    };
    let is_limited = limits.min.is_some()
        || limits.max.is_some()
        || limits.min_length.is_some()
        || limits.max_length.is_some()
        || limits.pattern.is_some();
    is_limited.then_some(limits)
}

fn permission(permission: &Permission) -> PermissionDescription {
    let (rule, text) = match permission {
        Permission::None => ("none", None),
        Permission::Full => ("full", None),
        Permission::Where(text) => ("where", Some(text.clone())),
    };
    PermissionDescription { rule: rule.to_owned(), text, words: words::of(permission) }
}
