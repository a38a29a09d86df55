//! Creating, changing and deleting records: one transaction each, in the caller's own session.
//!
//! The database decides what is allowed; an empty result is its way of saying no. Links must lead to records the caller may
//! see, checked in the same transaction.

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::{RecordId, RecordIdKey, Tx, Value, Vars};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::fields::{self, quoted};
use super::input::{self, Input, NamedLink, Purpose};
use super::{idempotency, key, view};
use crate::context::failure::pointer;
use crate::context::{Caller, Ctx};
use crate::kernel::error::{ALREADY_EXISTS, METHOD_NOT_ALLOWED, STALE};
use crate::kernel::{Error, FieldError, Result};
use crate::schema::{KeyKind, Permission, Table};

/// Tables whose rows decide about rights.
const RIGHTS_TABLES: [&str; 3] = ["users", "memberships", "businesses"];

/// The answer of a write: what the HTTP layer sends, and what a repeated request gets again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome {
    /// HTTP status.
    pub status: u16,
    /// Body; None for 204.
    pub body: Option<Json>,
    /// ETag of the record.
    pub etag: Option<String>,
    /// Path of a new record below the API's root, such as `/products/0190…`.
    pub location: Option<String>,
}

/// One operation on one record.
#[derive(Debug, Clone)]
pub enum Operation {
    /// A new record.
    Create {
        /// Its table.
        table: String,
        /// Its fields.
        body: Json,
    },
    /// A merge patch.
    Patch {
        /// The table.
        table: String,
        /// Bare key.
        id: String,
        /// Fields to change; null removes.
        body: Json,
        /// The ETag the caller has seen.
        if_match: Option<String>,
    },
    /// Removal.
    Delete {
        /// The table.
        table: String,
        /// Bare key.
        id: String,
        /// The ETag the caller has seen.
        if_match: Option<String>,
    },
}

impl Operation {
    fn table(&self) -> &str {
        match self {
            Self::Create { table, .. } | Self::Patch { table, .. } | Self::Delete { table, .. } => table,
        }
    }
}

/// Runs one operation; with an idempotency key, once.
pub async fn write(ctx: &Ctx, operation: Operation, once: Option<idempotency::Request>) -> Result<Outcome> {
    let mut outcomes = run(ctx, vec![operation], once, false).await?;
    outcomes.pop().ok_or_else(|| Error::internal("an operation without an outcome"))
}

/// Runs all operations in one transaction: all or nothing.
pub async fn batch(ctx: &Ctx, operations: Vec<Operation>, once: Option<idempotency::Request>) -> Result<Outcome> {
    let mut outcomes = run(ctx, operations, once, true).await?;
    outcomes.pop().ok_or_else(|| Error::internal("a batch without an outcome"))
}

async fn run(
    ctx: &Ctx,
    operations: Vec<Operation>,
    once: Option<idempotency::Request>,
    is_batch: bool,
) -> Result<Vec<Outcome>> {
    let changes_rights = operations.iter().any(|operation| RIGHTS_TABLES.contains(&operation.table()));
    let job = Arc::new((ctx.clone(), operations, once));
    // In a task of its own: a client who hangs up must not stop us between the commit and the change of rights.
    let work = tokio::spawn(async move {
        let result = in_one_transaction(Arc::clone(&job), is_batch).await;
        if changes_rights {
            job.0.platform.principals.rights_changed();
        }
        result
    });
    work.await.unwrap_or_else(|error| Err(Error::internal(error)))
}

/// A request's context, its operations and how to have their effect once.
type Job = (Ctx, Vec<Operation>, Option<idempotency::Request>);

async fn in_one_transaction(job: Arc<Job>, is_batch: bool) -> Result<Vec<Outcome>> {
    job.0
        .session()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<Vec<Outcome>>> {
            let job = Arc::clone(&job);
            Box::pin(async move {
                let (ctx, operations, once) = &*job;
                if let Some(stored) = idempotency::stored(ctx, tx, once.as_ref()).await? {
                    return Ok(vec![stored]);
                }
                let mut outcomes = Vec::with_capacity(operations.len());
                for (at, operation) in operations.iter().enumerate() {
                    let outcome = perform(ctx, tx, operation).await;
                    outcomes.push(if is_batch { outcome.map_err(|error| in_batch(error, at))? } else { outcome? });
                }
                if is_batch {
                    outcomes = vec![batch_outcome(outcomes)];
                }
                if let (Some(once), Some(outcome)) = (once, outcomes.last()) {
                    idempotency::store(ctx, tx, once, outcome).await?;
                }
                Ok(outcomes)
            })
        })
        .await
}

