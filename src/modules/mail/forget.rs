//! Forgets mails that are old enough, with what is kept of them.

use std::sync::Arc;

use chrono::Duration;
use futures::future::BoxFuture;
use pawbase_engine::Tx;
use uuid::Uuid;

use super::mailer::Mailer;
use super::store;
use crate::kernel::Result;
use crate::kernel::id::first_key;
use crate::work::{Attempted, Effect, Turn};

/// Mails removed in one transaction at most.
const BATCH: i64 = 500;

/// The job: removes mails that are older than the settings say, but for those that are still to be sent.
pub fn forget(mailer: Arc<Mailer>) -> impl for<'a> Effect<'a> + 'static {
    Forgetting(mailer)
}

struct Forgetting(Arc<Mailer>);

impl<'a> Effect<'a> for Forgetting {
    type Attempt = BoxFuture<'a, Attempted>;

    fn call(&self, turn: &'a Turn<'a>) -> Self::Attempt {
        let mailer = Arc::clone(&self.0);
        Box::pin(async move {
            let days = i64::try_from(turn.ctx.platform.config.mail.keep_days).unwrap_or(90);
            let end = first_key(turn.ctx.now() - Duration::days(days));
            loop {
                let gone = batch(turn, end).await?;
                if gone.is_empty() {
                    return Ok(());
                }
                mailer.forget(&gone).await;
            }
        })
    }
}

async fn batch(turn: &Turn<'_>, end: Uuid) -> Result<Vec<Uuid>> {
    turn.ctx
        .system()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<Vec<Uuid>>> {
            Box::pin(async move { store::forget(tx, end, BATCH).await })
        })
        .await
}
