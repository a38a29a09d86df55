//! The routes of a listener, on one screen: system pages, commands of the modules, records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, EndpointExt, Request, Response, Route};
use poem_openapi::OpenApiService;
use serde_json::Value as Json;

use super::bodies::BodySchema;
use super::gate::RoutePattern;
use super::spec::deprecation::Endings;
use super::{console_files, pages, prefix, problem, realtime, records, spec, uploads};
use crate::context::{Audience, Caller, Ctx, Platform};
use crate::kernel::error::{MALFORMED, METHOD_NOT_ALLOWED};
use crate::kernel::{Error, Result};
use crate::modules::Modules;
use crate::modules::console::ConsoleApi;
use crate::modules::files::{FilesApi, UploadApi};
use crate::modules::identity::{AdminAuthApi, AdminLinksApi, AuthApi, LinksApi};
use crate::modules::mail::MailApi;
use crate::modules::messaging::MessagingApi;
use crate::modules::notifications::{NotificationsApi, StaffNotificationsApi, UnsubscribeApi};
use crate::modules::operations::OperationsApi;
use crate::modules::webhooks::{InboundApi, WebhooksApi};
use crate::realtime::Hub;

/// The routes of one listener.
pub struct Routes {
    platform: Arc<Platform>,
    modules: Modules,
    hub: Arc<Hub>,
    audience: Audience,
    commands: BoxEndpoint<'static, Response>,
    patterns: Vec<Pattern>,
    spec: spec::Served,
    protocol: spec::Served,
    endings: Endings,
}

/// A path of the commands with its methods.
#[derive(Debug)]
struct Pattern {
    path: String,
    segments: Vec<String>,
    methods: BTreeSet<String>,
    /// Schemas of JSON bodies by method.
    bodies: BTreeMap<String, BodySchema>,
}

impl Pattern {
    fn matches(&self, segments: &[String]) -> bool {
        self.segments.len() == segments.len()
            && self.segments.iter().zip(segments).all(|(p, s)| p.starts_with('{') || p == s)
    }

    /// Whether it has a word of its own where a record has its key.
    fn is_word(&self) -> bool {
        self.segments.len() == 2 && !self.segments[1].starts_with('{')
    }

    /// What is answered here, for the Allow header.
    fn allowed(&self) -> Vec<&str> {
        let names = self.methods.iter().map(String::as_str);
        let is_readable = self.methods.contains("GET");
        std::iter::once("OPTIONS").chain(names).chain(is_readable.then_some("HEAD")).collect()
    }
}

/// A page of the program itself.
enum Page {
    Health,
    Database,
    Document,
    Realtime,
    Docs,
    Errors,
    Events,
    Keys,
    Asset(pages::DocsFile),
    Account(pages::AccountFile),
    Console(console_files::ConsoleFile),
}

/// What every page answers.
const PAGE_METHODS: &str = "OPTIONS, GET, HEAD";

impl Page {
    fn of(path: &str, audience: Audience) -> Option<Self> {
        Some(match path {
            "/health" => Self::Health,
            "/health/db" | "/ready" => Self::Database,
            "/api/openapi.json" => Self::Document,
            "/api/asyncapi.json" => Self::Realtime,
            "/api/docs" => Self::Docs,
            "/api/docs/errors" => Self::Errors,
            "/api/docs/events" => Self::Events,
            "/.well-known/jwks.json" => Self::Keys,
            "/" if audience == Audience::Admin => Self::Console(console_files::home()?),
            path if audience == Audience::Admin && path.starts_with(console_files::PREFIX) => {
                Self::Console(console_files::file(path)?)
            }
            path if path.starts_with(console_files::CLIENT_PREFIX) => Self::Console(console_files::client_file(path)?),
            path => match pages::account_file(path, audience) {
                Some(file) => Self::Account(file),
                None => Self::Asset(pages::docs_file(path)?),
            },
        })
    }
}

/// The methods as an Allow header, each once.
fn allow<'a>(methods: impl IntoIterator<Item = &'a str>) -> String {
    let mut seen: Vec<&str> = Vec::new();
    for method in methods {
        if !seen.contains(&method) {
            seen.push(method);
        }
    }
    seen.join(", ")
}

