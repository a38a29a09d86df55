//! The real binary: starting, stopping, crashing, its command line and its log. What the server answers is tested in process
//! elsewhere.

#![expect(clippy::print_stderr, reason = "measured times and skipped tests are told to whoever runs them")]

mod commands;
mod crash;
mod demo;
mod large_import;
mod logs;
mod outbox;
pub mod place;
pub mod process;
mod shop;
mod start;
mod stop;
mod storage;
