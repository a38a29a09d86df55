//! What the product needs from outside itself, each behind a small face: the installation's own keys, and mail.

pub mod keys;
pub mod mail;
