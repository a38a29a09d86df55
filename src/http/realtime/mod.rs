//! Changes as they happen, over HTTP: `/realtime` is a WebSocket, `/realtime/sse` an event stream. What they mean is in `realtime`.
//!
//! Deliberately elsewhere: who gets what (realtime), and the document of the protocol.

mod desk;
mod origin;
mod socket;
mod stream;

use std::sync::Arc;

use poem::http::{HeaderMap, Method, header};
use poem::{Request, Response};

use super::client::{self, Credentials};
use super::gate::RoutePattern;
use super::routes::{not_allowed, options};
use crate::context::{Audience, Caller, Ctx};
use crate::kernel::{Error, Result};
use crate::modules::identity::CookieNames;
use crate::realtime::{Hub, Origin, frames::Wire};

pub use self::desk::ModulesDesk;

/// What both ways answer.
const METHODS: &str = "OPTIONS, GET";
/// A WebSocket's protocol, which it may name; what follows it in another is an access token, since browsers cannot set
/// headers.
const PROTOCOL: &str = "pawbase";
const BEARER_PROTOCOL: &str = "pawbase.bearer.";

/// The way that is at a path below the listener's prefix, if any.
pub fn wire_at(segments: &[String]) -> Option<Wire> {
    match segments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["realtime"] => Some(Wire::Socket),
        ["realtime", "sse"] => Some(Wire::Stream),
        _ => None,
    }
}

/// Answers a request for a way of being told of changes.
pub async fn respond(hub: &Arc<Hub>, wire: Wire, request: &Request) -> Result<Response> {
    RoutePattern::note(request, if wire == Wire::Socket { "/realtime" } else { "/realtime/sse" });
    match *request.method() {
        Method::GET => {}
        Method::OPTIONS => return Ok(options(METHODS)),
        _ => return Err(not_allowed(METHODS)),
    }
    let ctx = request.data::<Ctx>().ok_or_else(|| Error::internal("a request without a context"))?;
    let token = token(ctx, request.headers())?;
    let origin = Origin {
        audience: ctx.audience,
        wire,
        request_id: ctx.request_id.clone(),
        ip: ctx.ip,
        user_agent: ctx.user_agent.clone(),
    };
    match wire {
        Wire::Socket => socket::open(hub, origin, token.as_deref(), request).await,
        Wire::Stream => stream::open(hub, origin, token.as_deref(), request).await,
    }
}

/// The access token of a request that the gate has let pass. A cookie counts only for pages that may use it.
fn token(ctx: &Ctx, headers: &HeaderMap) -> Result<Option<String>> {
    match client::credentials(headers, CookieNames::of(ctx.audience).access) {
        Credentials::Bearer(token) => Ok(Some(token)),
        Credentials::Cookie(token) if matches!(ctx.caller, Caller::Signed(_)) => {
            let config = &ctx.platform.config;
            let (origins, base_url) = match ctx.audience {
                Audience::Public => (&config.public.cors_origins, &config.public.base_url),
                Audience::Admin => (&config.admin.cors_origins, &config.admin.base_url),
            };
            origin::check(headers, origins, base_url)?;
            Ok(Some(token))
        }
        _ => Ok(protocols(headers).find_map(|name| name.strip_prefix(BEARER_PROTOCOL)).map(str::to_owned)),
    }
}

/// The protocols that a WebSocket's client offers.
fn protocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}
