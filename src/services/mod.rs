//! What the product needs from outside itself, each behind a small face: the installation's own keys, mail, calls to other servers.

pub mod keys;
pub mod mail;
pub mod outbound;
