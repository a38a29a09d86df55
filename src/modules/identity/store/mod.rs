//! The statements of this module, one per function, over `users` and `sessions`.
//!
//! Reads take a session, writes take the transaction they belong to. Deliberately elsewhere: every decision.

mod links;
mod sessions;
mod users;

pub use links::*;
pub use sessions::*;
pub use users::*;

use pawbase_engine::{RecordId, RecordIdKey, SurrealValue, Value};
use uuid::Uuid;

use super::model::Status;
use crate::context::Role;
use crate::kernel::{Error, Result};

/// The record of `table` with key `id`.
fn record(table: &str, id: Uuid) -> RecordId {
    RecordId::new(table, RecordIdKey::Uuid(id.into()))
}

/// A row whose fields are taken out by name.
struct Row(Value);

impl Row {
    /// The value of `field`; a stored value of another type is our fault.
    fn take<T: SurrealValue>(&mut self, field: &str) -> Result<T> {
        let value = match &mut self.0 {
            Value::Object(object) => object.remove(field).unwrap_or_default(),
            _ => Value::None,
        };
        value.into_t().map_err(|cause| Error::internal(format!("field {field}: {cause}")))
    }

    /// The key of the record in `field`.
    fn key(&mut self, field: &str) -> Result<Uuid> {
        match self.take::<RecordId>(field)?.key {
            RecordIdKey::Uuid(uuid) => Ok(uuid.into_inner()),
            _ => Err(Error::internal(format!("field {field}: not a UUID key"))),
        }
    }

    fn roles(&mut self) -> Result<Vec<Role>> {
        let names: Vec<String> = self.take::<Option<_>>("roles")?.unwrap_or_default();
        Ok(names.iter().filter_map(|name| Role::parse(name)).collect())
    }

    /// The status; an account that is gone counts as deleted.
    fn status(&mut self) -> Result<Status> {
        let name: Option<String> = self.take("status")?;
        Ok(name.as_deref().and_then(Status::parse).unwrap_or(Status::Deleted))
    }
}

/// Names of roles, as stored.
fn names(roles: &[Role]) -> Vec<String> {
    roles.iter().map(|role| role.as_str().to_owned()).collect()
}
