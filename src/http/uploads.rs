//! What files hold, below `/uploads/` of both listeners: ranges, ETags, what may be kept by whom, and headers that keep a browser from
//! taking an upload for a page of ours. Who may read what is decided in modules::files.

use std::ops::Range;

use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{Body, Request, Response};

use super::problem;
use super::ranges::{Wanted, wanted};
use super::records::{pairs, text_header};
use super::routes::{not_allowed, options};
use crate::context::{Audience, Ctx};
use crate::kernel::error::RANGE_NOT_SATISFIABLE;
use crate::kernel::{Error, Result};
use crate::modules::files::{Asked, Files, Found, Right, is_form};
use crate::records::{etags, query};

/// The route as the log has it.
pub const PATTERN: &str = "/uploads/{id}/{name}";
/// Where files are.
const PREFIX: &str = "/uploads/";
/// What the address of a file answers.
const METHODS: &str = "OPTIONS, GET, HEAD";
/// Parameters of a download.
const PARAMETERS: [&str; 3] = ["expires", "signature", "thumb"];
/// What a file under one key holds never changes, so whoever has it need not ask again: for a year.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Nothing in a file may run, load or be framed as if it were a page of ours.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";
/// The same for a PDF: browsers do not show one in a sandbox.
const PDF_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
/// Headers that scripts of other origins may read.
const EXPOSED: &str = "accept-ranges, content-disposition, content-length, content-range, etag";

/// Whether the path is that of what a file holds.
pub fn is_download(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Whether the request is an upload: its handler reads the body as it comes, in a time of its own.
pub fn is_upload(audience: Audience, request: &Request) -> bool {
    request.method() == Method::POST
        && request.uri().path().strip_prefix(super::prefix(audience)) == Some("/files")
        && request.content_type().is_some_and(is_form)
}

/// Whether an answer is the same for everybody.
pub fn is_for_everybody(headers: &HeaderMap) -> bool {
    headers.get(header::CACHE_CONTROL).is_some_and(|value| value.as_bytes().starts_with(b"public"))
}

/// What a file holds, in whole or in part.
pub async fn respond(files: &Files, request: &Request) -> Result<Response> {
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return Ok(options(METHODS)),
        _ => return Err(not_allowed(METHODS)),
    }
    let ctx = request.data::<Ctx>().ok_or_else(|| Error::internal("a request without a context"))?;
    let found = files.find(ctx, &asked(request)?).await?;
    let mut response = answer(files, ctx, request, &found).await?;
    if response.status() != StatusCode::RANGE_NOT_SATISFIABLE {
        finish(ctx, &found, response.headers_mut());
    }
    Ok(response)
}

/// What the address asks for. The name in it is for people, and for the name of the saved file.
fn asked(request: &Request) -> Result<Asked> {
    let mut segments = request.uri().path().strip_prefix(PREFIX).unwrap_or_default().split('/');
    let id = segments.next().unwrap_or_default().to_owned();
    if segments.count() > 1 {
        return Err(Error::not_found());
    }
    let pairs = pairs(request);
    query::once_each(&pairs, &PARAMETERS)?;
    let value = |name: &str| pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
    Ok(Asked { id, expires: value("expires"), signature: value("signature"), thumb: value("thumb") })
}

async fn answer(files: &Files, ctx: &Ctx, request: &Request, found: &Found) -> Result<Response> {
    let headers = request.headers();
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    if etags::names_weakly(&lines.collect::<Vec<_>>().join(", "), &found.etag) {
        return Ok(Response::builder().status(StatusCode::NOT_MODIFIED).finish());
    }
    let size = files.size(ctx, found).await?;
    match part(headers, &found.etag, size)? {
        Wanted::Unsatisfiable => {
            let error = Error::new(RANGE_NOT_SATISFIABLE, format!("The file has {size} bytes."));
            let mut response = problem::respond(&error, &ctx.request_id);
            set(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{size}"));
            Ok(response)
        }
        Wanted::Whole => sent(files, request, found, 0..size, StatusCode::OK).await,
        Wanted::Part(range) => {
            let place = format!("bytes {}-{}/{size}", range.start, range.end.saturating_sub(1));
            let mut response = sent(files, request, found, range, StatusCode::PARTIAL_CONTENT).await?;
            set(response.headers_mut(), header::CONTENT_RANGE, &place);
            Ok(response)
        }
    }
}

/// The part that is wanted, if the client's copy is of the same file: `If-Range` compares strongly, and dates mean nothing to us.
fn part(headers: &HeaderMap, etag: &str, size: u64) -> Result<Wanted> {
    let Some(range) = text_header(headers, header::RANGE.as_str())? else { return Ok(Wanted::Whole) };
    match text_header(headers, header::IF_RANGE.as_str())? {
        Some(known) if known.trim() != etag => Ok(Wanted::Whole),
        _ => Ok(wanted(&range, size)),
    }
}

async fn sent(
    files: &Files,
    request: &Request,
    found: &Found,
    range: Range<u64>,
    status: StatusCode,
) -> Result<Response> {
    let length = range.end - range.start;
    let body = if request.method() == Method::HEAD {
        Body::empty()
    } else {
        Body::from_bytes_stream(files.read(found, range).await?)
    };
    let media_type = if found.mime == "text/plain" { "text/plain; charset=utf-8" } else { &found.mime };
    let response = Response::builder().status(status).content_type(media_type);
    Ok(response.header(header::CONTENT_LENGTH, length).body(body))
}

/// Headers of every answer that tells something of the file.
fn finish(ctx: &Ctx, found: &Found, headers: &mut HeaderMap) {
    let cache = match found.right {
        Right::Public => FOR_EVER.to_owned(),
        Right::Until(until) => format!("private, max-age={}", (until - ctx.now()).num_seconds().max(0)),
        Right::Own => "private, no-cache".to_owned(),
    };
    set(headers, header::CACHE_CONTROL, &cache);
    set(headers, header::ETAG, &found.etag);
    set(headers, header::ACCEPT_RANGES, "bytes");
    set(headers, header::CONTENT_DISPOSITION, &found.disposition);
    let policy = if found.mime == "application/pdf" { PDF_POLICY } else { POLICY };
    set(headers, header::CONTENT_SECURITY_POLICY, policy);
    match found.right {
        // Whoever has the address may show it anywhere. Credentials play no part, so none are allowed.
        Right::Public | Right::Until(_) => {
            set(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
            set(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
        // A cookie let it be read, so no other site may show it.
        Right::Own => set(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
