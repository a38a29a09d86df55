//! Opening the database: embedded on disk, embedded in memory, or a remote cluster. One code path serves all three.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use surrealdb::Surreal;
use surrealdb::engine::remote::ws::{Client, Ws, Wss};
use surrealdb::opt::auth::Root;
use surrealdb_cnf::ConfigMap;
use surrealdb_core::kvs::Datastore;
use surrealdb_rpc::capabilities::{Capabilities, Targets};

use crate::error::{EngineError, Result};
use crate::live::{Live, Router};
use crate::local::Local;
use crate::maintenance::Maintenance;
use crate::session::{Handle, Session};

/// Name of the namespace and of the database inside it.
const NAMESPACE: &str = "pawbase";
/// Name of this process in an embedded store, where there is no other; always the same, so that a process finds what the one before it
/// left behind.
const NODE: uuid::Uuid = uuid::Uuid::from_u128(0x7061_7762_6173_4e6f_8064_652d_6f6e_6c79);

/// How to sign in to a remote cluster.
#[derive(Debug, Clone)]
pub struct RemoteCredentials {
    /// Root user of the cluster.
    pub username: String,
    /// Its password.
    pub password: String,
}

/// Where the data is and how much the engine may use.
#[derive(Debug, Clone)]
pub enum OpenOptions {
    /// On disk in this folder; one process at a time.
    Disk {
        /// Folder of the database.
        folder: PathBuf,
        /// Bytes of the block cache.
        block_cache_bytes: u64,
        /// Bytes of a memtable before it is written out.
        memtable_bytes: u64,
        /// Longest time a statement may run.
        query_timeout: Duration,
        /// Password of the engine's root user, known to this process only.
        root_password: String,
    },
    /// In memory, gone at the end.
    Memory {
        /// Longest time a statement may run.
        query_timeout: Duration,
    },
    /// A SurrealDB server or cluster at a `ws://` or `wss://` address.
    Remote {
        /// Address with scheme.
        url: String,
        /// Root user there.
        credentials: RemoteCredentials,
    },
}

/// An open database.
pub struct Engine {
    root: Session,
    /// The anonymous session that guests share.
    guest: Session,
    datastore: Option<(Arc<Datastore>, Maintenance)>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("is_embedded", &self.is_embedded()).finish_non_exhaustive()
    }
}

impl Engine {
    /// Opens the database and its system session. The database itself is made when it is missing, always STRICT.
    pub async fn open(options: OpenOptions) -> Result<Self> {
        let (handle, datastore) = match options {
            OpenOptions::Disk { folder, block_cache_bytes, memtable_bytes, query_timeout, root_password } => {
                let config = ConfigMap::empty()
                    .with_key_value("surrealkv_block_cache_capacity", block_cache_bytes.to_string())
                    .with_key_value("surrealkv_max_memtable_size", memtable_bytes.to_string())
                    // Commits that come together share a sync. From four on they wait a moment for more; by default twelve waited up to
                    // 5 ms, which is longer than most syncs take.
                    .with_key_value("surrealkv_grouped_commit_wait_threshold", "4")
                    .with_key_value("surrealkv_grouped_commit_timeout", "1000000")
                    // Values stay in the tree: after a full disk the separate value log has been seen to lose rows.
                    .with_key_value("surrealkv_enable_vlog", "false");
                let url = format!("surrealkv://{}", folder.display());
                settle(&folder, &url, config.clone()).await?;
                embedded(&url, config, query_timeout, &root_password).await?
            }
            OpenOptions::Memory { query_timeout } => {
                embedded("memory", ConfigMap::empty(), query_timeout, "memory").await?
            }
            OpenOptions::Remote { url, credentials } => (remote(&url, credentials).await?, None),
        };
        let root = Session::new(handle);
        root.query(&format!("DEFINE NAMESPACE IF NOT EXISTS {NAMESPACE};"), ()).await?;
        root.query(&format!("USE NS {NAMESPACE}; DEFINE DATABASE IF NOT EXISTS {NAMESPACE} STRICT;"), ()).await?;
        let guest = root.guest(NAMESPACE, NAMESPACE).await?;
        let root = root.within(NAMESPACE, NAMESPACE).await?;
        let datastore = datastore.map(|store| {
            let maintenance = Maintenance::start(&store);
            (store, maintenance)
        });
        Ok(Self { root, guest, datastore })
    }

    /// The system session: it may do everything. For commands and start-up, never for a caller's own statement.
    pub fn root(&self) -> &Session {
        &self.root
    }

    /// The session of callers who are not signed in.
    pub fn guest(&self) -> &Session {
        &self.guest
    }

    /// Whether the data is in this process. A remote database may be changed by other processes at any time, so nothing
    /// about rights may be cached then.
    pub fn is_embedded(&self) -> bool {
        self.datastore.is_some()
    }

