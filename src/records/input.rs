//! From a JSON body to checked values: every field by its declared kind and limits, all problems at once.
//!
//! Unknown fields and fields the caller could never write are refused. The database checks permissions and assertions again.
//! Deliberately elsewhere: whether a value is within its limits (`limits.rs`), and whether the database kept it (`kept.rs`).

use std::mem;

use pawbase_engine::{Object, RecordId, Value};
use serde_json::{Map, Value as Json};

use super::{convert, fields, key, limits};
use crate::context::Ctx;
use crate::kernel::error::MALFORMED;
use crate::kernel::{Error, FieldError, Result};
use crate::schema::{Field, KeyKind, Kind, Permission, Table};

/// A link that a body names, with the pointer to it.
#[derive(Debug, Clone)]
pub struct NamedLink {
    /// JSON pointer into the body.
    pub pointer: String,
    /// The record it names.
    pub id: RecordId,
}

/// A checked body.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// Key given by the caller, for tables with readable keys.
    pub id: Option<RecordId>,
    /// Values by dotted path, in order; NONE removes. A list stands whole under its own path.
    pub values: Vec<(String, Value)>,
    /// Links that must exist.
    pub links: Vec<NamedLink>,
    /// Paths of values whose write permission, in whole or in part, depends on the record.
    pub conditional: Vec<String>,
}

impl Input {
    /// The values as one nested object.
    pub fn into_object(self) -> Object {
        nested(self.values, 0)
    }
}

/// Values as one object, with the first `skipped` bytes of each path left out.
fn nested(values: Vec<(String, Value)>, skipped: usize) -> Object {
    let mut root = Object::new();
    for (path, value) in values {
        insert_at(&mut root, &path[skipped..], value);
    }
    root
}

fn insert_at(object: &mut Object, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(object.insert(path, value)),
        Some((first, rest)) => {
            let mut inner = match object.get(first) {
                Some(Value::Object(inner)) => inner.clone(),
                _ => Object::new(),
            };
            insert_at(&mut inner, rest, value);
            object.insert(first, Value::Object(inner));
        }
    }
}

/// What the body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A new record: required fields must be there.
    Create,
    /// A merge patch: null removes.
    Update,
    /// A record that is brought along, from a file or from the audit trail: its key and the time when it was made may be given,
    /// and what the database computes is left to it.
    Import,
}

/// Checks `body` against `table` for `ctx`'s caller.
pub fn parse(ctx: &Ctx, table: &Table, body: &Json, purpose: Purpose) -> Result<Input> {
    let Json::Object(body) = body else {
        return Err(Error::new(MALFORMED, "The body must be a JSON object."));
    };
    let mut reader = Reader { ctx, table, purpose, list: None, input: Input::default(), problems: Vec::new() };
    reader.key(body);
    reader.object(None, body, "");
    if reader.problems.is_empty() { Ok(reader.input) } else { Err(Error::invalid(reader.problems)) }
}

struct Reader<'a> {
    ctx: &'a Ctx,
    table: &'a Table,
    purpose: Purpose,
    /// Path of the outermost list around what is being read. A list is sent whole, also in a patch.
    list: Option<String>,
    input: Input,
    problems: Vec<FieldError>,
}