fn batch_outcome(outcomes: Vec<Outcome>) -> Outcome {
    let results = outcomes
        .into_iter()
        .map(|outcome| serde_json::json!({ "status": outcome.status, "body": outcome.body, "etag": outcome.etag }));
    let body = serde_json::json!({ "results": results.collect::<Vec<_>>() });
    Outcome { status: 200, body: Some(body), etag: None, location: None }
}

/// The error of one operation of a batch: its pointers lead into the operation.
fn in_batch(error: Error, at: usize) -> Error {
    let fields: Vec<FieldError> = if error.fields().is_empty() {
        vec![FieldError::new(format!("/operations/{at}"), "rule", error.message())]
    } else {
        let inside =
            |f: &FieldError| FieldError::new(format!("/operations/{at}/body{}", f.pointer), f.code, &*f.message);
        error.fields().iter().map(inside).collect()
    };
    let message = format!("Operation {at}: {}", error.message());
    error.rephrased(message, fields)
}

async fn perform(ctx: &Ctx, tx: &Tx, operation: &Operation) -> Result<Outcome> {
    let table = ctx.platform.schema.served(operation.table()).ok_or_else(Error::not_found)?;
    match operation {
        Operation::Create { body, .. } => create(ctx, tx, table, body).await,
        Operation::Patch { id, body, if_match, .. } => patch(ctx, tx, table, id, body, if_match.as_deref()).await,
        Operation::Delete { id, if_match, .. } => delete(ctx, tx, table, id, if_match.as_deref()).await,
    }
}

/// Refuses what no caller of this listener could be allowed.
fn must_be_possible(ctx: &Ctx, permission: &Permission) -> Result<()> {
    if !fields::could_pass(ctx, permission) {
        return Err(Error::new(METHOD_NOT_ALLOWED, "This is not done through the records API."));
    }
    let is_guest = matches!(ctx.caller, Caller::Guest);
    if is_guest && !permission.could_be_guest() { Err(Error::unauthenticated()) } else { Ok(()) }
}

async fn create(ctx: &Ctx, tx: &Tx, table: &Table, body: &Json) -> Result<Outcome> {
    must_be_possible(ctx, &table.permissions.create)?;
    let input = input::parse(ctx, table, body, Purpose::Create)?;
    check_links(tx, &input.links).await?;
    let id = match (&input.id, table.key) {
        (Some(id), _) => id.clone(),
        (None, KeyKind::Uuid) => RecordId::new(table.name.clone(), RecordIdKey::Uuid(ctx.new_id().into())),
        (None, _) => return Err(Error::internal("a key was not checked")),
    };
    let sent = sent_conditionals(&input);
    let vars = Vars::new().with("id", id.clone()).with("data", Value::Object(input.into_object()));
    let row = tx.query("CREATE $id CONTENT $data", vars).await.map_err(|e| named(e, table))?.rows(0).pop();
    let Some(row) = row else { return Err(refused(ctx)) };
    all_kept(&row, &sent)?;
    let json = view::record(ctx, table, &row, &Vec::new());
    let location = format!("/{}/{}", table.name, key::bare(&id.key));
    Ok(Outcome { status: 201, etag: Some(view::etag(&json)), body: Some(json), location: Some(location) })
}

async fn patch(ctx: &Ctx, tx: &Tx, table: &Table, id: &str, body: &Json, if_match: Option<&str>) -> Result<Outcome> {
    let record = key::record_id(table, id).ok_or_else(Error::not_found)?;
    let before = visible(tx, &record).await?.ok_or_else(Error::not_found)?;
    must_be_possible(ctx, &table.permissions.update)?;
    check_etag(ctx, table, &before, if_match)?;
    let input = input::parse(ctx, table, body, Purpose::Update)?;
    check_links(tx, &input.links).await?;
    let sent = sent_conditionals(&input);
    let mut vars = Vars::new().with("id", record);
    let mut sets = Vec::with_capacity(input.values.len());
    for (at, (path, value)) in input.values.into_iter().enumerate() {
        sets.push(format!("{} = $v{at}", quoted(&path)));
        vars.bind(format!("v{at}"), value);
    }
    let row = if sets.is_empty() {
        // Nothing to change: still refuse a caller who may not change it.
        tx.query("UPDATE $id RETURN AFTER", vars).await
    } else {
        tx.query(&format!("UPDATE $id SET {} RETURN AFTER", sets.join(", ")), vars).await
    };
    let row = row.map_err(|e| named(e, table))?.rows(0).pop().ok_or_else(|| refused(ctx))?;
    all_kept(&row, &sent)?;
    let json = view::record(ctx, table, &row, &Vec::new());
    Ok(Outcome { status: 200, etag: Some(view::etag(&json)), body: Some(json), location: None })
}

