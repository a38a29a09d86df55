//! What the product needs from outside itself, each behind a small face: for now the installation's own keys.

pub mod keys;
