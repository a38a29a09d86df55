//! A listener's document as a list of operations.

use std::collections::BTreeMap;

use pawbase::context::Audience;
use reqwest::Method;
use serde_json::Value;

use super::shape;
use crate::support::client::Reply;
use crate::support::{Client, TestApp};

/// What a listener says of itself.
pub struct Document {
    pub audience: Audience,
    pub json: Value,
}

/// What an operation does, as far as recipes care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    List,
    Aggregate,
    Get,
    Create,
    Patch,
    Delete,
    Export,
    Import,
    Restore,
    Batch,
    Command,
}

/// One operation of a document.
pub struct Operation<'a> {
    pub document: &'a Document,
    pub id: &'a str,
    pub method: Method,
    pub path: &'a str,
    pub json: &'a Value,
    pub kind: Kind,
    /// Of a record operation.
    pub table: &'a str,
}

/// Where a listener's API begins.
pub fn prefix(audience: Audience) -> &'static str {
    pawbase::http::prefix(audience)
}

impl Document {
    /// As the listener serves it.
    pub async fn of(guest: &Client, audience: Audience) -> Self {
        Self { audience, json: guest.get("/api/openapi.json").await.assert(200).json }
    }

    /// All operations, in the document's order.
    pub fn operations<'a>(&'a self, test: &'a TestApp) -> Vec<Operation<'a>> {
        let mut found = Vec::new();
        for (path, methods) in self.json["paths"].as_object().expect("paths") {
            for (name, json) in methods.as_object().expect("methods").iter().filter(|(name, _)| *name != "parameters") {
                let method = Method::from_bytes(name.to_ascii_uppercase().as_bytes()).expect("a method");
                let id = json["operationId"].as_str().expect("an operationId");
                let (kind, table) = self.kind(test, path, &method);
                found.push(Operation { document: self, id, method, path, json, kind, table });
            }
        }
        found
    }

    fn kind<'a>(&self, test: &'a TestApp, path: &str, method: &Method) -> (Kind, &'a str) {
        if path.starts_with("/uploads/") {
            return (Kind::Command, "");
        }
        let rest = path.strip_prefix(prefix(self.audience)).expect("a path below the prefix");
        let segments: Vec<&str> = rest.trim_start_matches('/').split('/').collect();
        let served = test.app.platform.schema.served(segments[0]);
        let table = served.map(|table| table.name.as_str());
        // What the records API does not make, a command does at the same path.
        let is_made_here = served.is_some_and(|table| !table.permissions.create.is_none());
        let kind = match (&segments[1..], method.as_str()) {
            ([], "POST") if segments[0] == "batch" => return (Kind::Batch, ""),
            // Files are made by a form, not by a record.
            ([], "POST") if segments[0] == "files" => Kind::Command,
            ([], "GET") => Kind::List,
            ([], "POST") if is_made_here => Kind::Create,
            (["aggregate"], "GET") => Kind::Aggregate,
            (["export"], "GET") => Kind::Export,
            (["import"], "POST") => Kind::Import,
            (["{id}", "restore"], "POST") => Kind::Restore,
            (["{id}"], "GET") => Kind::Get,
            (["{id}"], "PATCH") => Kind::Patch,
            (["{id}"], "DELETE") => Kind::Delete,
            _ => Kind::Command,
        };
        table.filter(|_| kind != Kind::Command).map_or((Kind::Command, ""), |table| (kind, table))
    }
}

impl Operation<'_> {
    /// For messages: which operation of which listener.
    pub fn name(&self) -> String {
        format!("{} {} ({})", self.method, self.path, self.id)
    }

    /// Responses by status.
    pub fn responses(&self) -> BTreeMap<u16, &Value> {
        let responses = self.json["responses"].as_object().expect("responses");
        let resolved = |response| shape::resolve(&self.document.json, response);
        responses.iter().map(|(status, response)| (status.parse().expect("a status"), resolved(response))).collect()
    }

    /// The schema of the JSON body, if it takes one.
    pub fn body(&self) -> Option<&Value> {
        let content = self.json.get("requestBody")?["content"].as_object().expect("content");
        let json = content.iter().find(|(media_type, _)| media_type.starts_with("application/json"));
        Some(shape::resolve(&self.document.json, &json?.1["schema"]))
    }

    /// Whether it changes nothing.
    pub fn is_safe(&self) -> bool {
        self.method == Method::GET
    }

    /// What is wrong with an answer, by what the document says.
    pub fn faults(&self, reply: &Reply) -> Vec<String> {
        let status = reply.status.as_u16();
        let Some(response) = self.responses().get(&status).copied() else {
            return vec![format!("{status} is not declared: {}", reply.text)];
        };
        let Some(content) = response.get("content").and_then(Value::as_object) else {
            let is_empty = reply.text.is_empty() && reply.header("content-type").is_empty();
            return if is_empty { Vec::new() } else { vec![format!("{status} has a body: {}", reply.text)] };
        };
        let sent = essence(reply.header("content-type"));
        let Some((_, media)) = content.iter().find(|(media_type, _)| essence(media_type) == sent) else {
            return vec![format!("{status} is not declared as {sent:?}: {}", reply.text)];
        };
        // What is not JSON is a text.
        let is_json = sent.ends_with("/json") || sent.ends_with("+json");
        let body = if is_json { reply.json.clone() } else { Value::String(reply.text.clone()) };
        let mut faults = shape::faults(&self.document.json, &media["schema"], &body);
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let is_required = shape::resolve(&self.document.json, header)["required"] == true;
            if is_required && reply.header(name).is_empty() {
                faults.push(format!("{status} lacks the header {name}"));
            }
        }
        faults
    }
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}
