//! The operations of a table on whole files, and the one that brings a record back.

use serde_json::{Map, Value as Json, json};

use super::{TableView, reference};
use crate::records::Format;
use crate::records::import::ERRORS_MAX;

impl TableView<'_> {
    pub(super) fn export_operation(&self, name: &str) -> Json {
        let more = "The whole list as a file, streamed. In CSV the header has the paths of the fields, lists are JSON, and text that a \
                    spreadsheet would take for a formula begins with an apostrophe.";
        let mut operation = self.operation("export", format!("Export {}", self.table.name), more);
        let mut parameters = vec![json!({ "name": "format", "in": "query", "description": "The form of the file.",
            "schema": { "type": "string", "enum": Format::NAMES, "default": "csv" } })];
        parameters.extend(self.whole_list_parameters(name));
        operation.insert("parameters".into(), Json::Array(parameters));
        operation.insert("security".into(), self.security(None));
        let text = |description: &str, example: String| json!({ "schema": { "type": "string", "description": description }, "example": example });
        let record = self.record_example();
        let key = record["id"].as_str().map_or_else(|| record["id"].to_string(), str::to_owned);
        let file = json!({ "description": "The file.",
            "headers": { "Content-Disposition": { "$ref": "#/components/headers/ContentDisposition" } },
            "content": {
                "text/csv": text("A header and a row for each record.", format!("id\r\n{key}\r\n")),
                "application/json": { "schema": { "type": "array", "items": reference(name) }, "example": [record] },
                "application/x-ndjson": text("A record on each line.", format!("{record}\n")),
            } });
        operation.insert("responses".into(), json!({ "200": file, "400": null, "422": null }));
        Json::Object(operation)
    }

    pub(super) fn import_operation(&self, name: &str) -> Json {
        let more = "New records from a file: CSV with a header of field paths, an array of objects, or an object on each line. Each row \
                    is checked as a new record is; it may also bring its key and the time when it was made. What the database \
                    computes is ignored. With `Accept: application/x-ndjson` the answer is lines of progress and last the report.";
        let mut operation = self.operation("import", format!("Import {}", self.table.name), more);
        let choice = |name: &str, values: [&str; 2], description: &str| {
            json!({ "name": name, "in": "query", "description": description,
                "schema": { "type": "string", "enum": values, "default": values[0] } })
        };
        let columns = json!({ "name": "columns", "in": "query",
            "description": "Field paths in place of the header of a CSV file, by position, separated by commas; - leaves a column out.",
            "schema": { "type": "string", "minLength": 1 }, "example": "name,-" });
        let parameters = json!([
            choice("dry_run", ["false", "true"], "Only find out what would happen."),
            choice("bad_rows", ["refuse", "skip"], "Write nothing when there are bad rows, or the good ones."),
            columns,
        ]);
        operation.insert("parameters".into(), parameters);
        operation.insert("security".into(), self.security(Some(&self.table.permissions.create)));
        let most = self.limits.import_rows_max;
        let rows = json!({ "type": "array", "maxItems": most, "items": reference(&format!("{name}Import")) });
        let example = self.input_example(true);
        let line = example.as_ref().map_or_else(String::new, |example| format!("{example}\n"));
        let array = json!({ "schema": rows, "example": example.into_iter().collect::<Vec<Json>>() });
        let text = |example: &str| json!({ "schema": { "type": "string" }, "example": example });
        let body = json!({ "required": true, "content": {
            "text/csv": text("name,tags\r\nExample,\"[\"\"new\"\"]\"\r\n"), "application/json": array, "application/x-ndjson": text(&line) } });
        operation.insert("requestBody".into(), body);
        operation.insert("responses".into(), import_responses());
        Json::Object(operation)
    }

    pub(super) fn restore_operation(&self, name: &str) -> Json {
        let more = "Makes a deleted record again as it was, with its key, from the audit trail. 409 when there is a record with its key \
                    or unique values; 422 when other records went with it, or what it links to is gone.";
        let mut operation = self.operation("restore", format!("Restore one of {}", self.table.name), more);
        operation.insert("security".into(), self.security(Some(&self.table.permissions.create)));
        let responses =
            json!({ "201": self.created(name), "400": null, "403": null, "404": null, "409": null, "422": null });
        operation.insert("responses".into(), responses);
        Json::Object(operation)
    }
}

