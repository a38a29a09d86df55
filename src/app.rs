//! The application: everything opened in the right order, and closed in the opposite one. What it does of itself is listed in
//! `app/reactions.rs`.

mod reactions;

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pawbase_engine::{Engine, EngineError, OpenOptions, RemoteCredentials};

use crate::config::Config;
use crate::context::{Answers, Audience, Bell, EngineTokens, Interest, Platform, Principals};
use crate::http::gate::Gate;
use crate::http::rate::Rates;
use crate::http::realtime::ModulesDesk;
use crate::http::routes::Routes;
use crate::kernel::id::Ids;
use crate::kernel::time::Clock;
use crate::modules::Modules;
use crate::modules::files::Files;
use crate::modules::identity::Identity;
use crate::modules::mail::{MailError, Mailer};
use crate::realtime::Hub;
use crate::schema::{self, Change, SchemaError, Sources};
use crate::services::blobs::BlobsError;
use crate::services::keys::{Keys, KeysError};
use crate::work::{Registry, Worker};

use self::reactions::by_services;
pub use self::reactions::reactions;

/// Why the application could not start, in words for the person who starts it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder of the installation cannot be made or written.
    #[error("cannot use the data folder {}: {cause}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's words.
        cause: std::io::Error,
    },
    /// Another process has the data folder open.
    #[error("the data folder {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// The keys folder does not belong to the database.
    #[error("the keys in {} do not open the database; restore data/keys from the backup of data/db", .0.display())]
    ForeignKeys(PathBuf),
    /// The keys cannot be read or made.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The schemas have problems, or would lose data.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The shop's mail templates are broken, or the settings of `[mail]` make no way out.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// There is no store for files.
    #[error(transparent)]
    Files(#[from] BlobsError),
    /// The database does not open.
    #[error("the database does not open: {0}")]
    Database(String),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// An open application.
#[derive(Debug)]
pub struct App {
    /// What all requests share.
    pub platform: Arc<Platform>,
    /// Sign-in.
    pub identity: Arc<Identity>,
    /// Relays events and does jobs, once it is started.
    pub worker: Arc<Worker>,
    /// What the commands need.
    pub modules: Modules,
    /// Connections that are told of changes.
    pub realtime: Arc<Hub>,
    /// What the start changed in the database.
    pub changes: Vec<Change>,
    rates: Option<Arc<Rates>>,
}

/// An open database with its keys, before the schemas are applied.
pub struct Opened {
    /// The database.
    pub engine: Engine,
    /// The installation's keys.
    pub keys: Keys,
    /// The schemas to apply.
    pub sources: Sources,
}

/// The folder of the shop's own schemas: the configured one, else `schemas` in the data folder if it is there.
pub fn shop_folder(config: &Config) -> Option<PathBuf> {
    if !config.server.schemas.as_os_str().is_empty() {
        return Some(config.server.schemas.clone());
    }
    let inside = config.server.data.join("schemas");
    inside.is_dir().then_some(inside)
}

/// Opens keys, schemas and database as configured.
pub async fn open_database(config: &Config) -> Result<Opened, StartError> {
    let sources = Sources::load(shop_folder(config).as_deref()).await?;
    let data = &config.server.data;
    let is_memory = config.database.url == "memory";
    let keys = if is_memory {
        Keys::open(None)?
    } else {
        make_folder(data)?;
        Keys::open(Some(&data.join("keys")))?
    };
    let engine = Engine::open(open_options(config, &keys)).await.map_err(|error| explain(error, data))?;
    Ok(Opened { engine, keys, sources })
}

/// Makes the data folder and shows that it can be written.
fn make_folder(folder: &Path) -> Result<(), StartError> {
    let failed = |cause| StartError::Folder { path: folder.to_owned(), cause };
    // It holds personal data and keys: for its owner alone.
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder.join("db")).map_err(failed)?;
    let probe = folder.join(".write-test");
    std::fs::write(&probe, b"ok").and_then(|()| std::fs::remove_file(&probe)).map_err(failed)
}

