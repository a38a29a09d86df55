//! The operations of a table: list, get, create, update, delete, aggregate.

use serde_json::{Map, Value as Json, json};

use super::{TableView, reference};
use crate::schema::{KeyKind, Permission};

/// Most characters of an Idempotency-Key, and which they are.
const IDEMPOTENCY_KEY: &str = "^[!-~]{1,255}$";
/// What a header of entity tags is made of.
const HEADER_TEXT: &str = "^[\\t -~]*$";

impl TableView<'_> {
    /// The operations of the collection, and those of one record.
    pub(super) fn operations(&self, name: &str) -> (Map<String, Json>, Map<String, Json>) {
        let permissions = &self.table.permissions;
        let (mut collection, mut record) = (Map::new(), Map::new());
        if self.could(&permissions.select) {
            collection.insert("get".into(), self.list_operation(name));
            record.insert("get".into(), self.get_operation(name));
        }
        if self.could(&permissions.create) {
            collection.insert("post".into(), self.create_operation(name));
        }
        if self.could(&permissions.update) {
            record.insert("patch".into(), self.update_operation(name));
        }
        if self.could(&permissions.delete) {
            record.insert("delete".into(), self.delete_operation());
        }
        (collection, record)
    }

    pub(super) fn operation(&self, verb: &str, summary: String, more: &str) -> Map<String, Json> {
        let description = format!("{} {more}", self.description());
        let operation = json!({
            "operationId": format!("{verb}_{}", self.table.name),
            "summary": summary,
            "description": description.trim_end(),
            "tags": [self.table.name],
        });
        if let Json::Object(map) = operation { map } else { Map::new() }
    }

    /// Who may call: a guest may read what there is for guests, and write where some permission could let them.
    pub(super) fn security(&self, written: Option<&Permission>) -> Json {
        let is_open = !self.is_staff && written.is_none_or(Permission::could_be_guest);
        if is_open { json!("anybody") } else { json!("signed in") }
    }

    pub(super) fn key_parameter(&self) -> Json {
        let schema = match self.table.key {
            KeyKind::Uuid => json!({ "type": "string", "format": "uuid" }),
            KeyKind::Int => json!({ "type": "integer", "format": "int64" }),
            KeyKind::Text => json!({ "type": "string", "minLength": 1, "maxLength": 64 }),
        };
        json!({ "name": "id", "in": "path", "required": true, "description": "Key of the record.", "schema": schema })
    }

    fn list_operation(&self, name: &str) -> Json {
        let summary = format!("List {}", self.table.name);
        let mut operation = self.operation("list", summary, "Only what the caller may see is listed and counted.");
        let mut parameters = self.list_parameters(name);
        parameters.push(known_tags());
        operation.insert("parameters".into(), Json::Array(parameters));
        operation.insert("security".into(), self.security(None));
        let mut page = tagged(answer("A page.", &format!("{name}Page"), Some(&format!("{name}Page"))));
        page["links"] = self.links("items/0/id");
        operation.insert("responses".into(), json!({ "200": page, "304": unchanged(), "400": null, "422": null }));
        Json::Object(operation)
    }

    fn get_operation(&self, name: &str) -> Json {
        let mut operation = self.operation("get", format!("Get one of {}", self.table.name), "");
        let mut parameters = self.view_parameters(name);
        parameters.push(known_tags());
        operation.insert("parameters".into(), Json::Array(parameters));
        operation.insert("security".into(), self.security(None));
        let found = tagged(answer("The record.", name, Some(name)));
        operation.insert("responses".into(), json!({ "200": found, "304": unchanged(), "400": null, "404": null }));
        Json::Object(operation)
    }

    fn create_operation(&self, name: &str) -> Json {
        let mut operation = self.operation("create", format!("Create one of {}", self.table.name), "");
        operation.insert("parameters".into(), json!([idempotency_key()]));
        operation.insert("security".into(), self.security(Some(&self.table.permissions.create)));
        operation.insert("requestBody".into(), self.request_body(&format!("{name}Create"), true));
        let created = self.created(name);
        let responses =
            json!({ "201": created, "400": null, "403": null, "409": null, "413": null, "415": null, "422": null });
        operation.insert("responses".into(), responses);
        Json::Object(operation)
    }

    /// The answer to a create. Who may not see the record that they made is told its key alone.
    pub(super) fn created(&self, name: &str) -> Json {
        let permissions = &self.table.permissions;
        if !self.could(&permissions.select) {
            return answer("The key of the new record.", &format!("{name}Created"), Some(&format!("{name}Created")));
        }
        let is_shown = self.is_staff || permissions.create.implies(&permissions.select);
        let mut created = if is_shown {
            let mut created = answer("The new record.", &format!("{name}Complete"), Some(name));
            created["headers"] = json!({
                "ETag": { "$ref": "#/components/headers/ETag" },
                "Location": { "$ref": "#/components/headers/Location" },
            });
            created
        } else {
            answer("The new record; only its key, if you may not read it.", name, Some(name))
        };
        created["links"] = self.links("id");
        created
    }

    /// What can be done with a record whose key is at `place` in an answer.
    fn links(&self, place: &str) -> Json {
        let permissions = &self.table.permissions;
        let verbs = [("get", &permissions.select), ("update", &permissions.update), ("delete", &permissions.delete)];
        let offered = verbs.into_iter().filter(|(_, permission)| self.could(permission));
        let link = |verb: &str| json!({ "operationId": format!("{verb}_{}", self.table.name), "parameters": { "id": format!("$response.body#/{place}") } });
        offered.map(|(verb, _)| (verb.to_owned(), link(verb))).collect::<Map<_, _>>().into()
    }

    fn update_operation(&self, name: &str) -> Json {
        let more = "A merge patch: fields left out stay as they are, null removes.";
        let mut operation = self.operation("update", format!("Change one of {}", self.table.name), more);
        operation.insert("parameters".into(), json!([if_match()]));
        operation.insert("security".into(), self.security(Some(&self.table.permissions.update)));
        operation.insert("requestBody".into(), self.request_body(&format!("{name}Patch"), false));
        let mut changed = answer("The changed record.", &format!("{name}Complete"), Some(name));
        changed["headers"] = json!({ "ETag": { "$ref": "#/components/headers/ETag" } });
        let responses = json!({ "200": changed, "400": null, "403": null, "404": null, "409": null, "412": null,
            "413": null, "415": null, "422": null });
        operation.insert("responses".into(), responses);
        Json::Object(operation)
    }

    fn delete_operation(&self) -> Json {
        let mut operation = self.operation("delete", format!("Delete one of {}", self.table.name), "");
        operation.insert("parameters".into(), json!([if_match()]));
        operation.insert("security".into(), self.security(Some(&self.table.permissions.delete)));
        let responses = json!({ "204": { "description": "Deleted." }, "400": null, "403": null, "404": null,
            "409": null, "412": null });
        operation.insert("responses".into(), responses);
        Json::Object(operation)
    }

    pub(super) fn aggregate_operation(&self, name: &str) -> Json {
        let more = "Counts and measures of what the caller may see, in groups; at most a set number of groups.";
        let mut operation = self.operation("aggregate", format!("Aggregate {}", self.table.name), more);
        let mut parameters = self.aggregate_parameters(name);
        parameters.push(known_tags());
        operation.insert("parameters".into(), Json::Array(parameters));
        operation.insert("security".into(), self.security(None));
        let mut groups = tagged(answer("Groups.", "Groups", None));
        groups["content"]["application/json"]["example"] = json!({ "groups": [{ "by": {}, "count": 3 }] });
        operation.insert("responses".into(), json!({ "200": groups, "304": unchanged(), "400": null, "422": null }));
        Json::Object(operation)
    }

    fn request_body(&self, schema: &str, is_create: bool) -> Json {
        let mut content = json!({ "schema": reference(schema) });
        if self.input_example(is_create).is_some() {
            content["examples"] = sample(schema);
        }
        let mut types = Map::new();
        types.insert("application/json".into(), content.clone());
        if !is_create {
            types.insert("application/merge-patch+json".into(), content);
        }
        json!({ "required": true, "content": types })
    }
}

