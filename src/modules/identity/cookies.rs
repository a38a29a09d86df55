//! The cookies by which browsers carry their tokens.
//!
//! Deliberately elsewhere: reading the access cookie and demanding the CSRF token of every request that uses it (http).

use std::time::Duration;

use poem::Request;
use poem::http::header::COOKIE;
use poem::web::cookie::{Cookie, SameSite};

use super::Identity;
use super::model::Grant;
use crate::context::Audience;

/// The names of an audience's cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CookieNames {
    /// Access token; HttpOnly.
    pub access: &'static str,
    /// Refresh token; HttpOnly, sent to the auth routes only.
    pub refresh: &'static str,
    /// CSRF token; readable, to be sent back in `X-CSRF-Token`.
    pub csrf: &'static str,
    /// Path of the auth routes.
    pub auth_path: &'static str,
}

/// Cookies of the public listener.
pub const PUBLIC_COOKIES: CookieNames = CookieNames {
    access: "pawbase_access",
    refresh: "pawbase_refresh",
    csrf: "pawbase_csrf",
    auth_path: "/api/v1/auth",
};
/// Cookies of the admin listener.
pub const ADMIN_COOKIES: CookieNames = CookieNames {
    access: "pawbase_admin_access",
    refresh: "pawbase_admin_refresh",
    csrf: "pawbase_admin_csrf",
    auth_path: "/api/admin/auth",
};

impl CookieNames {
    /// The names on the listener of `audience`.
    pub fn of(audience: Audience) -> Self {
        match audience {
            Audience::Public => PUBLIC_COOKIES,
            Audience::Admin => ADMIN_COOKIES,
        }
    }
}

/// The value of the cookie `name` in a request.
pub fn cookie_value<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let values = request.headers().get_all(COOKIE).into_iter().filter_map(|header| header.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value.trim_matches('"'))
}

/// `Set-Cookie` values that hand out the tokens of a grant.
pub fn cookies_of(identity: &Identity, grant: &Grant) -> Vec<String> {
    let names = CookieNames::of(grant.audience);
    let (short, long) = (identity.access_lifetime(), identity.refresh_lifetime());
    let csrf = identity.csrf_token(grant.session);
    [
        (cookie(names.access, &grant.access, "/", short), true, SameSite::Lax),
        (cookie(names.refresh, grant.refresh.as_str(), names.auth_path, long), true, SameSite::Strict),
        (cookie(names.csrf, &csrf, "/", long), false, SameSite::Lax),
    ]
    .map(|(cookie, is_hidden, same_site)| finished(identity, cookie, is_hidden, same_site))
    .to_vec()
}

/// `Set-Cookie` values that take all tokens back.
pub fn cleared_cookies(identity: &Identity, audience: Audience) -> Vec<String> {
    let names = CookieNames::of(audience);
    [
        (names.access, "/", true, SameSite::Lax),
        (names.refresh, names.auth_path, true, SameSite::Strict),
        (names.csrf, "/", false, SameSite::Lax),
    ]
    .map(|(name, path, is_hidden, same_site)| {
        finished(identity, cookie(name, "", path, Duration::ZERO), is_hidden, same_site)
    })
    .to_vec()
}

fn cookie(name: &str, value: &str, path: &str, lifetime: Duration) -> Cookie {
    let mut cookie = Cookie::new_with_str(name, value);
    cookie.set_path(path);
    cookie.set_max_age(lifetime);
    cookie
}

fn finished(identity: &Identity, mut cookie: Cookie, is_hidden: bool, same_site: SameSite) -> String {
    cookie.set_http_only(is_hidden);
    cookie.set_same_site(same_site);
    cookie.set_secure(identity.settings().secure_cookies);
    cookie.to_string()
}
