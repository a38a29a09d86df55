//! How failures look in the document: one response for each status, made from the catalogue.

use serde_json::{Map, Value as Json, json};

use crate::http::problem::MEDIA_TYPE;
use crate::kernel::error::{CATALOGUE, Entry};

/// Name and description of the response of each status.
const FAILURES: [(u16, &str, &str); 18] = [
    (400, "Malformed", "Malformed request or query."),
    (401, "Unauthenticated", "Sign-in required, or the token is not valid."),
    (403, "Forbidden", "Not allowed, or without the CSRF token that goes with a cookie."),
    (404, "NotFound", "Not there, or not visible to you."),
    (408, "RequestTimeout", "The body did not arrive in time."),
    (409, "Conflict", "Conflict with the present state."),
    (410, "Gone", "No longer valid."),
    (412, "Stale", "Changed since you read it."),
    (413, "PayloadTooLarge", "Body too large."),
    (414, "UriTooLong", "Address too long."),
    (415, "UnsupportedMediaType", "Not JSON."),
    (416, "RangeNotSatisfiable", "The file has no such part."),
    (422, "Invalid", "Fields are not valid, or a rule is broken."),
    (429, "TooManyRequests", "Too many requests; see Retry-After."),
    (431, "HeadersTooLarge", "Headers too large."),
    (500, "Internal", "Something failed on our side."),
    (503, "Unavailable", "Temporarily unavailable; see Retry-After."),
    (405, "MethodNotAllowed", "Method not for this path."),
];

/// A reference to the response of `status`; None for a status that no failure has.
pub(super) fn reference(status: u16) -> Option<Json> {
    let (_, name, _) = FAILURES.iter().find(|(known, ..)| *known == status)?;
    Some(json!({ "$ref": format!("#/components/responses/{name}") }))
}

/// The responses of all failures.
pub(super) fn responses() -> Map<String, Json> {
    FAILURES.iter().map(|(status, name, description)| ((*name).to_owned(), response(*status, description))).collect()
}

fn response(status: u16, description: &str) -> Json {
    let entries = CATALOGUE.iter().filter(|entry| entry.status == status);
    let examples: Map<String, Json> = entries
        .map(|entry| (entry.code.to_owned(), json!({ "summary": entry.title, "value": example(entry) })))
        .collect();
    let mut headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/RequestId" } });
    let more: &[(&str, &str)] = match status {
        401 => &[("WWW-Authenticate", "WwwAuthenticate")],
        405 => &[("Allow", "Allow")],
        429 | 503 => &[("Retry-After", "RetryAfter")],
        _ => &[],
    };
    for (header, component) in more {
        headers[*header] = json!({ "$ref": format!("#/components/headers/{component}") });
    }
    json!({ "description": description, "headers": headers, "content": { MEDIA_TYPE: {
        "schema": { "$ref": "#/components/schemas/Problem" }, "examples": examples } } })
}

fn example(entry: &Entry) -> Json {
    let mut problem = json!({
        "type": format!("/api/docs/errors#{}", entry.code),
        "title": entry.title,
        "status": entry.status,
        "detail": entry.advice,
        "error": entry.code,
        "message": entry.advice,
        "success": false,
        "request_id": "01981c6e-5b7a-7c3e-9f00-0123456789ab",
    });
    if entry.code == "validation_failed" {
        problem["errors"] = json!([{ "pointer": "/name", "code": "required", "message": "is required" }]);
    }
    problem
}

/// The body of every failure.
pub(super) fn problem_schema() -> Json {
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
