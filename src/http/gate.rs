//! The gate of a listener: everything that happens to every request before and after its handler.
//!
//! In order: request id, size limits, who is calling, CSRF, rate limit, body, handler with time-out, errors as problems,
//! headers, one log line. Tokens, passwords and bodies are never logged.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::FutureExt;
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Body, Endpoint, IntoResponse, Request, Response};

use super::bodies::{Most, read_whole};
use super::client::{self, Credentials};
use super::rate::{Class, Key, Left, Rates};
use super::{cors, problem, transfer, uploads};
use crate::config::Config;
use crate::context::{Audience, Caller, Ctx, Platform};
use crate::kernel::error::{CSRF_FAILED, HEADERS_TOO_LARGE, UNAUTHENTICATED, UNAVAILABLE, URI_TOO_LONG};
use crate::kernel::{Error, Result};
use crate::modules::identity::{self, CookieNames, Identity};

/// The route pattern of a request, for the log: in the request's data, filled in by the routes as soon as it is known.
#[derive(Debug, Clone, Default)]
pub struct RoutePattern(Arc<OnceLock<String>>);

impl RoutePattern {
    /// Notes the pattern of this request; the first note counts.
    pub fn note(request: &Request, pattern: &str) {
        if let Some(cell) = request.data::<Self>() {
            cell.0.get_or_init(|| pattern.to_owned());
        }
    }
}

/// The gate around a listener's routes.
pub struct Gate<E> {
    /// What all requests share.
    pub platform: Arc<Platform>,
    /// Checks tokens.
    pub identity: Arc<Identity>,
    /// Which listener this is.
    pub audience: Audience,
    /// Rate limits; None when they are off.
    pub rates: Option<Arc<Rates>>,
    /// Routes behind the gate.
    pub inner: E,
}

/// Where sign-in routes are, below the prefix of the listener.
const AUTH_ROUTES: [&str; 13] = [
    "/auth/login",
    "/auth/signup",
    "/auth/refresh",
    "/auth/password",
    "/auth/setup",
    "/auth/email",
    "/auth/email/confirm",
    "/auth/email/undo",
    "/auth/confirm_email",
    "/auth/confirm_email/request",
    "/auth/forgot_password",
    "/auth/reset_password",
    "/auth/not_me",
];

/// Whether requests to `path` count as sign-ins.
pub fn is_auth_route(audience: Audience, path: &str) -> bool {
    path.strip_prefix(super::prefix(audience)).is_some_and(|rest| AUTH_ROUTES.contains(&rest))
}

/// Where a signed link alone says who is meant, below the prefix of the public listener. Cookies mean nothing there: a mail program has
/// none, and a browser must not be refused because its form has no CSRF token.
const LINK_ROUTES: [&str; 1] = ["/notifications/unsubscribe"];

/// Whether requests to `path` are for whoever has a signed link.
pub fn is_link_route(audience: Audience, path: &str) -> bool {
    audience == Audience::Public
        && path.strip_prefix(super::prefix(audience)).is_some_and(|rest| LINK_ROUTES.contains(&rest))
}

impl<E: Endpoint<Output = Response>> Endpoint for Gate<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let ids = || self.platform.ids.next(self.platform.clock.now()).to_string();
        let request_id = client::request_id(request.headers(), ids);
        let method = request.method().clone();
        let headers = request.headers().clone();
        let mut line = LogLine::new(&request_id, &method);
        let mut left = None;
        request.set_data(line.route.clone());
        let passing = self.pass(&mut request, &request_id, &mut line.caller, &mut left);
        let outcome = match AssertUnwindSafe(passing).catch_unwind().await {
            Ok(Ok(())) => self.handle(request).await,
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::internal("panic at the gate")),
        };
        let mut response = match outcome {
            Ok(response) => response,
            Err(error) => {
                log_cause(&error, &request_id);
                problem::respond(&error, &request_id)
            }
        };
        self.finish(&method, &headers, &request_id, left, &mut response);
        line.status = Some(response.status().as_u16());
        Ok(response)
    }
}

