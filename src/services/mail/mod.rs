//! Sending mail: one small face, and what stands behind it.
//!
//! * `message.rs` makes a letter of text and HTML into the bytes of a mail (RFC 5322), once, for whichever way it goes
//! * `smtp.rs` hands it to a server, `file.rs` keeps it in a folder, `memory.rs` in memory (for tests, and where the database is in
//!   memory too)
//!
//! Deliberately elsewhere: what is written, when, and how often it is tried (modules::mail, work).

mod file;
mod memory;
mod message;
mod smtp;

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

pub use self::file::Folder;
pub use self::memory::Memory;
pub use self::message::{Draft, Outgoing, compose};
pub use self::smtp::Smtp;

/// Why a mail did not go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendFailure {
    /// It will never go: trying again would change nothing.
    Refused {
        /// Why, in the server's words.
        message: String,
        /// Whether the address is the reason.
        is_bad_address: bool,
    },
    /// It may go later.
    Later(String),
}

impl fmt::Display for SendFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { message, .. } | Self::Later(message) => f.write_str(message),
        }
    }
}

/// A way for mails to go out.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends a mail. It may come again after a failure, with the same id.
    async fn send(&self, mail: &Outgoing) -> Result<(), SendFailure>;

    /// The bytes of a mail that was sent, where this way keeps them.
    async fn kept(&self, _id: Uuid) -> Option<Vec<u8>> {
        None
    }
}
