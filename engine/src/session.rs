//! Sessions and transactions: statements with bound values, in one principal's name.

use std::borrow::Cow;
use std::time::Duration;

use futures::future::BoxFuture;
use rand::Rng;
use surrealdb::Surreal;
use surrealdb::engine::local::Db;
use surrealdb::engine::remote::ws::Client;
use surrealdb::types::{SurrealValue, Value, Variables};

use crate::error::{EngineError, Result};

/// How often a transaction is run again after a conflict.
const MAX_ATTEMPTS: u32 = 12;
/// Longest pause before the next attempt.
const MAX_PAUSE_MS: u64 = 100;

/// Bound values of a statement.
#[derive(Debug, Clone, Default)]
pub struct Vars(Variables);

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
    Local(Surreal<Db>),
    Remote(Surreal<Client>),
}

/// A session of one principal. Cheap to use from many tasks at once.
#[derive(Debug)]
pub struct Session {
    handle: Handle,
}

/// Collects the results of a text whose statements must all succeed; else the most telling error.
fn collect(mut response: surrealdb::IndexedResults) -> Result<Answer> {
    let count = response.num_statements();
    let mut values = Vec::with_capacity(count);
    let mut worst: Option<EngineError> = None;
    let errors = response.take_errors();
    if !errors.is_empty() {
        for error in errors.into_values().map(EngineError::from) {
            if worst.as_ref().is_none_or(|w| error.weight() > w.weight()) {
                worst = Some(error);
            }
        }
        return Err(worst.unwrap_or_else(|| EngineError::Internal("statement failed".into())));
    }
    for index in 0..count {
        values.push(response.take::<Value>(index)?);
    }
    Ok(Answer(values))
}

impl Session {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle }
    }

    /// A second session with the same rights.
    pub(crate) fn duplicate(&self) -> Self {
        Self { handle: self.handle.clone() }
    }

    pub(crate) async fn select_database(&self, namespace: &str, database: &str) -> Result<()> {
        match &self.handle {
            Handle::Local(db) => drop(db.use_ns(namespace).use_db(database).await?),
            Handle::Remote(db) => drop(db.use_ns(namespace).use_db(database).await?),
        }
        Ok(())
    }

    pub(crate) async fn invalidate(&self) -> Result<()> {
        match &self.handle {
            Handle::Local(db) => db.invalidate().await?,
            Handle::Remote(db) => db.invalidate().await?,
        }
        Ok(())
    }

    pub(crate) async fn authenticate(&self, token: &str) -> Result<()> {
        match &self.handle {
            Handle::Local(db) => drop(db.authenticate(token).await?),
            Handle::Remote(db) => drop(db.authenticate(token).await?),
        }
        Ok(())
    }

    /// Runs a text of one or more statements; all must succeed.
    pub async fn query(&self, text: &str, vars: impl Into<Vars>) -> Result<Answer> {
        let vars = vars.into().0;
        let text = Cow::Owned::<str>(text.to_owned());
        let response = match &self.handle {
            Handle::Local(db) => db.query(text).bind(vars).await?,
            Handle::Remote(db) => db.query(text).bind(vars).await?,
        };
        collect(response)
    }

    /// Opens a transaction. It must be committed or cancelled by hand, so prefer [`Session::transact`].
    pub async fn begin(&self) -> Result<Tx> {
        Ok(Tx(match self.handle.clone() {
            Handle::Local(db) => TxHandle::Local(db.begin().await?),
            Handle::Remote(db) => TxHandle::Remote(db.begin().await?),
        }))
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
            #[expect(clippy::disallowed_methods, reason = "this is the one place that commits and cancels")]
            let tx = self.begin().await?;
            let outcome = match work(&tx).await {
                Ok(value) => tx.commit().await.map(|()| value).map_err(E::from),
                Err(error) => {
                    if let Err(cancel) = tx.cancel().await {
                        tracing::debug!(error = %cancel, "cancelling a failed transaction");
                    }
                    Err(error)
                }
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
    Local(surrealdb::method::Transaction<Db>),
    Remote(surrealdb::method::Transaction<Client>),
}

/// An open transaction.
#[derive(Debug)]
#[must_use = "commit or cancel it"]
pub struct Tx(TxHandle);

impl Tx {
    /// Runs a text inside the transaction; all statements must succeed.
    pub async fn query(&self, text: &str, vars: impl Into<Vars>) -> Result<Answer> {
        let vars = vars.into().0;
        let text = Cow::Owned::<str>(text.to_owned());
        let response = match &self.0 {
            TxHandle::Local(tx) => tx.query(text).bind(vars).await?,
            TxHandle::Remote(tx) => tx.query(text).bind(vars).await?,
        };
        collect(response)
    }

    /// Makes the changes durable.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            TxHandle::Local(tx) => drop(tx.commit().await?),
            TxHandle::Remote(tx) => drop(tx.commit().await?),
        }
        Ok(())
    }

    /// Drops the changes.
    pub async fn cancel(self) -> Result<()> {
        match self.0 {
            TxHandle::Local(tx) => drop(tx.cancel().await?),
            TxHandle::Remote(tx) => drop(tx.cancel().await?),
        }
        Ok(())
    }
}
