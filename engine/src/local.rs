//! The embedded engine: statements, transactions and shared read snapshots, without a client in between.
//!
//! **Snapshots.** The engine reads and parses a table's definitions once per transaction. So a read does not open a
//! transaction of its own: all callers share one (permissions are the session's, not the transaction's) until something
//! is written. **Invariant:** a read that begins after a write was acknowledged sees it: every write raises `writes` after
//! its commit and before its answer, and a snapshot serves only while `writes` is what it was before it was opened.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use quick_cache::sync::Cache;
use surrealdb::types::Variables;
use surrealdb_core::dbs;
use surrealdb_core::err::anyhow_to_types_error;
use surrealdb_core::kvs::{Datastore, QueryRequest, QuerySource};
use surrealdb_core::{iam, syn};
pub(crate) use surrealdb_datastore::tx::Transaction;
use surrealdb_kvs::TransactionType;
use surrealdb_rpc::QueryResult;
use surrealdb_rpc::capabilities::NewPlannerStrategy;
use surrealdb_sql::Ast;
use tokio::sync::Semaphore;

use crate::error::{EngineError, Result};
use crate::live::Router;

/// A snapshot is not used longer: the store keeps old versions of rows for it.
const SNAPSHOT_AGE_MAX: Duration = Duration::from_secs(1);
/// How many parsed texts are kept, and the longest that is.
const PARSED_MAX: usize = 500;
const PARSED_LENGTH_MAX: usize = 4000;
/// How many transactions write at the same time. More of them share the same processors and the same log, hold their changes in memory
/// for longer and meet more often: fifty creates in one request took up to two thirds more processor time with 64 at once than with 16.
const WRITERS_MAX: usize = 16;
/// Who has waited so long for a turn goes on without one.
const TURN_WAIT_MAX: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// Set while a task has a turn: a transaction that it opens meanwhile must not wait for another one.
    static HAS_TURN: ();
}

/// What the sessions of one datastore share.
pub(crate) struct Shared {
    store: Arc<Datastore>,
    /// Counts the writes that have ended, and takes what live queries tell.
    router: Arc<Router>,
    snapshot: Mutex<Option<Snapshot>>,
    parsed: Cache<Box<str>, Ast>,
    turns: Semaphore,
}

#[derive(Clone)]
struct Snapshot {
    tx: Arc<Transaction>,
    /// `writes` before it was opened.
    writes: u64,
    opened: Instant,
}

/// Raises `writes` when a write ends, however it ends.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.router.writes.fetch_add(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn parse(&self, text: &str) -> Result<QuerySource<'static>> {
        if let Some(ast) = self.parsed.get(text) {
            return Ok(QuerySource::Ast(ast));
        }
        let ast = syn::parse_with_capabilities(text, &self.store.get_capabilities(), &self.store.parser_config())
            .map_err(|error| EngineError::Parse(error.to_string()))?;
        if text.len() <= PARSED_LENGTH_MAX {
            self.parsed.insert(text.into(), ast.clone());
        }
        Ok(QuerySource::Ast(ast))
    }

    /// Runs a text as `session`, in `tx` or in a transaction of its own. Boxed, so that the engine's futures are compiled once.
    fn run<'a>(
        &'a self,
        session: &'a dbs::Session,
        text: &'a str,
        vars: Variables,
        tx: Option<Arc<Transaction>>,
    ) -> BoxFuture<'a, Result<Vec<QueryResult>>> {
        Box::pin(async move {
            let request =
                QueryRequest::new(self.parse(text)?, session).with_variables(Some(vars)).with_optional_transaction(tx);
            Ok(self.store.run(request).await?)
        })
    }

    async fn snapshot(&self) -> Result<Arc<Transaction>> {
        let writes = self.router.writes.load(Ordering::SeqCst);
        let current = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(current) = current.filter(|c| c.writes == writes && c.opened.elapsed() < SNAPSHOT_AGE_MAX) {
            return Ok(current.tx);
        }
        let tx = Arc::new(self.store.transaction(TransactionType::Read).await.map_err(translated)?);
        let fresh = Snapshot { tx: Arc::clone(&tx), writes, opened: Instant::now() };
        let replaced = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).replace(fresh);
        drop(replaced);
        Ok(tx)
    }
}

