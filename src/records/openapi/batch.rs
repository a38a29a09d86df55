//! The batch: several writes of records in one transaction.

use serde_json::{Value as Json, json};

use super::operations::idempotency_key;
use super::{TableView, reference, type_name};
use crate::config::LimitSettings;

/// The operation of the batch.
pub(super) fn operation(tables: &[TableView<'_>], limits: &LimitSettings) -> Json {
    let most = limits.batch_max;
    let sample = tables.iter().filter(|view| view.could(&view.table.permissions.create)).find_map(|view| {
        Some(json!({ "method": "POST", "table": view.table.name, "body": view.input_example(true)? }))
    });
    let sample = json!({ "operations": sample.into_iter().collect::<Vec<_>>() });
    json!({
        "operationId": "create_batch",
        "summary": "Write several records at once",
        "description": format!("Up to {most} operations in one transaction: all or nothing. A failure has the status of the \
            operation that failed, and its pointers lead into the body."),
        "tags": ["batch"],
        "security": "signed in",
        "parameters": [idempotency_key()],
        "requestBody": { "required": true, "content": { "application/json": {
            "example": sample,
            "schema": { "type": "object", "required": ["operations"], "additionalProperties": false, "properties": {
                "operations": { "type": "array", "minItems": 1, "maxItems": most, "items": reference("BatchOperation"),
                    "description": "In the order in which they are done." } } } } } },
        "responses": {
            "200": { "description": "What each operation answered.", "content": { "application/json": {
                "schema": results_schema(), "example": { "results": [{ "status": 204, "body": null, "etag": null }] } } } },
            "400": null, "403": null, "404": null, "409": null, "412": null, "413": null, "415": null, "422": null,
        },
    })
}

fn results_schema() -> Json {
    json!({ "type": "object", "required": ["results"], "properties": { "results": { "type": "array", "items": {
        "type": "object", "required": ["status", "body", "etag"], "properties": {
            "status": { "type": "integer", "enum": [200, 201, 204], "description": "HTTP status." },
            "body": { "type": ["object", "null"], "description": "The record; null when it was deleted." },
            "etag": { "type": ["string", "null"], "description": "Its ETag." } } } } } })
}

/// One operation on a record of one of `tables`.
pub(super) fn operation_schema(tables: &[TableView<'_>]) -> Json {
    let mut variants = Vec::new();
    for view in tables {
        let permissions = &view.table.permissions;
        let name = type_name(&view.table.name);
        if view.could(&permissions.create) {
            variants.push(variant(view, "POST", json!({ "body": reference(&format!("{name}Create")) }), &["body"]));
        }
        let tag = json!({ "type": "string", "description": "As the header If-Match." });
        let key = view.key_schema(&view.table.name);
        if view.could(&permissions.update) {
            let more = json!({ "id": key, "body": reference(&format!("{name}Patch")), "if_match": tag });
            variants.push(variant(view, "PATCH", more, &["id", "body"]));
        }
        if view.could(&permissions.delete) {
            variants.push(variant(view, "DELETE", json!({ "id": key, "if_match": tag }), &["id"]));
        }
    }
    json!({ "description": "An operation on one record.", "anyOf": variants })
}

fn variant(view: &TableView<'_>, method: &str, more: Json, required: &[&str]) -> Json {
    let mut properties = more;
    properties["method"] = json!({ "type": "string", "const": method });
    properties["table"] = json!({ "type": "string", "const": view.table.name });
    let required: Vec<&str> = ["method", "table"].into_iter().chain(required.iter().copied()).collect();
    json!({ "type": "object", "title": format!("{method} {}", view.table.name), "additionalProperties": false,
        "required": required, "properties": properties })
}
