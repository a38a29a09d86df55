//! Pages of the program itself: health and documentation. Deliberately elsewhere: the console (console_files).

use std::sync::Arc;

use poem::http::{StatusCode, header};
use poem::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde_json::json;

use super::records::json_response;
use crate::context::Platform;
use crate::kernel::error::CATALOGUE;
use crate::schema::Schema;
use crate::work::catalogue;

/// Files of the documentation pages.
#[derive(RustEmbed)]
#[folder = "assets/docs"]
struct DocsFiles;

/// Policy of pages: only what the program itself serves.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The process answers.
pub fn health() -> Response {
    json_response(StatusCode::OK, &json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// The database answers.
pub async fn database_health(platform: &Arc<Platform>) -> Response {
    match platform.engine.root().read("RETURN 1", ()).await {
        Ok(_) => json_response(StatusCode::OK, &json!({ "status": "ok" })),
        Err(error) => {
            tracing::error!(%error, "the database does not answer");
            json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "unavailable" }))
        }
    }
}

fn page(name: &str) -> Response {
    match DocsFiles::get(name) {
        Some(file) => Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
            .body(file.data.into_owned()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Swagger UI over our own document.
pub fn docs() -> Response {
    page("docs.html")
}

/// A script or style of the documentation pages.
pub struct DocsFile {
    name: String,
    file: EmbeddedFile,
}

/// The script or style at `path`.
pub fn docs_file(path: &str) -> Option<DocsFile> {
    let name = path.strip_prefix("/api/docs/assets/")?;
    Some(DocsFile { name: name.to_owned(), file: DocsFiles::get(name)? })
}

impl DocsFile {
    /// The file as a response.
    pub fn respond(self) -> Response {
        let media_type = mime_guess::from_path(&self.name).first_or_octet_stream();
        Response::builder()
            .content_type(media_type.as_ref())
            .header(header::CACHE_CONTROL, "public, max-age=3600")
            .body(self.file.data.into_owned())
    }
}

/// The catalogue of failures, as a page.
pub fn error_catalogue() -> Response {
    let rows: String = CATALOGUE
        .iter()
        .map(|entry| {
            format!(
                "<tr id=\"{0}\"><td><code>{0}</code></td><td>{1}</td><td>{2}</td><td>{3}</td></tr>",
                entry.code, entry.status, entry.title, entry.advice
            )
        })
        .collect();
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Errors of the Pawbase API</title>\
         <link rel=\"stylesheet\" href=\"/api/docs/assets/pages.css\"><main><h1>Errors</h1><table>\
         <thead><tr><th>error</th><th>Status</th><th>Title</th><th>What to do</th></tr></thead><tbody>{rows}</tbody></table></main></html>"
    );
    Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
        .body(html)
}

/// The catalogue of events, in Markdown: those of commands, and of this installation's tables.
pub fn event_catalogue(schema: &Schema) -> Response {
    Response::builder()
        .content_type("text/markdown; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
        .body(catalogue::document(schema.told()))
}
