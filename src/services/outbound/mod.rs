//! Calls to other people's servers: bounded in time and size, and never to an address of this house unless the settings allow it.
//!
//! **Invariant:** no connection is opened to an address that the guard does not permit. An address in the URL is judged before the call
//! (the HTTP library asks nobody about those), a name each time that it is resolved for a connection; there are no redirects and no
//! proxies, so there is no other way. Deliberately elsewhere: what is sent and what follows from the answer (modules).

mod guard;
mod names;

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use url::{Host, Url};

pub use self::guard::Guard;
use self::names::{Closed, Names};
use crate::config::WebhookSettings;
use crate::kernel::{Error, Result};

/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of an answer is read.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// How much of an answer is kept, in characters.
const START_CHARS: usize = 1000;
/// Longest wait that an answer may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// Who we say we are.
pub const AGENT: &str = concat!("Pawbase/", env!("CARGO_PKG_VERSION"));

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// How long it asks to wait.
    pub retry_after: Option<Duration>,
    /// How its body began, as text that can be shown.
    pub start: String,
}

/// A call that has ended.
#[derive(Debug)]
pub struct Sent {
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// What came back, or why nothing did, in words for staff.
    pub outcome: std::result::Result<Answer, String>,
}

/// Calls other people's servers.
#[derive(Debug, Clone)]
pub struct Outbound {
    http: reqwest::Client,
    guard: Arc<Guard>,
    is_http_allowed: bool,
    timeout: Duration,
}

impl Outbound {
    /// As the settings of `[webhooks]` say.
    pub fn new(settings: &WebhookSettings) -> Result<Self> {
        let guard = Arc::new(Guard::new(&settings.allow_private));
        let timeout = Duration::from_secs(settings.timeout_s);
        let http = reqwest::Client::builder()
            .dns_resolver(Arc::new(Names::new(Arc::clone(&guard))))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .https_only(!settings.allow_http)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(Error::internal)?;
        Ok(Self { http, guard, is_http_allowed: settings.allow_http, timeout })
    }

    /// Why `url` may not be called, as far as it can be told without asking what its name leads to.
    pub fn refuses(&self, url: &Url) -> Option<&'static str> {
        refuses(&self.guard, self.is_http_allowed, url)
    }

    /// Sends `body` to `url`.
    pub async fn post(&self, url: &Url, headers: &[(&'static str, String)], body: Vec<u8>) -> Sent {
        let begun = Instant::now();
        let outcome = match self.refuses(url) {
            Some(reason) => Err(format!("It may not be called: {reason}.")),
            None => self.call(url, headers, body).await,
        };
        Sent { ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX), outcome }
    }

    async fn call(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> std::result::Result<Answer, String> {
        let mut map = HeaderMap::new();
        map.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|_| format!("The header {name} cannot be sent."))?;
            map.insert(HeaderName::from_static(name), value);
        }
        let sent = self.http.post(url.clone()).headers(map).body(body).send().await;
        let response = sent.map_err(|error| self.explain(&error))?;
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        Ok(Answer { status, retry_after, start: start(response).await })
    }

    /// Why a call failed, in words for staff.
    fn explain(&self, error: &reqwest::Error) -> String {
        let mut cause = error.source();
        let mut last = String::new();
        while let Some(inner) = cause {
            if inner.is::<Closed>() {
                return "It may not be called: the name leads to no public address.".to_owned();
            }
            last = inner.to_string();
            cause = inner.source();
        }
        let last = shown(&last);
        match error {
            _ if error.is_connect() && error.is_timeout() => {
                format!("No connection within {} seconds.", CONNECT_TIMEOUT.as_secs())
            }
            _ if error.is_timeout() => format!("No answer within {} seconds.", self.timeout.as_secs()),
            _ if error.is_connect() => format!("No connection: {last}."),
            _ => format!("No answer: {last}."),
        }
    }
}

/// Why `url` may not be called, as far as it can be told without asking what its name leads to.
pub fn refuses(guard: &Guard, is_http_allowed: bool, url: &Url) -> Option<&'static str> {
    let is_permitted = match url.host() {
        Some(Host::Ipv4(address)) => guard.permits(address.into()),
        Some(Host::Ipv6(address)) => guard.permits(address.into()),
        Some(Host::Domain(_)) => true,
        None => return Some("it has no host"),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_http_allowed => {}
        "http" => return Some("it must begin with https://"),
        _ => return Some("it is no web address"),
    }
    (!is_permitted).then_some("the address is not public")
}

/// The wait that an answer asks for; a date (RFC 9110 allows one) counts as none.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// How a body begins; what breaks off or is too long is no failure, since the status has arrived.
async fn start(mut response: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES_MAX
        && let Ok(Some(part)) = response.chunk().await
    {
        let room = ANSWER_BYTES_MAX - bytes.len();
        bytes.extend_from_slice(&part[..part.len().min(room)]);
    }
    shown(&String::from_utf8_lossy(&bytes))
}

/// The beginning of a text, without what could disturb whoever reads it.
fn shown(text: &str) -> String {
    let is_plain = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars().filter(is_plain).take(START_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_the_url_is_judged_in_all_its_spellings() {
        for text in [
            "https://127.0.0.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://[::ffff:10.0.0.1]:8443/x",
            "https://169.254.169.254/latest/meta-data",
            "https://[::1]/",
            "https://017700000001/",
        ] {
            let url = Url::parse(text).expect(text);
            assert_eq!(refuses(&Guard::default(), true, &url), Some("the address is not public"), "{text}");
        }
        for (text, is_http_allowed, expected) in [
            ("https://shop.example/hook", false, None),
            ("http://shop.example/hook", true, None),
            ("http://shop.example/hook", false, Some("it must begin with https://")),
            ("ftp://shop.example/", true, Some("it is no web address")),
            ("https://1.1.1.1/", false, None),
        ] {
            let url = Url::parse(text).expect(text);
            assert_eq!(refuses(&Guard::default(), is_http_allowed, &url), expected, "{text}");
        }
    }

    #[test]
    fn what_is_shown_is_short_and_without_control_characters() {
        assert_eq!(shown("a\u{0}b\u{1b}[31m\r\nc\td"), "ab[31m\nc\td");
        assert_eq!(shown(&"x".repeat(5000)).len(), START_CHARS);
    }

    #[test]
    fn a_wait_is_read_and_bounded() {
        let of =
            |text: &'static str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]));
        assert_eq!(of("120"), Some(Duration::from_secs(120)));
        assert_eq!(of("99999999"), Some(RETRY_AFTER_MAX));
        assert_eq!(of("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }
}
