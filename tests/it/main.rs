//! The whole server, tested from outside: in process over real sockets, and as the real binary.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod account_links;
mod answers;
mod architecture;
mod audit;
mod binary;
mod console;
mod console_overview;
mod contract;
mod cursors;
mod evaluator;
mod export;
mod files;
mod filters;
mod http;
mod identity;
mod import;
mod index_lists;
mod lists_of_objects;
mod mail;
mod messaging;
mod notifications;
mod permissions;
mod realtime;
mod records;
mod restore;
mod shop_tables;
mod tools;
mod webhooks;
mod work;
