//! Sessions and transactions: statements with bound values, in one principal's name.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use rand::Rng;
use surrealdb::Surreal;
use surrealdb::engine::remote::ws::Client;
use surrealdb::types::{SurrealValue, Value, Variables};
use surrealdb_rpc::QueryResult;

use crate::error::{EngineError, Result};
use crate::local::{Local, LocalTx, Transaction};

/// How often a transaction is run again after a conflict.
const MAX_ATTEMPTS: u32 = 12;
/// Longest pause before the next attempt.
const MAX_PAUSE_MS: u64 = 100;

/// Bound values of a statement.
#[derive(Debug, Clone, Default)]
pub struct Vars(pub(crate) Variables);

impl Vars {
    /// No values.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value under `name`.
    pub fn with(mut self, name: impl Into<String>, value: impl SurrealValue) -> Self {
        self.0.insert(name, value);
        self
    }

    /// Adds a value under `name`.
    pub fn bind(&mut self, name: impl Into<String>, value: impl SurrealValue) {
        self.0.insert(name, value);
    }
}

impl From<()> for Vars {
    fn from((): ()) -> Self {
        Self::default()
    }
}

/// The results of the statements of one text, in order.
#[derive(Debug, Clone)]
pub struct Answer(Vec<Value>);

impl Answer {
    /// The result of statement `index`; NONE when there is none.
    pub fn take(&mut self, index: usize) -> Value {
        self.0.get_mut(index).map(std::mem::take).unwrap_or_default()
    }

    /// The rows of statement `index`.
    pub fn rows(&mut self, index: usize) -> Vec<Value> {
        match self.take(index) {
            Value::Array(rows) => rows.into_vec(),
            Value::None | Value::Null => Vec::new(),
            one => vec![one],
        }
    }

    /// The result of the last statement.
    pub fn last(&mut self) -> Value {
        self.0.pop().unwrap_or_default()
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Handle {
    Local(Local),
    Remote(Surreal<Client>),
}

/// A session of one principal. Cheap to use from many tasks at once.
#[derive(Debug)]
pub struct Session {
    handle: Handle,
}

/// Collects the results of a text whose statements must all succeed; else the most telling error.
fn collect(results: impl IntoIterator<Item = std::result::Result<Value, surrealdb::Error>>) -> Result<Answer> {
    let mut values = Vec::new();
    let mut worst: Option<EngineError> = None;
    for result in results {
        match result {
            Ok(value) => values.push(value),
            Err(error) => {
                let error = EngineError::from(error);
                if worst.as_ref().is_none_or(|w| error.weight() > w.weight()) {
                    worst = Some(error);
                }
            }
        }
    }
    worst.map_or(Ok(Answer(values)), Err)
}

fn collect_local(results: Vec<QueryResult>) -> Result<Answer> {
    collect(results.into_iter().map(|result| result.result))
}

fn collect_remote(mut response: surrealdb::IndexedResults) -> Result<Answer> {
    let mut errors = response.take_errors();
    let count = response.num_statements();
    collect((0..count).map(|index| match errors.remove(&index) {
        Some(error) => Err(error),
        None => response.take::<Value>(index),
    }))
}

impl Session {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle }
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The same principal's session in a database.
    pub(crate) async fn within(&self, namespace: &str, database: &str) -> Result<Self> {
        Ok(Self::new(match &self.handle {
            Handle::Local(local) => Handle::Local(local.within(namespace, database)),
            Handle::Remote(db) => {
                let db = db.clone();
                db.use_ns(namespace).use_db(database).await?;
                Handle::Remote(db)
            }
        }))
    }

    /// A session of nobody in particular in a database.
    pub(crate) async fn guest(&self, namespace: &str, database: &str) -> Result<Self> {
        Ok(Self::new(match &self.handle {
            Handle::Local(local) => Handle::Local(local.guest(namespace, database)),
            Handle::Remote(db) => {
                let db = db.clone();
                db.use_ns(namespace).use_db(database).await?;
                db.invalidate().await?;
                Handle::Remote(db)
            }
        }))
    }

    /// A session of the holder of `token`, in the same database.
    pub(crate) async fn authenticate(&self, token: &str) -> Result<Self> {
        Ok(Self::new(match &self.handle {
            Handle::Local(local) => Handle::Local(local.authenticate(token).await?),
            Handle::Remote(db) => {
                let db = db.clone();
                db.authenticate(token).await?;
                Handle::Remote(db)
            }
        }))
    }

    /// Runs a text of one or more statements; all must succeed. For texts that only read, [`Session::read`] is faster.
    pub async fn query(&self, text: &str, vars: impl Into<Vars>) -> Result<Answer> {
        let vars = vars.into().0;
        match &self.handle {
            Handle::Local(local) => collect_local(local.query(text, vars).await?),
            Handle::Remote(db) => collect_remote(db.query(Cow::Owned(text.to_owned())).bind(vars).await?),
        }
    }

    /// Runs a text of one or more statements that only read; all must succeed. It sees every write that was acknowledged
    /// before it began, and all its statements see the same state. A statement that writes fails.
    pub async fn read(&self, text: &str, vars: impl Into<Vars>) -> Result<Answer> {
        self.snapshot().await?.read(text, vars).await
    }

    /// A state of the database to read from more than once. It holds every write that was acknowledged before. With a
    /// remote database each read sees the state of its own time instead.
    pub async fn snapshot(&self) -> Result<Snapshot<'_>> {
        Ok(Snapshot(match &self.handle {
            Handle::Local(local) => SnapshotHandle::Local(local, local.snapshot().await?),
            Handle::Remote(db) => SnapshotHandle::Remote(db),
        }))
    }

