//! The records API over HTTP: paths, headers and bodies of every table. What they mean is in `records`.

use bytes::Bytes;
use poem::http::uri::PathAndQuery;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use poem::{IntoResponse, Request, Response};
use serde_json::{Map, Value as Json, json};

use super::gate::RoutePattern;
use super::routes::{not_allowed, options};
use super::transfer;
use crate::context::{Answer, Audience, Ctx};
use crate::kernel::error::{INVALID_QUERY, MALFORMED, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED};
use crate::kernel::{Error, Result};
use crate::records::query::{GROUP_FIELDS_MAX, MEASURES_MAX};
use crate::records::{self, Measure, Operation, Outcome, etags, fields, idempotency, query};
use crate::schema::{Kind, Table};

/// Answers a request below the listener's prefix, whose remaining path segments are `segments`.
pub async fn respond(ctx: &Ctx, request: Request, segments: &[String]) -> Result<Response> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["batch"] => RoutePattern::note(&request, "/batch"),
        [_] => RoutePattern::note(&request, "/{table}"),
        [_, "aggregate"] => RoutePattern::note(&request, "/{table}/aggregate"),
        [_, "export"] => RoutePattern::note(&request, "/{table}/export"),
        [_, "import"] => RoutePattern::note(&request, "/{table}/import"),
        [_, _, "restore"] => RoutePattern::note(&request, "/{table}/{id}/restore"),
        [_, _] => RoutePattern::note(&request, "/{table}/{id}"),
        _ => {}
    }
    let is_staff_only = ctx.audience == Audience::Admin;
    match segments.as_slice() {
        ["batch"] => batch(ctx, request).await,
        [table] => collection(ctx, request, served(ctx, table)?).await,
        [table, "aggregate"] => aggregate(ctx, &request, served(ctx, table)?).await,
        [table, "export"] => transfer::export(ctx, &request, served(ctx, table)?).await,
        [table, "import"] if is_staff_only => transfer::import(ctx, request, served(ctx, table)?).await,
        [table, id, "restore"] if is_staff_only => restore(ctx, request, served(ctx, table)?, id).await,
        [table, id] => record(ctx, request, served(ctx, table)?, id).await,
        _ => Err(Error::not_found()),
    }
}

/// A table that some caller of this listener could use; others do not exist here.
fn served<'a>(ctx: &'a Ctx, name: &str) -> Result<&'a Table> {
    ctx.platform.schema.served(name).filter(|table| is_offered(ctx, table)).ok_or_else(Error::not_found)
}

fn is_offered(ctx: &Ctx, table: &Table) -> bool {
    let permissions = &table.permissions;
    [&permissions.select, &permissions.create, &permissions.update, &permissions.delete]
        .into_iter()
        .any(|permission| fields::could_pass(ctx, permission))
}

/// Methods of the collection (or of one record) that some caller of this listener could use.
fn allowed(ctx: &Ctx, table: &Table, is_collection: bool) -> String {
    let permissions = &table.permissions;
    let mut methods = vec!["OPTIONS"];
    let mut offer = |is_allowed: bool, names: &[&'static str]| {
        if is_allowed {
            methods.extend(names);
        }
    };
    offer(fields::could_pass(ctx, &permissions.select), &["GET", "HEAD"]);
    if is_collection {
        offer(fields::could_pass(ctx, &permissions.create), &["POST"]);
    } else {
        offer(fields::could_pass(ctx, &permissions.update), &["PATCH"]);
        offer(fields::could_pass(ctx, &permissions.delete), &["DELETE"]);
    }
    methods.join(", ")
}

async fn collection(ctx: &Ctx, request: Request, table: &Table) -> Result<Response> {
    let allow = allowed(ctx, table, true);
    match *request.method() {
        Method::OPTIONS => Ok(options(&allow)),
        Method::GET | Method::HEAD if allow.contains("GET") => list(ctx, &request, table).await,
        Method::POST if allow.contains("POST") => create(ctx, request, table).await,
        _ => Err(not_allowed(allow)),
    }
}

async fn record(ctx: &Ctx, request: Request, table: &Table, id: &str) -> Result<Response> {
    let allow = allowed(ctx, table, false);
    let if_match = joined_header(request.headers(), &header::IF_MATCH)?;
    match *request.method() {
        Method::OPTIONS => Ok(options(&allow)),
        Method::GET | Method::HEAD if allow.contains("GET") => get(ctx, &request, table, id).await,
        Method::PATCH if allow.contains("PATCH") => {
            no_query(&request)?;
            let (_, body) = json_body(request).await?;
            let operation = Operation::Patch { table: table.name.clone(), id: id.to_owned(), body, if_match };
            outcome(ctx, records::write(ctx, operation, None).await?)
        }
        Method::DELETE if allow.contains("DELETE") => {
            no_query(&request)?;
            let operation = Operation::Delete { table: table.name.clone(), id: id.to_owned(), if_match };
            outcome(ctx, records::write(ctx, operation, None).await?)
        }
        _ => Err(not_allowed(allow)),
    }
}

