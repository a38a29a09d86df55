//! Changes of a table as they are committed: one LIVE query of the engine as a stream of notices.
//!
//! The engine works a live query out inside the writer's transaction and hands its notifications over once that is committed; those of
//! a transaction that came to nothing are dropped. Here they are taken without ever making a writer wait: what does not fit into a
//! table's inbox is not kept, and the reader is told that it missed something.
//!
//! **Invariant:** whoever reads after a notice sees what it tells of. A notice can overtake the writer's own count of
//! writes (`local.rs`), so the count is raised here as well, before the notice is passed on.
//!
//! Changes of one record come in the order of their commits nearly always, and never surely: each commit passes its notices on in a task of its
//! own. Deliberately elsewhere: who is told of what.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use surrealdb::Surreal;
use surrealdb::engine::remote::ws::Client;
use surrealdb::method::QueryStream;
use surrealdb::types::{Action, Notification, Object, RecordId, Table, Uuid, Value, Variables};
use surrealdb_core::dbs::{MessageBroker, RoutedNotification};
use tokio::sync::mpsc;

use crate::error::{EngineError, Result};
use crate::local::Local;
use crate::session::{Handle, Session, Vars};

/// How many changes of one table wait for its reader at most.
const INBOX_MAX: usize = 10_000;
/// What is asked of the engine: the record before and after. The computed id is there in both.
const LIVE: &str = "LIVE SELECT id, $before AS before, $after AS after FROM $table";

/// What a change did to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveAction {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
}

/// A committed change of one record.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which record.
    pub id: RecordId,
    /// What was done.
    pub action: LiveAction,
    /// All of it as it was; NONE when it was made.
    pub before: Value,
    /// All of it as it became; NONE when it was deleted.
    pub after: Value,
}

/// What the reader of a live query is told.
#[derive(Debug, Clone)]
pub enum Notice {
    /// A change.
    Change(Box<Change>),
    /// There were more changes than could be kept; some are lost.
    Missed,
}

/// Where the embedded engine leaves the notices of one live query.
#[derive(Debug)]
struct Inbox {
    notices: mpsc::Sender<Change>,
    has_missed: Arc<AtomicBool>,
}

/// Takes the notifications of an embedded engine, and hands them to the live queries that are open.
#[derive(Debug, Default)]
pub(crate) struct Router {
    /// How many writes have ended.
    pub(crate) writes: AtomicU64,
    open: Mutex<HashMap<Uuid, Inbox>>,
}

impl Router {
    fn open(&self) -> MutexGuard<'_, HashMap<Uuid, Inbox>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass_on(&self, notification: Notification) {
        self.writes.fetch_add(1, Ordering::SeqCst);
        if notification.action == Action::Killed {
            self.open().remove(&notification.id);
            return;
        }
        if let Some(inbox) = self.open().get(&notification.id)
            && let Some(change) = change(notification.action, notification.result)
            && inbox.notices.try_send(change).is_err()
        {
            inbox.has_missed.store(true, Ordering::SeqCst);
        }
    }
}

impl MessageBroker for Router {
    fn should_emit(&self, node: [u8; 16], target: [u8; 16]) -> anyhow::Result<bool> {
        Ok(node == target)
    }

    fn send(&self, item: RoutedNotification) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.pass_on(item.into_notification());
        Box::pin(std::future::ready(()))
    }
}

/// The change that a notification tells of; None when it tells of something else.
fn change(action: Action, result: Value) -> Option<Change> {
    let action = match action {
        Action::Create => LiveAction::Created,
        Action::Update => LiveAction::Updated,
        Action::Delete => LiveAction::Deleted,
        Action::Killed | Action::Error => return None,
    };
    let Value::Object(mut row) = result else { return None };
    let mut take = |name: &str| row.remove(name).unwrap_or_default();
    let (id, before, after) = (take("id"), take("before"), take("after"));
    let Value::RecordId(id) = id else { return None };
    Some(Change { id, action, before: object_or_none(before), after: object_or_none(after) })
}

fn object_or_none(value: Value) -> Value {
    match value {
        Value::Object(object) if object != Object::new() => Value::Object(object),
        _ => Value::None,
    }
}

enum Source {
    Local { local: Local, notices: mpsc::Receiver<Change>, has_missed: Arc<AtomicBool> },
    Remote { db: Surreal<Client>, stream: QueryStream<Value> },
}

/// An open live query. [`Live::end`] it: it costs every writer of its table until then.
pub struct Live {
    id: Uuid,
    source: Source,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("id", &self.id).finish_non_exhaustive()
    }
}

fn table_var(table: &str) -> Variables {
    Vars::new().with("table", Value::Table(Table::new(table))).0
}

impl Live {
    /// Opens a live query over `table`, in the name of `session`, which must be the system's.
    pub(crate) async fn open(session: &Session, table: &str) -> Result<Self> {
        match session.handle() {
            Handle::Local(local) => Self::open_local(local, table).await,
            Handle::Remote(db) => Self::open_remote(db.clone(), table).await,
        }
    }

    async fn open_local(local: &Local, table: &str) -> Result<Self> {
        let results = local.query(LIVE, table_var(table)).await?;
        let id = results.into_iter().next().map(|result| result.result).transpose()?;
        let Some(Value::Uuid(id)) = id else { return Err(EngineError::Internal("a live query without an id".into())) };
        let (sender, notices) = mpsc::channel(INBOX_MAX);
        let has_missed = Arc::new(AtomicBool::new(false));
        let inbox = Inbox { notices: sender, has_missed: Arc::clone(&has_missed) };
        local.router().open().insert(id, inbox);
        Ok(Self { id, source: Source::Local { local: local.clone(), notices, has_missed } })
    }

    async fn open_remote(db: Surreal<Client>, table: &str) -> Result<Self> {
        let mut response = db.query(LIVE).bind(table_var(table)).await?;
        let stream = response.stream::<Value>(0)?;
        let id: Option<Value> = response.take(0)?;
        let Some(Value::Uuid(id)) = id else { return Err(EngineError::Internal("a live query without an id".into())) };
        Ok(Self { id, source: Source::Remote { db, stream } })
    }

    /// The next notice; None when the live query has ended, for instance because the connection to a remote database is lost.
    pub async fn next(&mut self) -> Option<Notice> {
        match &mut self.source {
            Source::Local { notices, has_missed, .. } => {
                if has_missed.swap(false, Ordering::SeqCst) {
                    return Some(Notice::Missed);
                }
                notices.recv().await.map(|change| Notice::Change(Box::new(change)))
            }
            Source::Remote { stream, .. } => loop {
                match stream.next().await? {
                    Ok(told) if told.action == Action::Killed => return None,
                    Ok(told) => {
                        if let Some(change) = change(told.action, told.data) {
                            return Some(Notice::Change(Box::new(change)));
                        }
                    }
                    Err(error) => tracing::warn!(%error, "a live query of the remote database"),
                }
            },
        }
    }

    /// Ends it in the engine.
    pub async fn end(self) -> Result<()> {
        let vars = Vars::new().with("id", Value::Uuid(self.id)).0;
        match self.source {
            Source::Local { local, .. } => {
                local.router().open().remove(&self.id);
                for result in local.query("KILL $id", vars).await? {
                    result.result?;
                }
            }
            Source::Remote { db, stream } => {
                db.query("KILL $id").bind(vars).await?.check()?;
                drop(stream);
            }
        }
        Ok(())
    }
}
