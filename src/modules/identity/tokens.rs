//! The tokens a caller holds: access tokens (JWT, RFC 9068), refresh tokens (opaque), CSRF tokens.
//!
//! Deliberately elsewhere: whether the session behind a token still counts (`authenticate.rs`, `sign_in.rs`).

use aws_lc_rs::hmac;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::context::Audience;
use crate::kernel::error::TOKEN_EXPIRED;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::services::keys::{SigningKey, random_text};

/// Who issues the tokens.
const ISSUER: &str = "pawbase";
/// The `typ` of an access token (RFC 9068).
const TYPE: &str = "at+jwt";
/// Longest access token that is looked at.
const ACCESS_TOKEN_BYTES_MAX: usize = 2048;
/// Longest refresh token that is looked at.
const REFRESH_TOKEN_BYTES_MAX: usize = 256;
/// Random bytes of a refresh token.
const SECRET_BYTES: usize = 32;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Who issued it: always `pawbase`.
    pub iss: String,
    /// Which listener it is for.
    pub aud: Audience,
    /// Key in `users`.
    pub sub: Uuid,
    /// Key in `sessions`.
    pub sid: Uuid,
    /// When it was issued, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
    /// Its own id.
    pub jti: Uuid,
}

impl AccessClaims {
    /// Claims for `session` of `user`, from `now` until `expires_at`.
    pub fn new(user: Uuid, session: Uuid, aud: Audience, jti: Uuid, now: Instant, expires_at: Instant) -> Self {
        let (iat, exp) = (now.timestamp(), expires_at.timestamp());
        Self { iss: ISSUER.to_owned(), aud, sub: user, sid: session, iat, exp, jti }
    }
}

/// Signs an access token.
pub fn sign(key: &SigningKey, claims: &AccessClaims) -> Result<String> {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(key.kid().to_owned());
    jsonwebtoken::encode(&header, claims, key.encoding()).map_err(Error::internal)
}

/// What a genuine access token of `audience` says. Fails with TOKEN_EXPIRED when it is genuine but over at `now`, else with
/// UNAUTHENTICATED.
pub fn verify(key: &SigningKey, audience: Audience, token: &str, now: Instant) -> Result<AccessClaims> {
    let claims = genuine(key, audience, token).ok_or_else(Error::unauthenticated)?;
    if claims.exp <= now.timestamp() {
        return Err(Error::new(TOKEN_EXPIRED, "The access token has expired."));
    }
    Ok(claims)
}

fn genuine(key: &SigningKey, audience: Audience, token: &str) -> Option<AccessClaims> {
    if token.len() > ACCESS_TOKEN_BYTES_MAX {
        return None;
    }
    let header = jsonwebtoken::decode_header(token).ok()?;
    if header.typ.as_deref() != Some(TYPE) || header.kid.as_deref() != Some(key.kid()) {
        return None;
    }
    let mut rules = Validation::new(Algorithm::EdDSA);
    // The library would ask the machine's clock; `verify` asks ours.
    rules.validate_exp = false;
    rules.set_audience(&[audience.as_str()]);
    rules.set_issuer(&[ISSUER]);
    rules.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    let data = jsonwebtoken::decode::<AccessClaims>(token, key.decoding(), &rules).ok()?;
    (data.claims.aud == audience).then_some(data.claims)
}

/// A refresh token: the session's key and a secret. Only its hash is stored.
#[derive(Clone)]
pub struct RefreshToken {
    /// Key in `sessions`.
    pub session: Uuid,
    text: String,
}

impl RefreshToken {
    /// A new token of `session`.
    pub fn make(session: Uuid) -> Result<Self> {
        let secret = random_text(SECRET_BYTES).map_err(Error::internal)?;
        Ok(Self { session, text: format!("{session}.{secret}") })
    }

    /// The token in `text`; None when it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (session, secret) = text.split_once('.')?;
        let is_possible = text.len() <= REFRESH_TOKEN_BYTES_MAX && !secret.is_empty();
        let session = Uuid::try_parse(session).ok()?;
        is_possible.then(|| Self { session, text: text.to_owned() })
    }

    /// The token, for its holder only.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// SHA-256 in hex: the form in which it is stored. The secret is random, so a slow hash would add nothing.
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(&self.text))
    }
}

/// The CSRF token of a session: HMAC-SHA256 over the session's key, in hex.
pub fn csrf_token(key: &str, session: Uuid) -> String {
    hex(hmac::sign(&csrf_key(key), session.as_bytes()).as_ref())
}

