//! Removes files that no record links to any more, and what uploads have left that never came to their end.
//!
//! A file is marked when it is found without a link, and removed when it is found so again after the time that the settings give: so a
//! record that is deleted by mistake can be brought back with its pictures. A new file begins as marked.

use std::sync::Arc;

use chrono::Duration;
use futures::future::BoxFuture;
use pawbase_engine::Tx;
use serde_json::json;
use uuid::Uuid;

use super::purposes::Purpose;
use super::removal::REMOVE;
use super::store::Candidate;
use super::{holders, store, upload};
use crate::context::Ctx;
use crate::kernel::Result;
use crate::kernel::time::floored;
use crate::work::{Attempted, NewJob, RecordChange, Turn, emit};

/// Files looked at in one go.
const BATCH: i64 = 1000;
/// No upload takes so long.
const UPLOAD_HOURS_MAX: i64 = 24;

/// What follows from whether something links to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Leave,
    /// Something links to it again.
    Clear,
    /// Nothing links to it: that is noted.
    Mark,
    Remove,
}

fn then(candidate: &Candidate, is_linked: bool, marked_before: crate::kernel::time::Instant) -> Then {
    let is_kept = Purpose::named(&candidate.purpose).is_some_and(|purpose| purpose.is_kept);
    match (is_linked || is_kept, candidate.unlinked_since) {
        (true, Some(_)) => Then::Clear,
        (true, None) => Then::Leave,
        (false, None) => Then::Mark,
        (false, Some(since)) if since <= marked_before => Then::Remove,
        (false, Some(_)) => Then::Leave,
    }
}

/// A job: looks at all files, in transactions of their own, since there may be many.
pub async fn sweep(turn: &Turn<'_>) -> Attempted {
    let ctx = turn.ctx;
    let mut after = Uuid::nil();
    loop {
        let candidates = store::candidates(ctx.system(), after, BATCH).await?;
        let Some(last) = candidates.last() else { break };
        after = last.id;
        let ids: Vec<Uuid> = candidates.iter().map(|candidate| candidate.id).collect();
        let linked = holders::linked(ctx.system(), &ctx.platform.schema, &ids).await?;
        for candidate in &candidates {
            look_at(ctx, candidate, linked.contains(&candidate.id)).await?;
        }
    }
    let began_before = floored(ctx.now()) - Duration::hours(UPLOAD_HOURS_MAX);
    for id in store::stale_uploads(ctx.system(), began_before).await? {
        store::end_upload(turn.tx, id).await?;
        turn.enqueue(NewJob::new(REMOVE, json!({ "id": id }))?).await?;
    }
    Ok(())
}

async fn look_at(ctx: &Ctx, candidate: &Candidate, is_linked: bool) -> Result<()> {
    let hours = i64::try_from(ctx.platform.config.files.unlinked_hours).unwrap_or(24);
    let now = floored(ctx.now());
    let (id, then) = (candidate.id, then(candidate, is_linked, now - Duration::hours(hours)));
    if then == Then::Leave {
        return Ok(());
    }
    let shared = Arc::new(ctx.clone());
    ctx.system()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
            let ctx = Arc::clone(&shared);
            Box::pin(async move {
                match then {
                    Then::Mark => store::mark(tx, id, Some(now)).await,
                    Then::Remove => remove(&ctx, tx, id).await,
                    Then::Clear | Then::Leave => store::mark(tx, id, None).await,
                }
            })
        })
        .await
}

/// Deletes the record and tells it; what it holds is removed by the reaction to that.
async fn remove(ctx: &Ctx, tx: &Tx, id: Uuid) -> Result<()> {
    let Some(file) = store::file_within(tx, id).await? else { return Ok(()) };
    store::delete(tx, id).await?;
    emit(tx, ctx, upload::told(RecordChange::Deleted, &file).by(None)).await
}
