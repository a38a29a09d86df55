//! The one OpenAPI document of a listener: commands from poem-openapi, records from the live schema.
//!
//! `commands.rs` brings the commands' part into shape, `failures.rs` says how failures look, `common.rs` what all answers
//! have in common, `deprecation.rs` what is on its way out, `uploads.rs` what files hold. `asyncapi/` is the document of the realtime
//! protocol.

pub mod asyncapi;
mod commands;
pub mod deprecation;
mod failures;
mod parts;
mod uploads;

use std::collections::BTreeSet;

use poem::http::{HeaderMap, StatusCode, header};
use poem::{IntoResponse, Response};
use serde_json::{Map, Value as Json, json};

use super::prefix;
use crate::config::LimitSettings;
use crate::context::Audience;
use crate::modules::Described;
use crate::records::{etags, openapi, view};
use crate::schema::Schema;

/// A document ready to be sent.
pub struct Served {
    text: String,
    etag: String,
}

impl Served {
    /// Makes the text and its ETag once.
    pub fn new(document: &Json) -> Self {
        Self { text: document.to_string(), etag: view::etag(document) }
    }

    /// The document, or 304 when the client has it.
    pub fn respond(&self, headers: &HeaderMap) -> Response {
        let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known = lines.collect::<Vec<_>>().join(", ");
        if etags::names_weakly(&known, &self.etag) {
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

/// Adds the records of `schema`, and details of the modules, to the document of the commands.
pub fn merge(document: Json, details: &Described, schema: &Schema, limits: &LimitSettings, audience: Audience) -> Json {
    let base = prefix(audience);
    let is_staff = audience == Audience::Admin;
    let mut commands = commands::reshaped(document, details);
    let records = openapi::describe(schema, limits, is_staff, base);
    let mut paths = records.paths;
    for (path, operations) in taken(&mut commands, "paths") {
        // Where both have an operation, the command answers.
        let all = paths.entry(format!("{base}{path}")).or_insert_with(|| json!({}));
        if let (Json::Object(all), Json::Object(own)) = (all, operations) {
            all.extend(own);
        }
    }
    paths.insert(super::uploads::PATTERN.to_owned(), uploads::item(audience));
    for (path, item) in &mut paths {
        parts::finish(path, item, audience);
    }
    let mut schemas = records.schemas;
    schemas.extend(taken(&mut commands["components"], "schemas"));
    schemas.insert("Problem".into(), failures::problem_schema());
    schemas.insert("Groups".into(), parts::groups_schema());
    deprecation::mark(&mut schemas);
    let mut tags = commands["tags"].as_array().cloned().unwrap_or_default();
    let is_new = |tag: &Json| !tags.iter().any(|known| known["name"] == tag["name"]);
    let more: Vec<Json> = records.tags.into_iter().filter(is_new).collect();
    tags.extend(more);
    let mut document = json!({
        "openapi": "3.1.0",
        "info": info(is_staff),
        "servers": [{ "url": "/" }],
        "tags": tags,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "examples": records.examples,
            "headers": parts::headers(),
            "responses": failures::responses(),
            "securitySchemes": parts::security_schemes(audience),
        },
    });
    prune(&mut document);
    document
}

/// Takes out components that nothing refers to.
fn prune(document: &mut Json) {
    loop {
        let mut used = BTreeSet::new();
        references(document, &mut |path| {
            used.insert(path.to_owned());
        });
        let mut count = 0;
        for kind in ["schemas", "examples", "headers", "responses"] {
            if let Some(components) = document["components"][kind].as_object_mut() {
                let before = components.len();
                components.retain(|name, _| used.contains(&format!("#/components/{kind}/{name}")));
                count += before - components.len();
            }
        }
        if count == 0 {
            return;
        }
    }
}

/// Tells of every reference in a part of a document.
fn references(part: &Json, found: &mut dyn FnMut(&str)) {
    match part {
        Json::Object(map) => {
            map.get("$ref").and_then(Json::as_str).into_iter().for_each(&mut *found);
            map.values().for_each(|inner| references(inner, found));
        }
        Json::Array(items) => items.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

/// The object under `name`, moved out.
fn taken(document: &mut Json, name: &str) -> Map<String, Json> {
    document.get_mut(name).and_then(Json::as_object_mut).map(std::mem::take).unwrap_or_default()
}

fn info(is_staff: bool) -> Json {
    json!({
        "title": if is_staff { "Pawbase admin API" } else { "Pawbase API" },
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Records and commands of a Pawbase installation, made from the tables that are really there. \
                        Failures are application/problem+json; their codes are listed at /api/docs/errors. \
                        What may change inside v1: new paths, operations, optional parameters and body members, members of \
                        answers, error codes and enum values in answers. What is on its way out is marked deprecated here, and \
                        its answers carry the headers Deprecation and Sunset.",
        "license": { "name": "MIT", "identifier": "MIT" },
    })
}
