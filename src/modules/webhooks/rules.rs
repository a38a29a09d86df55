//! What endpoints and sources must be, and what is done with a delivery. Pure: values in, decision out.

use chrono::Duration;
use url::Url;

use super::model::{Delivery, Endpoint, EndpointState};
use super::scheme;
use crate::kernel::error::{CONFLICT, RULE_VIOLATED};
use crate::kernel::time::Instant;
use crate::kernel::{Error, FieldError, Result};

/// Endpoints of an installation at most.
pub const ENDPOINTS_MAX: usize = 100;
/// Characters of an address at most.
pub const URL_MAX: usize = 2000;
/// Patterns of an endpoint at most.
pub const PATTERNS_MAX: usize = 50;
/// Characters of a description at most.
pub const DESCRIPTION_MAX: usize = 500;
/// Characters of the name of a source at most.
pub const NAME_MAX: usize = 100;
/// Characters of a word in the name of an event, and of the key of a source, at most.
pub const WORD_MAX: usize = 63;
/// How long the secret before a rotation signs as well.
pub const ROTATION: Duration = Duration::hours(24);

/// Collects what is wrong with an input.
#[derive(Debug, Default)]
pub struct Problems(Vec<FieldError>);

impl Problems {
    /// Nothing is wrong, or all that is.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::invalid(self.0)) }
    }

    fn add(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.0.push(FieldError::new(pointer, code, message));
    }

    /// An address, by what else `refuses` it.
    pub fn check_url(&mut self, text: &str, refuses: impl Fn(&Url) -> Option<&'static str>) {
        if text.chars().count() > URL_MAX {
            return self.add("/url", "length", format!("must have at most {URL_MAX} characters"));
        }
        let Ok(url) = Url::parse(text) else {
            return self.add("/url", "format", "must be an address such as https://shop.example/hooks");
        };
        if let Some(reason) = refuses(&url) {
            self.add("/url", "rule", format!("may not be called: {reason}"));
        } else if !url.username().is_empty() || url.password().is_some() {
            self.add("/url", "format", "must not hold a user or password");
        } else if url.fragment().is_some() {
            self.add("/url", "format", "must not hold a fragment (#)");
        }
    }

    /// Patterns of events.
    pub fn check_events(&mut self, patterns: &[String]) {
        if patterns.is_empty() || patterns.len() > PATTERNS_MAX {
            self.add("/events", "length", format!("must be 1 to {PATTERNS_MAX} patterns"));
        }
        for (at, _) in patterns.iter().enumerate().filter(|(_, pattern)| !is_pattern(pattern)) {
            self.add(format!("/events/{at}"), "format", "must be the name of an event, domain.* or *");
        }
    }

    /// What an endpoint is for.
    pub fn check_description(&mut self, text: &str) {
        self.check_words("/description", text, 0, DESCRIPTION_MAX);
    }

    /// The name of a source.
    pub fn check_name(&mut self, text: &str) {
        self.check_words("/name", text, 1, NAME_MAX);
    }

    fn check_words(&mut self, pointer: &str, text: &str, least: usize, most: usize) {
        let count = text.trim().chars().count();
        if count < least || text.chars().count() > most {
            self.add(pointer, "length", format!("must have {least} to {most} characters"));
        } else if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            self.add(pointer, "format", "must not hold control characters");
        }
    }

    /// The key of a source.
    pub fn check_key(&mut self, key: &str) {
        if !is_word(key) {
            self.add("/id", "format", "must be of lower-case letters, digits and _, and begin with a letter");
        }
    }

    /// The scheme of a source, and its secret if there is one.
    pub fn check_scheme(&mut self, name: &str, secret: Option<&str>) {
        match scheme::named(name) {
            None => self.add("/scheme", "enum", format!("must be one of {}", scheme::names().join(", "))),
            Some(scheme) => {
                if let Some(words) = secret.and_then(|secret| scheme.refuses_secret(secret)) {
                    self.add("/secret", "format", words);
                }
            }
        }
    }
}