fn translated(error: anyhow::Error) -> EngineError {
    anyhow_to_types_error(error).into()
}

/// A session of one principal in this process.
#[derive(Clone)]
pub(crate) struct Local {
    shared: Arc<Shared>,
    session: Arc<dbs::Session>,
    /// The same session, run by the older executor: it stops the scan of an index at the limit, and keeps parsed definitions
    /// between transactions.
    by_index: Arc<dbs::Session>,
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Local")
    }
}

impl Local {
    /// The system's session, outside any database.
    pub(crate) fn system(store: Arc<Datastore>, router: Arc<Router>) -> Self {
        let shared = Shared {
            store,
            router,
            snapshot: Mutex::new(None),
            parsed: Cache::new(PARSED_MAX),
            turns: Semaphore::new(WRITERS_MAX),
        };
        Self::new(Arc::new(shared), dbs::Session::owner().with_rt(true))
    }

    /// Takes what live queries tell.
    pub(crate) fn router(&self) -> &Router {
        &self.shared.router
    }

    fn new(shared: Arc<Shared>, session: dbs::Session) -> Self {
        let by_index = session.clone().new_planner_strategy(NewPlannerStrategy::ComputeOnly);
        Self { shared, session: Arc::new(session), by_index: Arc::new(by_index) }
    }

    /// Runs `work`, which writes, when it is its turn.
    pub(crate) async fn in_turn<T>(&self, work: impl Future<Output = T>) -> T {
        if HAS_TURN.try_with(|()| ()).is_ok() {
            return work.await;
        }
        let _turn = tokio::time::timeout(TURN_WAIT_MAX, self.shared.turns.acquire()).await;
        HAS_TURN.scope((), work).await
    }

    /// How many writes have ended.
    pub(crate) fn writes(&self) -> u64 {
        self.shared.router.writes.load(Ordering::SeqCst)
    }

    /// The same principal in a database.
    pub(crate) fn within(&self, namespace: &str, database: &str) -> Self {
        let session = dbs::Session::clone(&self.session).with_ns(namespace).with_db(database);
        Self::new(Arc::clone(&self.shared), session)
    }

    /// Nobody in particular, in a database.
    pub(crate) fn guest(&self, namespace: &str, database: &str) -> Self {
        let session = dbs::Session::default().with_ns(namespace).with_db(database);
        Self::new(Arc::clone(&self.shared), session)
    }

    /// The holder of `token`.
    pub(crate) fn authenticate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Self>> {
        Box::pin(async move {
            let mut session = dbs::Session::clone(&self.session);
            iam::verify::token(&self.shared.store, &mut session, token).await.map_err(translated)?;
            Ok(Self::new(Arc::clone(&self.shared), session))
        })
    }

    /// Runs a text that may write.
    pub(crate) fn query<'a>(&'a self, text: &'a str, vars: Variables) -> BoxFuture<'a, Result<Vec<QueryResult>>> {
        Box::pin(async move {
            let _ending = Ending(&self.shared);
            self.shared.run(&self.session, text, vars, None).await
        })
    }

    /// The shared snapshot, or a new one if something was written since.
    pub(crate) fn snapshot(&self) -> BoxFuture<'_, Result<Arc<Transaction>>> {
        Box::pin(self.shared.snapshot())
    }

    /// Runs a text that only reads in a snapshot; `by_index` chooses the executor that stops an index scan at the limit.
    pub(crate) fn read<'a>(
        &'a self,
        snapshot: &Arc<Transaction>,
        by_index: bool,
        text: &'a str,
        vars: Variables,
    ) -> BoxFuture<'a, Result<Vec<QueryResult>>> {
        let session = if by_index { &self.by_index } else { &self.session };
        self.shared.run(session, text, vars, Some(Arc::clone(snapshot)))
    }

    /// Opens a transaction.
    pub(crate) fn begin(&self) -> BoxFuture<'_, Result<LocalTx>> {
        Box::pin(async move {
            let tx = self.shared.store.transaction(TransactionType::Write).await.map_err(translated)?;
            Ok(LocalTx { local: self.clone(), tx: Some(Arc::new(tx)) })
        })
    }
}

