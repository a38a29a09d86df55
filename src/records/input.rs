//! From a JSON body to checked values: every field by its declared kind and limits, all problems at once.
//!
//! Unknown fields and fields the caller could never write are refused. The database checks permissions and assertions again.

use pawbase_engine::{Object, RecordId, Value};
use serde_json::{Map, Value as Json};

use super::{convert, fields, key};
use crate::context::Ctx;
use crate::kernel::error::MALFORMED;
use crate::kernel::{Error, FieldError, Result};
use crate::schema::{Constraint, Field, KeyKind, Kind, Permission, Table};

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
    /// Values by dotted path, in order; NONE removes.
    pub values: Vec<(String, Value)>,
    /// Links that must exist.
    pub links: Vec<NamedLink>,
    /// Paths whose write permission depends on the record: the database drops such values silently when it says no.
    pub conditional: Vec<String>,
}

impl Input {
    /// The values as one nested object.
    pub fn into_object(self) -> Object {
        let mut root = Object::new();
        for (path, value) in self.values {
            insert_at(&mut root, &path, value);
        }
        root
    }
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
}

/// Checks `body` against `table` for `ctx`'s caller.
pub fn parse(ctx: &Ctx, table: &Table, body: &Json, purpose: Purpose) -> Result<Input> {
    let Json::Object(body) = body else {
        return Err(Error::new(MALFORMED, "The body must be a JSON object."));
    };
    let mut reader = Reader { ctx, table, purpose, input: Input::default(), problems: Vec::new() };
    reader.key(body);
    reader.object(None, body, "");
    if reader.problems.is_empty() { Ok(reader.input) } else { Err(Error::invalid(reader.problems)) }
}

struct Reader<'a> {
    ctx: &'a Ctx,
    table: &'a Table,
    purpose: Purpose,
    input: Input,
    problems: Vec<FieldError>,
}

impl Reader<'_> {
    fn problem(&mut self, pointer: &str, code: &'static str, message: impl Into<String>) {
        self.problems.push(FieldError::new(pointer, code, message));
    }

    /// The record's own key.
    fn key(&mut self, body: &Map<String, Json>) {
        let is_given = self.table.key != KeyKind::Uuid;
        match (body.get("id"), self.purpose) {
            (None, Purpose::Create) if is_given => self.problem("/id", "required", "is required"),
            (None, _) => {}
            (Some(_), Purpose::Update) => self.problem("/id", "read_only", "cannot be changed"),
            (Some(_), Purpose::Create) if !is_given => self.problem("/id", "read_only", "is made by the server"),
            (Some(json), Purpose::Create) => self.given_key(json),
        }
    }

    fn given_key(&mut self, json: &Json) {
        let text = match json {
            Json::String(text) => text.clone(),
            Json::Number(number) if self.table.key == KeyKind::Int => number.to_string(),
            _ => String::new(),
        };
        let limits = self.table.fields.get("id").map(|field| field.constraint.clone()).unwrap_or_default();
        match (key::record_id(self.table, &text), limits.refuse_text(&text)) {
            (Some(id), None) => self.input.id = Some(id),
            (_, Some((code, message))) => self.problem("/id", code, message),
            (None, None) => self.problem("/id", "format", "is not a key of this table"),
        }
    }

    fn object(&mut self, parent: Option<&Field>, body: &Map<String, Json>, pointer: &str) {
        for (name, json) in body {
            if parent.is_none() && name == "id" {
                continue;
            }
            let path = parent.map_or_else(|| name.clone(), |parent| format!("{}.{name}", parent.path));
            let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            match self.table.fields.get(&path).filter(|_| !name.contains(['.', '[', '*'])) {
                Some(field) if fields::is_visible(self.ctx, self.table, field) => self.field(field, json, &pointer),
                _ => self.problem(&pointer, "unknown", format!("{name} is not a field here")),
            }
        }
        if self.purpose == Purpose::Create {
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
            let is_needed = !field.kind.is_optional()
                && !field.has_default
                && !field.is_system()
                && fields::could_pass(self.ctx, &field.permissions.create);
            if is_needed && !body.contains_key(name) {
                self.problem(&format!("{pointer}/{name}"), "required", "is required");
            }
        }
    }

    fn permission<'f>(&self, field: &'f Field) -> &'f Permission {
        match self.purpose {
            Purpose::Create => &field.permissions.create,
            Purpose::Update => &field.permissions.update,
        }
    }

    fn field(&mut self, field: &Field, json: &Json, pointer: &str) {
        let is_frozen = self.purpose == Purpose::Update && field.is_read_only;
        if field.is_system() || is_frozen || !fields::could_pass(self.ctx, self.permission(field)) {
            return self.problem(pointer, "read_only", "cannot be written here");
        }
        if matches!(self.permission(field), Permission::Where(_)) && !self.ctx.caller.is_staff() {
            self.input.conditional.push(field.path.clone());
        }
        match (json, field.kind.required()) {
            (Json::Null, _) if field.kind.is_optional() => {
                if self.purpose == Purpose::Update {
                    self.input.values.push((field.path.clone(), Value::None));
                }
            }
            (Json::Null, _) => self.problem(pointer, "required", "cannot be null"),
            (Json::Object(inner), Kind::Object) if !field.is_flexible => {
                if self.purpose == Purpose::Create {
                    self.input.values.push((field.path.clone(), Value::Object(Object::new())));
                }
                self.object(Some(field), inner, pointer);
            }
            (Json::Object(_), Kind::Object) => {
                self.input.values.push((field.path.clone(), convert::untyped(json)));
            }
            _ => self.value(field, json, pointer),
        }
    }

    fn value(&mut self, field: &Field, json: &Json, pointer: &str) {
        match convert::from_literal(&field.kind, json) {
            Ok(value) => {
                if let Some((code, message)) =
                    refusal(&field.constraint, &value).or_else(|| beyond_the_schema(field, &value))
                {
                    return self.problem(pointer, code, message);
                }
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

/// Most items of a list, and characters of an item, where the schema sets no limit of its own.
const ITEMS_MAX: usize = 1000;
/// Longest text in a list.
const ITEM_LENGTH_MAX: usize = 1000;

/// A date that no calendar has, in a field marked @date; an address that is not of the web, in one marked @url.
fn beyond_the_schema(field: &Field, value: &Value) -> Option<(&'static str, String)> {
    let Value::String(text) = value else { return None };
    if field.has_tag("date") && text.parse::<chrono::NaiveDate>().is_err() {
        return Some(("format", "must be a date such as 2026-05-01".into()));
    }
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    (field.has_tag("url") && !is_web).then(|| ("format", "must begin with https:// or http://".into()))
}

fn refusal(limits: &Constraint, value: &Value) -> Option<(&'static str, String)> {
    match value {
        Value::String(text) => limits.refuse_text(text),
        Value::Array(items) if items.len() > ITEMS_MAX => {
            Some(("length", format!("must have at most {ITEMS_MAX} items")))
        }
        Value::Array(items) => limits.refuse_length(items.len(), "items").or_else(|| {
            let is_long = |item: &Value| matches!(item, Value::String(text) if text.chars().count() > ITEM_LENGTH_MAX);
            let words = || ("length", format!("each item must have at most {ITEM_LENGTH_MAX} characters"));
            items.iter().any(is_long).then(words)
        }),
        Value::Number(number) => limits.refuse_number(number.to_f64().unwrap_or_default()),
        _ => None,
    }
}
