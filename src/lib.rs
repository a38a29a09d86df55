//! Pawbase: the whole backend of a pet business in one binary. See ARCHITECTURE.md for the map.

#![recursion_limit = "512"]

pub mod app;
pub mod cli;
pub mod config;
pub mod context;
pub mod demo;
pub mod http;
pub mod kernel;
pub mod modules;
pub mod realtime;
pub mod records;
pub mod schema;
pub mod services;
pub mod work;
