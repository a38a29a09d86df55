//! Webhooks: whoever wants to know is told of events, and whoever has something to tell us may, both as the Standard Webhooks
//! specification (1.0.0) says.
//!
//! * `api.rs` are the operations of the admin listener, `inbound_api.rs` that of the public one, `views.rs` what they take and give,
//!   `document.rs` what the OpenAPI document adds
//! * `endpoints.rs`, `deliveries.rs` and `sources.rs` are what staff do, `inbound.rs` takes in what is sent to us
//! * `fan_out.rs` makes a delivery of an event for each endpoint that wants it, `deliver.rs` sends one, `catch_up.rs` sends many again,
//!   `sweep.rs` forgets old ones
//! * `message.rs` is what is sent, `signature.rs` and `scheme.rs` sign and verify; `rules.rs` decides, `store/` has the statements
//!
//! **Invariant:** deliveries to one endpoint about one record begin in the order of the events: their jobs stand in one lane, and while
//! an endpoint is paused, or catches up afterwards, what is new is held back behind what was held back before. **Invariant:** nothing
//! is kept of a webhook sent to us unless its signature is right. Secrets are in no event, job, trail or answer but the one that
//! hands them out. Deliberately elsewhere: which addresses may be called (`services::outbound`), when to try again (`work`).

mod api;
mod catch_up;
mod deliver;
mod deliveries;
mod document;
mod endpoints;
mod fan_out;
mod inbound;
mod inbound_api;
mod message;
mod model;
mod rules;
mod scheme;
mod signature;
mod sources;
mod store;
mod sweep;
mod views;

use std::time::Duration;

use futures::future::BoxFuture;
use pawbase_engine::{Object, RecordId, Tx};

use self::deliver::Deliver;
use crate::context::{AuditEntry, Ctx, audit, uninterrupted};
use crate::kernel::Result;
use crate::work::{Kind, Policy, Registry};

pub use self::api::WebhooksApi;
pub use self::document::described;
pub use self::inbound_api::InboundApi;

/// The kind of job that delivers an event to an endpoint.
const DELIVER: &str = "webhooks.deliver";
/// The kind of job that sends what was held back.
const CATCH_UP: &str = "webhooks.catch_up";
/// The kind of job that sends what has failed once more.
const REPLAY: &str = "webhooks.replay";
/// The kind of job that removes the log of an endpoint.
const CLEAR: &str = "webhooks.clear";
/// Pauses of 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 6 h, 23 h, 24 h, 24 h: more than three days in all.
const POLICY: Policy = Policy {
    attempts_max: 11,
    pause: Duration::from_secs(5),
    pause_factor: 4,
    pause_max: Duration::from_secs(24 * 60 * 60),
    at_once: 32,
    batch: 32,
    at_once_per_service: 16,
    ..Policy::OUTSIDE
};

/// What webhooks do of themselves.
pub fn reactions(registry: Registry) -> Registry {
    registry
        .reaction_if("*", Kind::effect("webhooks.fan_out", fan_out::fan_out), store::PATTERNS)
        .job(Kind::outside(DELIVER, Deliver::default()).with(POLICY))
        .job(Kind::effect(CATCH_UP, catch_up::catch_up))
        .job(Kind::effect(REPLAY, catch_up::replay))
        .job(Kind::effect(CLEAR, sweep::clear))
        .every("23 4 * * *", "UTC", "forget_webhooks", Kind::effect("webhooks.forget", sweep::forget))
}

/// Runs `work` in one transaction of the system, to its end even when the client hangs up.
async fn transact<T, F>(ctx: &Ctx, work: F) -> Result<T>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a Tx, &'a Ctx) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
{
    let shared = std::sync::Arc::new((ctx.clone(), work));
    let ctx = ctx.clone();
    uninterrupted(async move {
        ctx.system()
            .transact(|tx: &Tx| -> BoxFuture<'_, Result<T>> {
                let shared = std::sync::Arc::clone(&shared);
                Box::pin(async move { (shared.1)(tx, &shared.0).await })
            })
            .await
    })
    .await
}

/// Notes what the caller does to `target`, with how it was before and became.
async fn note(
    tx: &Tx,
    ctx: &Ctx,
    action: &'static str,
    target: RecordId,
    before: Option<Object>,
    after: Option<Object>,
) -> Result<()> {
    let entry = AuditEntry { before, after, ..AuditEntry::of_caller(ctx, action, target) };
    audit::write(tx, &[entry]).await
}