/// Where commands and records share a path, both are allowed.
fn with_commands(outcome: Result<Response>, commands: &str) -> Result<Response> {
    let both = |records: &str| allow(records.split(", ").chain(commands.split(", ")));
    match outcome {
        Ok(mut response) => {
            let known = response.headers().get(header::ALLOW).and_then(|value| value.to_str().ok()).map(both);
            if let Some(value) = known.and_then(|text| HeaderValue::from_str(&text).ok()) {
                response.headers_mut().insert(header::ALLOW, value);
            }
            Ok(response)
        }
        Err(error) => match error.allowed_methods().map(both) {
            Some(text) => Err(error.allow(text)),
            None => Err(error),
        },
    }
}

/// The answer to OPTIONS where these methods are answered.
pub fn options(allow: &str) -> Response {
    Response::builder().status(StatusCode::NO_CONTENT).header(header::ALLOW, allow).finish()
}

/// The answer to another method than these.
pub fn not_allowed(allow: impl Into<String>) -> Error {
    Error::new(METHOD_NOT_ALLOWED, "This method is not for this path.").allow(allow)
}

/// The commands of all modules for a listener, and their part of the OpenAPI document.
pub fn commands(modules: &Modules, audience: Audience) -> (BoxEndpoint<'static, Response>, Json) {
    let (identity, worker) = (Arc::clone(&modules.identity), Arc::clone(&modules.worker));
    let files = (UploadApi { files: Arc::clone(&modules.files) }, FilesApi { files: Arc::clone(&modules.files) });
    match audience {
        Audience::Public => {
            let unsubscribe = UnsubscribeApi { identity: Arc::clone(&identity) };
            let links = LinksApi { identity: Arc::clone(&identity) };
            let api = (AuthApi { identity }, links, InboundApi, NotificationsApi, unsubscribe, MessagingApi, files);
            let service = OpenApiService::new(api, "Pawbase", env!("CARGO_PKG_VERSION"));
            let document = serde_json::from_str(&service.spec()).unwrap_or_default();
            (Route::new().nest(prefix(audience), service).map_to_response().boxed(), document)
        }
        Audience::Admin => {
            let mail = MailApi { mailer: Arc::clone(&modules.mailer) };
            let notifications = (NotificationsApi, StaffNotificationsApi, MessagingApi);
            let webhooks = WebhooksApi { registry: worker.registry() };
            let links = AdminLinksApi { identity: Arc::clone(&identity) };
            let accounts = (AdminAuthApi { identity }, links);
            let api = (accounts, ConsoleApi, OperationsApi { worker }, mail, notifications, webhooks, files);
            let service = OpenApiService::new(api, "Pawbase admin", env!("CARGO_PKG_VERSION"));
            let document = serde_json::from_str(&service.spec()).unwrap_or_default();
            (Route::new().nest(prefix(audience), service).map_to_response().boxed(), document)
        }
    }
}

/// The whole document of a listener, from that of its commands.
pub fn document_of(commands: Json, platform: &Platform, modules: &Modules, audience: Audience) -> Json {
    spec::merge(commands, &modules.described(audience), &platform.schema, &platform.config.limits, audience)
}

impl Routes {
    /// The routes of `audience`'s listener.
    pub fn new(platform: Arc<Platform>, modules: Modules, hub: Arc<Hub>, audience: Audience) -> Self {
        let (commands, document) = commands(&modules, audience);
        let patterns = patterns(&document);
        let document = document_of(document, &platform, &modules, audience);
        let (spec, endings) = (spec::Served::new(&document), Endings::of(&document));
        let protocol = spec::Served::new(&spec::asyncapi::document(&document, &platform.schema, audience));
        Self { platform, modules, hub, audience, commands, patterns, spec, protocol, endings }
    }

    async fn page(&self, request: &Request, page: Page) -> Result<Response> {
        match *request.method() {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS => return Ok(options(PAGE_METHODS)),
            _ => return Err(not_allowed(PAGE_METHODS)),
        }
        Ok(match page {
            Page::Health => pages::health(),
            Page::Database => pages::database_health(&self.platform).await,
            Page::Document => self.spec.respond(request.headers()),
            Page::Realtime => self.protocol.respond(request.headers()),
            Page::Docs => pages::docs(),
            Page::Errors => pages::error_catalogue(),
            Page::Events => pages::event_catalogue(&self.platform.schema),
            Page::Keys => records::json_response(StatusCode::OK, &self.modules.identity.keys().jwks(self.audience)),
            Page::Asset(file) => file.respond(),
            Page::Account(file) => file.respond(),
            Page::Console(file) => file.respond(request.headers()),
        })
    }

