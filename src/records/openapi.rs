//! The OpenAPI paths and schemas of the served tables, from their model alone.

use serde_json::{Map, Value as Json, json};

use crate::schema::{Constraint, Field, KeyKind, Kind, Permission, Permissions, Schema, Table};

/// Paths below `base` and component schemas, for the public listener or for staff.
pub fn describe(schema: &Schema, is_staff: bool, base: &str) -> (Map<String, Json>, Map<String, Json>) {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for table in schema.tables.values().filter(|table| !table.is_private()) {
        let document = Document { table, is_staff, base };
        if document.is_offered() {
            document.add(&mut paths, &mut schemas);
        }
    }
    paths.insert(format!("{base}/batch"), batch());
    (paths, schemas)
}

struct Document<'a> {
    table: &'a Table,
    is_staff: bool,
    base: &'a str,
}

/// `product_categories` as `ProductCategories`.
fn type_name(table: &str) -> String {
    let capital =
        |word: &str| word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1)).collect::<String>();
    table.split('_').map(capital).collect()
}

impl Document<'_> {
    fn could(&self, permission: &Permission) -> bool {
        if self.is_staff { !permission.is_none() } else { permission.is_public() }
    }

    fn is_offered(&self) -> bool {
        let Permissions { select, create, update, delete } = &self.table.permissions;
        [select, create, update, delete].into_iter().any(|permission| self.could(permission))
    }

    fn add(&self, paths: &mut Map<String, Json>, schemas: &mut Map<String, Json>) {
        let name = type_name(&self.table.name);
        let permissions = &self.table.permissions;
        let mut collection = Map::new();
        let mut single = Map::new();
        let key = self.key_parameter();
        single.insert("parameters".into(), json!([key]));
        if self.could(&permissions.select) {
            schemas.insert(name.clone(), self.record_schema());
            schemas.insert(format!("{name}Page"), page_schema(&name));
            collection.insert("get".into(), self.list_operation(&name));
            single.insert("get".into(), self.get_operation(&name));
            paths.insert(format!("{}/{}/aggregate", self.base, self.table.name), self.aggregate_path());
        }
        if self.could(&permissions.create) {
            schemas.insert(format!("{name}Create"), self.input_schema(true));
            collection.insert("post".into(), self.create_operation(&name));
        }
        if self.could(&permissions.update) {
            schemas.insert(format!("{name}Patch"), self.input_schema(false));
            single.insert("patch".into(), self.patch_operation(&name));
        }
        if self.could(&permissions.delete) {
            single.insert("delete".into(), self.delete_operation());
        }
        if !collection.is_empty() {
            paths.insert(format!("{}/{}", self.base, self.table.name), Json::Object(collection));
        }
        if single.len() > 1 {
            paths.insert(format!("{}/{}/{{id}}", self.base, self.table.name), Json::Object(single));
        }
    }

    fn operation(&self, verb: &str, summary: String) -> Map<String, Json> {
        let mut operation = Map::new();
        operation.insert("operationId".into(), json!(format!("{verb}_{}", self.table.name)));
        operation.insert("summary".into(), json!(summary));
        operation.insert("description".into(), json!(self.table.description));
        operation.insert("tags".into(), json!([self.table.name]));
        operation
    }

    fn key_parameter(&self) -> Json {
        let schema = match self.table.key {
            KeyKind::Uuid => json!({ "type": "string", "format": "uuid" }),
            KeyKind::Int => json!({ "type": "integer" }),
            KeyKind::Text => json!({ "type": "string", "minLength": 1, "maxLength": 64 }),
        };
        json!({ "name": "id", "in": "path", "required": true, "description": "Key of the record.", "schema": schema })
    }

    fn list_operation(&self, name: &str) -> Json {
        let mut operation = self.operation("list", format!("List {}", self.table.name));
        operation.insert("parameters".into(), Json::Array(self.list_parameters()));
        operation.insert("responses".into(), json!({ "200": answer("A page.", &format!("{name}Page")) }));
        Json::Object(operation)
    }

    fn get_operation(&self, name: &str) -> Json {
        let mut operation = self.operation("get", format!("Get one of {}", self.table.name));
        let parameters = json!([text_parameter("fields", "Wanted fields."), text_parameter("expand", "Links to expand."),
            { "name": "If-None-Match", "in": "header", "description": "ETag you have.", "schema": { "type": "string" } }]);
        operation.insert("parameters".into(), parameters);
        let mut responses = json!({ "200": answer("The record.", name), "304": { "description": "You have it." } });
        responses["200"]["headers"] =
            json!({ "ETag": { "schema": { "type": "string" }, "description": "For If-Match." } });
        operation.insert("responses".into(), responses);
        Json::Object(operation)
    }

    fn create_operation(&self, name: &str) -> Json {
        let mut operation = self.operation("create", format!("Create one of {}", self.table.name));
        let key = json!({ "name": "Idempotency-Key", "in": "header", "description": "Repeat the request safely with the same key.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$" } });
        operation.insert("parameters".into(), json!([key]));
        operation.insert("requestBody".into(), request_body(&format!("{name}Create"), "application/json"));
        operation.insert("responses".into(), json!({ "201": answer("The new record.", name) }));
        Json::Object(operation)
    }

    fn patch_operation(&self, name: &str) -> Json {
        let mut operation = self.operation("update", format!("Change one of {}", self.table.name));
        operation.insert("parameters".into(), json!([if_match()]));
        operation.insert("requestBody".into(), request_body(&format!("{name}Patch"), "application/merge-patch+json"));
        operation.insert("responses".into(), json!({ "200": answer("The changed record.", name) }));
        Json::Object(operation)
    }

    fn delete_operation(&self) -> Json {
        let mut operation = self.operation("delete", format!("Delete one of {}", self.table.name));
        operation.insert("parameters".into(), json!([if_match()]));
        operation.insert("responses".into(), json!({ "204": { "description": "Deleted." } }));
        Json::Object(operation)
    }

    fn aggregate_path(&self) -> Json {
        let mut operation = self.operation("aggregate", format!("Aggregate {}", self.table.name));
        let mut parameters = self.filter_parameters();
        parameters.push(text_parameter("group_by", "Fields to group by, separated by commas; at most 3."));
        parameters.push(text_parameter("measures", "count, sum(f), avg(f), min(f), max(f), separated by commas."));
        operation.insert("parameters".into(), Json::Array(parameters));
        let groups = json!({ "type": "object", "required": ["groups"], "properties": { "groups": { "type": "array",
            "items": { "type": "object", "required": ["by"], "properties": { "by": { "type": "object" } } } } } });
        let ok = json!({ "description": "Groups.", "content": { "application/json": { "schema": groups } } });
        operation.insert("responses".into(), json!({ "200": ok }));
        json!({ "get": operation })
    }

    /// Fields some caller of this listener could read, without those inside objects.
    fn readable(&self) -> impl Iterator<Item = &Field> {
        self.table.top_fields().filter(|field| self.could(&field.permissions.select))
    }

    fn list_parameters(&self) -> Vec<Json> {
        let mut parameters = vec![
            json!({ "name": "limit", "in": "query", "description": "Records per page.",
                "schema": { "type": "integer", "minimum": 1, "maximum": 100, "default": 20 } }),
            text_parameter("cursor", "next_cursor of the page before."),
            json!({ "name": "offset", "in": "query", "description": "Records to skip; cursor is faster.",
                "schema": { "type": "integer", "minimum": 0, "maximum": 10000, "default": 0 } }),
            json!({ "name": "count", "in": "query", "description": "Whether to add total.",
                "schema": { "type": "boolean", "default": false } }),
            text_parameter("sort", "Fields separated by commas; - before a field for descending order."),
            text_parameter("fields", "Wanted fields, separated by commas."),
            text_parameter("expand", "Links to expand, separated by commas; dots follow further links."),
        ];
        parameters.extend(self.filter_parameters());
        parameters
    }

    fn filter_parameters(&self) -> Vec<Json> {
        let mut parameters = vec![text_parameter(
            "filter",
            "Condition such as: price.minor <= 1000 and (status = \"active\" or not name starts \"A\").",
        )];
        if self.table.text_fields().next().is_some() {
            parameters.push(text_parameter("q", "Words to search for."));
        }
        for field in self.readable().filter(|field| is_comparable(&field.kind)) {
            parameters.push(json!({ "name": field.path, "in": "query",
                "description": format!("{} equals; also {}[ne], [lt], [lte], [gt], [gte], [in], [contains], [starts], [null].", field.path, field.path),
                "schema": value_schema(&field.kind, &Constraint::default()) }));
        }
        parameters
    }

    fn record_schema(&self) -> Json {
        let mut properties = Map::new();
        let mut required = vec![json!("id")];
        properties.insert("id".into(), self.key_parameter()["schema"].clone());
        for field in self.readable().filter(|field| field.path != "id") {
            properties.insert(field.path.clone(), self.field_schema(field, Purpose::Read));
            if !field.kind.is_optional() && field.permissions.select.is_full() {
                required.push(json!(field.path));
            }
        }
        properties.insert("expand".into(), json!({ "type": "object", "description": "Expanded links by field." }));
        // With ?fields= any field but the id may be missing.
        let _ = required.split_off(1);
        json!({ "type": "object", "description": self.table.description, "properties": properties, "required": required })
    }

    fn input_schema(&self, is_create: bool) -> Json {
        let purpose = if is_create { Purpose::Create } else { Purpose::Patch };
        let mut properties = Map::new();
        let mut required = Vec::new();
        if is_create && self.table.key != KeyKind::Uuid {
            let id = self.table.fields.get("id");
            properties.insert("id".into(), id.map_or(json!({ "type": "string" }), |f| self.field_schema(f, purpose)));
            required.push(json!("id"));
        }
        for field in self.table.top_fields().filter(|field| self.is_writable(field, is_create)) {
            properties.insert(field.path.clone(), self.field_schema(field, purpose));
            if is_create && !field.kind.is_optional() && !field.has_default {
                required.push(json!(field.path));
            }
        }
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    }

    fn is_writable(&self, field: &Field, is_create: bool) -> bool {
        let permission = if is_create { &field.permissions.create } else { &field.permissions.update };
        let is_frozen = !is_create && field.is_read_only;
        !field.is_system() && !is_frozen && self.could(permission) && self.could(&field.permissions.select)
    }

    fn field_schema(&self, field: &Field, purpose: Purpose) -> Json {
        let mut schema = match field.kind.required() {
            Kind::Object if !field.is_flexible => self.object_schema(field, purpose),
            kind => value_schema(kind, &field.constraint),
        };
        if field.has_tag("date") {
            schema["format"] = json!("date");
        }
        if !field.description.is_empty() {
            schema["description"] = json!(field.description);
        }
        if purpose != Purpose::Read && field.kind.is_optional() {
            schema = nullable(schema);
        }
        schema
    }

    fn object_schema(&self, parent: &Field, purpose: Purpose) -> Json {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in self.table.children(&parent.path).filter(|field| self.could(&field.permissions.select)) {
            let name = field.path[parent.path.len() + 1..].to_owned();
            properties.insert(name.clone(), self.field_schema(field, purpose));
            if purpose == Purpose::Create && !field.kind.is_optional() && !field.has_default {
                required.push(json!(name));
            }
        }
        let mut schema = json!({ "type": "object", "properties": properties, "required": required });
        if purpose != Purpose::Read {
            schema["additionalProperties"] = json!(false);
        }
        schema
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Read,
    Create,
    Patch,
}

