//! The generic resource: every served table as lists, records, writes, batches, aggregates and files, without code per table.
//!
//! Statements run in the caller's own database session, so permissions hold everywhere. Deliberately elsewhere: HTTP (http),
//! the model of tables (schema), what a table cannot promise (modules).

mod cells;
pub mod convert;
mod cursor;
pub mod etags;
mod expand;
mod export;
pub mod fields;
pub mod filter;
mod filter_text;
#[cfg(test)]
mod fuzz_tests;
pub mod idempotency;
pub mod import;
mod index_order;
mod input;
mod kept;
pub mod key;
mod key_order;
mod keys_first;
mod limits;
mod links;
mod measure;
pub mod openapi;
pub mod query;
mod read;
mod restore;
pub mod seed;
pub mod statement;
mod told;
mod trail;
pub mod view;
mod write;

pub use export::{Export, Format};
pub use measure::Measure;
pub use read::{Page, aggregate, conditions, get, list, owner_field, pick, where_clause};
pub use restore::restore;
pub use write::{Operation, Outcome, batch, write};
