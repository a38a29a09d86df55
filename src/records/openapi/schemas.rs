//! Bodies and answers of a table: records, pages, what is sent to create and change them.

use serde_json::{Map, Value as Json, json};

use super::values::{PLAIN_TEXT, Purpose, list_of, nullable};
use super::{Described, TableView, reference, type_name};
use crate::records::expand;
use crate::records::limits::ITEM_LENGTH_MAX;
use crate::schema::{Constraint, Field, KeyKind, Kind};

impl TableView<'_> {
    /// Adds the table's component schemas and examples.
    pub(super) fn describe_schemas(&self, name: &str, described: &mut Described) {
        let permissions = &self.table.permissions;
        let mut add = |suffix: &str, schema: Json, example: Option<Json>| {
            described.schemas.insert(format!("{name}{suffix}"), schema);
            if let Some(value) = example {
                described.examples.insert(format!("{name}{suffix}"), json!({ "value": value }));
            }
        };
        let record = self.record_example();
        add("", self.record_schema(), Some(record.clone()));
        add("Complete", self.complete_schema(name), None);
        if !self.could(&permissions.select) && self.could(&permissions.create) {
            add("Created", self.key_only_schema(), Some(json!({ "id": record["id"] })));
        }
        if self.could(&permissions.select) {
            let page = json!({ "items": [record], "next_cursor": null });
            add("Page", page_schema(name), Some(page));
            self.add_names(name, described);
        }
        if self.could(&permissions.create) {
            let body = (self.input_schema(true), self.input_example(true));
            insert_input(described, format!("{name}Create"), body);
        }
        if self.could(&permissions.update) {
            let body = (self.input_schema(false), self.input_example(false));
            insert_input(described, format!("{name}Patch"), body);
        }
    }

    /// A record as a reader gets it. With `fields`, any field but the id may be left out.
    fn record_schema(&self) -> Json {
        let mut properties = Map::new();
        properties.insert("id".into(), self.own_key_schema());
        for field in self.readable().filter(|field| !field.path.contains('.')) {
            properties.insert(field.path.clone(), self.field_schema(field, Purpose::Read));
        }
        if let Some(expansion) = self.expansion_schema() {
            properties.insert("expand".into(), expansion);
        }
        json!({ "type": "object", "description": self.description(), "properties": properties, "required": ["id"] })
    }

    /// The answer to a write: nothing is left out but what is absent or hidden.
    fn complete_schema(&self, name: &str) -> Json {
        let is_always_there = |field: &&Field| {
            !field.path.contains('.') && !field.kind.is_optional() && field.permissions.select.is_full()
        };
        let required = self.readable().filter(is_always_there).map(|field| field.path.as_str());
        let required: Vec<&str> = std::iter::once("id").chain(required).collect();
        json!({ "allOf": [reference(name)], "required": required, "description": "As the answer to a write." })
    }

    /// The answer to a create, to those who may not read what they make.
    fn key_only_schema(&self) -> Json {
        json!({ "type": "object", "description": "The key of a new record.", "required": ["id"],
            "properties": { "id": self.own_key_schema() } })
    }

    fn own_key_schema(&self) -> Json {
        let mut schema = match self.table.key {
            KeyKind::Uuid => json!({ "type": "string", "format": "uuid" }),
            KeyKind::Int => json!({ "type": "integer", "format": "int64" }),
            KeyKind::Text => json!({ "type": "string" }),
        };
        schema["description"] = json!("Key of the record.");
        schema
    }

    /// Linked records, by the field that links to them.
    fn expansion_schema(&self) -> Option<Json> {
        let mut properties = Map::new();
        for field in self.readable().filter(|field| !field.path.contains('.')) {
            let targets = expand::targets(&field.kind).iter().filter_map(|name| self.readable_table(name));
            let mut records: Vec<Json> = targets.map(|table| reference(&type_name(&table.table.name))).collect();
            let record = match records.len() {
                0 => continue,
                1 => records.remove(0),
                _ => json!({ "anyOf": records }),
            };
            let is_list = matches!(field.kind.required(), Kind::Array(_) | Kind::Set(_));
            let schema = if is_list { json!({ "type": "array", "items": record }) } else { record };
            properties.insert(field.path.clone(), schema);
        }
        (!properties.is_empty()).then(|| {
            json!({ "type": "object", "description": "Linked records, as wished for with `expand`.",
                "properties": properties })
        })
    }

    fn input_schema(&self, is_create: bool) -> Json {
        let purpose = if is_create { Purpose::Create } else { Purpose::Patch };
        let mut properties = Map::new();
        let mut required = Vec::new();
        if is_create && self.table.key != KeyKind::Uuid {
            properties.insert("id".into(), self.given_key_schema());
            required.push(json!("id"));
        }
        for field in self.table.top_fields().filter(|field| self.is_writable(field, is_create)) {
            properties.insert(field.path.clone(), self.field_schema(field, purpose));
            if purpose.is_whole() && !field.kind.is_optional() && !self.is_filled(field, purpose) {
                required.push(json!(field.path));
            }
        }
        let description = if is_create { "A new record." } else { "Changes of a record." };
        json!({ "type": "object", "description": description, "properties": properties, "required": required,
            "additionalProperties": false })
    }

    /// A row of a file to import: a new record, with its key and the time when it was made if they are known.
    pub(super) fn import_schema(&self) -> Json {
        let mut schema = self.input_schema(true);
        schema["description"] = json!("A record to import.");
        if self.table.key == KeyKind::Uuid {
            schema["properties"]["id"] = self.own_key_schema();
        }
        if let Some(field) = self.table.fields.get("created_at").filter(|field| !field.is_computed) {
            schema["properties"]["created_at"] = self.field_schema(field, Purpose::Create);
        }
        schema
    }

    /// The key that the caller gives a new record.
    fn given_key_schema(&self) -> Json {
        let default = Constraint::default();
        let id = self.table.fields.get("id");
        let limits = id.map_or(&default, |field| &field.constraint);
        let mut schema = match self.table.key {
            KeyKind::Int => self.value_schema(&Kind::Int, limits, Purpose::Create),
            _ => json!({ "type": "string", "minLength": limits.length_min.unwrap_or(1).max(1),
                "maxLength": limits.length_max.unwrap_or(64).min(64),
                "pattern": limits.pattern.as_ref().map_or(PLAIN_TEXT, |pattern| pattern.as_str()) }),
        };
        let words = id.map(|field| field.description.as_str()).filter(|words| !words.is_empty());
        schema["description"] = json!(words.unwrap_or("Key of the record."));
        schema
    }

    fn field_schema(&self, field: &Field, purpose: Purpose) -> Json {
        let mut schema = match field.kind.required() {
            Kind::Object if !field.is_flexible => self.object_schema(field, purpose),
            Kind::Array(item) | Kind::Set(item) => {
                let items = self.item_schema(&format!("{}.*", field.path), item, purpose.within_list());
                list_of(items, &field.constraint, purpose)
            }
            kind => self.value_schema(kind, &field.constraint, purpose),
        };
        tag(&mut schema, field, purpose);
        if purpose != Purpose::Read && field.kind.names("files") {
            let words = format!("{} Files are uploaded first, by POST /files.", field.description);
            schema["description"] = json!(words.trim_start());
        } else if !field.description.is_empty() {
            schema["description"] = json!(field.description);
        }
        if self.is_filled(field, purpose) {
            let words = format!("{} Filled in when left out.", schema["description"].as_str().unwrap_or_default());
            schema["description"] = json!(words.trim_start());
        }
        if purpose != Purpose::Read && field.kind.is_optional() {
            schema = nullable(schema);
        }
        schema
    }

    /// An item of a list: an object with fields of its own, a list again, or a plain value.
    fn item_schema(&self, path: &str, kind: &Kind, purpose: Purpose) -> Json {
        let item = self.table.field(path);
        match (kind.required(), item) {
            (Kind::Object, Some(item)) if !item.is_flexible => self.object_schema(item, purpose),
            (Kind::Array(inner) | Kind::Set(inner), _) => {
                let items = self.item_schema(&format!("{path}.*"), inner, purpose);
                let default = Constraint::default();
                list_of(items, item.map_or(&default, |item| &item.constraint), purpose)
            }
            (kind, item) => {
                let default = Constraint::default();
                let mut schema = self.value_schema(kind, item.map_or(&default, |item| &item.constraint), purpose);
                if let Some(item) = item {
                    tag(&mut schema, item, purpose);
                }
                if purpose != Purpose::Read && *kind == Kind::String && schema.get("maxLength").is_none() {
                    schema["maxLength"] = json!(ITEM_LENGTH_MAX);
                }
                schema
            }
        }
    }

    fn object_schema(&self, parent: &Field, purpose: Purpose) -> Json {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in self.table.children(&parent.path).filter(|field| self.is_shown(field, purpose)) {
            let name = field.path[parent.path.len() + 1..].to_owned();
            properties.insert(name.clone(), self.field_schema(field, purpose));
            if purpose.is_whole() && !field.kind.is_optional() && !self.is_filled(field, purpose) {
                required.push(json!(name));
            }
        }
        let mut schema = json!({ "type": "object", "properties": properties, "required": required });
        if purpose != Purpose::Read {
            schema["additionalProperties"] = json!(false);
        }
        schema
    }

    fn is_shown(&self, field: &Field, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Read => self.is_readable(field),
            Purpose::Create | Purpose::Patch => self.is_writable(field, purpose == Purpose::Create),
            // What is set once may be sent as it is.
            Purpose::PatchedItem => {
                !field.is_system() && self.could(&field.permissions.update) && self.is_readable(field)
            }
        }
    }

    /// Whether the database fills the field in when it is left out.
    pub(super) fn is_filled(&self, field: &Field, purpose: Purpose) -> bool {
        match purpose {
            // Staff write in nobody's name.
            _ if field.is_default_caller && self.is_staff => false,
            Purpose::Create => field.has_default,
            Purpose::PatchedItem => field.has_default && field.is_default_always,
            Purpose::Read | Purpose::Patch => false,
        }
    }
}

/// What the tags of a COMMENT say about a text.
fn tag(schema: &mut Json, field: &Field, purpose: Purpose) {
    if field.has_tag("date") {
        schema["format"] = json!("date");
    }
    if field.has_tag("timezone") {
        schema["format"] = json!("timezone");
    }
    if field.has_tag("url") && purpose != Purpose::Read {
        schema["pattern"] = json!("^https?://[^\\u0000]*$");
    }
}

fn insert_input(described: &mut Described, name: String, (schema, example): (Json, Option<Json>)) {
    if let Some(value) = example {
        described.examples.insert(name.clone(), json!({ "value": value }));
    }
    described.schemas.insert(name, schema);
}

fn page_schema(name: &str) -> Json {
    json!({ "type": "object", "description": "A page of a list.", "required": ["items", "next_cursor"], "properties": {
        "items": { "type": "array", "items": reference(name), "description": "The records." },
        "next_cursor": { "type": ["string", "null"], "description": "Where the next page begins; null on the last." },
        "total": { "type": "integer", "minimum": 0, "description": "All matching records, with count=true." } } })
}
