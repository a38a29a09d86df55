//! The one OpenAPI document of a listener: commands from poem-openapi, records from the live schema.

use poem::http::{HeaderMap, StatusCode, header};
use poem::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};

use super::prefix;
use super::problem;
use crate::context::Audience;
use crate::kernel::error::CATALOGUE;
use crate::records::{openapi, view};
use crate::schema::Schema;

/// A document ready to be sent.
pub struct Served {
    text: String,
    etag: String,
}

impl Served {
    /// Makes the text and its ETag once.
    pub fn new(document: Json) -> Self {
        Self { text: document.to_string(), etag: view::etag(&document) }
    }

    /// The document, or 304 when the client has it.
    pub fn respond(&self, headers: &HeaderMap) -> Response {
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if known.split(',').any(|tag| tag.trim() == self.etag) {
            return Response::builder().status(StatusCode::NOT_MODIFIED).header(header::ETAG, &self.etag).finish();
        }
        Response::builder()
            .content_type("application/json")
            .header(header::ETAG, &self.etag)
            .header(header::CACHE_CONTROL, "no-cache")
            .body(self.text.clone())
            .into_response()
    }
}

/// Adds the records of `schema` to the document of the commands.
pub fn merge(mut document: Json, schema: &Schema, audience: Audience) -> Json {
    let base = prefix(audience);
    let mut paths = Map::new();
    if let Some(commands) = document["paths"].as_object_mut() {
        for (path, operations) in std::mem::take(commands) {
            paths.insert(format!("{base}{path}"), with_problems(operations));
        }
    }
    let (record_paths, schemas) = openapi::describe(schema, audience == Audience::Admin, base);
    for (path, operations) in record_paths {
        paths.insert(path, with_problems(operations));
    }
    document["paths"] = Json::Object(paths);
    document["servers"] = json!([{ "url": "/" }]);
    document["info"] = json!({
        "title": if audience == Audience::Admin { "Pawbase admin API" } else { "Pawbase API" },
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Records and commands of a Pawbase installation. Failures are application/problem+json; \
                        their codes are listed at /api/docs/errors.",
        "license": { "name": "MIT", "identifier": "MIT" },
    });
    document["openapi"] = json!("3.1.0");
    let components = document["components"].as_object_mut().map(std::mem::take).unwrap_or_default();
    document["components"] = Json::Object(with_common(components, schemas));
    document["security"] = json!([{ "bearer": [] }, {}]);
    document
}

fn with_common(mut components: Map<String, Json>, schemas: Map<String, Json>) -> Map<String, Json> {
    let all = components.entry("schemas").or_insert_with(|| json!({}));
    if let Some(all) = all.as_object_mut() {
        all.extend(schemas);
        all.insert("Problem".into(), problem_schema());
    }
    components.insert(
        "securitySchemes".into(),
        json!({ "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "Access token of signup, login or refresh." } }),
    );
    components
}

fn problem_schema() -> Json {
    let codes: Vec<&str> = CATALOGUE.iter().map(|entry| entry.code).collect();
    json!({
        "type": "object",
        "description": "A failure (RFC 9457).",
        "required": ["type", "title", "status", "detail", "error", "message", "success", "request_id"],
        "properties": {
            "type": { "type": "string", "description": "Where the kind of failure is described." },
            "title": { "type": "string", "description": "The kind of failure, for people." },
            "status": { "type": "integer", "description": "HTTP status." },
            "detail": { "type": "string", "description": "What went wrong this time." },
            "error": { "type": "string", "enum": codes, "description": "The kind of failure, for programs." },
            "message": { "type": "string", "description": "Same as detail." },
            "success": { "type": "boolean", "const": false, "description": "Always false." },
            "request_id": { "type": "string", "description": "Name it when you report the failure." },
            "errors": {
                "type": "array",
                "description": "All bad fields.",
                "items": {
                    "type": "object",
                    "required": ["pointer", "code", "message"],
                    "properties": {
                        "pointer": { "type": "string", "description": "JSON pointer into the body, or ?name of a parameter." },
                        "code": { "type": "string", "description": "What is wrong, for programs." },
                        "message": { "type": "string", "description": "What is wrong, for people." }
                    }
                }
            }
        }
    })
}

/// Statuses that every operation can answer.
const COMMON: [(&str, &str); 12] = [
    ("400", "Malformed request or query."),
    ("401", "Sign-in required, or the token is not valid."),
    ("403", "Not allowed."),
    ("404", "Not there, or not visible to you."),
    ("405", "Method not for this path."),
    ("409", "Conflict with the present state."),
    ("412", "Changed since you read it."),
    ("413", "Body too large."),
    ("415", "Not JSON."),
    ("422", "Fields are not valid, or a rule is broken."),
    ("429", "Too many requests; see Retry-After."),
    ("503", "Temporarily unavailable; see Retry-After."),
];

fn with_problems(mut operations: Json) -> Json {
    let Some(map) = operations.as_object_mut() else { return operations };
    for operation in map.values_mut() {
        if let Some(responses) = operation.get_mut("responses").and_then(Json::as_object_mut) {
            for (status, description) in COMMON {
                responses.entry(status).or_insert_with(|| {
                    json!({ "description": description, "content": {
                        problem::MEDIA_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } } })
                });
            }
        }
    }
    operations
}
