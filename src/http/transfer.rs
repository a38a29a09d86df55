//! Whole tables as files over HTTP: export on both listeners, import on that of staff. What rows are is in `records`.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use poem::http::{Method, header};
use poem::{Body, Request, Response};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;

use super::bodies::{Most, read_whole};
use super::problem;
use super::records::{json_response, pairs, set_header, text_header};
use super::routes::{not_allowed, options};
use crate::context::{Audience, Ctx, Role};
use crate::kernel::error::{INVALID_QUERY, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED};
use crate::kernel::{Error, Result};
use crate::records::import::{File, Import, Options, Report};
use crate::records::{Export, Format, fields, query};
use crate::schema::Table;

/// Parameters of lists that make no sense for a whole one.
const PAGE_ONLY: [&str; 5] = ["limit", "cursor", "offset", "count", "expand"];
/// Parameters of an import.
const IMPORT_PARAMETERS: [&str; 3] = ["dry_run", "bad_rows", "columns"];
/// Media type of lines of JSON.
const LINES: &str = "application/x-ndjson";
/// Lines of progress that wait for a slow reader; more are left out.
const LINES_WAITING_MAX: usize = 16;

/// Whether the request brings a file to import, whose body has limits of its own.
pub fn is_import(audience: Audience, request: &Request) -> bool {
    let rest = request.uri().path().strip_prefix(super::prefix(Audience::Admin));
    let table = rest.and_then(|rest| rest.strip_prefix('/')?.strip_suffix("/import"));
    audience == Audience::Admin
        && request.method() == Method::POST
        && table.is_some_and(|table| !table.is_empty() && !table.contains('/'))
}

/// The whole list as a file, streamed page by page.
pub async fn export(ctx: &Ctx, request: &Request, table: &Table) -> Result<Response> {
    // What nobody on this listener may read has no file.
    if !fields::could_pass(ctx, &table.permissions.select) {
        return Err(Error::not_found());
    }
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return Ok(options("OPTIONS, GET, HEAD")),
        _ => return Err(not_allowed("OPTIONS, GET, HEAD")),
    }
    let (own, rest): (Vec<_>, Vec<_>) = pairs(request).into_iter().partition(|(name, _)| name == "format");
    query::once_each(&own, &["format"])?;
    if let Some((name, _)) = rest.iter().find(|(name, _)| PAGE_ONLY.contains(&name.as_str())) {
        return Err(Error::query(name, format!("{name} does not go with an export, which is the whole list.")));
    }
    let format = own.first().map_or("csv", |(_, name)| name);
    let format = Format::parse(format)
        .ok_or_else(|| Error::query("format", format!("format must be {}.", Format::NAMES.join(" or "))))?;
    let mut export = Export::new(ctx, table, query::parse_list(ctx, table, &rest)?, format);
    // The first page before the answer begins, so that a failure still has its status.
    let first = export.next().await?.unwrap_or_default();
    let day = ctx.now().format("%Y-%m-%d");
    let disposition = format!("attachment; filename=\"{}-{day}.{}\"", table.name, format.name());
    Ok(Response::builder()
        .content_type(format.media_type())
        .header(header::CONTENT_DISPOSITION, disposition)
        .body(body_of(ctx, first, export)))
}

/// The pages of an export, each read when the client has taken the one before.
fn body_of(ctx: &Ctx, first: Vec<u8>, export: Export) -> Body {
    let request_id = ctx.request_id.clone();
    let rest = stream::unfold(Some((export, request_id)), |state| async move {
        let (mut export, request_id) = state?;
        match export.next().await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some((export, request_id)))),
            Ok(None) => None,
            Err(error) => {
                // The status is out already; a connection that breaks off tells the client that the file is not whole.
                tracing::warn!(id = %request_id, cause = error.cause().unwrap_or(error.message()), "an export broke off");
                Some((Err(io::Error::other("the export broke off")), None))
            }
        }
    });
    Body::from_bytes_stream(stream::once(async move { Ok::<_, io::Error>(first) }).chain(rest))
}

/// New records from a file.
pub async fn import(ctx: &Ctx, mut request: Request, table: &Table) -> Result<Response> {
    if !fields::could_pass(ctx, &table.permissions.create) {
        return Err(Error::not_found());
    }
    match *request.method() {
        Method::POST => {}
        Method::OPTIONS => return Ok(options("OPTIONS, POST")),
        _ => return Err(not_allowed("OPTIONS, POST")),
    }
    // Before anything is read: not everybody who signs in here may write.
    ctx.require_role(&Role::ADMINS)?;
    let asked = Asked::of(&request)?;
    let limits = &ctx.platform.config.limits;
    let most =
        Most { bytes: limits.import_mb * 1024 * 1024, words: format!("A file has at most {} MB.", limits.import_mb) };
    let bytes = read_whole(&mut request, &most, Duration::from_secs(limits.import_timeout_s)).await?;
    let import = Import::new(ctx, table, asked.file(ctx, table, bytes)?, asked.options)?;
    if asked.wants_lines {
        return Ok(in_lines(ctx, import, asked.options));
    }
    let report = import.run(Box::new(|_, _| {})).await?;
    Ok(match refusal(&report, asked.options) {
        Some(error) => problem::with_body(&error, &refused(&error, &ctx.request_id, &report)),
        None => json_response(poem::http::StatusCode::OK, &json!(report)),
    })
}