fn open_options(config: &Config, keys: &Keys) -> OpenOptions {
    let database = &config.database;
    let query_timeout = Duration::from_secs(database.query_timeout_s);
    match database.url.as_str() {
        "memory" => OpenOptions::Memory { query_timeout },
        "" => OpenOptions::Disk {
            folder: config.server.data.join("db"),
            block_cache_bytes: database.block_cache_mb * 1024 * 1024,
            memtable_bytes: database.memtable_mb * 1024 * 1024,
            query_timeout,
            root_password: keys.engine_root_password().to_owned(),
        },
        url => OpenOptions::Remote {
            url: url.to_owned(),
            credentials: RemoteCredentials {
                username: database.username.clone(),
                password: database.password.reveal().to_owned(),
            },
        },
    }
}

fn explain(error: EngineError, data: &Path) -> StartError {
    let text = error.to_string();
    let lower = text.to_lowercase();
    if lower.contains("lock") {
        StartError::InUse(data.to_owned())
    } else if matches!(error, EngineError::Unauthenticated(_) | EngineError::Denied(_)) {
        StartError::ForeignKeys(data.join("keys"))
    } else {
        StartError::Database(text)
    }
}

impl App {
    /// Opens the database, applies the schemas, gets sign-in ready.
    pub async fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        Self::open_with(config, clock, reactions()).await
    }

    /// The same with another list of what is done about events.
    pub async fn open_with(config: Config, clock: Arc<dyn Clock>, reactions: Registry) -> Result<Self, StartError> {
        let Opened { engine, keys, sources } = open_database(&config).await?;
        let prepared = schema::prepare(&engine, &sources, keys.engine_session_key(), clock.now()).await?;
        // Nothing defines indexes from here on, so a write need not ask whether one is being built.
        if !engine.settle().await.map_err(|error| explain(error, &config.server.data))? {
            tracing::warn!("an index is not built; writes are slower than they could be until the next start");
        }
        let rates = Rates::new(&config).map(Arc::new);
        let keys = Arc::new(keys);
        let other = |error: crate::kernel::Error| StartError::Other(error.to_string());
        let identity = Arc::new(Identity::new(Arc::clone(&keys), &config).map_err(other)?);
        let mailer = Arc::new(Mailer::open(&config, Arc::clone(&keys))?);
        let files = Arc::new(Files::open(&config, Arc::clone(&keys))?);
        let reactions = by_services(reactions, &mailer, &files);
        // A remote database may be changed by other processes, so nothing about rights is kept then.
        let principals = Principals::new(config.limits.principals, engine.is_embedded());
        let answers = Answers::new(config.server.answers_mb * 1024 * 1024, &prepared.schema);
        let reactions = Arc::new(reactions);
        let interest = Interest::new({
            let reactions = Arc::clone(&reactions);
            move |event| reactions.wants(event)
        });
        let platform = Arc::new(Platform {
            answers,
            engine_tokens: EngineTokens::new(keys.engine_session_key()),
            config,
            engine,
            schema: Arc::new(prepared.schema),
            started_at: clock.now(),
            clock,
            ids: Ids::default(),
            principals,
            bell: Bell::default(),
            interest,
        });
        let worker = Arc::new(Worker::new(Arc::clone(&platform), reactions));
        worker.keep_schedules().await.map_err(other)?;
        let modules = Modules { identity: Arc::clone(&identity), mailer, files, worker: Arc::clone(&worker) };
        let desk = ModulesDesk { platform: Arc::clone(&platform), identity: Arc::clone(&identity) };
        let realtime = Hub::start(Arc::clone(&platform), Arc::new(desk));
        Ok(Self { platform, identity, worker, modules, realtime, changes: prepared.changes, rates })
    }

    /// The endpoint of a listener.
    pub fn endpoint(&self, audience: Audience) -> Gate<Routes> {
        Gate {
            platform: Arc::clone(&self.platform),
            identity: Arc::clone(&self.identity),
            audience,
            rates: self.rates.clone(),
            inner: Routes::new(Arc::clone(&self.platform), self.modules.clone(), Arc::clone(&self.realtime), audience),
        }
    }

    /// Keeps what this process has of callers bounded, in memory and of broken uploads on disk; runs until it is dropped.
    pub async fn sweep_forever(&self) {
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            if let Some(rates) = &self.rates {
                rates.sweep();
            }
            self.modules.files.tidy(self.platform.clock.now()).await;
        }
    }

    /// Closes the database; call after the last request.
    pub async fn close(&self) -> Result<(), EngineError> {
        self.realtime.stop().await;
        self.platform.engine.shutdown().await
    }
}