    async fn api(&self, request: Request, segments: Vec<String>) -> Result<Response> {
        if let Some(wire) = realtime::wire_at(&segments) {
            return realtime::respond(&self.hub, wire, &request).await;
        }
        let matching: Vec<&Pattern> = self.patterns.iter().filter(|pattern| pattern.matches(&segments)).collect();
        let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        if let Some(pattern) = matching.iter().find(|pattern| pattern.methods.contains(method.as_str())) {
            return self.command(request, method, pattern).await;
        }
        let commands = allow(matching.iter().flat_map(|pattern| pattern.allowed()));
        let is_record_path = segments.len() <= 2
            && !matching.iter().any(|pattern| pattern.is_word())
            && segments.first().is_some_and(|name| name == "batch" || self.platform.schema.served(name).is_some());
        if let (Some(pattern), false) = (matching.first(), is_record_path) {
            RoutePattern::note(&request, &pattern.path);
            let is_question = *request.method() == Method::OPTIONS;
            return if is_question { Ok(options(&commands)) } else { Err(not_allowed(commands)) };
        }
        let ctx = request.data::<Ctx>().cloned().ok_or_else(|| Error::internal("a request without a context"))?;
        // The admin listener is for staff alone: a guest there sees not even what is public.
        if self.audience == Audience::Admin && matches!(ctx.caller, Caller::Guest) {
            return Err(Error::unauthenticated());
        }
        let outcome = records::respond(&ctx, request, &segments).await;
        if matching.is_empty() { outcome } else { with_commands(outcome, &commands) }
    }

    async fn command(&self, mut request: Request, method: Method, pattern: &Pattern) -> Result<Response> {
        RoutePattern::note(&request, &pattern.path);
        if let Some(schema) = pattern.bodies.get(method.as_str()) {
            check_body(&mut request, schema).await?;
        }
        request.set_method(method);
        match self.commands.call(request).await.map_err(problem::translate) {
            Ok(response) => Ok(response),
            Err(Err(response)) => Ok(*response),
            Err(Ok(error)) => Err(error),
        }
    }
}

/// Checks a JSON body and leaves it in the request; other media types are the command's to refuse.
async fn check_body(request: &mut Request, schema: &BodySchema) -> Result<()> {
    let is_json = request.content_type().is_some_and(|media_type| media_type.contains("json"));
    let bytes = request.take_body().into_bytes().await.map_err(|e| Error::new(MALFORMED, "No body.").caused_by(e))?;
    let outcome = if is_json && !bytes.is_empty() { schema.check(&bytes) } else { Ok(()) };
    request.set_body(poem::Body::from(bytes));
    outcome
}

impl Endpoint for Routes {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let path = request.uri().path().to_owned();
        if let Some(page) = Page::of(&path, self.audience) {
            RoutePattern::note(&request, &path);
            return Ok(self.page(&request, page).await?);
        }
        if uploads::is_download(&path) {
            RoutePattern::note(&request, uploads::PATTERN);
            return Ok(uploads::respond(&self.modules.files, &request).await?);
        }
        match segments(&path, prefix(self.audience)) {
            Some(segments) => {
                let method = request.method().clone();
                let mut response = self.api(request, segments).await?;
                self.endings.announce(&method, &path, &mut response);
                Ok(response)
            }
            None => Err(Error::not_found().into()),
        }
    }
}

/// The decoded segments of `path` below `prefix`; None when it is elsewhere or has empty or undecodable segments.
fn segments(path: &str, prefix: &str) -> Option<Vec<String>> {
    let rest = path.strip_prefix(prefix)?.strip_prefix('/')?;
    let decode = |segment: &str| {
        let text = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?.into_owned();
        (!text.is_empty()).then_some(text)
    };
    rest.split('/').map(decode).collect()
}

/// The paths and methods of a document made by poem-openapi.
fn patterns(document: &Json) -> Vec<Pattern> {
    let Some(paths) = document["paths"].as_object() else { return Vec::new() };
    let components = Arc::new(document["components"]["schemas"].clone());
    let pattern = |(path, operations): (&String, &Json)| {
        let operations = operations.as_object().into_iter().flatten();
        let methods: Vec<(String, &Json)> = operations.map(|(name, op)| (name.to_ascii_uppercase(), op)).collect();
        Pattern {
            path: path.clone(),
            segments: path.trim_start_matches('/').split('/').map(str::to_owned).collect(),
            bodies: methods
                .iter()
                .filter_map(|(name, op)| Some((name.clone(), BodySchema::of(op, &components)?)))
                .collect(),
            methods: methods.into_iter().map(|(name, _)| name).collect(),
        }
    };
    paths.iter().map(pattern).collect()
}
