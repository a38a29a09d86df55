//! The statements of this module, one per function, over `users` and `sessions`.
//!
//! Reads take a session, writes take the transaction they belong to. Deliberately elsewhere: every decision.

mod links;
mod sessions;
mod users;

pub use links::*;
pub use sessions::*;
pub use users::*;

use pawbase_engine::{RecordId, RecordIdKey};
use uuid::Uuid;

use super::model::Status;
use crate::context::Role;
use crate::kernel::Result;
use crate::work::Row;

/// The record of `table` with key `id`.
fn record(table: &str, id: Uuid) -> RecordId {
    RecordId::new(table, RecordIdKey::Uuid(id.into()))
}

/// The roles in a row.
fn roles(row: &mut Row) -> Result<Vec<Role>> {
    let names: Vec<String> = row.take::<Option<_>>("roles")?.unwrap_or_default();
    Ok(names.iter().filter_map(|name| Role::parse(name)).collect())
}

/// The status in a row; an account that is gone counts as deleted.
fn status(row: &mut Row) -> Result<Status> {
    let name: Option<String> = row.take("status")?;
    Ok(name.as_deref().and_then(Status::parse).unwrap_or(Status::Deleted))
}

/// Names of roles, as stored.
fn names(roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}