/// The query's pairs, decoded.
pub fn pairs(request: &Request) -> Vec<(String, String)> {
    let text = request.original_uri().query().unwrap_or_default();
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Brings a deleted record back.
async fn restore(ctx: &Ctx, request: Request, table: &Table, id: &str) -> Result<Response> {
    if !table.can_restore() {
        return Err(Error::not_found());
    }
    match *request.method() {
        Method::OPTIONS => return Ok(options("OPTIONS, POST")),
        Method::POST => no_query(&request)?,
        _ => return Err(not_allowed("OPTIONS, POST")),
    }
    outcome(ctx, records::restore(ctx, table, id).await?)
}

fn no_query(request: &Request) -> Result<()> {
    match pairs(request).first() {
        None => Ok(()),
        Some((name, _)) => Err(Error::query(name, format!("There is no parameter {name:?} here."))),
    }
}

/// A read: the kept answer, or the one that `work` makes, which is then kept. 304 when the client has it already.
async fn read(
    ctx: &Ctx,
    request: &Request,
    table: &Table,
    work: impl Future<Output = Result<Json>>,
) -> Result<Response> {
    let platform = &ctx.platform;
    let uri = request.original_uri();
    let path = uri.path_and_query().map_or(uri.path(), PathAndQuery::as_str);
    let has_links = uri.query().is_some_and(|query| query.contains("expand"));
    // Taken before anything is read, so that what is kept is at least as new.
    let writes = platform.engine.writes();
    let place = writes.zip(platform.answers.question(ctx, &table.name, path, has_links));
    let answer = match place.as_ref().and_then(|(writes, question)| platform.answers.get(question, *writes)) {
        Some(answer) => answer,
        None => {
            let body = Bytes::from(work.await?.to_string());
            let answer = Answer { etag: records::view::etag_of(&body).into(), body };
            if let Some((writes, question)) = place {
                platform.answers.keep(question, writes, answer.clone());
            }
            answer
        }
    };
    let known = joined_header(request.headers(), &header::IF_NONE_MATCH)?;
    let is_known = known.is_some_and(|tags| etags::names_weakly(&tags, &answer.etag));
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::builder().content_type("application/json").body(answer.body)
    };
    set_header(&mut response, header::ETAG.as_str(), &answer.etag);
    set_header(&mut response, header::CACHE_CONTROL.as_str(), "private, no-cache");
    Ok(response)
}

async fn list(ctx: &Ctx, request: &Request, table: &Table) -> Result<Response> {
    let work = async {
        let query = query::parse_list(ctx, table, &pairs(request))?;
        let page = records::list(ctx, table, &query).await?;
        let mut body = Map::new();
        body.insert("items".into(), Json::Array(page.items));
        body.insert("next_cursor".into(), page.next_cursor.map_or(Json::Null, Json::String));
        if let Some(total) = page.total {
            body.insert("total".into(), json!(total));
        }
        Ok(Json::Object(body))
    };
    read(ctx, request, table, work).await
}

async fn get(ctx: &Ctx, request: &Request, table: &Table, id: &str) -> Result<Response> {
    let work = async {
        let query = query::parse_view(ctx, table, &pairs(request))?;
        records::get(ctx, table, id, &query).await
    };
    read(ctx, request, table, work).await
}

async fn create(ctx: &Ctx, request: Request, table: &Table) -> Result<Response> {
    no_query(&request)?;
    let key = text_header(request.headers(), "idempotency-key")?;
    let path = request.original_uri().path().to_owned();
    let (bytes, body) = json_body(request).await?;
    let once = key.map(|key| idempotency::Request::new(&key, "POST", &path, &bytes)).transpose()?;
    let operation = Operation::Create { table: table.name.clone(), body };
    outcome(ctx, records::write(ctx, operation, once).await?)
}

fn outcome(ctx: &Ctx, outcome: Outcome) -> Result<Response> {
    let status = StatusCode::from_u16(outcome.status).map_err(Error::internal)?;
    let mut response = match &outcome.body {
        Some(body) => json_response(status, body),
        None => status.into_response(),
    };
    if let Some(etag) = &outcome.etag {
        set_header(&mut response, header::ETAG.as_str(), etag);
    }
    if let Some(location) = &outcome.location {
        let path = format!("{}{location}", super::prefix(ctx.audience));
        set_header(&mut response, header::LOCATION.as_str(), &path);
    }
    Ok(response)
}

