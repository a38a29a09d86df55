//! From an event to deliveries: one for each endpoint that wants it, each with a job of its own, so that a slow endpoint holds up no
//! other.

use pawbase_engine::{RecordId, Tx};
use serde_json::json;
use uuid::Uuid;

use super::model::{Delivery, DeliveryState, Errand};
use super::{DELIVER, message, store};
use crate::context::Ctx;
use crate::kernel::Result;
use crate::kernel::time::floored;
use crate::work::{Attempted, NewJob, Turn, catalogue, enqueue, matches};

/// A reaction to every event that an endpoint names.
pub async fn fan_out(turn: &Turn<'_>) -> Attempted {
    let event = turn.event()?;
    // Two installations that told each other of what they received would never end.
    if event.name == catalogue::WEBHOOK_RECEIVED.name {
        return Ok(());
    }
    let listening = store::listening(turn.tx).await?;
    let mut body = None;
    for endpoint in listening.iter().filter(|one| one.events.iter().any(|pattern| matches(pattern, &event.name))) {
        let body = match &body {
            Some(known) => known,
            None => body.insert(message::of_event(event)?),
        };
        let delivery = Delivery {
            id: turn.ctx.new_id(),
            endpoint: endpoint.id,
            event: Some(event.id),
            name: event.name.clone(),
            about: Some(event.about.clone()),
            message: event.id.to_string(),
            body: body.clone(),
            state: DeliveryState::Waiting,
            attempts: 0,
            job: None,
        };
        begin(turn.tx, turn.ctx, delivery, endpoint.holds()).await?;
    }
    Ok(())
}

/// Keeps a new delivery: held back, or on its way.
async fn begin(tx: &Tx, ctx: &Ctx, mut delivery: Delivery, is_held: bool) -> Result<()> {
    if is_held {
        // Not while it is resumed, or nobody would send it: then this is done again.
        store::hold_endpoint(tx, delivery.endpoint).await?;
        delivery.state = DeliveryState::Held;
    } else {
        delivery.job = send(tx, ctx, &delivery).await?;
    }
    store::insert_delivery(tx, &delivery, floored(ctx.now())).await
}

/// Asks for the job that sends a delivery, behind earlier ones about the same record; answers its key.
pub async fn send(tx: &Tx, ctx: &Ctx, delivery: &Delivery) -> Result<Option<Uuid>> {
    let errand = Errand { delivery: delivery.id, endpoint: delivery.endpoint, is_test: delivery.is_test() };
    let job = NewJob::new(DELIVER, errand)?;
    let lane = |record: &RecordId| (format!("{DELIVER} {}", delivery.endpoint), record.clone());
    let job = match delivery.about.as_ref().filter(|_| !delivery.is_test()).map(lane) {
        Some((lane, record)) => job.in_lane(lane, record),
        None => job.about(store::endpoint_record(delivery.endpoint)),
    };
    enqueue(tx, ctx, job).await
}

/// Sends a kept delivery once more, or for the first time.
pub async fn send_again(tx: &Tx, ctx: &Ctx, delivery: &Delivery) -> Result<()> {
    let job = send(tx, ctx, delivery).await?;
    store::move_delivery(tx, delivery.id, DeliveryState::Waiting, job, None, floored(ctx.now())).await
}

/// Asks for a job about all deliveries of an endpoint; while one is open there is no second.
pub async fn ask(tx: &Tx, ctx: &Ctx, kind: &'static str, endpoint: Uuid) -> Result<()> {
    let job = NewJob::new(kind, json!({ "endpoint": endpoint }))?.about(store::endpoint_record(endpoint));
    enqueue(tx, ctx, job.unique(format!("{kind} {endpoint}"))).await?;
    Ok(())
}
