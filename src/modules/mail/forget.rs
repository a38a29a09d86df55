//! Forgets mails that are old enough, with what is kept of them.

use chrono::Duration;
use futures::future::BoxFuture;
use pawbase_engine::Tx;
use uuid::Uuid;

use super::mailer::outbox;
use super::store;
use crate::kernel::Result;
use crate::kernel::id::first_key;
use crate::work::{Attempted, Turn};

/// Mails removed in one transaction at most.
const BATCH: i64 = 500;

/// A job: removes mails that are older than the settings say, but for those that are still to be sent.
pub async fn forget(turn: &Turn<'_>) -> Attempted {
    let config = &turn.ctx.platform.config;
    let end = first_key(turn.ctx.now() - Duration::days(i64::try_from(config.mail.keep_days).unwrap_or(90)));
    let outbox = outbox(config);
    loop {
        let gone = turn.ctx.system().transact(|tx| batch(tx, end)).await?;
        if gone.is_empty() {
            return Ok(());
        }
        if let Some(outbox) = &outbox {
            outbox.forget(&gone).await;
        }
    }
}

fn batch(tx: &Tx, end: Uuid) -> BoxFuture<'_, Result<Vec<Uuid>>> {
    Box::pin(async move { store::forget(tx, end, BATCH).await })
}
