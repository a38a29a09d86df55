//! From which pages a browser's cookie may open a WebSocket: browsers send it along from any page and let every page read the
//! answers, so here the server has to ask who it is. (For other requests CORS and the CSRF token do that.)

use poem::http::{HeaderMap, header};

use crate::kernel::error::FORBIDDEN;
use crate::kernel::{Error, Result};

/// Refuses a page of another origin than this server's own, or those of the settings. What is no browser sends no Origin.
pub fn check(headers: &HeaderMap, allowed: &[String], base_url: &str) -> Result<()> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_own = |own: &str| origin.split_once("://").is_some_and(|(_, of_page)| of_page.eq_ignore_ascii_case(own));
    let base = base_url.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    let is_allowed = allowed.iter().any(|one| one == origin) || [host, base].into_iter().flatten().any(is_own);
    if is_allowed {
        return Ok(());
    }
    Err(Error::new(FORBIDDEN, "This page may not use the cookie of a sign-in here; send the access token instead."))
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn is_allowed(origin: Option<&str>, host: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).expect("a value"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).expect("a value"));
        }
        check(&headers, &["*".into(), "https://app.example".into()], "https://api.shop.example/x").is_ok()
    }

    #[test]
    fn cookies_count_from_our_own_pages_only() {
        for (origin, host) in [
            (None, "localhost:3000"),
            (Some("http://localhost:3000"), "localhost:3000"),
            (Some("https://app.example"), "localhost:3000"),
            (Some("https://api.shop.example"), "10.0.0.7:3000"),
        ] {
            assert!(is_allowed(origin, host), "{origin:?}");
        }
        for origin in
            ["http://localhost:3001", "https://evil.example", "null", "https://app.example.evil", "localhost:3000"]
        {
            assert!(!is_allowed(Some(origin), "localhost:3000"), "{origin}");
        }
    }
}
