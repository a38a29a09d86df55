//! What can go wrong in the engine, as meanings instead of texts.
//!
//! The engine reports most failures as prose; the patterns that callers act on are recognised here, in one place. The raw
//! text is kept for the log only and never reaches an API caller.

use surrealdb::types::{ErrorDetails, QueryError};

/// A result of the engine.
pub type Result<T> = std::result::Result<T, EngineError>;

/// A failure of a statement, by meaning.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// Another transaction changed the same rows first; the whole transaction may be run again.
    #[error("transaction conflict: {0}")]
    Conflict(String),
    /// A record with this id exists.
    #[error("record exists: {0}")]
    RecordExists(String),
    /// A UNIQUE index holds the value already. Carries the index name.
    #[error("unique index {index} holds the value already")]
    Unique {
        /// Name of the index.
        index: String,
    },
    /// A field's ASSERT said no. Carries the field path.
    #[error("field {field} failed its assertion: {detail}")]
    Assertion {
        /// Path of the field.
        field: String,
        /// The engine's words, for the log.
        detail: String,
    },
    /// A value is not of the field's type. Carries the field path.
    #[error("field {field} is of another type: {detail}")]
    Coercion {
        /// Path of the field.
        field: String,
        /// The engine's words, for the log.
        detail: String,
    },
    /// A READONLY field was changed. Carries the field path.
    #[error("field {0} is read-only")]
    ReadOnly(String),
    /// The table has no such field. Carries the field path.
    #[error("no field {0}")]
    UnknownField(String),
    /// A record is still referenced with ON DELETE REJECT. Carries the referring table.
    #[error("still referenced by {0}")]
    Referenced(String),
    /// The session's role does not allow the statement.
    #[error("not allowed: {0}")]
    Denied(String),
    /// The token was refused or has expired.
    #[error("authentication refused: {0}")]
    Unauthenticated(String),
    /// A statement ran longer than allowed.
    #[error("timed out: {0}")]
    Timeout(String),
    /// The store cannot be reached or written (disk full, read-only, connection lost).
    #[error("storage unavailable: {0}")]
    Unavailable(String),
    /// The transaction has more than the store takes at once.
    #[error("transaction too large: {0}")]
    TooLarge(String),
    /// The text is not valid SurrealQL.
    #[error("{0}")]
    Parse(String),
    /// THROW in a statement, with its text.
    #[error("{0}")]
    Thrown(String),
    /// Anything else.
    #[error("{0}")]
    Internal(String),
}

impl EngineError {
    /// Whether the same transaction may succeed when run again.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }

    /// Of several statement errors of one transaction, how telling this one is: the cause before its echoes.
    pub(crate) fn weight(&self) -> u8 {
        match self {
            Self::Conflict(_) => 3,
            Self::Internal(text) if text.contains("not executed") => 0,
            Self::Internal(_) => 1,
            _ => 2,
        }
    }
}

/// The text between the first pair of back-ticks or quotes after `marker`.
fn quoted_after(text: &str, marker: &str) -> Option<String> {
    let rest = &text[text.find(marker)? + marker.len()..];
    let open = rest.find(['`', '\''])?;
    let quote = rest.as_bytes()[open] as char;
    let rest = &rest[open + 1..];
    Some(rest[..rest.find(quote)?].to_owned())
}

/// The words of a THROW in a DEFINE EVENT, which the engine wraps once for each event that they pass through.
fn thrown_in_event(text: &str) -> Option<String> {
    let (_, cause) = text.strip_prefix("Error while processing event ")?.split_once(": ")?;
    match cause.strip_prefix("An error occurred: ") {
        Some(words) => Some(words.to_owned()),
        None => thrown_in_event(cause),
    }
}

/// Signs of a store that cannot be written or reached.
const UNAVAILABLE: [&str; 9] = [
    "No space left",
    "Read-only file system",
    "Permission denied",
    "os error 28",
    "os error 30",
    "Input/output error",
    "Disk quota",
    "channel closed",
    "closed the connection",
];

/// Signs of a transaction that does not fit into the store's memory for recent writes.
const TOO_LARGE: [&str; 2] = ["Memtable arena is full", "Batch too large"];

