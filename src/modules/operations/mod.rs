//! Operation of the installation by its staff: what the workers are doing, and a hand on it. Events, jobs and schedules themselves are
//! tables, so they are listed and searched by the records API.
//!
//! * `api.rs` are the operations of the admin listener, `views.rs` what they give, `document.rs` what the OpenAPI document adds
//! * `commands.rs` is what they do
//!
//! Deliberately elsewhere: how work is done (`work`).

mod api;
mod commands;
mod document;
mod views;

pub use self::api::OperationsApi;
pub use self::document::described;
