//! The schemas: files that become tables at start, and our model of what the database enforces.
//!
//! The desired state is what the files make of an empty database; the difference to the real one is applied at start, and
//! what would lose data waits for a migration. Deliberately elsewhere: serving the tables (`records`), the commands
//! (`cli`), the engine itself.

mod apply;
mod asks;
mod check;
mod constraint;
mod diff;
mod error;
mod kind;
mod migrations;
mod model;
mod read;
mod rules;
mod sources;
mod splitter;
mod state;
#[cfg(test)]
mod tests;

pub use apply::{Prepared, diff, prepare};
pub use asks::Asks;
pub use check::check;
pub use constraint::Constraint;
pub use diff::{Change, Diff, Verb};
pub use error::{Problem, Result, SchemaError};
pub use kind::Kind;
pub use migrations::MigrationId;
pub use model::{
    Field, Index, KeyKind, OnDelete, Permission, Permissions, SYSTEM_FIELDS, Schema, Table, parts, split_comment,
};
pub use read::read;
pub use sources::{Migration, Origin, SchemaFile, Sources};
