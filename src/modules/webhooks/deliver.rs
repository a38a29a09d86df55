//! One attempt to deliver: what is sent, and what is kept of it.

use std::sync::OnceLock;

use async_trait::async_trait;
use pawbase_engine::Tx;
use serde_json::{Value as Json, json};
use url::Url;

use super::model::{Delivery, DeliveryState, Endpoint, EndpointState, Errand, SentNote, Tried};
use super::rules::{self, Plan, Verdict};
use super::{fan_out, message, store};
use crate::context::Ctx;
use crate::kernel::time::{Instant, floored};
use crate::kernel::{Error, Result};
use crate::services::outbound::{Answer, Outbound, Sent};
use crate::work::{Attempted, Failure, Job, NewEvent, Outside, Turn, catalogue, emit};

/// Delivers events to endpoints. Failures are counted for each endpoint by itself.
#[derive(Debug, Default)]
pub struct Deliver {
    /// Made of the settings when it is first needed.
    outbound: OnceLock<Outbound>,
}

impl Deliver {
    fn outbound(&self, ctx: &Ctx) -> Result<&Outbound> {
        if let Some(outbound) = self.outbound.get() {
            return Ok(outbound);
        }
        let made = Outbound::new(&ctx.platform.config.webhooks)?;
        Ok(self.outbound.get_or_init(|| made))
    }
}

#[async_trait]
impl Outside for Deliver {
    fn service(&self, job: &Job) -> String {
        match job.read::<Errand>() {
            Ok(Errand { endpoint, is_test: false, .. }) => format!("webhook:{endpoint}"),
            Ok(Errand { endpoint, is_test: true, .. }) => format!("webhook-test:{endpoint}"),
            Err(_) => "webhook".to_owned(),
        }
    }

    async fn call(&self, ctx: &Ctx, job: &Job) -> Attempted<Json> {
        let errand: Errand = job.read()?;
        let endpoint = store::endpoint(ctx.system(), errand.endpoint).await?;
        let Some(delivery) = store::delivery(ctx.system(), errand.delivery).await? else {
            return noted(&Tried::Dropped("The delivery is forgotten.".to_owned()));
        };
        match (rules::plan(&delivery, endpoint.as_ref()), endpoint) {
            (Plan::Send, Some(endpoint)) => self.send(ctx, &delivery, &endpoint).await,
            (Plan::Hold, _) => noted(&Tried::Held),
            (Plan::Drop(reason), _) => noted(&Tried::Dropped(reason.to_owned())),
            (Plan::Send, None) => Err(Failure::last("There is no endpoint.")),
        }
    }

    async fn keep(&self, turn: &Turn<'_>, outcome: std::result::Result<&Json, &Failure>) -> Result<()> {
        let Ok(errand) = turn.job.read::<Errand>() else { return Ok(()) };
        // Its log was removed with its endpoint.
        let Some(delivery) = store::delivery_within(turn.tx, errand.delivery).await? else { return Ok(()) };
        let details = match outcome {
            Ok(details) => Some(details),
            Err(failure) => failure.details(),
        };
        let tried: Option<Tried> =
            details.map(|json| serde_json::from_value(json.clone())).transpose().map_err(Error::internal)?;
        match tried {
            Some(Tried::Held) => hold(turn, &delivery).await,
            Some(Tried::Dropped(reason)) => {
                let now = floored(turn.ctx.now());
                store::move_delivery(turn.tx, delivery.id, DeliveryState::Dropped, None, Some(&reason), now).await
            }
            Some(Tried::Sent(sent)) => keep_sent(turn, &delivery, Some(&sent), outcome.err()).await,
            None => keep_sent(turn, &delivery, None, outcome.err()).await,
        }
    }
}

fn noted(tried: &Tried) -> Attempted<Json> {
    Ok(json(tried)?)
}

fn json(tried: &Tried) -> Result<Json> {
    serde_json::to_value(tried).map_err(Error::internal)
}

impl Deliver {
    async fn send(&self, ctx: &Ctx, delivery: &Delivery, endpoint: &Endpoint) -> Attempted<Json> {
        let url = Url::parse(&endpoint.url).map_err(|_| Failure::last("The address cannot be read."))?;
        let headers = message::headers(delivery, endpoint, ctx.now());
        let sent = self.outbound(ctx)?.post(&url, &headers, delivery.body.clone().into_bytes()).await;
        let details = json(&Tried::Sent(note(endpoint, headers, &sent)))?;
        match failure(sent) {
            None => Ok(details),
            // Whoever tests wants to know at once.
            Some(failure) if delivery.is_test() => Err(Failure::last(failure.message().to_owned()).with(details)),
            Some(failure) => Err(failure.with(details)),
        }
    }
}