fn is_comparable(kind: &Kind) -> bool {
    !matches!(
        kind.required(),
        Kind::Object | Kind::Array(_) | Kind::Set(_) | Kind::Geometry(_) | Kind::Any | Kind::Either(_) | Kind::Bytes
    )
}

fn nullable(mut schema: Json) -> Json {
    match schema.get("type").and_then(Json::as_str).map(str::to_owned) {
        Some(name) => {
            schema["type"] = json!([name, "null"]);
            if let Some(values) = schema.get_mut("enum").and_then(Json::as_array_mut) {
                values.push(Json::Null);
            }
            schema
        }
        None => json!({ "oneOf": [schema, { "type": "null" }] }),
    }
}

fn value_schema(kind: &Kind, limits: &Constraint) -> Json {
    let mut schema = match kind.required() {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int => json!({ "type": "integer", "format": "int64" }),
        Kind::Float | Kind::Number => json!({ "type": "number" }),
        Kind::Decimal => json!({ "type": "string", "format": "decimal" }),
        Kind::Datetime => json!({ "type": "string", "format": "date-time" }),
        Kind::Duration => json!({ "type": "string", "format": "duration" }),
        Kind::Uuid => json!({ "type": "string", "format": "uuid" }),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Enum(values) => json!({ "type": "string", "enum": values }),
        Kind::String => json!({ "type": "string" }),
        Kind::Record(tables) if tables.len() == 1 => {
            json!({ "type": "string", "minLength": 1, "maxLength": 64, "x-link": tables[0] })
        }
        Kind::Record(tables) => link_schema(tables),
        Kind::Array(item) | Kind::Set(item) => {
            let mut schema = json!({ "type": "array", "items": value_schema(item, &Constraint::default()) });
            insert_limits(&mut schema, "minItems", "maxItems", limits);
            return schema;
        }
        Kind::Geometry(_) => json!({ "type": "object", "required": ["type", "coordinates"], "properties": {
            "type": { "type": "string", "enum": ["Point", "LineString", "Polygon"] }, "coordinates": { "type": "array" } },
            "description": "GeoJSON geometry." }),
        Kind::Object => json!({ "type": "object" }),
        Kind::Any | Kind::Option(_) => json!({}),
        Kind::Either(kinds) => {
            json!({ "anyOf": kinds.iter().map(|kind| value_schema(kind, limits)).collect::<Vec<_>>() })
        }
    };
    insert_limits(&mut schema, "minLength", "maxLength", limits);
    if let Some(pattern) = &limits.pattern {
        schema["pattern"] = json!(pattern.as_str());
    }
    if let Some(format) = limits.format {
        schema["format"] = json!(format);
    }
    let lowest = if limits.is_min_exclusive { "exclusiveMinimum" } else { "minimum" };
    for (name, bound) in [(lowest, limits.min), ("maximum", limits.max)] {
        if let Some(bound) = bound {
            // Bounds of integers are written as integers.
            schema[name] = serde_json::from_str(&bound.to_string()).unwrap_or_else(|_| json!(bound));
        }
    }
    schema
}

