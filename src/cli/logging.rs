//! Logging: readable lines in a terminal, JSON for machines. To stderr, so that stdout stays for answers.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Starts logging as configured.
pub fn start(config: &Config) -> Result<(), String> {
    let level = &config.log.level;
    // The engine's own lines are about its inside; a person who wants them names the target.
    let directives = if level.contains("surrealdb") {
        level.clone()
    } else {
        format!("{level},surrealdb=error,surrealdb::core::kvs::ds=off,surrealkv=error")
    };
    let filter = EnvFilter::try_new(&directives).map_err(|error| format!("log.level {level:?}: {error}"))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.log.format {
        LogFormat::Text => builder.with_target(false).with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| format!("cannot start logging: {error}"))
}
