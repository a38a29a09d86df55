//! Pages of the program itself: health and documentation. Deliberately elsewhere: the console (console_files).

use std::sync::Arc;

use poem::http::{StatusCode, header};
use poem::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde_json::json;

use super::records::json_response;
use crate::context::{Audience, Platform};
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

/// Files of the pages that links in mails lead to.
#[derive(RustEmbed)]
#[folder = "assets/account"]
struct AccountFiles;

/// Where these pages are.
const ACCOUNT: &str = "/account/";
/// Pages of both listeners: what staff need, too.
const ACCOUNT_PAGES: [&str; 3] = ["forgot-password", "reset-password", "not-me"];
/// Pages of the public listener alone.
const PUBLIC_ACCOUNT_PAGES: [&str; 3] = ["confirm-email", "confirm-new-email", "undo-email-change"];
/// What stands in the page for the path of the listener's API.
const API_MARK: &str = "{{api}}";

/// A page that a link in a mail leads to, or a file of it. **Invariant:** the page itself does nothing: programs that check mails follow
/// links. What a link does is done by the button on the page, which posts its token.
pub enum AccountFile {
    /// The page: the same for all, which its script fills.
    Page(Audience),
    /// A script or style.
    Asset(DocsFile),
}

/// The page or file at `path` on the listener of `audience`.
pub fn account_file(path: &str, audience: Audience) -> Option<AccountFile> {
    let name = path.strip_prefix(ACCOUNT)?;
    let is_page =
        ACCOUNT_PAGES.contains(&name) || (audience == Audience::Public && PUBLIC_ACCOUNT_PAGES.contains(&name));
    if is_page {
        return Some(AccountFile::Page(audience));
    }
    let name = name.strip_prefix("assets/").filter(|name| !name.ends_with(".html"))?;
    Some(AccountFile::Asset(DocsFile { name: name.to_owned(), file: AccountFiles::get(name)? }))
}

impl AccountFile {
    /// The page or file as a response.
    pub fn respond(self) -> Response {
        match self {
            Self::Asset(file) => file.respond(),
            Self::Page(audience) => {
                let text = AccountFiles::get("page.html").map(|file| String::from_utf8_lossy(&file.data).into_owned());
                let html = text.unwrap_or_default().replace(API_MARK, super::prefix(audience));
                Response::builder()
                    .content_type("text/html; charset=utf-8")
                    .header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)
                    .header("cross-origin-resource-policy", "same-origin")
                    .body(html)
            }
        }
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
