mod error;
mod protocol;

pub mod format;

pub use error::{query_timeout_error, types_error_from_anyhow};
pub use format::Format;
pub use protocol::{RpcProtocol, live_query_owner};
