//! What the product needs from outside itself, each behind a small face: the installation's own keys, mail, calls to other servers, the store
//! of files, pictures.

pub mod blobs;
pub mod images;
pub mod keys;
pub mod mail;
pub mod outbound;
