//! Who sent the request: address behind trusted proxies, token, program.

use std::net::IpAddr;

use ipnet::IpNet;
use poem::Request;
use poem::http::{HeaderMap, header};

/// Longest user agent that is kept.
const USER_AGENT_LENGTH_MAX: usize = 300;

/// The client's address: the peer's, or what trusted proxies say it is.
pub fn address(request: &Request, trusted: &[IpNet]) -> Option<IpAddr> {
    // An IPv4 client of a dual-stack socket is an IPv4 client.
    let peer = request.remote_addr().as_socket_addr()?.ip().to_canonical();
    let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    if !is_trusted(&peer) {
        return Some(peer);
    }
    let forwarded = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<IpAddr> = forwarded
        .flat_map(|text| text.split(','))
        .filter_map(|ip| ip.trim().parse().ok())
        .map(|ip: IpAddr| ip.to_canonical())
        .collect();
    // The nearest hop that is not one of our proxies; what lies before it may be invented.
    Some(hops.iter().rev().find(|ip| !is_trusted(ip)).copied().unwrap_or(peer))
}

/// The client program's own words about itself, cut to a sensible length.
pub fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(USER_AGENT_LENGTH_MAX).collect())
}

/// How a request says who it is.
#[derive(Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Not at all.
    None,
    /// A bearer token.
    Bearer(String),
    /// A cookie; unsafe methods must show the CSRF token too.
    Cookie(String),
    /// An Authorization header that is not one.
    Broken,
}

/// The request's credentials; a bearer header goes before a cookie.
pub fn credentials(headers: &HeaderMap, cookie_name: &str) -> Credentials {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(|text| {
            let (scheme, token) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        return token.filter(|token| !token.is_empty()).map_or(Credentials::Broken, Credentials::Bearer);
    }
    cookie(headers, cookie_name).map_or(Credentials::None, Credentials::Cookie)
}

/// The value of a cookie.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    pairs.flat_map(|text| text.split(';')).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The caller's own id for the request if it is usable, else a new one.
pub fn request_id(headers: &HeaderMap, fresh: impl FnOnce() -> String) -> String {
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    let is_usable =
        |id: &&str| !id.is_empty() && id.len() <= 100 && id.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
    given.filter(is_usable).map_or_else(fresh, str::to_owned)
}
