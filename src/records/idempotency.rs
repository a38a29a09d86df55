//! Repeated requests: the same Idempotency-Key and body get the stored answer, another body is refused.
//!
//! **Invariant:** the answer is stored in the transaction of the effect, under an id made of caller and key, so that of two
//! requests at once only one has an effect. Of guests, the caller is the network they come from.

use chrono::Duration;
use pawbase_engine::{Datetime, RecordId, RecordIdKey, Tx, Value, Vars};
use sha2::{Digest, Sha256};

use super::key;
use super::write::Outcome;
use crate::context::{Ctx, Platform};
use crate::kernel::error::{IDEMPOTENCY_MISMATCH, INVALID_QUERY};
use crate::kernel::net::network;
use crate::kernel::time::floored;
use crate::kernel::{Error, Result};

/// Longest Idempotency-Key.
const KEY_LENGTH_MAX: usize = 255;

/// A request that must have its effect once.
#[derive(Debug, Clone)]
pub struct Request {
    key: String,
    hash: String,
}

impl Request {
    /// From the header's value and what the request asks for.
    pub fn new(key: &str, method: &str, path: &str, body: &[u8]) -> Result<Self> {
        let is_clean = !key.is_empty() && key.len() <= KEY_LENGTH_MAX && key.chars().all(|c| c.is_ascii_graphic());
        if !is_clean {
            let message = format!("Idempotency-Key must be 1 to {KEY_LENGTH_MAX} visible ASCII characters.");
            return Err(Error::new(INVALID_QUERY, message));
        }
        let mut digest = Sha256::new();
        for part in [method.as_bytes(), path.as_bytes(), body] {
            digest.update(u64::try_from(part.len()).unwrap_or_default().to_be_bytes());
            digest.update(part);
        }
        Ok(Self { key: key.to_owned(), hash: hex(&digest.finalize()) })
    }

    fn record(&self, ctx: &Ctx) -> RecordId {
        let (caller, key) = match ctx.caller.user() {
            Some(user) => (user.to_string(), self.key.clone()),
            None => ("guest".to_owned(), self.guest_key(ctx)),
        };
        RecordId::new("idempotency_keys", RecordIdKey::Array(vec![Value::String(caller), Value::String(key)].into()))
    }

    /// The key of a guest together with where they are, which is all that is known of them. A repeat of a request whose answer
    /// was lost comes from the same place moments later, so it finds its answer; a guest elsewhere who thinks of the same key
    /// finds nothing, neither an answer that is not theirs nor that there is one. Digested, so that no address is kept.
    fn guest_key(&self, ctx: &Ctx) -> String {
        let mut digest = Sha256::new();
        digest.update(network(ctx.ip));
        digest.update(&self.key);
        hex(&digest.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The stored answer to `request`, if it was made before and has not expired.
pub async fn stored(ctx: &Ctx, tx: &Tx, request: Option<&Request>) -> Result<Option<Outcome>> {
    let Some(request) = request else { return Ok(None) };
    let vars = Vars::new().with("id", request.record(ctx));
    let row = tx.look_up("SELECT * FROM ONLY $id", vars).await?.take(0);
    let Value::Object(row) = row else { return Ok(None) };
    let text = |name: &str| match row.get(name) {
        Some(Value::String(text)) => text.as_str(),
        _ => "",
    };
    if text("request_hash") != request.hash {
        return Err(Error::new(IDEMPOTENCY_MISMATCH, "This Idempotency-Key was used for another request."));
    }
    serde_json::from_str(text("answer")).map(Some).map_err(Error::internal)
}

/// Stores the answer in the effect's own transaction.
pub async fn store(ctx: &Ctx, tx: &Tx, request: &Request, outcome: &Outcome) -> Result<()> {
    let answer = serde_json::to_string(outcome).map_err(Error::internal)?;
    let vars = Vars::new()
        .with("id", request.record(ctx))
        .with("caller", ctx.caller.user().map_or(Value::None, |user| Value::RecordId(key::user(user))))
        .with("hash", request.hash.clone())
        .with("answer", answer)
        .with("now", Datetime::from(floored(ctx.now())));
    let text = "CREATE $id SET caller = $caller, request_hash = $hash, answer = $answer, created_at = $now";
    tx.query(text, vars).await?;
    Ok(())
}

/// Forgets answers older than the configured hours.
pub async fn sweep(platform: &Platform) -> Result<()> {
    let hours = i64::try_from(platform.config.auth.idempotency_hours).unwrap_or(24);
    let before = Datetime::from(floored(platform.clock.now() - Duration::hours(hours)));
    let text = "DELETE idempotency_keys WHERE created_at < $before RETURN NONE";
    platform.engine.root().query(text, Vars::new().with("before", before)).await?;
    Ok(())
}
