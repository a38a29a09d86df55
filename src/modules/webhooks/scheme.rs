//! How those who send us webhooks sign them. A further way, such as that of a payment provider, is an implementation and a line in
//! the list.

use chrono::Duration;

use super::signature::Secret;
use crate::kernel::Result as Outcome;
use crate::kernel::time::Instant;

/// How far the time of a message may be from ours, either way: after that somebody may have kept it.
const TOLERANCE: Duration = Duration::minutes(5);
/// Characters of a message's id at most.
pub const ID_MAX: usize = 255;

/// What was sent to us.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Headers, names in lower case.
    pub headers: &'a [(String, String)],
    /// The body as it came.
    pub body: &'a [u8],
}

impl Message<'_> {
    /// The header of that name; None when it is missing or there is more than one.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        found.next().filter(|_| found.next().is_none())
    }
}

/// Why a message is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It is not of the form that the scheme has; in words for the sender.
    Malformed(&'static str),
    /// Its signature is wrong, or its time is too far from ours.
    Unverified,
}

/// A way to sign.
pub trait Scheme: Send + Sync {
    /// Its name in rows.
    fn name(&self) -> &'static str;

    /// A new secret, for senders who are given one.
    fn make_secret(&self) -> Outcome<String>;

    /// What is wrong with a secret that the sender gave us.
    fn refuses_secret(&self, secret: &str) -> Option<&'static str>;

    /// What the sender calls the message, if it was signed with `secret` and is of the time `now`. Compares in constant time.
    fn verify(&self, secret: &str, message: Message<'_>, now: Instant) -> Result<String, Refused>;
}

/// All ways.
const SCHEMES: [&dyn Scheme; 1] = [&Standard];

/// The scheme of that name.
pub fn named(name: &str) -> Option<&'static dyn Scheme> {
    SCHEMES.into_iter().find(|scheme| scheme.name() == name)
}

/// The names of all schemes.
pub fn names() -> Vec<&'static str> {
    SCHEMES.iter().map(|scheme| scheme.name()).collect()
}

/// The Standard Webhooks specification.
struct Standard;

impl Scheme for Standard {
    fn name(&self) -> &'static str {
        "standard"
    }

    fn make_secret(&self) -> Outcome<String> {
        Ok(Secret::make()?.reveal().to_owned())
    }

    fn refuses_secret(&self, secret: &str) -> Option<&'static str> {
        Secret::parse(secret).is_none().then_some("must be whsec_ and 24 to 64 bytes in base64")
    }

    fn verify(&self, secret: &str, message: Message<'_>, now: Instant) -> Result<String, Refused> {
        let header = |name: &str, words: &'static str| message.header(name).ok_or(Refused::Malformed(words));
        let id = header("webhook-id", "The header webhook-id is missing.")?;
        let time = header("webhook-timestamp", "The header webhook-timestamp is missing.")?;
        let signatures = header("webhook-signature", "The header webhook-signature is missing.")?;
        if id.is_empty() || id.len() > ID_MAX {
            return Err(Refused::Malformed("The header webhook-id has 1 to 255 characters."));
        }
        let words = "The header webhook-timestamp has seconds since 1970.";
        let timestamp: i64 = time.parse().map_err(|_| Refused::Malformed(words))?;
        let secret = Secret::parse(secret).ok_or(Refused::Unverified)?;
        let is_signed = secret.verify(id, timestamp, message.body, signatures);
        let is_timely = now.timestamp().abs_diff(timestamp) <= TOLERANCE.num_seconds().unsigned_abs();
        if is_signed && is_timely { Ok(id.to_owned()) } else { Err(Refused::Unverified) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"type":"charge.paid"}"#;

    fn now() -> Instant {
        chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a time")
    }

    fn verify(secret: &Secret, headers: &[(&str, &str)], body: &[u8]) -> Result<String, Refused> {
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Standard.verify(secret.reveal(), Message { headers: &headers, body }, now())
    }

    #[test]
    fn a_message_of_now_with_the_right_signature_is_taken() {
        let secret = Secret::make().expect("made");
        for (seconds, expected) in [(0, true), (-300, true), (300, true), (-301, false), (301, false)] {
            let at = now() + Duration::seconds(seconds);
            let (time, signature) = (at.timestamp().to_string(), secret.sign("msg_1", at, BODY));
            let headers = [
                ("webhook-id", "msg_1"),
                ("webhook-timestamp", time.as_str()),
                ("webhook-signature", signature.as_str()),
            ];
            let outcome = verify(&secret, &headers, BODY);
            assert_eq!(outcome, if expected { Ok("msg_1".to_owned()) } else { Err(Refused::Unverified) }, "{seconds}");
            assert_eq!(verify(&secret, &headers, b"{}"), Err(Refused::Unverified));
            assert_eq!(verify(&Secret::make().expect("made"), &headers, BODY), Err(Refused::Unverified));
            for at in 0..3 {
                let mut fewer = headers.to_vec();
                fewer.remove(at);
                assert!(matches!(verify(&secret, &fewer, BODY), Err(Refused::Malformed(_))));
                let twice: Vec<_> = headers.iter().copied().chain([headers[at]]).collect();
                assert!(matches!(verify(&secret, &twice, BODY), Err(Refused::Malformed(_))), "which one counts?");
            }
        }
    }

    #[test]
    fn a_time_far_away_is_no_time() {
        let secret = Secret::make().expect("made");
        for time in ["", "soon", "99999999999999999999", &i64::MIN.to_string(), &i64::MAX.to_string()] {
            let headers = [("webhook-id", "msg_1"), ("webhook-timestamp", time), ("webhook-signature", "v1,AAAA")];
            assert!(verify(&secret, &headers, BODY).is_err(), "{time}");
        }
    }
}
