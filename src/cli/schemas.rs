//! `pawbase schema`: checks a folder, shows what would change, applies it.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Failure, say};
use crate::app::{self, Opened};
use crate::config::Config;
use crate::kernel::time::{Clock, SystemClock};
use crate::schema;

/// Commands about schemas.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a folder of .surql files and report every problem with file and line.
    Check {
        /// The folder; the configured one if left out.
        folder: Option<PathBuf>,
    },
    /// Show what the schemas would change in the database.
    Diff,
    /// Apply the schemas to the database.
    Apply,
}

/// Runs a command about schemas.
pub async fn run(command: Command, config: Config) -> Result<(), Failure> {
    match command {
        Command::Check { folder } => check(folder.or_else(|| app::shop_folder(&config))).await,
        Command::Diff => with_database(&config, false).await,
        Command::Apply => with_database(&config, true).await,
    }
}

async fn check(folder: Option<PathBuf>) -> Result<(), Failure> {
    let folder = folder.ok_or("no folder to check: name one, or make schemas in the data folder")?;
    let problems = schema::check(&folder).await.map_err(|error| error.to_string())?;
    for problem in &problems {
        say(problem);
    }
    match problems.len() {
        0 => {
            say(format!("{}: no problems", folder.display()));
            Ok(())
        }
        1 => Err("1 problem".into()),
        count => Err(format!("{count} problems")),
    }
}

async fn with_database(config: &Config, is_applied: bool) -> Result<(), Failure> {
    let Opened { engine, keys, sources } = app::open_database(config).await.map_err(|error| error.to_string())?;
    let outcome = async {
        if is_applied {
            let prepared = schema::prepare(&engine, &sources, keys.engine_session_key(), SystemClock.now()).await?;
            Ok((prepared.migrations, prepared.changes, false))
        } else {
            let diff = schema::diff(&engine, &sources, keys.engine_session_key()).await?;
            // What is pending may be just what covers the loss.
            let is_uncovered = diff.is_lossy() && diff.pending.is_empty();
            Ok((diff.pending, diff.changes, is_uncovered))
        }
    };
    let outcome: Result<_, schema::SchemaError> = outcome.await;
    engine.shutdown().await.map_err(|error| error.to_string())?;
    let (migrations, changes, is_lossy) = outcome.map_err(|error| error.to_string())?;
    for migration in &migrations {
        say(format!("> migration {migration}"));
    }
    for change in &changes {
        say(change);
    }
    if changes.is_empty() && migrations.is_empty() {
        say("nothing to change");
    }
    if is_lossy { Err("some changes lose data: they need a migration".into()) } else { Ok(()) }
}
