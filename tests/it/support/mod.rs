//! A whole server in process: its own in-memory database and clock, real sockets, clients in every role.

pub mod client;
pub mod files;
pub mod live;
pub mod mail;
pub mod people;
pub mod work;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use pawbase::app::{App, reactions};
use pawbase::config::Config;
use pawbase::context::Audience;
use pawbase::http::server;
use pawbase::kernel::time::ManualClock;
use pawbase::work::Registry;
use tokio::sync::watch;

pub use client::Client;

/// Runs a test on threads with the deep stacks that the engine needs.
pub fn run<F>(test: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(16 * 1024 * 1024)
        .enable_all()
        .build()
        .expect("runtime");
    match runtime.block_on(runtime.spawn(test)) {
        Ok(output) => output,
        Err(failure) => std::panic::resume_unwind(failure.into_panic()),
    }
}

/// A running server that stops when it is dropped.
pub struct TestApp {
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    pub public: SocketAddr,
    pub admin: SocketAddr,
    work: work::Expected,
    stop: watch::Sender<bool>,
}

/// Settings for tests: in memory, cheap password hashes, no rate limits.
pub fn settings() -> Config {
    let mut config = Config::default();
    config.database.url = "memory".into();
    config.limits.rate_limit = false;
    config.auth.argon2_memory_kb = 8;
    config.auth.argon2_iterations = 1;
    config
}

/// When every test begins.
pub const START: &str = "2026-05-04T10:00:00Z";

impl TestApp {
    /// An empty platform.
    pub async fn start() -> Self {
        Self::with(settings()).await
    }

    /// A platform with the demo data.
    pub async fn with_demo() -> Self {
        let test = Self::start().await;
        pawbase::demo::load(&test.app).await.expect("demo data");
        test
    }

    /// An empty platform with these settings.
    pub async fn with(config: Config) -> Self {
        Self::with_reactions(config, reactions()).await
    }

    /// An empty platform with another list of what is done about events.
    pub async fn with_reactions(config: Config, reactions: Registry) -> Self {
        let start = DateTime::parse_from_rfc3339(START).expect("a date").to_utc();
        let clock = Arc::new(ManualClock::at(start));
        let app = App::open_with(config, clock.clone(), reactions).await.expect("the application opens");
        let app = Arc::new(app);
        let (stop, stopping) = watch::channel(false);
        let limits = server::Limits::of(&app.platform.config.limits);
        let mut addresses = Vec::new();
        for audience in [Audience::Public, Audience::Admin] {
            let bound = server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
            addresses.push(bound.address);
            let endpoint = app.endpoint(audience);
            tokio::spawn(server::serve(bound, endpoint, limits, stopping.clone(), Duration::from_secs(1)));
        }
        Self { app, clock, public: addresses[0], admin: addresses[1], work: work::Expected::default(), stop }
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        self.check_left_over();
    }
}