fn import_responses() -> Json {
    let report = json!({ "dry_run": false, "total": 2, "imported": 2, "failed": 0, "errors": [] });
    let content = json!({
        "application/json": { "schema": reference("ImportReport"), "example": report },
        "application/x-ndjson": { "schema": { "type": "string", "description": "`{\"progress\",\"total\"}` on each line, and last the report or a problem." },
            "example": format!("{{\"progress\":2,\"total\":2}}\n{report}\n") },
    });
    let refused = json!({ "type": "/api/docs/errors#validation_failed", "title": "Some fields are not valid", "status": 422,
        "detail": "1 row is not good, so nothing was imported.", "error": "validation_failed",
        "message": "1 row is not good, so nothing was imported.", "success": false,
        "request_id": "01981c6e-5b7a-7c3e-9f00-0123456789ab", "dry_run": false, "total": 2, "imported": 0, "failed": 1,
        "errors": [{ "row": 2, "errors": [{ "pointer": "/name", "code": "required", "message": "is required" }] }] });
    let refusal = json!({ "description": "There are bad rows; nothing was written.", "content": {
        "application/problem+json": { "schema": reference("ImportRefused"), "example": refused } } });
    json!({ "200": { "description": "What came of it.", "content": content },
        "400": null, "403": null, "409": null, "413": null, "415": null, "422": refusal })
}

/// The report of an import, and the problem that holds one.
pub(super) fn report_schemas() -> Map<String, Json> {
    let count = |words: &str| json!({ "type": "integer", "minimum": 0, "description": words });
    let problem = json!({ "type": "object", "required": ["pointer", "code", "message"], "properties": {
        "pointer": { "type": "string", "description": "JSON pointer into the row; empty for the row as a whole." },
        "code": { "type": "string", "description": "What is wrong, for programs." },
        "message": { "type": "string", "description": "What is wrong, for people." } } });
    let row = json!({ "type": "object", "required": ["row", "errors"], "properties": {
        "row": { "type": "integer", "minimum": 1, "description": "Number of the row, from 1; a header is not counted." },
        "errors": { "type": "array", "items": problem, "description": "What is wrong with it." } } });
    let members = json!({
        "dry_run": { "type": "boolean", "description": "Whether nothing was to be written." },
        "total": count("Rows in the file."),
        "imported": count("Rows that were written; in a dry run, those that are good."),
        "failed": count("Rows that are bad."),
        "errors": { "type": "array", "items": row, "description": format!("Bad rows in order, at most {ERRORS_MAX}.") },
    });
    let required = ["dry_run", "total", "imported", "failed", "errors"];
    let text = |words: &str| json!({ "type": "string", "description": words });
    let mut all = members.clone();
    for (name, schema) in [
        ("type", text("Where the kind of failure is described.")),
        ("title", text("The kind of failure, for people.")),
        ("status", json!({ "type": "integer", "description": "HTTP status." })),
        ("detail", text("What went wrong this time.")),
        ("error", text("The kind of failure, for programs.")),
        ("message", text("Same as detail.")),
        ("success", json!({ "type": "boolean", "const": false, "description": "Always false." })),
        ("request_id", text("Name it when you report the failure.")),
    ] {
        all[name] = schema;
    }
    let every: Vec<String> = all.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    Map::from_iter([
        (
            "ImportReport".to_owned(),
            json!({ "type": "object", "description": "What came of an import.",
            "required": required, "properties": members }),
        ),
        (
            "ImportRefused".to_owned(),
            json!({ "type": "object", "description": "A failure (RFC 9457) with the report of the import.",
            "required": every, "properties": all }),
        ),
    ])
}
