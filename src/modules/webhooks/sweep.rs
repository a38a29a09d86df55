//! Forgets the log of deliveries and received webhooks once it is old enough, or its endpoint is deleted.

use chrono::Duration;
use futures::future::BoxFuture;
use pawbase_engine::Tx;
use serde::Deserialize;
use uuid::Uuid;

use super::store;
use crate::context::Ctx;
use crate::kernel::Result;
use crate::kernel::id::first_key;
use crate::work::{Attempted, Turn};

/// Rows of a table removed in one transaction at most.
const BATCH: i64 = 500;

/// What is to be forgotten.
#[derive(Debug, Clone, Copy)]
enum Old {
    /// Everything before this key.
    Before(Uuid),
    /// Everything of this endpoint.
    Of(Uuid),
}

/// A job: removes what is older than the settings say, in transactions of their own, since it may be much.
pub async fn forget(turn: &Turn<'_>) -> Attempted {
    let days = i64::try_from(turn.ctx.platform.config.webhooks.log_days).unwrap_or(3650);
    let end = first_key(turn.ctx.now() - Duration::days(days));
    while removed(turn.ctx, Old::Before(end)).await? > 0 {}
    Ok(())
}

/// Whose log is to be forgotten.
#[derive(Deserialize)]
struct Gone {
    endpoint: Uuid,
}

/// A job: removes the log of an endpoint that was deleted.
pub async fn clear(turn: &Turn<'_>) -> Attempted {
    let Gone { endpoint } = turn.payload()?;
    while removed(turn.ctx, Old::Of(endpoint)).await? > 0 {}
    Ok(())
}

async fn removed(ctx: &Ctx, old: Old) -> Result<usize> {
    ctx.system()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<usize>> {
            Box::pin(async move {
                match old {
                    Old::Before(end) => store::forget_log(tx, end, BATCH).await,
                    Old::Of(endpoint) => store::clear_log(tx, endpoint, BATCH).await,
                }
            })
        })
        .await
}
