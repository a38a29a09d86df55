//! The generic resource: every served table as lists, records, writes, batches and aggregates, without code per table.
//!
//! Statements run in the caller's own database session, so permissions hold everywhere. Deliberately elsewhere: HTTP (http),
//! the model of tables (schema), what a table cannot promise (modules).

pub mod convert;
mod cursor;
mod expand;
pub mod fields;
pub mod filter;
mod filter_text;
pub mod idempotency;
mod input;
pub mod key;
pub mod openapi;
pub mod query;
mod read;
pub mod seed;
pub mod statement;
pub mod view;
mod write;

pub use read::{Found, Measure, Page, aggregate, conditions, get, list};
pub use write::{Operation, Outcome, batch, write};
