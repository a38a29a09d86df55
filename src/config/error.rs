//! What can be wrong with the settings, told in one line that names the file, the line and the setting.
//!
//! Deliberately elsewhere: what is checked (`value.rs`, `rules.rs`) and where an error's line comes from (`load.rs`).

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the settings were refused. Its `Display` is one line; secrets are never part of it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing or cannot be read.
    #[error("{}: cannot be read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What the parser said.
        message: String,
    },
    /// A setting is unknown or its value is refused.
    #[error("{origin}: {message}")]
    Refused {
        /// Where the setting was made.
        origin: Origin,
        /// What is wrong with it.
        message: String,
    },
}

/// Where a setting got its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of the settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The dotted key, such as `limits.page_max`.
        key: String,
    },
    /// An environment variable.
    Environment {
        /// Its name, such as `PAWBASE_LIMITS__PAGE_MAX`.
        name: String,
    },
    /// Nobody set it.
    Default {
        /// The dotted key.
        key: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, key } => write!(formatter, "{}:{line}: {}", path.display(), key.escape_debug()),
            Self::Environment { name } => write!(formatter, "environment {}", name.escape_debug()),
            Self::Default { key } => formatter.write_str(key),
        }
    }
}