async fn delete(ctx: &Ctx, tx: &Tx, table: &Table, id: &str, if_match: Option<&str>) -> Result<Outcome> {
    let record = key::record_id(table, id).ok_or_else(Error::not_found)?;
    let before = visible(tx, &record).await?.ok_or_else(Error::not_found)?;
    must_be_possible(ctx, &table.permissions.delete)?;
    check_etag(ctx, table, &before, if_match)?;
    let vars = Vars::new().with("id", record);
    let gone = tx.query("DELETE $id RETURN BEFORE", vars).await.map_err(|e| named(e, table))?.rows(0);
    if gone.is_empty() {
        return Err(refused(ctx));
    }
    Ok(Outcome { status: 204, body: None, etag: None, location: None })
}

/// The record as the caller sees it, if at all.
async fn visible(tx: &Tx, record: &RecordId) -> Result<Option<Value>> {
    let row = tx.query("SELECT * FROM ONLY $id", Vars::new().with("id", record.clone())).await?.take(0);
    Ok(matches!(row, Value::Object(_)).then_some(row))
}

/// The database said no to something the caller can see: sign in first, or never.
fn refused(ctx: &Ctx) -> Error {
    match ctx.caller {
        Caller::Guest => Error::unauthenticated(),
        Caller::Signed(_) => Error::forbidden(),
    }
}

/// RFC 9110 If-Match over strong ETags.
fn check_etag(ctx: &Ctx, table: &Table, before: &Value, if_match: Option<&str>) -> Result<()> {
    let Some(wanted) = if_match else { return Ok(()) };
    let current = view::etag(&view::record(ctx, table, before, &Vec::new()));
    let is_same = wanted.trim() == "*" || wanted.split(',').any(|tag| tag.trim() == current);
    if is_same { Ok(()) } else { Err(Error::new(STALE, "The record has changed since you read it.")) }
}

/// Links must lead to records that the caller may see.
async fn check_links(tx: &Tx, links: &[NamedLink]) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let ids: Vec<Value> = links.iter().map(|link| Value::RecordId(link.id.clone())).collect();
    let vars = Vars::new().with("ids", Value::Array(ids.into()));
    let seen = tx.query("SELECT VALUE id FROM $ids", vars).await?.rows(0);
    let is_missing = |link: &&NamedLink| !seen.contains(&Value::RecordId(link.id.clone()));
    let problems: Vec<FieldError> = links
        .iter()
        .filter(is_missing)
        .map(|link| {
            FieldError::new(&*link.pointer, "reference", format!("there is no such record of {}", link.id.table))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::invalid(problems)) }
}

/// Sent values whose permission depends on the record.
fn sent_conditionals(input: &Input) -> Vec<(String, Value)> {
    input.values.iter().filter(|(path, _)| input.conditional.contains(path)).cloned().collect()
}

/// The database drops values it does not allow without a word; here that is an error.
fn all_kept(row: &Value, sent: &[(String, Value)]) -> Result<()> {
    let is_dropped = |(path, value): &&(String, Value)| super::read::pick(row, path) != *value;
    let dropped: Vec<FieldError> = sent
        .iter()
        .filter(is_dropped)
        .map(|(path, _)| FieldError::new(pointer(path), "read_only", "you may not write this field"))
        .collect();
    if dropped.is_empty() {
        return Ok(());
    }
    Err(Error::forbidden().rephrased("You may not write some of the fields.".into(), dropped))
}

/// The engine's failure, with the fields of the index that refused a value.
fn named(error: pawbase_engine::EngineError, table: &Table) -> Error {
    if let pawbase_engine::EngineError::Unique { index } = &error
        && let Some(index) = table.indexes.iter().find(|i| i.name == *index)
    {
        let message = format!("There is a record of {} with the same {}.", table.name, index.fields.join(" and "));
        let fields = index.fields.iter().map(|path| FieldError::new(pointer(path), "unique", "is taken")).collect();
        return Error::new(ALREADY_EXISTS, "").rephrased(message, fields);
    }
    error.into()
}
