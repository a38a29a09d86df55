//! Bodies of commands against their own schema, before the command sees them: every missing, unknown and mistyped field is
//! reported at once, as for records. (poem-openapi would stop at the first, in its own words.)
//!
//! It knows the part of JSON Schema that our command inputs use: objects of scalars and lists, enums, null. Here is also how
//! any body is read, within its limits.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use poem::http::header;
use poem::{Body, Request};
use serde_json::{Map, Value as Json};

use crate::kernel::error::{MALFORMED, PAYLOAD_TOO_LARGE, REQUEST_TIMEOUT};
use crate::kernel::{Error, FieldError, Result};

/// The size that a body may have, and what is said of a larger one.
#[derive(Debug)]
pub struct Most {
    /// Bytes.
    pub bytes: u64,
    /// Words for the caller.
    pub words: String,
}

/// How much of a body that is too large is still taken and thrown away: who sends listens only at the end, and a connection that is
/// closed before takes the answer along.
const DISCARDED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Takes the whole body out of the request, within the limits of size and time.
pub async fn read_whole(request: &mut Request, most: &Most, time_out: Duration) -> Result<Bytes> {
    let size_max = usize::try_from(most.bytes).unwrap_or(usize::MAX);
    let too_large = || Error::new(PAYLOAD_TOO_LARGE, most.words.clone());
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > size_max.saturating_add(DISCARDED_BYTES_MAX)) {
        return Err(too_large());
    }
    match tokio::time::timeout(time_out, collect(request.take_body(), size_max)).await {
        Err(_) => Err(Error::new(REQUEST_TIMEOUT, "The body did not arrive in time.")),
        Ok(Err(error)) => Err(Error::new(MALFORMED, "The body could not be read.").caused_by(error)),
        Ok(Ok(bytes)) => bytes.ok_or_else(too_large),
    }
}

/// The bytes of a body; None when there are more than `size_max`.
async fn collect(body: Body, size_max: usize) -> std::io::Result<Option<Bytes>> {
    let mut parts = std::pin::pin!(body.into_bytes_stream());
    let (mut kept, mut seen) = (BytesMut::new(), 0_usize);
    while let Some(part) = parts.try_next().await? {
        seen = seen.saturating_add(part.len());
        if seen <= size_max {
            kept.extend_from_slice(&part);
        } else if seen - size_max > DISCARDED_BYTES_MAX {
            break;
        }
    }
    Ok((seen <= size_max).then(|| kept.freeze()))
}

/// The schema of a command's JSON body, with the components it may refer to.
#[derive(Debug, Clone)]
pub struct BodySchema {
    schema: Json,
    /// Those of the whole document, shared by all its bodies.
    components: Arc<Json>,
}

impl BodySchema {
    /// The schema of `operation`, if it takes a JSON body, in a document with these component schemas.
    pub fn of(operation: &Json, components: &Arc<Json>) -> Option<Self> {
        let content = operation.get("requestBody")?.get("content")?.as_object()?;
        let schema = content.iter().find(|(media_type, _)| media_type.contains("json"))?.1.get("schema")?.clone();
        Some(Self { schema, components: Arc::clone(components) })
    }

    /// Checks the bytes of a body.
    pub fn check(&self, bytes: &[u8]) -> Result<()> {
        let body: Json = serde_json::from_slice(bytes)
            .map_err(|error| Error::new(MALFORMED, format!("The body is not JSON: {error}.")))?;
        let Json::Object(body) = body else {
            return Err(Error::new(MALFORMED, "The body must be a JSON object."));
        };
        let mut problems = Vec::new();
        self.object(&self.schema, &body, "", &mut problems);
        if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
    }

    fn resolved<'a>(&'a self, schema: &'a Json) -> &'a Json {
        let single = schema.get("allOf").and_then(Json::as_array).and_then(|parts| parts.first());
        let schema = single.unwrap_or(schema);
        match schema.get("$ref").and_then(Json::as_str).and_then(|path| path.rsplit('/').next()) {
            Some(name) => &self.components[name],
            None => schema,
        }
    }

    fn object(&self, schema: &Json, body: &Map<String, Json>, pointer: &str, problems: &mut Vec<FieldError>) {
        let schema = self.resolved(schema);
        let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return };
        for (name, value) in body {
            let place = FieldError::pointer(pointer, name);
            match properties.get(name) {
                Some(property) => self.value(property, value, &place, problems),
                None => problems.push(FieldError::new(place, "unknown", format!("{name} is not a field here"))),
            }
        }
        let required = schema.get("required").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        for name in required.filter(|name| !body.contains_key(*name)) {
            problems.push(FieldError::new(FieldError::pointer(pointer, name), "required", "is required"));
        }
    }

    fn value(&self, schema: &Json, value: &Json, pointer: &str, problems: &mut Vec<FieldError>) {
        let schema = self.resolved(schema);
        if value.is_null() {
            return;
        }
        let expected = schema.get("type").and_then(Json::as_str).unwrap_or_default();
        let is_right = match expected {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        };
        if !is_right {
            let message = format!("must be of type {expected}");
            return problems.push(FieldError::new(pointer, "type", message));
        }
        let choices = schema.get("enum").and_then(Json::as_array).filter(|choices| !choices.contains(value));
        if let Some(choices) = choices {
            let choices: Vec<&str> = choices.iter().filter_map(Json::as_str).collect();
            problems.push(FieldError::new(pointer, "enum", format!("must be one of {}", choices.join(", "))));
        }
        match (value, schema.get("items")) {
            (Json::Array(items), Some(item)) => {
                for (at, value) in items.iter().enumerate() {
                    self.value(item, value, &format!("{pointer}/{at}"), problems);
                }
            }
            (Json::Object(inner), _) => self.object(schema, inner, pointer, problems),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_of_one_document_share_its_components_and_are_checked_against_them() {
        let components = Arc::new(json!({ "Name": { "type": "object", "required": ["first"],
            "properties": { "first": { "type": "string" } } } }));
        let schema = json!({ "$ref": "#/components/schemas/Name" });
        let operation = json!({ "requestBody": { "content": { "application/json": { "schema": schema } } } });
        let one = BodySchema::of(&operation, &components).expect("a body");
        let other = BodySchema::of(&operation, &components).expect("a body");
        assert!(Arc::ptr_eq(&one.components, &other.components));
        assert!(one.check(br#"{"first":"Ada"}"#).is_ok());
        let bad = one.check(br#"{"last":"Lovelace"}"#).expect_err("two problems");
        let pointers: Vec<&str> = bad.fields().iter().map(|field| field.pointer.as_str()).collect();
        assert_eq!(pointers, ["/last", "/first"]);
        assert!(BodySchema::of(&json!({}), &components).is_none());
    }
}
