//! The whole server, tested from outside: in process over real sockets, and as the real binary.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod answers;
mod architecture;
mod binary;
mod contract;
mod cursors;
mod filters;
mod http;
mod identity;
mod lists_of_objects;
mod permissions;
mod records;
mod shop_tables;
mod work;