    /// How many writes have ended; None when the database is not in this process.
    pub(crate) fn writes(&self) -> Option<u64> {
        match &self.handle {
            Handle::Local(local) => Some(local.writes()),
            Handle::Remote(_) => None,
        }
    }

    /// Opens a transaction. It must be committed or cancelled by hand, so prefer [`Session::transact`].
    pub async fn begin(&self) -> Result<Tx> {
        let handle = match &self.handle {
            Handle::Local(local) => TxHandle::Local(local.begin().await?),
            Handle::Remote(db) => TxHandle::Remote(db.clone().begin().await?),
        };
        Ok(Tx { handle, after_commit: Mutex::default() })
    }

    /// Runs `work` in one transaction: commits when it answers `Ok`, cancels when it fails, and runs it again from the start
    /// after a conflict (bounded, with jitter). `work` must therefore have no effect outside the transaction.
    pub async fn transact<T, E, F>(&self, work: F) -> std::result::Result<T, E>
    where
        E: From<EngineError> + IsConflict,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, std::result::Result<T, E>>,
    {
        let mut attempt = 1;
        loop {
            let outcome = match &self.handle {
                Handle::Local(local) => local.in_turn(self.attempt(&work)).await,
                Handle::Remote(_) => self.attempt(&work).await,
            };
            match outcome {
                Err(error) if error.is_conflict() && attempt < MAX_ATTEMPTS => {
                    let ceiling = MAX_PAUSE_MS.min(1 << attempt.min(10));
                    let pause = rand::rng().random_range(0..=ceiling);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// Runs `work` in a transaction, once.
    async fn attempt<T, E, F>(&self, work: &F) -> std::result::Result<T, E>
    where
        E: From<EngineError>,
        F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, std::result::Result<T, E>>,
    {
        #[expect(clippy::disallowed_methods, reason = "this is the one place that commits and cancels")]
        let tx = self.begin().await?;
        match work(&tx).await {
            Ok(value) => tx.commit().await.map(|()| value).map_err(E::from),
            Err(error) => {
                if let Err(cancel) = tx.cancel().await {
                    tracing::debug!(error = %cancel, "cancelling a failed transaction");
                }
                Err(error)
            }
        }
    }
}

enum SnapshotHandle<'a> {
    Local(&'a Local, Arc<Transaction>),
    Remote(&'a Surreal<Client>),
}

/// A state of the database, read in one principal's name.
pub struct Snapshot<'a>(SnapshotHandle<'a>);

impl Snapshot<'_> {
    /// Runs a text of one or more statements that only read; all must succeed.
    pub async fn read(&self, text: &str, vars: impl Into<Vars>) -> Result<Answer> {
        self.run(false, text, vars.into().0).await
    }

    /// The same for rows in the order of an index, by the executor of the engine that stops the scan of an index at the limit
    /// (the other one reads it whole).
    pub async fn read_by_index(&self, text: &str, vars: impl Into<Vars>) -> Result<Answer> {
        self.run(true, text, vars.into().0).await
    }

    async fn run(&self, by_index: bool, text: &str, vars: Variables) -> Result<Answer> {
        match &self.0 {
            SnapshotHandle::Local(local, tx) => collect_local(local.read(tx, by_index, text, vars).await?),
            SnapshotHandle::Remote(db) => collect_remote(db.query(Cow::Owned(text.to_owned())).bind(vars).await?),
        }
    }
}

/// Lets [`Session::transact`] see a conflict inside any error type.
pub trait IsConflict {
    /// Whether the whole transaction may be run again.
    fn is_conflict(&self) -> bool;
}

impl IsConflict for EngineError {
    fn is_conflict(&self) -> bool {
        Self::is_conflict(self)
    }
}

#[derive(Debug)]
enum TxHandle {
    Local(LocalTx),
    Remote(surrealdb::method::Transaction<Client>),
}

/// What is called once a transaction is committed.
type Hook = Box<dyn FnOnce() + Send>;

/// An open transaction.
#[must_use = "commit or cancel it"]
pub struct Tx {
    handle: TxHandle,
    after_commit: Mutex<Vec<Hook>>,
}

impl std::fmt::Debug for Tx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tx").field(&self.handle).finish()
    }
}

impl Tx {
    /// Runs a text inside the transaction; all statements must succeed.
    pub async fn query(&self, text: &str, vars: impl Into<Vars>) -> Result<Answer> {
        let vars = vars.into().0;
        match &self.handle {
            TxHandle::Local(tx) => collect_local(tx.query(text, vars).await?),
            TxHandle::Remote(tx) => collect_remote(tx.query(Cow::Owned(text.to_owned())).bind(vars).await?),
        }
    }

