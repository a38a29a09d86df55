//! What staff do with deliveries: send them once more.

use uuid::Uuid;

use super::catch_up::Replay;
use super::endpoints::parsed;
use super::model::EndpointState;
use super::rules::require_state;
use super::{REPLAY, fan_out, note, store, transact};
use crate::context::{Ctx, Role};
use crate::kernel::error::CONFLICT;
use crate::kernel::time::{Instant, floored};
use crate::kernel::{Error, FieldError, Result};
use crate::work::{NewJob, enqueue, is_open};

/// What an endpoint must be for its deliveries to be sent once more.
const REPLAYED: &str = "what goes to an active endpoint is sent again";

/// Sends one delivery once more, under the same id. Fails with NOT_FOUND, or with CONFLICT while it is on its way or its endpoint is
/// not active.
pub async fn replay(ctx: &Ctx, id: &str) -> Result<()> {
    ctx.require_role(&Role::ADMINS)?;
    let id = parsed(id)?;
    transact(ctx, move |tx, ctx| {
        Box::pin(async move {
            let delivery = store::delivery_within(tx, id).await?.ok_or_else(Error::not_found)?;
            let endpoint = store::hold_endpoint(tx, delivery.endpoint).await?.ok_or_else(Error::not_found)?;
            require_state(&endpoint, EndpointState::Active, REPLAYED)?;
            // A job that was dropped by hand, or lost with its worker, does not come back.
            let is_on_its_way = match delivery.job {
                Some(job) => is_open(tx, job).await?,
                None => !delivery.state.is_over(),
            };
            if is_on_its_way {
                let words =
                    format!("Only what is not on its way is sent again; this one is {}.", delivery.state.as_str());
                return Err(Error::new(CONFLICT, words));
            }
            fan_out::send_again(tx, ctx, &delivery).await?;
            note(tx, ctx, "webhook_delivery.replayed", store::delivery_record(id), None, None).await
        })
    })
    .await
}

/// Sends once more what an endpoint did not get since a time; answers how many deliveries that are. Fails with NOT_FOUND, with CONFLICT
/// when it is not active, and when `since` is no time.
pub async fn replay_failed(ctx: &Ctx, id: &str, since: &str) -> Result<u64> {
    ctx.require_role(&Role::ADMINS)?;
    let id = parsed(id)?;
    let words = "must be a time such as 2026-05-04T10:00:00Z";
    let since: Instant = chrono::DateTime::parse_from_rfc3339(since)
        .map(|time| floored(time.to_utc()))
        .map_err(|_| Error::invalid(vec![FieldError::new("/since", "format", words)]))?;
    transact(ctx, move |tx, ctx| {
        Box::pin(async move {
            let endpoint = store::hold_endpoint(tx, id).await?.ok_or_else(Error::not_found)?;
            require_state(&endpoint, EndpointState::Active, REPLAYED)?;
            let (count, target) = (store::count_failed(tx, id, since).await?, store::endpoint_record(id));
            let job = NewJob::new(REPLAY, Replay { endpoint: id, since, after: Uuid::nil() })?;
            enqueue(tx, ctx, job.about(target.clone()).unique(format!("{REPLAY} {id}"))).await?;
            note(tx, ctx, "webhook_endpoint.replayed", target, None, None).await?;
            Ok(count)
        })
    })
    .await
}
