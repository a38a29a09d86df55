//! HTTP: the only place that knows poem, besides each module's `api.rs`.
//!
//! Two listeners, each a [`gate::Gate`] around its [`routes::Routes`]: system pages, then commands, then records.

pub mod bodies;
pub mod client;
pub mod console_files;
pub mod cors;
pub mod gate;
pub mod pages;
pub mod problem;
pub mod ranges;
pub mod rate;
pub mod realtime;
pub mod records;
pub mod routes;
pub mod server;
pub mod spec;
pub mod transfer;
pub mod uploads;

use crate::context::Audience;

/// Where a listener's API begins.
pub fn prefix(audience: Audience) -> &'static str {
    match audience {
        Audience::Public => "/api/v1",
        Audience::Admin => "/api/admin",
    }
}
