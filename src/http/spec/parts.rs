//! What all operations have in common: security, headers, and the failures that any request can meet.

use serde_json::{Map, Value as Json, json};

use super::{deprecation, failures};
use crate::context::Audience;
use crate::http::gate;
use crate::modules::identity::CookieNames;

/// Failures that any request can meet.
const ANY: [u16; 7] = [401, 408, 413, 414, 431, 500, 503];

/// Completes the operations of a path.
pub(super) fn finish(path: &str, item: &mut Json, audience: Audience) {
    let Some(item) = item.as_object_mut() else { return };
    for (method, operation) in item.iter_mut().filter(|(name, _)| *name != "parameters") {
        let is_unsafe = method != "get";
        let mut common = ANY.to_vec();
        // By the CSRF token, that every change by cookie needs.
        let is_link = gate::is_link_route(audience, path);
        common.extend((is_unsafe && !is_link).then_some(403));
        let is_limited = audience == Audience::Public || (method == "post" && gate::is_auth_route(audience, path));
        common.extend(is_limited.then_some(429));
        operation["security"] = security(operation["security"] == "anybody", is_unsafe);
        let ending = deprecation::of(operation);
        if ending.is_some() {
            operation["deprecated"] = json!(true);
        }
        let Some(responses) = operation["responses"].as_object_mut() else { continue };
        for status in common {
            responses.entry(status.to_string()).or_insert(Json::Null);
        }
        for (status, response) in responses.iter_mut() {
            if response.is_null() {
                *response = status.parse().ok().and_then(failures::reference).unwrap_or_else(|| json!({}));
            } else {
                add_headers(response, is_limited, ending.is_some());
            }
        }
    }
}

/// By token, by cookie (with the CSRF token for a change), or not at all.
fn security(is_open: bool, is_unsafe: bool) -> Json {
    let cookie = if is_unsafe { json!({ "cookie": [], "csrf": [] }) } else { json!({ "cookie": [] }) };
    let mut ways = vec![json!({ "bearer": [] }), cookie];
    ways.extend(is_open.then(|| json!({})));
    Json::Array(ways)
}

fn add_headers(response: &mut Json, is_limited: bool, is_ending: bool) {
    let mut names = vec![("X-Request-Id", "RequestId")];
    if is_limited {
        names.extend([
            ("RateLimit-Limit", "RateLimitLimit"),
            ("RateLimit-Remaining", "RateLimitRemaining"),
            ("RateLimit-Reset", "RateLimitReset"),
        ]);
    }
    if is_ending {
        names.extend([("Deprecation", "Deprecation"), ("Sunset", "Sunset")]);
    }
    for (name, component) in names {
        response["headers"][name] = json!({ "$ref": format!("#/components/headers/{component}") });
    }
}

/// Headers of answers.
pub(super) fn headers() -> Map<String, Json> {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let tag = json!({ "type": "string", "pattern": "^\".*\"$" });
    let epoch = json!({ "type": "string", "pattern": "^@-?[0-9]+$" });
    [
        ("ETag", true, "Version of the record as you see it, for If-Match and If-None-Match.", tag),
        ("Location", true, "Path of the new record.", text.clone()),
        ("ContentDisposition", true, "Name for the file.", text.clone()),
        ("ContentRange", true, "Which bytes of how many.", text.clone()),
        ("RequestId", true, "Id of the request, yours if you sent one.", text.clone()),
        ("RateLimitLimit", false, "Requests per minute; absent where nothing is limited.", count.clone()),
        ("RateLimitRemaining", false, "Requests left.", count.clone()),
        ("RateLimitReset", false, "Seconds until all are back.", count.clone()),
        ("RetryAfter", true, "Seconds to wait.", count),
        ("WwwAuthenticate", true, "Always Bearer.", text.clone()),
        ("Allow", true, "Methods of this path.", text.clone()),
        ("Deprecation", true, "Since when this is deprecated (RFC 9745).", epoch),
        ("Sunset", true, "When it goes (RFC 8594).", text),
    ]
    .into_iter()
    .map(|(name, is_required, description, schema)| {
        (name.to_owned(), json!({ "description": description, "required": is_required, "schema": schema }))
    })
    .collect()
}

/// Ways to say who is calling.
pub(super) fn security_schemes(audience: Audience) -> Json {
    let names = CookieNames::of(audience);
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "Access token of a sign-in or refresh." },
        "cookie": { "type": "apiKey", "in": "cookie", "name": names.access,
            "description": "Access token in a cookie, after a sign-in with `use_cookies`." },
        "csrf": { "type": "apiKey", "in": "header", "name": "X-CSRF-Token",
            "description": format!("Value of the cookie `{}`, for changes by cookie.", names.csrf) },
    })
}

/// The answer of an aggregate.
pub(super) fn groups_schema() -> Json {
    let measure = json!({ "type": ["number", "string", "null"] });
    json!({ "type": "object", "description": "Groups with their measures.", "required": ["groups"], "properties": {
        "groups": { "type": "array", "description": "One without group_by.", "items": { "type": "object", "required": ["by"],
            "properties": {
                "by": { "type": "object", "additionalProperties": true, "description": "The group, by field." },
                "count": { "type": "integer", "minimum": 0, "description": "Records in the group." } },
            "additionalProperties": measure } } } })
}