pub(super) fn set_header(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// JSON as a response.
pub fn json_response(status: StatusCode, body: &Json) -> Response {
    Response::builder().status(status).content_type("application/json").body(body.to_string())
}

/// A header's text; 400 when it is not text.
pub(super) fn text_header(headers: &HeaderMap, name: &'static str) -> Result<Option<String>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str() {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(Error::new(INVALID_QUERY, format!("The header {name} is not text."))),
    }
}

/// All lines of a list header as one, as RFC 9110 (5.3) has it; 400 when one is not text.
fn joined_header(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>> {
    let lines = headers.get_all(name).iter().map(|value| value.to_str());
    match lines.collect::<std::result::Result<Vec<_>, _>>() {
        Ok(lines) => Ok((!lines.is_empty()).then(|| lines.join(", "))),
        Err(_) => Err(Error::new(INVALID_QUERY, format!("The header {name} is not text."))),
    }
}

/// The body as bytes and JSON.
async fn json_body(request: Request) -> Result<(Vec<u8>, Json)> {
    let media_type = text_header(request.headers(), header::CONTENT_TYPE.as_str())?.unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !["application/json", "application/merge-patch+json"].contains(&essence.as_str()) {
        return Err(Error::new(UNSUPPORTED_MEDIA_TYPE, "The Content-Type must be application/json."));
    }
    let bytes = request.into_body().into_vec().await.map_err(|e| Error::new(MALFORMED, "No body.").caused_by(e))?;
    let body = serde_json::from_slice(&bytes)
        .map_err(|error| Error::new(MALFORMED, format!("The body is not JSON: {error}.")))?;
    Ok((bytes, body))
}

async fn aggregate(ctx: &Ctx, request: &Request, table: &Table) -> Result<Response> {
    // What nobody on this listener may read has no measures.
    if !fields::could_pass(ctx, &table.permissions.select) {
        return Err(Error::not_found());
    }
    match *request.method() {
        Method::GET | Method::HEAD => {}
        Method::OPTIONS => return Ok(options("OPTIONS, GET, HEAD")),
        _ => return Err(not_allowed("OPTIONS, GET, HEAD")),
    }
    read(ctx, request, table, measure_groups(ctx, request, table)).await
}

async fn measure_groups(ctx: &Ctx, request: &Request, table: &Table) -> Result<Json> {
    let (own, rest): (Vec<_>, Vec<_>) =
        pairs(request).into_iter().partition(|(name, _)| ["group_by", "measures"].contains(&name.as_str()));
    if let Some((name, _)) = rest.iter().find(|(name, _)| query::LIST_ONLY.contains(&name.as_str())) {
        return Err(Error::query(name, format!("{name} does not go with an aggregate.")));
    }
    query::once_each(&own, &["group_by", "measures"])?;
    let parsed = query::parse_list(ctx, table, &rest)?;
    let text = |name: &str| own.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let group_by = group_fields(ctx, table, text("group_by"))?;
    let measures = measures(ctx, table, text("measures").unwrap_or("count"))?;
    records::aggregate(ctx, table, &parsed.filter, parsed.search.as_deref(), &group_by, &measures).await
}

fn group_fields(ctx: &Ctx, table: &Table, text: Option<&str>) -> Result<Vec<fields::FieldRef>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let paths = query::entries(text, "group_by")?.into_iter();
    let found: Vec<_> = paths.map(|path| fields::resolve(ctx, table, path, "group_by")).collect::<Result<_>>()?;
    if found.len() > GROUP_FIELDS_MAX {
        return Err(Error::query("group_by", format!("At most {GROUP_FIELDS_MAX} fields.")));
    }
    match found.iter().find(|field| !field.is_sortable()) {
        Some(field) => Err(Error::query("group_by", format!("{} cannot be grouped by.", field.path))),
        None => Ok(found),
    }
}

/// `count,sum(price.minor)` as measures.
fn measures(ctx: &Ctx, table: &Table, text: &str) -> Result<Vec<Measure>> {
    let parts = query::entries(text, "measures")?.into_iter();
    let found: Vec<Measure> = parts.map(|part| measure(ctx, table, part)).collect::<Result<_>>()?;
    // Two fields such as price.minor and price_minor would share one member of the answer.
    if let Some((_, two)) = found.iter().enumerate().find(|(at, one)| found[..*at].iter().any(|m| m.name == one.name)) {
        return Err(Error::query("measures", format!("Two measures would be named {}.", two.name)));
    }
    if found.len() > MEASURES_MAX {
        return Err(Error::query("measures", format!("At most {MEASURES_MAX}.")));
    }
    Ok(found)
}