/// Whether `token` is the CSRF token of `session`; in constant time.
pub fn is_csrf_token(key: &str, session: Uuid, token: &str) -> bool {
    let expected = csrf_token(key, session);
    subtle::ConstantTimeEq::ct_eq(expected.as_bytes(), token.as_bytes()).into()
}

fn csrf_key(key: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())
}

/// Bytes as hexadecimal text.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::services::keys::Keys;

    fn at(seconds: i64) -> Instant {
        chrono::DateTime::from_timestamp(seconds, 0).expect("an instant")
    }

    fn claims(audience: Audience) -> AccessClaims {
        AccessClaims::new(Uuid::from_u128(1), Uuid::from_u128(2), audience, Uuid::from_u128(3), at(1000), at(1900))
    }

    fn code(outcome: Result<AccessClaims>) -> &'static str {
        outcome.map_or_else(|error| error.entry().code, |_| "good")
    }

    #[test]
    fn only_a_genuine_token_in_its_time_is_taken() {
        let (keys, foreign) = (Keys::open(None).expect("keys"), Keys::open(None).expect("keys"));
        let key = keys.signing(Audience::Public);
        let token = sign(key, &claims(Audience::Public)).expect("signed");
        let forged = sign(foreign.signing(Audience::Public), &claims(Audience::Public)).expect("signed");
        let others = sign(keys.signing(Audience::Admin), &claims(Audience::Admin)).expect("signed");
        let wrong_audience = sign(key, &claims(Audience::Admin)).expect("signed");
        let mut wrong_issuer = claims(Audience::Public);
        wrong_issuer.iss = "somebody".to_owned();
        let wrong_issuer = sign(key, &wrong_issuer).expect("signed");
        let unsigned = {
            let head = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{}"}}"#, key.kid()));
            format!("{head}.{}.", token.split('.').nth(1).expect("claims"))
        };
        for (text, now, expected) in [
            (token.as_str(), 1000, "good"),
            (&token, 1899, "good"),
            (&token, 1900, "token_expired"),
            (&forged, 1000, "unauthenticated"),
            (&forged, 9000, "unauthenticated"),
            (&others, 1000, "unauthenticated"),
            (&wrong_audience, 1000, "unauthenticated"),
            (&wrong_issuer, 1000, "unauthenticated"),
            (&unsigned, 1000, "unauthenticated"),
            ("", 1000, "unauthenticated"),
            ("a.b.c", 1000, "unauthenticated"),
            (&"x".repeat(5000), 1000, "unauthenticated"),
        ] {
            assert_eq!(code(verify(key, Audience::Public, text, at(now))), expected, "{text}");
        }
    }

    #[test]
    fn the_public_key_cannot_be_used_as_a_shared_secret() {
        let keys = Keys::open(None).expect("keys");
        let key = keys.signing(Audience::Public);
        let x = keys.jwks(Audience::Public)["keys"][0]["x"].as_str().expect("x").to_owned();
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.kid().to_owned());
        let secret = jsonwebtoken::EncodingKey::from_secret(&URL_SAFE_NO_PAD.decode(x).expect("base64"));
        let token = jsonwebtoken::encode(&header, &claims(Audience::Public), &secret).expect("signed");
        assert_eq!(code(verify(key, Audience::Public, &token, at(1000))), "unauthenticated");
    }

    #[test]
    fn refresh_tokens_name_their_session_and_hash_as_a_whole() {
        let token = RefreshToken::make(Uuid::from_u128(7)).expect("made");
        let parsed = RefreshToken::parse(token.as_str()).expect("parsed");
        assert_eq!((parsed.session, parsed.hash()), (token.session, token.hash()));
        assert_ne!(RefreshToken::make(Uuid::from_u128(7)).expect("made").hash(), token.hash());
        for text in
            ["", ".", "x.y", &format!("{}.", Uuid::from_u128(7)), &format!("{}.{}", Uuid::nil(), "x".repeat(300))]
        {
            assert!(RefreshToken::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn csrf_tokens_belong_to_one_session_and_key() {
        let token = csrf_token("key", Uuid::from_u128(1));
        assert_eq!(token.len(), 64);
        assert!(is_csrf_token("key", Uuid::from_u128(1), &token));
        assert!(!is_csrf_token("key", Uuid::from_u128(2), &token));
        assert!(!is_csrf_token("other", Uuid::from_u128(1), &token));
        assert!(!is_csrf_token("key", Uuid::from_u128(1), ""));
    }
}
