//! `pawbase serve`: opens the application, listens, stops gracefully.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::{Failure, describe, load_demo, say};
use crate::app::App;
use crate::config::{Config, ServerRole};
use crate::context::Audience;
use crate::demo;
use crate::http::server::{self, Bound};
use crate::kernel::time::SystemClock;

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct Options {
    /// Address of the public API.
    #[arg(long, value_name = "ADDR")]
    public: Option<String>,
    /// Address of the admin listener.
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// What this process does: public, admin, worker, separated by commas.
    #[arg(long, value_name = "LIST")]
    roles: Option<String>,
    /// Load the demo data when the database is empty, and print the demo accounts.
    #[arg(long)]
    demo: bool,
}

impl Options {
    /// The options as settings.
    pub fn overrides(&self) -> Vec<(String, String)> {
        let pairs = [
            ("PAWBASE_PUBLIC__BIND", &self.public),
            ("PAWBASE_ADMIN__BIND", &self.admin),
            ("PAWBASE_SERVER__ROLES", &self.roles),
        ];
        pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))).collect()
    }
}

/// Serves until SIGTERM or SIGINT.
pub async fn serve(options: Options, config: Config) -> Result<(), Failure> {
    if options.demo {
        refuse_public_demo(&config)?;
    }
    // Before anything is announced: whoever sees the addresses may already send a signal.
    let signals = Signals::new()?;
    let has = |role| config.server.roles.contains(&role);
    let public = bind_if(has(ServerRole::Public), config.public.bind).await?;
    let admin = bind_if(has(ServerRole::Admin), config.admin.bind).await?;
    let is_worker = has(ServerRole::Worker);
    let time_out = Duration::from_secs(config.server.shutdown_timeout_s);
    let limits = server::Limits::of(&config.limits);
    let app = App::open(config, Arc::new(SystemClock)).await.map_err(|error| error.to_string())?;
    let app = Arc::new(app);
    for change in &app.changes {
        tracing::info!("schema: {change}");
    }
    if options.demo && demo::is_empty(&app).await.map_err(describe)? {
        load_demo(&app).await?;
    }
    announce(&app, public.as_ref(), admin.as_ref(), options.demo).await;
    let (stop, stopping) = watch::channel(false);
    let mut listeners = tokio::task::JoinSet::new();
    for (bound, audience) in [(public, Audience::Public), (admin, Audience::Admin)] {
        if let Some(bound) = bound {
            let endpoint = app.endpoint(audience);
            listeners.spawn(server::serve(bound, endpoint, limits, stopping.clone(), time_out));
        }
    }
    let sweeper = tokio::spawn({
        let app = Arc::clone(&app);
        async move { app.sweep_forever().await }
    });
    let worker = is_worker.then(|| Arc::clone(&app.worker).start());
    signals.wait().await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    // Streams have no end of their own.
    app.realtime.stop().await;
    while let Some(ended) = listeners.join_next().await {
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "a listener ended badly");
        }
    }
    if let Some(worker) = worker {
        worker.stop(time_out).await;
    }
    sweeper.abort();
    app.close().await.map_err(|error| error.to_string())?;
    tracing::info!("stopped");
    Ok(())
}

async fn bind_if(is_wanted: bool, address: std::net::SocketAddr) -> Result<Option<Bound>, Failure> {
    if !is_wanted {
        return Ok(None);
    }
    server::bind(address).await.map(Some).map_err(|error| format!("cannot listen on {address}: {error}"))
}

/// Demo accounts have a known password: they are for this machine only, unless the owner says otherwise.
fn refuse_public_demo(config: &Config) -> Result<(), Failure> {
    let addresses = [config.public.bind, config.admin.bind];
    match addresses.iter().find(|address| !address.ip().is_loopback()) {
        Some(address) if !config.server.allow_public_demo => Err(format!(
            "--demo has accounts with a known password and does not listen on {address}; set server.allow_public_demo = true if you mean it"
        )),
        _ => Ok(()),
    }
}

async fn announce(app: &App, public: Option<&Bound>, admin: Option<&Bound>, is_demo: bool) {
    say(format!("Pawbase {}", env!("CARGO_PKG_VERSION")));
    if let Some(bound) = public {
        say(format!("  API     http://{}/api/v1", bound.address));
        say(format!("  Docs    http://{}/api/docs", bound.address));
    }
    if let Some(bound) = admin {
        say(format!("  Admin   http://{}/", bound.address));
        match app.identity.setup_token(&app.platform).await {
            Ok(Some(token)) => {
                say(format!("  Setup   http://{}/#setup={token}  (once, for the first administrator)", bound.address))
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "whether an administrator exists is not known"),
        }
    }
    if is_demo {
        say("  Demo accounts, all with the password pawbase-demo:");
        for (email, what) in demo::ACCOUNTS {
            say(format!("    {email:<24} {what}"));
        }
    }
}

/// SIGTERM and SIGINT, caught from the moment this is made.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let catch = |kind| signal(kind).map_err(|error| format!("cannot wait for signals: {error}"));
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