impl Reader<'_> {
    fn problem(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.problems.push(FieldError::new(pointer, code, message));
    }

    /// Whether what is being read is there as a whole, and not a patch of something.
    fn is_whole(&self) -> bool {
        self.purpose != Purpose::Update || self.list.is_some()
    }

    /// The record's own key.
    fn key(&mut self, body: &Map<String, Json>) {
        let is_given = self.table.key != KeyKind::Uuid;
        match (body.get("id"), self.purpose) {
            (None, Purpose::Create | Purpose::Import) if is_given => self.problem("/id", "required", "is required"),
            (None, _) => {}
            (Some(_), Purpose::Update) => self.problem("/id", "read_only", "cannot be changed"),
            (Some(_), Purpose::Create) if !is_given => self.problem("/id", "read_only", "is made by the server"),
            (Some(json), Purpose::Create | Purpose::Import) => self.given_key(json),
        }
    }

    fn given_key(&mut self, json: &Json) {
        let text = json.as_str().map_or_else(|| json.to_string(), str::to_owned);
        let limits = self.table.fields.get("id").map(|field| field.constraint.clone()).unwrap_or_default();
        match (key::from_json(self.table, json), limits.refuse_text(&text)) {
            (Some(id), None) => self.input.id = Some(id),
            (_, Some((code, message))) => self.problem("/id", code, message),
            (None, None) => self.problem("/id", "format", "is not a key of this table"),
        }
    }

    fn object(&mut self, parent: Option<&Field>, body: &Map<String, Json>, pointer: &str) {
        let table = self.table;
        for (name, json) in body {
            if parent.is_none() && name == "id" {
                continue;
            }
            let path = parent.map_or_else(|| name.clone(), |parent| format!("{}.{name}", parent.path));
            let pointer = FieldError::pointer(pointer, name);
            match table.field(&path).filter(|_| !name.contains(['.', '[', '*'])) {
                Some(field) if fields::is_visible(self.ctx, table, field) => self.field(field, json, &pointer),
                _ => self.problem(&pointer, "unknown", format!("{name} is not a field here")),
            }
        }
        if self.is_whole() {
            self.required(parent, body, pointer);
        }
    }

    fn required(&mut self, parent: Option<&Field>, body: &Map<String, Json>, pointer: &str) {
        let table = self.table;
        let candidates: Vec<&Field> = match parent {
            Some(parent) => table.children(&parent.path).collect(),
            None => table.top_fields().collect(),
        };
        for field in candidates {
            let name = field.path.rsplit('.').next().unwrap_or(&field.path);
            // The database fills a DEFAULT into new records only, and so not into the new items of an old record's list.
            let is_filled = field.has_default
                && (self.purpose != Purpose::Update || field.is_default_always)
                && !(field.is_default_caller && self.ctx.caller.is_staff());
            let is_needed = !field.kind.is_optional()
                && !is_filled
                && !field.is_system()
                && fields::could_pass(self.ctx, self.permission(field));
            if is_needed && !body.contains_key(name) {
                self.problem(&FieldError::pointer(pointer, name), "required", "is required");
            }
        }
    }

    fn permission<'f>(&self, field: &'f Field) -> &'f Permission {
        match self.purpose {
            Purpose::Create | Purpose::Import => &field.permissions.create,
            Purpose::Update => &field.permissions.update,
        }
    }

    fn field(&mut self, field: &Field, json: &Json, pointer: &str) {
        // An item's fields that are set once may be sent as they are; the database compares.
        let is_frozen = self.purpose == Purpose::Update && field.is_read_only && self.list.is_none();
        let is_import = self.purpose == Purpose::Import;
        if is_import && field.is_computed {
            return;
        }
        if (field.is_system() && !is_import) || is_frozen || !fields::could_pass(self.ctx, self.permission(field)) {
            return self.problem(pointer, "read_only", "cannot be written here");
        }
        self.note_condition(field);
        match (json, field.kind.required()) {
            (Json::Null, _) if field.kind.is_optional() => {
                if !self.is_whole() {
                    self.input.values.push((field.path.clone(), Value::None));
                }
            }
            (Json::Null, _) => self.problem(pointer, "required", "cannot be null"),
            (Json::Object(inner), Kind::Object) if !field.is_flexible => {
                if self.is_whole() {
                    self.input.values.push((field.path.clone(), Value::Object(Object::new())));
                }
                self.object(Some(field), inner, pointer);
            }
            (Json::Object(_), Kind::Object) => {
                self.input.values.push((field.path.clone(), convert::untyped(json)));
            }
            (Json::Array(items), Kind::Array(item) | Kind::Set(item)) if field.kind.is_list_of_objects() => {
                if let Some((code, message)) = limits::refuse_count(&field.constraint, items.len()) {
                    return self.problem(pointer, code, message);
                }
                let outer = self.list.get_or_insert_with(|| field.path.clone()).clone();
                let list = self.list(&field.path, item, items, pointer);
                self.list = (outer != field.path).then_some(outer);
                self.input.values.push((field.path.clone(), list));
            }
            _ => self.value(field, json, pointer),
        }
    }

    /// Notes a value that the database drops silently when a permission on the way to it says no.
    fn note_condition(&mut self, field: &Field) {
        let is_open = |part: &Field| !matches!(self.permission(part), Permission::Where(_));
        if self.ctx.caller.is_staff() || fields::lineage(self.table, &field.path).all(is_open) {
            return;
        }
        let path = self.list.as_ref().unwrap_or(&field.path);
        if !self.input.conditional.contains(path) {
            self.input.conditional.push(path.clone());
        }
    }

    /// A list of objects, or of lists of them: `path` is that of the list.
    fn list(&mut self, path: &str, kind: &Kind, items: &[Json], pointer: &str) -> Value {
        let path = format!("{path}.*");
        let places = items.iter().enumerate();
        let values = places.map(|(at, json)| self.item(&path, kind, json, &format!("{pointer}/{at}")));
        Value::Array(values.collect::<Vec<_>>().into())
    }

    fn item(&mut self, path: &str, kind: &Kind, json: &Json, pointer: &str) -> Value {
        match (kind.required(), json, self.table.field(path)) {
            (Kind::Array(kind) | Kind::Set(kind), Json::Array(items), _) => self.list(path, kind, items, pointer),
            (Kind::Object, Json::Object(_), Some(item)) if item.is_flexible => convert::untyped(json),
            (Kind::Object, Json::Object(body), Some(item)) => {
                let around = mem::take(&mut self.input.values);
                self.object(Some(item), body, pointer);
                let inside = mem::replace(&mut self.input.values, around);
                Value::Object(nested(inside, item.path.len() + 1))
            }
            (kind, ..) => {
                self.problem(pointer, "type", format!("must be {kind}"));
                Value::None
            }
        }
    }

    fn value(&mut self, field: &Field, json: &Json, pointer: &str) {
        if let Some((code, message)) = limits::refuse_form(&field.kind, json) {
            return self.problem(pointer, code, message);
        }
        match convert::from_literal(&self.ctx.platform.schema, &field.kind, json) {
            Ok(value) => {
                if let Some((code, message)) = limits::refuse(field, &value) {
                    return self.problem(pointer, code, message);
                }
                self.items_within_limits(field, &value, pointer);
                self.collect_links(&value, pointer);
                self.input.values.push((field.path.clone(), value));
            }
            Err(message) => {
                let code = match field.kind.required() {
                    Kind::Enum(_) => "enum",
                    Kind::Record(_) => "reference",
                    _ => "type",
                };
                self.problem(pointer, code, message);
            }
        }
    }

    /// The limits that the schema sets to the items of a list of plain values.
    fn items_within_limits(&mut self, field: &Field, value: &Value, pointer: &str) {
        let table = self.table;
        let (Value::Array(items), Some(item)) = (value, table.field(&format!("{}.*", field.path))) else { return };
        for (at, value) in items.iter().enumerate() {
            if let Some((code, message)) = limits::refuse(item, value) {
                self.problem(&format!("{pointer}/{at}"), code, message);
            }
        }
    }

    fn collect_links(&mut self, value: &Value, pointer: &str) {
        match value {
            Value::RecordId(id) => {
                self.input.links.push(NamedLink { pointer: pointer.to_owned(), id: id.clone() });
            }
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.collect_links(item, &format!("{pointer}/{at}"));
                }
            }
            _ => {}
        }
    }
}