/// What the log says of an aborted request in place of a status; no answer has it.
const ABORTED: u16 = 499;

/// The log line of a request: written when the request is over, be it because its connection was reset.
struct LogLine {
    start: Instant,
    id: String,
    method: Method,
    route: RoutePattern,
    caller: String,
    /// None until there is an answer.
    status: Option<u16>,
}

impl LogLine {
    fn new(id: &str, method: &Method) -> Self {
        let route = RoutePattern::default();
        let (id, method, caller) = (id.to_owned(), method.clone(), "guest".to_owned());
        Self { start: Instant::now(), id, method, route, caller, status: None }
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        tracing::info!(
            id = %self.id,
            method = %self.method,
            route = self.route.0.get().map_or("-", String::as_str),
            status = self.status.unwrap_or(ABORTED),
            ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
            caller = self.caller,
            "{}",
            if self.status.is_some() { "request" } else { "aborted" }
        );
    }
}

fn log_cause(error: &Error, request_id: &str) {
    if error.entry().status >= 500 {
        tracing::error!(id = %request_id, error = error.entry().code, cause = error.cause().unwrap_or("-"), "failed");
    } else if let Some(cause) = error.cause() {
        tracing::debug!(id = %request_id, error = error.entry().code, cause, "refused");
    }
}

impl<E: Endpoint<Output = Response>> Gate<E> {
    fn config(&self) -> &Config {
        &self.platform.config
    }

    /// Everything before the handler; leaves a [`Ctx`] and a body of bounded size in the request.
    async fn pass(
        &self,
        request: &mut Request,
        request_id: &str,
        caller_name: &mut String,
        left: &mut Option<Left>,
    ) -> Result<()> {
        self.check_sizes(request)?;
        if cors::is_preflight(request.method(), request.headers()) {
            return Ok(());
        }
        let ip = client::address(request, &self.config().server.trusted_proxies);
        let is_auth_route = is_auth_route(self.audience, request.uri().path());
        // Counted by address first, so that guessing tokens is limited like any other guess.
        if let (Some(rates), true) = (&self.rates, is_auth_route && request.method() == Method::POST) {
            *left = Some(rates.check(Class::Auth, Key::address(ip))?);
        }
        // A page with many pictures asks for each by itself.
        if uploads::is_download(request.uri().path()) {
            self.count(left, Class::Download, Key::address(ip))?;
        }
        // A page is for everybody who reaches the listener; an ended cookie must not hide the sign-in screen.
        let is_page = !request.uri().path().starts_with("/api/");
        let caller = match self.authenticate(request, is_auth_route || is_page).await {
            Ok(caller) => caller,
            Err(error) => {
                self.count(&mut *left, Class::Guest, Key::address(ip))?;
                return Err(error);
            }
        };
        match &caller {
            Caller::Guest => self.count(left, Class::Guest, Key::address(ip))?,
            Caller::Signed(principal) => {
                *caller_name = principal.user.to_string();
                self.count(left, Class::Signed, Key::User(principal.user))?;
            }
        }
        let ctx = Ctx {
            platform: Arc::clone(&self.platform),
            caller,
            audience: self.audience,
            request_id: request_id.to_owned(),
            ip,
            user_agent: client::user_agent(request.headers()),
        };
        request.set_data(ctx);
        self.read_body(request).await
    }

