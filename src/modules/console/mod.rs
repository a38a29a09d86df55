//! What the console shows of the whole installation: how much there is, and what its tables are like.
//!
//! * `api.rs` has the operations, `views.rs` what they answer, `document.rs` what the OpenAPI document adds
//! * `overview.rs` counts, with the statements of `store.rs`
//! * `description.rs` describes tables from the schema model, `words.rs` says permissions in plain language; both pure
//!
//! Deliberately elsewhere: the records themselves (records), the console's files (http).

mod api;
mod description;
mod document;
mod overview;
mod store;
mod views;
mod words;

pub use api::ConsoleApi;
pub use document::described;
