//! From the engine's failures to ours, in one place. The engine's texts stay in the log.

use pawbase_engine::{EngineError, IsConflict};

use crate::kernel::error::{ALREADY_EXISTS, CONFLICT, PAYLOAD_TOO_LARGE, RULE_VIOLATED, STILL_REFERENCED, UNAVAILABLE};
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
            EngineError::TooLarge(_) => {
                Self::new(PAYLOAD_TOO_LARGE, "This is more than the database takes in one transaction.")
            }
            EngineError::Thrown(words) => Self::new(RULE_VIOLATED, said(&words)),
            EngineError::Parse(_) | EngineError::Internal(_) => Self::internal(""),
        }
        .caused_by(text)
    }
}

/// Longest text of a THROW that is passed on.
const THROWN_LENGTH_MAX: usize = 300;

/// What a THROW says. Only schemas throw, so it is the shop's own words to its callers; on one line and within a limit.
fn said(words: &str) -> String {
    let line: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(THROWN_LENGTH_MAX).collect();
    let line = line.trim();
    if line.is_empty() { "A rule of the table does not allow this.".into() } else { line.to_owned() }
}

/// A dotted path as a JSON pointer. The engine does not say which item of a list it means, so then it leads to the list.
pub fn pointer(path: &str) -> String {
    let path = path.split(".*").next().unwrap_or(path);
    format!("/{}", path.replace(['.', '['], "/").replace(']', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_engine_become_pointers() {
        for (path, expected) in
            [("name", "/name"), ("price.minor", "/price/minor"), ("lines.*.qty", "/lines"), ("a[0].b", "/a/0/b")]
        {
            assert_eq!(pointer(path), expected);
        }
    }

    #[test]
    fn a_throw_is_a_broken_rule_in_its_own_words() {
        let error = Error::from(EngineError::Thrown("Closed on\nSundays".into()));
        assert_eq!((error.entry(), error.message()), (RULE_VIOLATED, "Closed on Sundays"));
        assert_eq!(said(&"x".repeat(5000)).len(), THROWN_LENGTH_MAX);
        assert_eq!(said(" \n"), "A rule of the table does not allow this.");
        assert_eq!(Error::from(EngineError::Internal("secret".into())).message(), "Something failed on our side.");
    }
}