fn insert_limits(schema: &mut Json, lowest: &str, highest: &str, limits: &Constraint) {
    for (name, length) in [(lowest, limits.length_min), (highest, limits.length_max)] {
        if let Some(length) = length {
            schema[name] = json!(length);
        }
    }
}

fn link_schema(tables: &[String]) -> Json {
    let mut table = json!({ "type": "string" });
    if !tables.is_empty() {
        table["enum"] = json!(tables);
    }
    json!({ "type": "object", "required": ["table", "id"], "additionalProperties": false, "properties": {
        "table": table, "id": { "type": "string", "minLength": 1, "maxLength": 64 } } })
}

fn page_schema(name: &str) -> Json {
    json!({ "type": "object", "required": ["items", "next_cursor"], "properties": {
        "items": { "type": "array", "items": { "$ref": format!("#/components/schemas/{name}") } },
        "next_cursor": { "type": ["string", "null"], "description": "Where the next page begins; null on the last." },
        "total": { "type": "integer", "description": "All matching records, with count=true." } } })
}

fn answer(description: &str, schema: &str) -> Json {
    json!({ "description": description, "content": { "application/json": {
        "schema": { "$ref": format!("#/components/schemas/{schema}") } } } })
}

fn request_body(schema: &str, media_type: &str) -> Json {
    let content = json!({ "schema": { "$ref": format!("#/components/schemas/{schema}") } });
    let mut types = Map::new();
    types.insert("application/json".into(), content.clone());
    types.insert(media_type.into(), content);
    json!({ "required": true, "content": types })
}

