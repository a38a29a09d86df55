//! The commands' part of the document, as poem-openapi makes it, brought into the shape of the whole.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value as Json, json};

use crate::modules::Described;

/// A status in the description of an operation.
static STATUS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b4\d\d\b").ok());

/// The document with one media type for JSON, closed bodies, the failures that the descriptions name, and the details that
/// the modules add.
pub(super) fn reshaped(mut document: Json, details: &Described) -> Json {
    let mut inputs = Vec::new();
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, item) in paths {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            reshape(operation);
            let id = operation["operationId"].as_str().unwrap_or_default();
            let is_open = details.for_guests.contains(&id);
            operation["security"] = json!(if is_open { "anybody" } else { "signed in" });
            add_samples(operation, details);
            let input = operation.get("requestBody").and_then(|body| schema_name(&body["content"]["application/json"]));
            inputs.extend(input);
        }
    }
    add_members(&mut document["components"]["schemas"], details);
    for name in inputs {
        if let Some(schema) = document["components"]["schemas"].get_mut(&name).and_then(Json::as_object_mut) {
            // All inputs deny unknown members; poem-openapi does not say so.
            schema.insert("additionalProperties".into(), json!(false));
            let members = schema.get_mut("properties").and_then(Json::as_object_mut);
            members.into_iter().flatten().for_each(|(_, member)| explain_default(member));
        }
    }
    document
}

/// Generators of clients take a member with a default for one that is always there; a sender may leave it out.
fn explain_default(member: &mut Json) {
    let Some(default) = member.as_object_mut().and_then(|member| member.remove("default")) else { return };
    let words = format!("{} {default} if left out.", member["description"].as_str().unwrap_or_default());
    member["description"] = json!(words.trim_start());
}

/// The component schema of a body or answer.
fn schema_name(media: &Json) -> Option<String> {
    media["schema"]["$ref"].as_str().and_then(|path| path.rsplit('/').next()).map(str::to_owned)
}

fn add_members(schemas: &mut Json, details: &Described) {
    for (name, members) in details.members.as_object().into_iter().flatten() {
        let Some(known) = schemas.get_mut(name).and_then(|schema| schema.get_mut("properties")) else { continue };
        for (member, keywords) in members.as_object().into_iter().flatten() {
            if let (Some(known), Some(more)) =
                (known.get_mut(member).and_then(Json::as_object_mut), keywords.as_object())
            {
                known.extend(more.clone());
            }
        }
    }
}

/// Samples go by the name of the schema; where there is none, as for a page, by that of the operation.
fn add_samples(operation: &mut Json, details: &Described) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    let add = |place: &mut Json| {
        for (_, media) in place.get_mut("content").and_then(Json::as_object_mut).into_iter().flatten() {
            let name = schema_name(media).unwrap_or_else(|| id.clone());
            if let Some(sample) = details.samples.get(&name) {
                media["example"] = sample.clone();
            }
        }
    };
    if let Some(body) = operation.get_mut("requestBody") {
        add(body);
    }
    for (_, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        add(response);
    }
}

fn reshape(operation: &mut Json) {
    let text = operation["description"].as_str().unwrap_or_default().replace('\n', " ");
    let mut failures = named_failures(&text);
    operation["description"] = json!(text);
    if let Some(body) = operation.get_mut("requestBody").and_then(Json::as_object_mut) {
        plain_media_type(body);
        failures.extend([400, 415, 422]);
    }
    let parameters = operation.get_mut("parameters").and_then(Json::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        failures.extend((parameter["in"] == "path").then_some(404));
        if let Some(parameter) = parameter.as_object_mut() {
            // Their defaults.
            parameter.remove("deprecated");
            parameter.remove("explode");
        }
    }
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for (status, response) in responses.iter_mut() {
        if let Some(response) = response.as_object_mut() {
            plain_media_type(response);
            let description = response.entry("description").or_insert(Json::Null);
            if description.as_str().is_none_or(str::is_empty) {
                *description = json!(if status == "201" { "Made." } else { "Done." });
            }
        }
    }
    for status in failures {
        responses.entry(status.to_string()).or_insert(Json::Null);
    }
}

/// The statuses of failures that a description names.
fn named_failures(text: &str) -> Vec<u16> {
    let found = STATUS.as_ref().map(|regex| regex.find_iter(text)).into_iter().flatten();
    found.filter_map(|status| status.as_str().parse().ok()).collect()
}

/// `application/json; charset=utf-8` as `application/json`.
fn plain_media_type(place: &mut Map<String, Json>) {
    if let Some(content) = place.get_mut("content").and_then(Json::as_object_mut) {
        let plain = std::mem::take(content)
            .into_iter()
            .map(|(media_type, schema)| (media_type.split(';').next().unwrap_or_default().trim().to_owned(), schema));
        content.extend(plain);
    }
}