impl From<surrealdb::Error> for EngineError {
    fn from(error: surrealdb::Error) -> Self {
        let text = error.message().to_owned();
        match error.details() {
            ErrorDetails::Query(Some(QueryError::TransactionConflict)) => return Self::Conflict(text),
            ErrorDetails::Query(Some(QueryError::TimedOut { .. })) => return Self::Timeout(text),
            ErrorDetails::Connection(_) => return Self::Unavailable(text),
            ErrorDetails::Thrown => {
                return Self::Thrown(text.strip_prefix("An error occurred: ").unwrap_or(&text).to_owned());
            }
            _ => {}
        }
        if let Some(words) = thrown_in_event(&text) {
            return Self::Thrown(words);
        }
        if text.contains("transaction can be retried") || text.contains("Transaction conflict") {
            return Self::Conflict(text);
        }
        if text.starts_with("Database index ") && text.contains("already contains") {
            let index = quoted_after(&text, "Database index").unwrap_or_default();
            return Self::Unique { index };
        }
        if text.starts_with("Database record ") && text.ends_with("already exists") {
            return Self::RecordExists(text);
        }
        if text.contains("but field must conform to") {
            let field = quoted_after(&text, "for field").unwrap_or_default();
            return Self::Assertion { field, detail: text };
        }
        if text.contains("Couldn't coerce value for field") {
            let field = quoted_after(&text, "for field").unwrap_or_default();
            return Self::Coercion { field, detail: text };
        }
        if text.contains("but field is readonly") {
            return Self::ReadOnly(quoted_after(&text, "for field").unwrap_or_default());
        }
        if text.contains("no such field exists") {
            return Self::UnknownField(quoted_after(&text, "Found field").unwrap_or_default());
        }
        if text.contains("ON DELETE REJECT") {
            let referrer = quoted_after(&text, "referenced by").unwrap_or_default();
            let table = referrer.split(':').next().unwrap_or_default().to_owned();
            return Self::Referenced(table);
        }
        if TOO_LARGE.iter().any(|sign| text.contains(sign)) {
            return Self::TooLarge(text);
        }
        if UNAVAILABLE.iter().any(|sign| text.contains(sign)) {
            return Self::Unavailable(text);
        }
        if text.contains("timed out") || text.contains("exceeded the timeout") {
            return Self::Timeout(text);
        }
        match error.details() {
            ErrorDetails::NotAllowed(_) if text.contains("uthentication") || text.contains("oken") => {
                Self::Unauthenticated(text)
            }
            ErrorDetails::NotAllowed(_) => Self::Denied(text),
            ErrorDetails::Validation(_) if text.contains("arse error") => Self::Parse(text),
            _ if text.starts_with("Parse error") => Self::Parse(text),
            _ => Self::Internal(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(text: &str) -> EngineError {
        surrealdb::Error::internal(text.to_owned()).into()
    }

    #[test]
    fn known_texts_become_meanings() {
        assert!(translated("Transaction conflict: x. This transaction can be retried").is_conflict());
        assert!(matches!(
            translated("Database index `users_email` already contains 'a@b.c', with record `users:1`"),
            EngineError::Unique { index } if index == "users_email"
        ));
        assert!(matches!(
            translated("Found 'x' for field `slug`, with record `a:1`, but field must conform to: $value = /a/"),
            EngineError::Assertion { field, .. } if field == "slug"
        ));
        assert!(matches!(
            translated("Couldn't coerce value for field `price.minor` of `a:1`: Expected `int` but found `'x'`"),
            EngineError::Coercion { field, .. } if field == "price.minor"
        ));
        assert!(matches!(
            translated("Found field 'nope', but no such field exists for table 'users'"),
            EngineError::UnknownField(field) if field == "nope"
        ));
        assert!(matches!(
            translated("Cannot delete `species:dog` as it is referenced by `breeds:dog_beagle` with an ON DELETE REJECT clause"),
            EngineError::Referenced(table) if table == "breeds"
        ));
        assert!(matches!(translated("IO error: No space left on device"), EngineError::Unavailable(_)));
        assert!(matches!(translated("Commit failed: Memtable arena is full"), EngineError::TooLarge(_)));
        for wrapped in [
            "Error while processing event full: An error occurred: Too many: 6",
            "Error while processing event outer: Error while processing event full: An error occurred: Too many: 6",
        ] {
            assert!(matches!(translated(wrapped), EngineError::Thrown(words) if words == "Too many: 6"), "{wrapped}");
        }
        let other = "Error while processing event full: Cannot divide 1 by 0";
        assert!(matches!(translated(other), EngineError::Internal(_)));
    }
}