fn text_parameter(name: &str, description: &str) -> Json {
    json!({ "name": name, "in": "query", "description": description, "schema": { "type": "string" } })
}

fn if_match() -> Json {
    json!({ "name": "If-Match", "in": "header", "description": "ETag you have seen; 412 when the record has changed since.",
        "schema": { "type": "string" } })
}

fn batch() -> Json {
    let operation = json!({ "type": "object", "required": ["method", "table"], "additionalProperties": false, "properties": {
        "method": { "type": "string", "enum": ["POST", "PATCH", "DELETE"] },
        "table": { "type": "string" }, "id": { "type": "string" },
        "body": { "type": "object" }, "if_match": { "type": "string" } } });
    json!({ "post": {
        "operationId": "create_batch", "summary": "Write several records at once",
        "description": "Up to 100 operations in one transaction: all or nothing.", "tags": ["batch"],
        "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "object",
            "required": ["operations"], "additionalProperties": false,
            "properties": { "operations": { "type": "array", "minItems": 1, "maxItems": 100, "items": operation } } } } } },
        "responses": { "200": { "description": "What each operation answered.", "content": { "application/json": { "schema": {
            "type": "object", "required": ["results"], "properties": { "results": { "type": "array", "items": {
                "type": "object", "required": ["status"], "properties": { "status": { "type": "integer" },
                "body": {}, "etag": { "type": ["string", "null"] } } } } } } } } } } } })
}
