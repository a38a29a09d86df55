//! What can go wrong with schemas: always the developer's or operator's to mend, so the words are for them.

use std::fmt;
use std::path::PathBuf;

use pawbase_engine::{EngineError, IsConflict};

use super::diff::Diff;

/// A result of the schemas.
pub type Result<T> = std::result::Result<T, SchemaError>;

/// A mistake in a schema file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Line in it, from 1.
    pub line: usize,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// A failure with schemas or migrations.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A file or folder cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// File or folder.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The shop's files have mistakes; all of them are listed.
    #[error("the schema folder has {} problem(s):\n{}", .0.len(), lines(.0))]
    Problems(Vec<Problem>),
    /// Numbers, names or texts of migrations are not what they must be.
    #[error("migrations: {0}")]
    Migrations(String),
    /// A migration did not run; nothing of it was kept.
    #[error("migration {name} failed and was rolled back: {cause}")]
    MigrationFailed {
        /// Source, number and name.
        name: String,
        /// What the engine said.
        cause: EngineError,
    },
    /// The change would lose data and no migration covers it.
    #[error(
        "the schema change would lose data, nothing was changed:\n{0}\n\
         Write a migration that performs the marked changes: a file migrations/NNNN_name.surql next to the schema files, \
         with the next number, such as\n  {example}\n\
         It runs once, in one transaction, before the schema files are applied.",
        example = .0.example()
    )]
    Lossy(Diff),
    /// The engine refused the change; nothing of it was kept.
    #[error("the schema change was refused by the database and rolled back: {0}")]
    Refused(EngineError),
    /// The schema files, taken together, are not accepted by an empty database.
    #[error("the schema files do not apply to an empty database: {0}")]
    Inapplicable(EngineError),
    /// The session key has characters that do not belong there.
    #[error("the session key must be of letters, digits and -_+/= only")]
    SessionKey,
    /// The database describes itself in an unknown form.
    #[error("the database's description is not understood: {0}")]
    Description(String),
    /// The database failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl SchemaError {
    /// Whether another process changed the same database first, so that the whole start may be tried again.
    pub(super) fn is_overtaken(&self) -> bool {
        self.is_conflict() || matches!(self, Self::Engine(EngineError::RecordExists(_)))
    }
}

impl IsConflict for SchemaError {
    fn is_conflict(&self) -> bool {
        match self {
            Self::Engine(cause) | Self::Refused(cause) | Self::MigrationFailed { cause, .. } => cause.is_conflict(),
            _ => false,
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