    /// Runs a text that only reads records by their keys, inside the transaction. The engine parses all definitions of the
    /// tables that [`Tx::query`] reads once per transaction, regular expressions included; here it keeps them.
    pub async fn look_up(&self, text: &str, vars: impl Into<Vars>) -> Result<Answer> {
        match &self.handle {
            TxHandle::Local(tx) => collect_local(tx.look_up(text, vars.into().0).await?),
            TxHandle::Remote(_) => self.query(text, vars).await,
        }
    }

    /// Runs a text inside the transaction with the rights of another session of the same database. With a remote database a
    /// transaction belongs to the session that opened it, so there it runs with that one's rights.
    pub async fn query_as(&self, session: &Session, text: &str, vars: impl Into<Vars>) -> Result<Answer> {
        match (&self.handle, &session.handle) {
            (TxHandle::Local(tx), Handle::Local(local)) => {
                collect_local(tx.query_as(local, text, vars.into().0).await?)
            }
            _ => self.query(text, vars).await,
        }
    }

    /// As [`Tx::look_up`], with the rights of another session, as [`Tx::query_as`].
    pub async fn look_up_as(&self, session: &Session, text: &str, vars: impl Into<Vars>) -> Result<Answer> {
        match (&self.handle, &session.handle) {
            (TxHandle::Local(tx), Handle::Local(local)) => {
                collect_local(tx.look_up_as(local, text, vars.into().0).await?)
            }
            _ => self.query(text, vars).await,
        }
    }

    /// Calls `hook` once the transaction is committed; never when it comes to nothing.
    pub fn after_commit(&self, hook: impl FnOnce() + Send + 'static) {
        self.after_commit.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(hook));
    }

    /// Makes the changes durable.
    pub async fn commit(self) -> Result<()> {
        match self.handle {
            TxHandle::Local(tx) => tx.commit().await?,
            TxHandle::Remote(tx) => drop(tx.commit().await?),
        }
        for hook in self.after_commit.into_inner().unwrap_or_else(PoisonError::into_inner) {
            hook();
        }
        Ok(())
    }

    /// Drops the changes.
    pub async fn cancel(self) -> Result<()> {
        match self.handle {
            TxHandle::Local(tx) => tx.cancel().await?,
            TxHandle::Remote(tx) => drop(tx.cancel().await?),
        }
        Ok(())
    }
}
