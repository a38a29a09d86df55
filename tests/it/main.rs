//! The whole server, tested from outside: in process over real sockets, and as the real binary.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod architecture;
mod cursors;
mod filters;
mod http;
mod records;
