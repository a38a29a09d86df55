//! Vocabulary of the product, without I/O: errors, ids, time, addresses. It knows no other module.

pub mod error;
pub mod id;
pub mod net;
pub mod time;

pub use error::{Error, FieldError, Result};
