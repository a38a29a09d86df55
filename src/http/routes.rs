//! The routes of a listener, on one screen: system pages, commands of the modules, records.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::http::{Method, StatusCode, header};
use poem::{Endpoint, EndpointExt, Request, Response, Route};
use poem_openapi::OpenApiService;
use serde_json::Value as Json;

use super::bodies::BodySchema;
use super::gate::RoutePattern;
use super::{pages, prefix, problem, records, spec};
use crate::context::{Audience, Caller, Ctx, Platform};
use crate::kernel::error::{MALFORMED, METHOD_NOT_ALLOWED};
use crate::kernel::{Error, Result};
use crate::modules::identity::{AdminAuthApi, AuthApi, Identity};

/// The routes of one listener.
pub struct Routes {
    platform: Arc<Platform>,
    identity: Arc<Identity>,
    audience: Audience,
    commands: BoxEndpoint<'static, Response>,
    patterns: Vec<Pattern>,
    spec: spec::Served,
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
}

/// The commands of all modules for a listener, and their part of the OpenAPI document.
pub fn commands(identity: &Arc<Identity>, audience: Audience) -> (BoxEndpoint<'static, Response>, Json) {
    match audience {
        Audience::Public => {
            let service =
                OpenApiService::new(AuthApi { identity: Arc::clone(identity) }, "Pawbase", env!("CARGO_PKG_VERSION"));
            let document = serde_json::from_str(&service.spec()).unwrap_or_default();
            (Route::new().nest(prefix(audience), service).map_to_response().boxed(), document)
        }
        Audience::Admin => {
            let api = AdminAuthApi { identity: Arc::clone(identity) };
            let service = OpenApiService::new(api, "Pawbase admin", env!("CARGO_PKG_VERSION"));
            let document = serde_json::from_str(&service.spec()).unwrap_or_default();
            (Route::new().nest(prefix(audience), service).map_to_response().boxed(), document)
        }
    }
}

impl Routes {
    /// The routes of `audience`'s listener.
    pub fn new(platform: Arc<Platform>, identity: Arc<Identity>, audience: Audience) -> Self {
        let (commands, document) = commands(&identity, audience);
        let patterns = patterns(&document);
        let spec = spec::Served::new(spec::merge(document, &platform.schema, audience));
        Self { platform, identity, audience, commands, patterns, spec }
    }

    async fn system(&self, request: &Request, path: &str) -> Option<Result<Response>> {
        let audience = self.audience;
        let is_admin = audience == Audience::Admin;
        Some(Ok(match path {
            "/health" => pages::health(),
            "/health/db" => pages::database_health(&self.platform).await,
            "/ready" => pages::database_health(&self.platform).await,
            "/api/openapi.json" => self.spec.respond(request.headers()),
            "/api/docs" => pages::docs(),
            "/api/docs/errors" => pages::error_catalogue(),
            "/.well-known/jwks.json" => records::json_response(StatusCode::OK, &self.identity.keys().jwks(audience)),
            "/" if is_admin => pages::admin_home(),
            path => return pages::docs_asset(path).map(Ok),
        }))
    }

    async fn api(&self, request: Request, segments: Vec<String>) -> Result<Response> {
        let matching: Vec<&Pattern> = self.patterns.iter().filter(|pattern| pattern.matches(&segments)).collect();
        let method = if request.method() == Method::HEAD { Method::GET } else { request.method().clone() };
        if let Some(pattern) = matching.iter().find(|pattern| pattern.methods.contains(method.as_str())) {
            return self.command(request, method, pattern).await;
        }
        let is_table = segments.first().is_some_and(|name| self.platform.schema.served(name).is_some());
        if let (Some(_), false) = (matching.first(), is_table) {
            let mut methods: BTreeSet<&str> =
                matching.iter().flat_map(|p| p.methods.iter().map(String::as_str)).collect();
            methods.insert("OPTIONS");
            let allow = methods.into_iter().collect::<Vec<_>>().join(", ");
            if *request.method() == Method::OPTIONS {
                return Ok(Response::builder().status(StatusCode::NO_CONTENT).header(header::ALLOW, allow).finish());
            }
            return Err(Error::new(METHOD_NOT_ALLOWED, "This method is not for this path.").allow(allow));
        }
        let ctx = request.data::<Ctx>().cloned().ok_or_else(|| Error::internal("a request without a context"))?;
        // The admin listener is for staff alone: a guest there sees not even what is public.
        if self.audience == Audience::Admin && matches!(ctx.caller, Caller::Guest) {
            return Err(Error::unauthenticated());
        }
        records::respond(&ctx, request, &segments).await
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
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if is_read && let Some(answer) = self.system(&request, &path).await {
            RoutePattern::note(&request, &path);
            return Ok(answer?);
        }
        match segments(&path, prefix(self.audience)) {
            Some(segments) => Ok(self.api(request, segments).await?),
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
    let pattern = |(path, operations): (&String, &Json)| {
        let operations = operations.as_object().into_iter().flatten();
        let methods: Vec<(String, &Json)> = operations.map(|(name, op)| (name.to_ascii_uppercase(), op)).collect();
        Pattern {
            path: path.clone(),
            segments: path.trim_start_matches('/').split('/').map(str::to_owned).collect(),
            bodies: methods
                .iter()
                .filter_map(|(name, op)| Some((name.clone(), BodySchema::of(document, op)?)))
                .collect(),
            methods: methods.into_iter().map(|(name, _)| name).collect(),
        }
    };
    paths.iter().map(pattern).collect()
}