fn measure(ctx: &Ctx, table: &Table, text: &str) -> Result<Measure> {
    if text == "count" {
        return Ok(Measure { function: "count", field: None, name: "count".into() });
    }
    let wrong = |why: String| Error::query("measures", why);
    let parts = text.strip_suffix(')').and_then(|text| text.split_once('('));
    let (name, path) = parts.ok_or_else(|| wrong(format!("{text:?} is not count or function(field).")))?;
    let function = ["count", "sum", "avg", "min", "max"].into_iter().find(|function| *function == name);
    let function = function.ok_or_else(|| wrong(format!("{name:?} is not count, sum, avg, min or max.")))?;
    let field = fields::resolve(ctx, table, path, "measures")?;
    let is_number = matches!(field.kind.required(), Kind::Int | Kind::Float | Kind::Decimal | Kind::Number);
    let is_time = *field.kind.required() == Kind::Datetime;
    let is_sensible = match function {
        "count" => true,
        "min" | "max" => is_number || is_time,
        _ => is_number,
    };
    if !is_sensible {
        return Err(wrong(format!("{function} does not go with {path}.")));
    }
    Ok(Measure { function, name: format!("{function}_{}", path.replace('.', "_")), field: Some(field) })
}

async fn batch(ctx: &Ctx, request: Request) -> Result<Response> {
    match *request.method() {
        Method::OPTIONS => return Ok(options("OPTIONS, POST")),
        Method::POST => no_query(&request)?,
        _ => return Err(not_allowed("OPTIONS, POST")),
    }
    let key = text_header(request.headers(), "idempotency-key")?;
    let path = request.original_uri().path().to_owned();
    let (bytes, body) = json_body(request).await?;
    let once = key.map(|key| idempotency::Request::new(&key, "POST", &path, &bytes)).transpose()?;
    let operations = batch_operations(ctx, &body)?;
    outcome(ctx, records::batch(ctx, operations, once).await?)
}

fn batch_operations(ctx: &Ctx, body: &Json) -> Result<Vec<Operation>> {
    let limit = ctx.platform.config.limits.batch_max;
    let bad = |pointer: String, message: String| {
        Error::new(VALIDATION_FAILED, message.clone()).at(pointer, "format", message)
    };
    let only = body.as_object().filter(|map| map.len() == 1).and_then(|map| map.get("operations")?.as_array());
    let list = only.ok_or_else(|| bad("/operations".into(), "must be {\"operations\":[…]}".into()))?;
    if list.is_empty() || list.len() > limit {
        return Err(bad("/operations".into(), format!("must have 1 to {limit} operations")));
    }
    let parse = |(at, item): (usize, &Json)| {
        operation(ctx, item).map_err(|(place, message)| bad(format!("/operations/{at}{place}"), message))
    };
    list.iter().enumerate().map(parse).collect()
}

fn operation(ctx: &Ctx, item: &Json) -> std::result::Result<Operation, (&'static str, String)> {
    let map = item.as_object().ok_or(("", "must be an object".to_owned()))?;
    let known = ["method", "table", "id", "body", "if_match"];
    if let Some(name) = map.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(("", format!("{name} is not a member of an operation")));
    }
    let text = |name: &str| map.get(name).and_then(Json::as_str).map(str::to_owned);
    let table = text("table").and_then(|name| served(ctx, &name).ok());
    let table = table.ok_or(("/table", "must be the name of a table".to_owned()))?;
    let method = text("method").unwrap_or_default();
    if !["POST", "PATCH", "DELETE"].contains(&method.as_str()) {
        return Err(("/method", "must be POST, PATCH or DELETE".into()));
    }
    if !allowed(ctx, table, method == "POST").contains(&method) {
        return Err(("/method", format!("{method} is not for {} here", table.name)));
    }
    let table = table.name.clone();
    let id = || match map.get("id") {
        Some(Json::Number(number)) => Ok(number.to_string()),
        _ => text("id").ok_or(("/id", "is required".to_owned())),
    };
    let body = || map.get("body").cloned().ok_or(("/body", "is required".to_owned()));
    let if_match = text("if_match");
    if if_match.is_none() && map.contains_key("if_match") {
        return Err(("/if_match", "must be a string".into()));
    }
    match method.as_str() {
        "POST" if map.contains_key("id") => Err(("/id", "goes into the body of a new record".into())),
        "POST" => Ok(Operation::Create { table, body: body()? }),
        "PATCH" => Ok(Operation::Patch { table, id: id()?, body: body()?, if_match }),
        _ if map.contains_key("body") => Err(("/body", "does not go with DELETE".into())),
        _ => Ok(Operation::Delete { table, id: id()?, if_match }),
    }
}