fn is_word(text: &str) -> bool {
    text.len() <= WORD_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_pattern(text: &str) -> bool {
    text == "*" || text.split_once('.').is_some_and(|(domain, rest)| is_word(domain) && (rest == "*" || is_word(rest)))
}

/// Fails when there is no room for another endpoint.
pub fn check_room(count: usize) -> Result<()> {
    if count < ENDPOINTS_MAX {
        return Ok(());
    }
    Err(Error::new(RULE_VIOLATED, format!("There are {ENDPOINTS_MAX} endpoints already; delete one first.")))
}

/// Fails when an endpoint is not in the state that something needs. `what` completes "Only … endpoint".
pub fn require_state(endpoint: &Endpoint, state: EndpointState, what: &str) -> Result<()> {
    if endpoint.state == state {
        return Ok(());
    }
    Err(Error::new(CONFLICT, format!("Only {what}; this one is {}.", endpoint.state.as_str())))
}

/// What is done with a delivery whose turn has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Plan {
    /// It is sent.
    Send,
    /// It is held back.
    Hold,
    /// Nobody is to be told any more; why.
    Drop(&'static str),
}

/// What is done with a delivery to an endpoint, if it is still there. A test is sent whatever its state.
pub fn plan(delivery: &Delivery, endpoint: Option<&Endpoint>) -> Plan {
    match endpoint.map(|endpoint| endpoint.state) {
        None => Plan::Drop("The endpoint was deleted."),
        Some(_) if delivery.is_test() => Plan::Send,
        Some(EndpointState::Active) => Plan::Send,
        Some(EndpointState::Paused) => Plan::Hold,
        Some(EndpointState::Disabled) => Plan::Drop("The endpoint is disabled."),
    }
}

/// What a status means.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has arrived.
    Arrived,
    /// Try again; why.
    Failed(String),
    /// The endpoint wants no more (410).
    Gone,
}

/// What a status means: success is 2xx, anything else is a failure, also a redirect, which is not followed.
pub fn judge(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Arrived,
        410 => Verdict::Gone,
        300..=399 => Verdict::Failed(format!("It answered {status}; redirects are not followed.")),
        _ => Verdict::Failed(format!("It answered {status}.")),
    }
}

/// Why an endpoint is disabled after another failure at `now`, if it is.
pub fn disabling(failing_since: Instant, now: Instant, days: u64) -> Option<String> {
    let most = Duration::try_days(i64::try_from(days).unwrap_or(i64::MAX)).unwrap_or(Duration::MAX);
    (now - failing_since >= most).then(|| format!("Nothing but failures for {days} days."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(problems: Problems) -> Vec<String> {
        let refused = problems.finish().err();
        refused.iter().flat_map(Error::fields).map(|field| format!("{} {}", field.pointer, field.code)).collect()
    }

    fn of_url(text: &str) -> Vec<String> {
        let mut problems = Problems::default();
        problems.check_url(text, |url| (url.scheme() != "https").then_some("no"));
        fields(problems)
    }

    #[test]
    fn addresses_are_whole_and_hold_no_credentials() {
        assert!(of_url("https://shop.example/hooks?shop=1").is_empty());
        for (text, expected) in [
            ("shop.example", "/url format"),
            ("/hooks", "/url format"),
            ("http://shop.example", "/url rule"),
            ("https://user@shop.example", "/url format"),
            ("https://user:word@shop.example", "/url format"),
            ("https://shop.example/#part", "/url format"),
            (&format!("https://shop.example/{}", "x".repeat(URL_MAX)), "/url length"),
        ] {
            assert_eq!(of_url(text), [expected], "{text}");
        }
    }

    #[test]
    fn patterns_are_names_domains_or_all() {
        let of = |patterns: &[&str]| {
            let mut problems = Problems::default();
            problems.check_events(&patterns.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
            fields(problems)
        };
        assert!(of(&["*", "user.*", "user.registered", "pets2.created"]).is_empty());
        assert_eq!(of(&["", "user", "user.", "*.created", "u*", "user.reg*", "A.b"]).len(), 7);
        assert_eq!(of(&[]), ["/events length"]);
        assert_eq!(of(&["*"; PATTERNS_MAX + 1]), ["/events length"]);
    }

    #[test]
    fn sources_have_a_key_a_name_a_scheme_and_a_secret() {
        let mut problems = Problems::default();
        problems.check_key("Stripe!");
        problems.check_name("  ");
        problems.check_scheme("other", None);
        problems.check_scheme("standard", Some("whsec_short"));
        assert_eq!(fields(problems), ["/id format", "/name length", "/scheme enum", "/secret format"]);
        let mut problems = Problems::default();
        problems.check_key("stripe_2");
        problems.check_name("Stripe");
        problems.check_scheme("standard", None);
        assert!(fields(problems).is_empty());
    }

    #[test]
    fn what_a_status_means() {
        assert_eq!(judge(204), Verdict::Arrived);
        assert_eq!(judge(410), Verdict::Gone);
        for status in [302, 307, 400, 404, 429, 500, 199, 600] {
            assert!(matches!(judge(status), Verdict::Failed(_)), "{status}");
        }
    }

    #[test]
    fn days_of_nothing_but_failures_disable() {
        let since = chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        assert_eq!(disabling(since, since + Duration::days(5) - Duration::seconds(1), 5), None);
        assert!(disabling(since, since + Duration::days(5), 5).is_some());
    }
}