/// The form of a file to import.
enum Form {
    Csv,
    Array,
    Lines,
}

/// What a request for an import asks.
struct Asked {
    form: Form,
    options: Options,
    columns: Option<String>,
    wants_lines: bool,
}

impl Asked {
    fn of(request: &Request) -> Result<Self> {
        let media_type = text_header(request.headers(), header::CONTENT_TYPE.as_str())?.unwrap_or_default();
        let form = match media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/csv" => Form::Csv,
            "application/json" => Form::Array,
            LINES => Form::Lines,
            _ => {
                let message = format!("The Content-Type must be text/csv, application/json or {LINES}.");
                return Err(Error::new(UNSUPPORTED_MEDIA_TYPE, message));
            }
        };
        let pairs = pairs(request);
        query::once_each(&pairs, &IMPORT_PARAMETERS)?;
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !IMPORT_PARAMETERS.contains(&name.as_str())) {
            return Err(Error::query(name, format!("There is no parameter {name:?} here.")));
        }
        let value = |name: &str| pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
        let columns = value("columns");
        if columns.is_some() && !matches!(form, Form::Csv) {
            let message = "columns goes with text/csv only.";
            return Err(Error::new(INVALID_QUERY, message).at("?columns", "rule", message));
        }
        let is_dry_run = one_of("dry_run", value("dry_run").as_deref(), ["false", "true"])?;
        let skips_bad = one_of("bad_rows", value("bad_rows").as_deref(), ["refuse", "skip"])?;
        let accept = text_header(request.headers(), header::ACCEPT.as_str())?.unwrap_or_default();
        let wants_lines = accept.split(',').any(|one| one.split(';').next().unwrap_or_default().trim() == LINES);
        Ok(Self { form, options: Options { is_dry_run, skips_bad }, columns, wants_lines })
    }

    fn file(&self, ctx: &Ctx, table: &Table, bytes: Bytes) -> Result<File> {
        match self.form {
            Form::Csv => File::csv(ctx, table, bytes, self.columns.as_deref()),
            Form::Array => File::array(bytes),
            Form::Lines => Ok(File::lines(bytes)),
        }
    }
}

/// Whether a parameter has the second of two values; the first if left out.
fn one_of(name: &str, value: Option<&str>, [first, second]: [&str; 2]) -> Result<bool> {
    match value {
        None => Ok(false),
        Some(value) if value == first => Ok(false),
        Some(value) if value == second => Ok(true),
        Some(_) => Err(Error::query(name, format!("{name} must be {first} or {second}."))),
    }
}

/// Why nothing was written, where that was asked for on account of bad rows.
fn refusal(report: &Report, options: Options) -> Option<Error> {
    let is_refused = report.failed > 0 && !options.skips_bad && !options.is_dry_run;
    let words = if report.failed == 1 {
        "1 row is not good".to_owned()
    } else {
        format!("{} rows are not good", report.failed)
    };
    is_refused.then(|| Error::new(VALIDATION_FAILED, format!("{words}, so nothing was imported.")))
}

/// The problem together with the report.
fn refused(error: &Error, request_id: &str, report: &Report) -> Json {
    let mut body = problem::body(error, request_id);
    if let (Json::Object(body), Json::Object(report)) = (&mut body, json!(report)) {
        body.extend(report);
    }
    body
}

/// The answer as lines: progress, and last the report or a problem.
fn in_lines(ctx: &Ctx, import: Import, options: Options) -> Response {
    let (lines, waiting) = mpsc::channel::<Bytes>(LINES_WAITING_MAX);
    let (request_id, progress) = (ctx.request_id.clone(), lines.clone());
    tokio::spawn(async move {
        let tell = move |done: usize, total: usize| {
            // Whoever reads too slowly misses some.
            drop(progress.try_send(line(&json!({ "progress": done, "total": total }))));
        };
        let last = match import.run(Box::new(tell)).await {
            Ok(report) => match refusal(&report, options) {
                Some(error) => refused(&error, &request_id, &report),
                None => json!(report),
            },
            Err(error) => {
                if error.entry().status >= 500 {
                    tracing::error!(id = %request_id, cause = error.cause().unwrap_or("-"), "an import failed");
                }
                problem::body(&error, &request_id)
            }
        };
        // Nobody may be there any more to read it.
        drop(lines.send(line(&last)).await);
    });
    let lines = stream::unfold(waiting, |mut waiting| async move {
        waiting.recv().await.map(|line| (Ok::<_, io::Error>(line), waiting))
    });
    let mut response = Response::builder().content_type(LINES).body(Body::from_bytes_stream(lines));
    set_header(&mut response, "x-accel-buffering", "no");
    response
}

fn line(json: &Json) -> Bytes {
    format!("{json}\n").into()
}
