//! What the product needs from outside itself, each behind a small face: the installation's own keys, calls to other servers.

pub mod keys;
pub mod outbound;