fn note(endpoint: &Endpoint, headers: Vec<(&'static str, String)>, sent: &Sent) -> SentNote {
    let answer = sent.outcome.as_ref().ok();
    SentNote {
        url: endpoint.url.clone(),
        headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        status: answer.map(|answer| answer.status),
        ms: sent.ms,
        response_start: answer.map(|answer| answer.start.clone()),
    }
}

/// How a call has failed, if it has.
fn failure(sent: Sent) -> Option<Failure> {
    let Answer { status, retry_after, .. } = match sent.outcome {
        Ok(answer) => answer,
        Err(words) => return Some(Failure::retry(words)),
    };
    match (rules::judge(status), retry_after) {
        (Verdict::Arrived, _) => None,
        (Verdict::Gone, _) => Some(Failure::last("It answered 410: gone for good.")),
        (Verdict::Failed(words), Some(pause)) => Some(Failure::later(pause, words)),
        (Verdict::Failed(words), None) => Some(Failure::retry(words)),
    }
}

/// Holds a delivery back until its endpoint is resumed, or sends it after all if that has happened just now.
async fn hold(turn: &Turn<'_>, delivery: &Delivery) -> Result<()> {
    match store::hold_endpoint(turn.tx, delivery.endpoint).await? {
        Some(endpoint) if !endpoint.holds() => fan_out::send_again(turn.tx, turn.ctx, delivery).await,
        _ => {
            let now = floored(turn.ctx.now());
            store::move_delivery(turn.tx, delivery.id, DeliveryState::Held, None, None, now).await
        }
    }
}

/// Notes an attempt that was made, and what it means for the endpoint.
async fn keep_sent(
    turn: &Turn<'_>,
    delivery: &Delivery,
    sent: Option<&SentNote>,
    failure: Option<&Failure>,
) -> Result<()> {
    let now = floored(turn.ctx.now());
    let state = match failure {
        None => DeliveryState::Delivered,
        Some(failure) if turn.job.is_last_attempt || failure.is_last() => DeliveryState::Failed,
        Some(_) => DeliveryState::Waiting,
    };
    let error = failure.map(Failure::message);
    store::note_attempt(turn.tx, turn.ctx.new_id(), delivery, state, sent, error, now).await?;
    if delivery.is_test() {
        return Ok(());
    }
    let Some(endpoint) = store::endpoint_within(turn.tx, delivery.endpoint).await? else { return Ok(()) };
    let is_gone = sent.and_then(|sent| sent.status).is_some_and(|status| rules::judge(status) == Verdict::Gone);
    let days = turn.ctx.platform.config.webhooks.disable_days;
    match (failure, endpoint.failing_since) {
        _ if endpoint.state == EndpointState::Disabled => Ok(()),
        (Some(_), since) if is_gone => {
            disable(turn.tx, turn.ctx, endpoint, since.unwrap_or(now), "It answered 410: gone for good.".to_owned())
                .await
        }
        (Some(_), Some(since)) => match rules::disabling(since, now, days) {
            Some(reason) => disable(turn.tx, turn.ctx, endpoint, since, reason).await,
            None => Ok(()),
        },
        (Some(_), None) => store::change_endpoint(turn.tx, &Endpoint { failing_since: Some(now), ..endpoint }).await,
        (None, Some(_)) => store::change_endpoint(turn.tx, &Endpoint { failing_since: None, ..endpoint }).await,
        (None, None) => Ok(()),
    }
}

/// Disables an endpoint and tells of it. What still waits for it is dropped when its turn comes.
async fn disable(tx: &Tx, ctx: &Ctx, endpoint: Endpoint, since: Instant, reason: String) -> Result<()> {
    let host = Url::parse(&endpoint.url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let payload = json!({ "host": host, "reason": reason, "failing_since": message::moment(since) });
    let id = endpoint.id;
    let disabled = Endpoint {
        state: EndpointState::Disabled,
        disabled_reason: Some(reason),
        failing_since: Some(since),
        is_catching_up: false,
        ..endpoint
    };
    store::change_endpoint(tx, &disabled).await?;
    emit(tx, ctx, NewEvent::new(&catalogue::WEBHOOK_DISABLED, store::endpoint_record(id), payload)?).await
}