    /// How many writes have ended; it has grown before a write is acknowledged. None for a remote database, where others
    /// write as well.
    pub fn writes(&self) -> Option<u64> {
        self.root.writes()
    }

    /// Says that the schema is applied, and answers whether all indexes are built. From then on a write does not ask any more, for each
    /// index, whether that index is being built; a statement that defines or removes an index ends that.
    ///
    /// For an embedded store, where nobody else defines indexes; with a remote database it does nothing.
    pub async fn settle(&self) -> Result<bool> {
        let Some((store, _)) = &self.datastore else { return Ok(true) };
        let settling: futures::future::BoxFuture<'_, _> = Box::pin(store.settle_indexes());
        settling.await.map_err(|e| EngineError::Unavailable(format!("{e:#}")))
    }

    /// Opens a live query over `table`: every change of it from now on, until it is ended.
    pub async fn live(&self, table: &str) -> Result<Live> {
        Live::open(&self.root, table).await
    }

    /// A new session for the holder of an engine token (made with the session key; see the access methods).
    pub async fn authenticate(&self, token: &str) -> Result<Session> {
        self.guest.authenticate(token).await
    }

    /// Writes out and closes an embedded store. Call once, after the last statement.
    pub async fn shutdown(&self) -> Result<()> {
        if let Some((store, maintenance)) = &self.datastore {
            maintenance.stop().await;
            close(Arc::clone(store)).await?;
        }
        Ok(())
    }
}

/// After a kill or a power cut: opens the store, lets it replay its log, and closes it again, before anything is written.
///
/// The store appends to the log it has just repaired, in a way that the next recovery may not read (seen with surrealkv
/// 0.21.4: acknowledged writes were lost at the second kill). Closing writes everything out into tables, so that new
/// writes begin with a log of their own.
async fn settle(folder: &Path, url: &str, config: ConfigMap) -> Result<()> {
    // Closing in order leaves no log behind.
    let has_log = std::fs::read_dir(folder.join("wal")).is_ok_and(|mut files| files.next().is_some());
    if !has_log {
        return Ok(());
    }
    let opening: futures::future::BoxFuture<'_, _> = Box::pin(async move {
        let builder = Datastore::builder().with_config(config).without_maintenance_tasks();
        let store = builder.build_with_path(url).await?;
        // Closing writes, and a write before the version check makes the store refuse to open for good.
        store.check_version().await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(store)
    });
    let store = opening.await.map_err(|e| EngineError::Unavailable(format!("{e:#}")))?;
    close(store).await?;
    tracing::info!("the database had not been closed in order and was recovered");
    Ok(())
}

fn close(store: Arc<Datastore>) -> futures::future::BoxFuture<'static, Result<()>> {
    Box::pin(async move { store.shutdown().await.map_err(|e| EngineError::Unavailable(format!("{e:#}"))) })
}

/// Opens an embedded store.
async fn embedded(
    url: &str,
    config: ConfigMap,
    query_timeout: Duration,
    root_password: &str,
) -> Result<(Handle, Option<Arc<Datastore>>)> {
    let router = Arc::new(Router::default());
    let store = datastore(url, config, query_timeout, root_password, Arc::clone(&router)).await?;
    Ok((Handle::Local(Local::system(Arc::clone(&store), router)), Some(store)))
}

fn datastore<'a>(
    url: &'a str,
    config: ConfigMap,
    query_timeout: Duration,
    root_password: &'a str,
    router: Arc<Router>,
) -> futures::future::BoxFuture<'a, Result<Arc<Datastore>>> {
    Box::pin(async move {
        let capabilities =
            Capabilities::all().with_guest_access(true).with_scripting(false).without_network_targets(Targets::All);
        let opening = async {
            let store = Datastore::builder()
                .with_config(config)
                .with_auth(true)
                .with_capabilities(capabilities)
                .with_query_timeout(Some(query_timeout))
                .with_id(NODE)
                .with_live_query_broker(router)
                .without_maintenance_tasks()
                .build_with_path(url)
                .await?;
            // The order matters: a write before the version check makes the store refuse to open for good.
            store.check_version().await?;
            // The live queries of a process that was killed: they would cost every writer, and nobody could end them.
            store.delete_node().await?;
            store.remove_nodes().await?;
            store.bootstrap().await?;
            store.initialise_credentials("root", root_password).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(store)
        };
        opening.await.map_err(|e| EngineError::Unavailable(format!("{e:#}")))
    })
}

async fn remote(url: &str, credentials: RemoteCredentials) -> Result<Handle> {
    let db: Surreal<Client> = match url.split_once("://") {
        Some(("ws", address)) => Surreal::new::<Ws>(address).await?,
        Some(("wss", address)) => Surreal::new::<Wss>(address).await?,
        _ => return Err(EngineError::Unavailable(format!("not a ws:// or wss:// address: {url}"))),
    };
    db.signin(Root { username: credentials.username, password: credentials.password }).await?;
    Ok(Handle::Remote(db))
}
