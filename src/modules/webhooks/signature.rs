//! Secrets and signatures of the Standard Webhooks specification (1.0.0), symmetric: HMAC-SHA256 over id, time and body.
//! Pure but for the making of a secret.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::services::keys::random_text;

/// Begins every secret.
const PREFIX: &str = "whsec_";
/// Begins every signature of this kind.
const VERSION: &str = "v1";
/// Bytes of a new secret.
const SECRET_BYTES: usize = 32;
/// Bytes that a secret may have: 192 to 512 bits, as the specification says.
const SECRET_BYTES_RANGE: std::ops::RangeInclusive<usize> = 24..=64;
/// Signatures of one message that are looked at.
const SIGNATURES_MAX: usize = 20;

/// The secret that two sides share. Its text is `whsec_` and base64; it is never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    text: String,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A new secret.
    pub fn make() -> Result<Self> {
        let text = random_text(SECRET_BYTES).map_err(Error::internal)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(Error::internal)?;
        Ok(Self { text: format!("{PREFIX}{}", STANDARD.encode(&bytes)), bytes })
    }

    /// The secret with this text; None when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        SECRET_BYTES_RANGE.contains(&bytes.len()).then(|| Self { text: text.to_owned(), bytes })
    }

    /// Its text, for the one answer that hands it out and for the database.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The signature of a message that is sent at `at`.
    pub fn sign(&self, id: &str, at: Instant, body: &[u8]) -> String {
        let tag = hmac::sign(&self.key(), &signed(id, at.timestamp(), body));
        format!("{VERSION},{}", STANDARD.encode(tag))
    }

    /// Whether one of `signatures`, separated by spaces, is that of the message; compared in constant time.
    pub fn verify(&self, id: &str, timestamp: i64, body: &[u8], signatures: &str) -> bool {
        let (key, signed) = (self.key(), signed(id, timestamp, body));
        let of_this_kind =
            |text: &str| text.split_once(',').filter(|(version, _)| *version == VERSION).map(|(_, tag)| tag.to_owned());
        let tags = signatures.split(' ').take(SIGNATURES_MAX).filter_map(of_this_kind);
        tags.filter_map(|tag| STANDARD.decode(tag).ok()).any(|tag| hmac::verify(&key, &signed, &tag).is_ok())
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.bytes)
    }
}

/// The bytes that are signed.
fn signed(id: &str, timestamp: i64, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{id}.{timestamp}.").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Those of the specification's own reference implementations: secret, id, time, body, signature.
    const PUBLISHED: [(&str, &str, i64, &str, &str); 2] = [
        (
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ];

    fn at(timestamp: i64) -> Instant {
        chrono::DateTime::from_timestamp(timestamp, 0).expect("a time")
    }

    #[test]
    fn signatures_are_those_that_were_published() {
        for (secret, id, timestamp, body, signature) in PUBLISHED {
            let secret = Secret::parse(secret).expect("a secret");
            assert_eq!(secret.sign(id, at(timestamp), body.as_bytes()), signature);
            assert!(secret.verify(id, timestamp, body.as_bytes(), signature));
        }
    }

    #[test]
    fn one_right_signature_of_several_is_enough_and_a_changed_message_has_none() {
        let (secret, id, timestamp, body, signature) = PUBLISHED[0];
        let secret = Secret::parse(secret).expect("a secret");
        let verify = |signatures: &str| secret.verify(id, timestamp, body.as_bytes(), signatures);
        assert!(verify(&format!("v1a,AAAA v1,{} {signature}", STANDARD.encode([0; 32]))));
        for wrong in ["", "v1,", signature.trim_start_matches("v1,"), &signature.replace("v1", "v2"), &signature[..20]]
        {
            assert!(!verify(wrong), "{wrong}");
        }
        assert!(!secret.verify("msg_other", timestamp, body.as_bytes(), signature));
        assert!(!secret.verify(id, timestamp + 1, body.as_bytes(), signature));
        assert!(!secret.verify(id, timestamp, b"{}", signature));
        assert!(!Secret::make().expect("made").verify(id, timestamp, body.as_bytes(), signature));
    }

    #[test]
    fn secrets_have_a_form_a_length_and_no_debug() {
        let made = Secret::make().expect("made");
        assert_eq!(Secret::parse(made.reveal()), Some(made.clone()));
        assert_eq!(format!("{made:?}"), "Secret");
        let of = |count: usize| Secret::parse(&format!("whsec_{}", STANDARD.encode(vec![7; count])));
        assert!(of(24).is_some() && of(64).is_some());
        for wrong in
            [of(23), of(65), Secret::parse("whsec_"), Secret::parse(&made.reveal()[6..]), Secret::parse("whsec_?")]
        {
            assert!(wrong.is_none());
        }
    }

    proptest! {
        #[test]
        fn what_is_signed_is_verified(id in "[a-z0-9_]{1,20}", timestamp in 0i64..4_000_000_000, body: Vec<u8>) {
            let secret = Secret::parse(PUBLISHED[0].0).expect("a secret");
            let signature = secret.sign(&id, at(timestamp), &body);
            prop_assert!(secret.verify(&id, timestamp, &body, &signature));
        }
    }
}
