//! The whole server, tested from outside: in process over real sockets, and as the real binary.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod architecture;
mod binary;
mod cursors;
mod filters;
mod http;
mod identity;
mod permissions;
mod records;
