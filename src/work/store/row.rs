//! A row whose fields are taken out by name.

use pawbase_engine::{RecordId, RecordIdKey, SurrealValue, Value};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::kernel::{Error, Result};

/// A row whose fields are taken out by name.
pub struct Row(pub Value);

impl Row {
    /// The value of `field`; a stored value of another type is our fault.
    pub fn take<T: SurrealValue>(&mut self, field: &str) -> Result<T> {
        let value = match &mut self.0 {
            Value::Object(object) => object.remove(field).unwrap_or_default(),
            _ => Value::None,
        };
        value.into_t().map_err(|cause| Error::internal(format!("field {field}: {cause}")))
    }

    /// The UUID key of the record in `field`, if there is one.
    pub fn link(&mut self, field: &str) -> Result<Option<Uuid>> {
        self.take::<Option<RecordId>>(field)?.map(|id| uuid_key(&id)).transpose()
    }

    /// The UUID key of the record in `field`.
    pub fn key(&mut self, field: &str) -> Result<Uuid> {
        self.link(field)?.ok_or_else(|| Error::internal(format!("field {field}: no key")))
    }

    /// A number that is not negative.
    pub fn count(&mut self, field: &str) -> Result<u64> {
        Ok(u64::try_from(self.take::<Option<i64>>(field)?.unwrap_or_default()).unwrap_or_default())
    }

    /// What was stored as JSON.
    pub fn json(&mut self, field: &str) -> Result<Json> {
        self.take::<Json>(field)
    }
}

/// The UUID key of a record.
pub fn uuid_key(id: &RecordId) -> Result<Uuid> {
    match &id.key {
        RecordIdKey::Uuid(uuid) => Ok(uuid.into_inner()),
        _ => Err(Error::internal(format!("a record of {} without a UUID key", id.table.as_str()))),
    }
}
