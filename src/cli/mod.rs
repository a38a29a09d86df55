//! The command line: what a person may ask of the program. Every failure is one clear line and a non-zero exit.

mod admin;
mod logging;
mod schemas;
mod serve;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};

use crate::app::App;
use crate::config::Config;
use crate::context::Audience;
use crate::demo;
use crate::http::routes;
use crate::kernel::time::SystemClock;

/// Stack of a worker thread: statements with deep expressions need it.
const THREAD_STACK_BYTES: usize = 10 * 1024 * 1024;

/// The whole backend of a pet business in one binary.
#[derive(Debug, Parser)]
#[command(name = "pawbase", version, about)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
struct Common {
    /// Settings file; config.toml in the current folder if left out.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder of the shop's own schemas.
    #[arg(long, global = true, value_name = "DIR")]
    schemas: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and the admin listener.
    Serve(serve::Options),
    /// Administrators.
    #[command(subcommand)]
    Admin(admin::Command),
    /// Schemas.
    #[command(subcommand)]
    Schema(schemas::Command),
    /// Print the OpenAPI document.
    Openapi {
        /// Of the admin listener.
        #[arg(long)]
        admin: bool,
    },
    /// Demo data.
    #[command(subcommand)]
    Demo(DemoCommand),
    /// Settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the version.
    Version,
}

#[derive(Debug, Subcommand)]
enum DemoCommand {
    /// Load the demo data into an empty database.
    Load,
    /// Remove the demo data.
    Clear,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the settings in force.
    Print,
}

/// A failure as one line.
type Failure = String;

/// Runs the command of the process's arguments.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "pawbase: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Writes a line for the person at the terminal.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn dispatch(cli: Cli) -> Result<(), Failure> {
    let extra = match &cli.command {
        Command::Serve(options) => options.overrides(),
        _ => Vec::new(),
    };
    if let Command::Version = cli.command {
        say(format!("pawbase {}", env!("CARGO_PKG_VERSION")));
        return Ok(());
    }
    let config = load_config(&cli.common, extra)?;
    logging::start(&config)?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if config.server.threads > 0 {
        builder.worker_threads(config.server.threads);
    }
    let runtime = builder
        .thread_stack_size(THREAD_STACK_BYTES)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start threads: {error}"))?;
    // Spawned, so that it runs on a worker with a deep stack.
    let outcome = runtime.block_on(async move {
        tokio::spawn(execute(cli.command, config)).await.unwrap_or_else(|error| Err(format!("stopped: {error}")))
    });
    // The database is closed by now; the process ends at once instead of tearing down the engine's idle tasks one by one.
    std::mem::forget(runtime);
    outcome
}

async fn execute(command: Command, config: Config) -> Result<(), Failure> {
    match command {
        Command::Serve(options) => serve::serve(options, config).await,
        Command::Admin(command) => with_app(config, async |app| admin::run(app, command).await).await,
        Command::Schema(command) => schemas::run(command, config).await,
        Command::Openapi { admin } => with_app(config, async |app| print_openapi(app, admin)).await,
        Command::Demo(DemoCommand::Load) => with_app(config, async |app| load_demo(app).await).await,
        Command::Demo(DemoCommand::Clear) => {
            with_app(config, async |app| demo::clear(app).await.map_err(describe)).await
        }
        Command::Config(ConfigCommand::Print) => {
            say(config.to_toml().trim_end());
            Ok(())
        }
        Command::Version => Ok(()),
    }
}

/// Settings: the command line goes before the environment, the environment before the file.
fn load_config(common: &Common, extra: Vec<(String, String)>) -> Result<Config, Failure> {
    let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
    let environment = std::env::vars_os().map(|(name, value)| (text(&name), text(&value)));
    let folder = |name: &str, path: &Option<PathBuf>| path.as_ref().map(|p| (name.to_owned(), text(p.as_os_str())));
    let options = [folder("PAWBASE_SERVER__DATA", &common.data), folder("PAWBASE_SERVER__SCHEMAS", &common.schemas)];
    let pairs = environment.chain(options.into_iter().flatten()).chain(extra);
    Config::load(common.config.as_deref(), pairs).map_err(|error| error.to_string())
}

/// Opens the application, runs `work`, closes it.
async fn with_app<T>(config: Config, work: impl AsyncFnOnce(&App) -> Result<T, Failure>) -> Result<T, Failure> {
    let app = App::open(config, Arc::new(SystemClock)).await.map_err(|error| error.to_string())?;
    let outcome = work(&app).await;
    app.close().await.map_err(|error| error.to_string())?;
    outcome
}

/// A failure for a person at the terminal, with its cause: no stranger reads it.
fn describe(error: crate::kernel::Error) -> Failure {
    let fields: String = error.fields().iter().map(|f| format!(" {}: {}.", f.pointer, f.message)).collect();
    match error.cause().filter(|cause| !cause.is_empty()) {
        Some(cause) => format!("{error}{fields} ({cause})"),
        None => format!("{error}{fields}"),
    }
}

fn print_openapi(app: &App, admin: bool) -> Result<(), Failure> {
    let audience = if admin { Audience::Admin } else { Audience::Public };
    let (_, document) = routes::commands(&app.modules, audience);
    let merged = routes::document_of(document, &app.platform, &app.modules, audience);
    say(serde_json::to_string_pretty(&merged).map_err(|error| error.to_string())?);
    Ok(())
}

async fn load_demo(app: &App) -> Result<(), Failure> {
    if !demo::is_empty(app).await.map_err(describe)? {
        return Err("the database has users already; demo data is loaded into an empty one".into());
    }
    let count = demo::load(app).await.map_err(describe)?;
    say(format!("loaded {count} records"));
    Ok(())
}
