//! The only crate of Pawbase that names SurrealDB: opening it, sessions, transactions, error translation.
//!
//! Everything above works with [`Engine`], [`Session`], [`Tx`] and the value types re-exported here, so an upgrade of the
//! database touches this crate alone. Deliberately elsewhere: schemas, permissions and every statement's text.

#![recursion_limit = "512"]

mod error;
mod live;
mod local;
mod maintenance;
mod open;
mod session;

pub use error::{EngineError, Result};
pub use live::{Change, Live, LiveAction, Notice};
pub use open::{Engine, OpenOptions, RemoteCredentials};
pub use session::{Answer, IsConflict, Session, Snapshot, Tx, Vars};
pub use surrealdb::types::{
    Array, Bytes, Datetime, Duration, Geometry, Number, Object, RecordId, RecordIdKey, RecordIdKeyRange, SurrealValue,
    Table, ToSql, Uuid, Value,
};

/// Arbitrary-precision decimal numbers as the engine stores them.
pub use surrealdb::types::Decimal;
