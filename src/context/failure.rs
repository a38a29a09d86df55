//! From the engine's failures to ours, in one place. The engine's texts stay in the log.

use pawbase_engine::{EngineError, IsConflict};

use crate::kernel::error::{ALREADY_EXISTS, CONFLICT, STILL_REFERENCED, UNAVAILABLE};
use crate::kernel::{Error, FieldError};

impl IsConflict for Error {
    fn is_conflict(&self) -> bool {
        self.is_retryable()
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        let text = error.to_string();
        match error {
            EngineError::Conflict(_) => {
                Self::new(CONFLICT, "Somebody else changed the same records; try again.").retryable()
            }
            EngineError::RecordExists(_) => {
                Self::new(ALREADY_EXISTS, "There is a record with this id.").at("/id", "unique", "is taken")
            }
            EngineError::Unique { .. } => Self::new(ALREADY_EXISTS, "There is a record with these values."),
            EngineError::Assertion { field, .. } => {
                Self::invalid(vec![FieldError::new(pointer(&field), "rule", "is not an allowed value")])
            }
            EngineError::Coercion { field, detail } if detail.contains("found `NONE`") => {
                Self::invalid(vec![FieldError::new(pointer(&field), "required", "is required")])
            }
            EngineError::Coercion { field, .. } => {
                Self::invalid(vec![FieldError::new(pointer(&field), "type", "is of another type")])
            }
            EngineError::ReadOnly(field) => {
                Self::invalid(vec![FieldError::new(pointer(&field), "read_only", "can be set once only")])
            }
            EngineError::UnknownField(field) => {
                Self::invalid(vec![FieldError::new(pointer(&field), "unknown", "is not a field of this table")])
            }
            EngineError::Referenced(table) => {
                Self::new(STILL_REFERENCED, format!("Records of {table} still refer to it."))
            }
            EngineError::Denied(_) => Self::forbidden(),
            EngineError::Unauthenticated(_) => Self::unauthenticated(),
            EngineError::Timeout(_) | EngineError::Unavailable(_) => {
                Self::new(UNAVAILABLE, "The database cannot do this now.").retry_after(1)
            }
            EngineError::Parse(_) | EngineError::Thrown(_) | EngineError::Internal(_) => Self::internal(""),
        }
        .caused_by(text)
    }
}

/// A dotted path as a JSON pointer.
pub fn pointer(path: &str) -> String {
    format!("/{}", path.replace(['.', '['], "/").replace(']', ""))
}