fn answer(description: &str, schema: &str, example: Option<&str>) -> Json {
    let mut content = json!({ "schema": reference(schema) });
    if let Some(name) = example {
        content["examples"] = sample(name);
    }
    json!({ "description": description, "content": { "application/json": content } })
}

fn sample(name: &str) -> Json {
    json!({ "sample": { "$ref": format!("#/components/examples/{name}") } })
}

/// The header that makes a repeated POST harmless.
pub(super) fn idempotency_key() -> Json {
    json!({ "name": "Idempotency-Key", "in": "header",
        "description": "Repeat the request safely with the same key; the same key with another body is refused.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": IDEMPOTENCY_KEY },
        "example": "5f1c2b9e-order-7" })
}

fn known_tags() -> Json {
    json!({ "name": "If-None-Match", "in": "header",
        "description": "ETags that you have; 304 when the answer would be one of them.",
        "schema": { "type": "string", "pattern": HEADER_TEXT } })
}

/// An answer that carries its ETag.
fn tagged(mut answer: Json) -> Json {
    answer["headers"] = json!({ "ETag": { "$ref": "#/components/headers/ETag" } });
    answer
}

fn unchanged() -> Json {
    tagged(json!({ "description": "You have it." }))
}

fn if_match() -> Json {
    json!({ "name": "If-Match", "in": "header",
        "description": "ETags that you have seen; 412 when the record has none of them any more.",
        "schema": { "type": "string", "pattern": HEADER_TEXT } })
}
