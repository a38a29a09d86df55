//! Webhooks: signed, retried, held back, replayed, never to an address of this house; and those of others, verified and kept once.

mod deliveries;
mod endpoints;
mod failures;
mod guard;
mod inbound;
mod receiver;
mod stage;
