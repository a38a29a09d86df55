//! The console's own files, embedded: its page at `/`, scripts, styles and images below `/console/`. And the client module of
//! realtime below `/realtime/`, on both listeners: apps use it as the console does.
//!
//! Everything is served with an ETag and checked again at each use, so that an upgrade of the program is an upgrade of the
//! console. Deliberately elsewhere: what the console asks for (records, modules).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use poem::Response;
use poem::http::{HeaderMap, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::records::etags;

/// Where the files are.
pub const PREFIX: &str = "/console/";
/// The page.
const HOME: &str = "index.html";

/// Where the client module of realtime is.
pub const CLIENT_PREFIX: &str = "/realtime/";

/// What only the console's developers need: it is not served.
const FOR_DEVELOPERS: [&str; 2] = [".d.ts", "tsconfig.json"];

/// The files of the console.
#[derive(RustEmbed)]
#[folder = "assets/console"]
struct Files;

/// The client module of realtime.
#[derive(RustEmbed)]
#[folder = "assets/realtime"]
struct ClientFiles;

/// Policy of the console: only what the program itself serves. Pictures may also be what the page has made or loaded itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// A file of the console.
pub struct ConsoleFile {
    name: String,
    file: EmbeddedFile,
}

/// The page of the console.
pub fn home() -> Option<ConsoleFile> {
    Some(ConsoleFile { name: HOME.to_owned(), file: Files::get(HOME)? })
}

/// The file at `path`; the page itself is at `/` only.
pub fn file(path: &str) -> Option<ConsoleFile> {
    let is_served = |name: &&str| *name != HOME && !FOR_DEVELOPERS.iter().any(|ending| name.ends_with(ending));
    let name = path.strip_prefix(PREFIX).filter(is_served)?;
    Some(ConsoleFile { name: name.to_owned(), file: Files::get(name)? })
}

/// The file of the client module at `path`.
pub fn client_file(path: &str) -> Option<ConsoleFile> {
    let name = path.strip_prefix(CLIENT_PREFIX)?;
    Some(ConsoleFile { name: name.to_owned(), file: ClientFiles::get(name)? })
}

impl ConsoleFile {
    /// The file as a response; 304 when the client has it.
    pub fn respond(self, headers: &HeaderMap) -> Response {
        let digest = &self.file.metadata.sha256_hash()[..16];
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest));
        let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let known = lines.collect::<Vec<_>>().join(", ");
        let response = Response::builder()
            .header(header::ETAG, &etag)
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .header("cross-origin-resource-policy", "same-origin");
        if etags::names_weakly(&known, &etag) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        let body = match self.file.data {
            Cow::Borrowed(bytes) => bytes::Bytes::from_static(bytes),
            Cow::Owned(bytes) => bytes.into(),
        };
        response.content_type(media_type(&self.name)).body(body)
    }
}

/// The media type by the name's ending; text is UTF-8.
fn media_type(name: &str) -> String {
    let guessed = mime_guess::from_path(name).first_or_octet_stream();
    if guessed.subtype() == "javascript" {
        return "text/javascript; charset=utf-8".to_owned();
    }
    let is_text = guessed.type_() == "text" || guessed.subtype() == "json";
    if is_text { format!("{}; charset=utf-8", guessed.essence_str()) } else { guessed.essence_str().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_those_that_browsers_insist_on() {
        for (name, expected) in [
            ("app.js", "text/javascript; charset=utf-8"),
            ("app.mjs", "text/javascript; charset=utf-8"),
            ("style.css", "text/css; charset=utf-8"),
            ("index.html", "text/html; charset=utf-8"),
            ("logo.svg", "image/svg+xml"),
            ("font.woff2", "font/woff2"),
        ] {
            assert_eq!(media_type(name), expected, "{name}");
        }
    }
}