    fn count(&self, left: &mut Option<Left>, class: Class, key: Key) -> Result<()> {
        match (&self.rates, self.audience) {
            // Data calls of administrators are not limited; their sign-in is.
            (Some(rates), Audience::Public) if left.is_none() => {
                *left = Some(rates.check(class, key)?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_sizes(&self, request: &Request) -> Result<()> {
        let limits = &self.config().limits;
        let uri_length = request.original_uri().path_and_query().map_or(0, |pq| pq.as_str().len());
        if uri_length as u64 > limits.uri_kb * 1024 {
            return Err(Error::new(URI_TOO_LONG, format!("At most {} KB.", limits.uri_kb)));
        }
        let header_length: usize =
            request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        if header_length as u64 > limits.header_kb * 1024 {
            return Err(Error::new(HEADERS_TOO_LARGE, format!("At most {} KB.", limits.header_kb)));
        }
        Ok(())
    }

    async fn authenticate(&self, request: &Request, is_for_guests: bool) -> Result<Caller> {
        let cookies = CookieNames::of(self.audience);
        let headers = request.headers();
        match client::credentials(headers, cookies.access) {
            Credentials::None => Ok(Caller::Guest),
            Credentials::Cookie(_) if is_link_route(self.audience, request.uri().path()) => Ok(Caller::Guest),
            Credentials::Broken => Err(Error::new(UNAUTHENTICATED, "Authorization must be: Bearer <access token>.")),
            Credentials::Bearer(token) => {
                identity::authenticate(&self.identity, &self.platform, self.audience, &token).await.map(Caller::Signed)
            }
            Credentials::Cookie(token) => {
                let found = identity::authenticate(&self.identity, &self.platform, self.audience, &token).await;
                match found {
                    Ok(principal) => {
                        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
                        let shown =
                            headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
                        if !is_safe && !self.identity.verify_csrf(principal.session_id, shown) {
                            return Err(Error::new(CSRF_FAILED, "Send the CSRF cookie's value in X-CSRF-Token."));
                        }
                        Ok(Caller::Signed(principal))
                    }
                    // A browser keeps sending an ended cookie; it must still be able to sign in again.
                    Err(_) if is_for_guests => Ok(Caller::Guest),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Reads the whole body within the limits of size and time. A file to import or to keep is left to its handler, which asks
    /// first who sends it.
    async fn read_body(&self, request: &mut Request) -> Result<()> {
        if transfer::is_import(self.audience, request) || uploads::is_upload(self.audience, request) {
            return Ok(());
        }
        let limits = &self.config().limits;
        let most = Most { bytes: limits.body_kb * 1024, words: format!("A body has at most {} KB.", limits.body_kb) };
        let bytes = read_whole(request, &most, Duration::from_secs(limits.request_timeout_s)).await?;
        request.set_body(Body::from(bytes));
        Ok(())
    }

    async fn handle(&self, request: Request) -> Result<Response> {
        if cors::is_preflight(request.method(), request.headers()) {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let limits = &self.config().limits;
        // An import and an upload end by themselves when their own time is over.
        let own_s = if transfer::is_import(self.audience, &request) {
            limits.import_timeout_s
        } else if uploads::is_upload(self.audience, &request) {
            self.config().files.upload_timeout_s
        } else {
            0
        };
        let time_out = Duration::from_secs(limits.request_timeout_s + own_s);
        let handling = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        match tokio::time::timeout(time_out, handling).await {
            Err(_) => Err(Error::new(UNAVAILABLE, "The request took too long.").retry_after(1)),
            Ok(Err(_)) => Err(Error::internal("a handler panicked")),
            Ok(Ok(Ok(response))) => Ok(response),
            Ok(Ok(Err(error))) => problem::translate(error).map_or_else(|response| Ok(*response), Err),
        }
    }

    fn finish(&self, method: &Method, request: &HeaderMap, id: &str, left: Option<Left>, response: &mut Response) {
        if method == Method::HEAD {
            response.take_body();
        }
        let headers = response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(id) {
            headers.insert("x-request-id", value);
        }
        if let Some(left) = left {
            left.write(headers);
        }
        let origins = match self.audience {
            Audience::Public => &self.config().public.cors_origins,
            Audience::Admin => &self.config().admin.cors_origins,
        };
        cors::apply(request, method, origins, headers);
        for (name, value) in SECURITY_HEADERS {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        // What is the same for everybody says so.
        if !uploads::is_for_everybody(headers) {
            headers.append(header::VARY, HeaderValue::from_static("authorization, cookie"));
        }
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
}

/// Headers of every answer; pages set their own Content-Security-Policy.
const SECURITY_HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
];