/// An open transaction. Dropped without an end it is cancelled in the background.
pub(crate) struct LocalTx {
    local: Local,
    tx: Option<Arc<Transaction>>,
}

impl std::fmt::Debug for LocalTx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LocalTx")
    }
}

impl LocalTx {
    pub(crate) fn query<'a>(&'a self, text: &'a str, vars: Variables) -> BoxFuture<'a, Result<Vec<QueryResult>>> {
        self.query_as(&self.local, text, vars)
    }

    /// As [`LocalTx::query`], in another principal's name.
    pub(crate) fn query_as<'a>(
        &'a self,
        local: &'a Local,
        text: &'a str,
        vars: Variables,
    ) -> BoxFuture<'a, Result<Vec<QueryResult>>> {
        self.local.shared.run(&local.session, text, vars, self.tx.clone())
    }

    /// A text that only reads records by their keys, by the executor that keeps parsed definitions between transactions.
    pub(crate) fn look_up<'a>(&'a self, text: &'a str, vars: Variables) -> BoxFuture<'a, Result<Vec<QueryResult>>> {
        self.look_up_as(&self.local, text, vars)
    }

    /// As [`LocalTx::look_up`], in another principal's name.
    pub(crate) fn look_up_as<'a>(
        &'a self,
        local: &'a Local,
        text: &'a str,
        vars: Variables,
    ) -> BoxFuture<'a, Result<Vec<QueryResult>>> {
        self.local.shared.run(&local.by_index, text, vars, self.tx.clone())
    }

    pub(crate) fn commit(mut self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let Some(tx) = self.tx.take() else { return Ok(()) };
            let _ending = Ending(&self.local.shared);
            tx.commit().await.map_err(translated)
        })
    }

    pub(crate) fn cancel(mut self) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let Some(tx) = self.tx.take() else { return Ok(()) };
            tx.cancel().await.map_err(translated)
        })
    }
}

impl Drop for LocalTx {
    fn drop(&mut self) {
        if let (Some(tx), Ok(runtime)) = (self.tx.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                if let Err(error) = tx.cancel().await {
                    tracing::debug!(%error, "cancelling an abandoned transaction");
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::session::Handle;
    use crate::{Engine, OpenOptions};

    #[test]
    fn who_has_a_turn_needs_no_other_and_the_others_wait() {
        let runtime = tokio::runtime::Builder::new_multi_thread().thread_stack_size(16 << 20).enable_all().build();
        let test = async {
            let options = OpenOptions::Memory { query_timeout: Duration::from_secs(10) };
            let engine = Engine::open(options).await.expect("an engine");
            let Handle::Local(local) = engine.root().handle().clone() else { panic!("not in this process") };
            local
                .in_turn(async {
                    let others = u32::try_from(WRITERS_MAX - 1).expect("few");
                    let rest = local.shared.turns.acquire_many(others).await.expect("all other turns");
                    assert_eq!(local.in_turn(async { 7 }).now_or_never(), Some(7), "within a turn");
                    let other = local.clone();
                    let waits = tokio::spawn(async move { other.in_turn(async { 7 }).now_or_never() });
                    assert_eq!(waits.await.expect("no panic"), None, "in another task");
                    drop(rest);
                    let other = local.clone();
                    let goes = tokio::spawn(async move { other.in_turn(async { 7 }).await });
                    assert_eq!(goes.await.expect("no panic"), 7, "once there is one");
                })
                .await;
            engine.shutdown().await.expect("closed");
        };
        let runtime = runtime.expect("a runtime");
        runtime.block_on(async { runtime.spawn(test).await.expect("no panic") });
    }
}
