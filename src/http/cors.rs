//! Which other origins may call: exact matches against the settings, nothing reflected blindly.

use poem::http::{HeaderMap, HeaderValue, Method, header};

/// Methods and headers that browsers may use.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
const HEADERS: &str = "authorization, content-type, idempotency-key, if-match, if-none-match, if-range, range, x-csrf-token, x-request-id";
const EXPOSED: &str = "accept-ranges, content-disposition, content-range, etag, location, x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset";
/// Seconds that a browser remembers a preflight.
const MAX_AGE_S: &str = "600";

/// Adds the CORS headers for a request with these headers.
pub fn apply(request: &HeaderMap, method: &Method, origins: &[String], response: &mut HeaderMap) {
    let Some(origin) = request.get(header::ORIGIN) else { return };
    response.append(header::VARY, HeaderValue::from_static("origin"));
    let is_named = origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
    if is_named {
        response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    } else if origins.iter().any(|allowed| allowed == "*") {
        response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        return;
    }
    response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
    if method == Method::OPTIONS {
        response.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        response.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
        response.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_S));
    }
}

/// Whether the request is a CORS preflight.
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}
