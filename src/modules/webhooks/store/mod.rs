//! The statements of this module, one per function. Deliberately elsewhere: every decision.

mod attempts;
mod deliveries;
mod endpoints;
mod inbound;

pub(super) use self::attempts::*;
pub(super) use self::deliveries::*;
pub(super) use self::endpoints::*;
pub(super) use self::inbound::*;

use pawbase_engine::{RecordId, RecordIdKey};
use uuid::Uuid;

/// The record of an endpoint.
pub fn endpoint_record(id: Uuid) -> RecordId {
    record("webhook_endpoints", id)
}

/// The record of a source.
pub fn source_record(id: &str) -> RecordId {
    RecordId::new("webhook_sources", id)
}

/// The record of a delivery.
pub fn delivery_record(id: Uuid) -> RecordId {
    record("webhook_deliveries", id)
}

/// The record of a webhook that was sent to us.
pub fn received_record(id: Uuid) -> RecordId {
    record("inbound_webhooks", id)
}

/// The record of `table` with a UUID as its key.
fn record(table: &str, id: Uuid) -> RecordId {
    RecordId::new(table, RecordIdKey::Uuid(id.into()))
}
