//! Sends many deliveries of an endpoint: what was held back while it was paused, or what has failed. In small transactions, one job each.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::EndpointState;
use super::{CATCH_UP, REPLAY, fan_out, store};
use crate::kernel::time::Instant;
use crate::work::{Attempted, NewJob, Turn};

/// Deliveries sent again in one transaction at most.
const BATCH: i64 = 100;

/// Whose deliveries.
#[derive(Deserialize)]
struct Behind {
    endpoint: Uuid,
}

/// A job: sends the first of what is held back, and asks for the rest. It ends when nothing is left, or the endpoint is paused again.
pub async fn catch_up(turn: &Turn<'_>) -> Attempted {
    let Behind { endpoint: id } = turn.payload()?;
    let Some(mut endpoint) = store::hold_endpoint(turn.tx, id).await? else { return Ok(()) };
    if endpoint.state != EndpointState::Active || !endpoint.is_catching_up {
        return Ok(());
    }
    let held = store::held(turn.tx, id, BATCH).await?;
    if held.is_empty() {
        endpoint.is_catching_up = false;
        return Ok(store::change_endpoint(turn.tx, &endpoint).await?);
    }
    for delivery in &held {
        fan_out::send_again(turn.tx, turn.ctx, delivery).await?;
    }
    let about = store::endpoint_record(id);
    turn.enqueue(NewJob::new(CATCH_UP, serde_json::json!({ "endpoint": id }))?.about(about)).await
}

/// What is to be sent again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Replay {
    /// Whose deliveries.
    pub endpoint: Uuid,
    /// Those made at this time or later.
    pub since: Instant,
    /// Those behind this one.
    pub after: Uuid,
}

/// A job: sends the first of what has failed, and asks for the rest.
pub async fn replay(turn: &Turn<'_>) -> Attempted {
    let asked: Replay = turn.payload()?;
    let Some(endpoint) = store::hold_endpoint(turn.tx, asked.endpoint).await? else { return Ok(()) };
    if endpoint.state != EndpointState::Active {
        return Ok(());
    }
    let failed = store::failed(turn.tx, asked.endpoint, asked.since, asked.after, BATCH).await?;
    for delivery in &failed {
        fan_out::send_again(turn.tx, turn.ctx, delivery).await?;
    }
    match failed.last() {
        Some(last) => {
            let rest = Replay { after: last.id, ..asked };
            turn.enqueue(NewJob::new(REPLAY, rest)?.about(store::endpoint_record(asked.endpoint))).await
        }
        None => Ok(()),
    }
}
