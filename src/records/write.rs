//! Creating, changing and deleting records: one transaction each, in the caller's own session.
//!
//! The database decides what is allowed; an empty result is its way of saying no, but also of saying yes to what the caller
//! cannot see. Links must lead to records the caller may see, checked in the same transaction.
//!
//! A change is first tried without a look at the record. Only if it comes to nothing is the whole run again with a look before
//! each change, which tells what is not there from what is not allowed.

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::{EngineError, IsConflict, RecordId, RecordIdKey, Tx, Value, Vars};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::fields::{self, quoted};
use super::input::{self, Purpose};
use super::kept::Sent;
use super::links::Links;
use super::told::{self, Deleted};
use super::trail::{self, Followers};
use super::{etags, idempotency, key, view};
use crate::context::failure::pointer;
use crate::context::{Caller, Ctx, changing_rights, uninterrupted};
use crate::kernel::error::{ALREADY_EXISTS, METHOD_NOT_ALLOWED, NOT_FOUND, STALE, UNAVAILABLE};
use crate::kernel::{Error, FieldError, Result};
use crate::schema::{KeyKind, Permission, Table};

/// Tables whose rows decide about rights.
pub(super) const RIGHTS_TABLES: [&str; 3] = ["users", "memberships", "businesses"];

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

    fn permission<'a>(&self, table: &'a Table) -> &'a Permission {
        match self {
            Self::Create { .. } => &table.permissions.create,
            Self::Patch { .. } => &table.permissions.update,
            Self::Delete { .. } => &table.permissions.delete,
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
    let work = in_one_transaction(job, is_batch);
    if changes_rights { changing_rights(&ctx.platform, work).await } else { uninterrupted(work).await }
}

/// A request's context, its operations and how to have their effect once.
type Job = (Ctx, Vec<Operation>, Option<idempotency::Request>);

/// Why an attempt at the operations came to nothing.
enum Setback {
    /// This is the answer.
    Refused(Error),
    /// A change failed, of a record that was not looked at before: what the answer is, only a look at it tells.
    Unseen,
}

/// What came of an attempt.
type Attempt<T> = std::result::Result<T, Setback>;

impl From<Error> for Setback {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<EngineError> for Setback {
    fn from(error: EngineError) -> Self {
        Self::Refused(error.into())
    }
}

impl IsConflict for Setback {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused(error) if error.is_retryable())
    }
}

impl Setback {
    /// The setback of a change; with `is_seen`, of a record that the caller was found to see.
    fn of_change(self, is_seen: bool) -> Self {
        let is_answer =
            |error: &Error| is_seen || error.is_retryable() || [NOT_FOUND, UNAVAILABLE].contains(&error.entry());
        match self {
            Self::Refused(error) if is_answer(&error) => Self::Refused(error),
            _ => Self::Unseen,
        }
    }
}

async fn in_one_transaction(job: Arc<Job>, is_batch: bool) -> Result<Vec<Outcome>> {
    let outcomes = match attempt(&job, is_batch, false).await {
        Err(Setback::Unseen) => attempt(&job, is_batch, true).await,
        outcomes => outcomes,
    };
    outcomes.map_err(|setback| match setback {
        Setback::Refused(error) => error,
        Setback::Unseen => Error::internal("a change of a record that was looked at and not seen"),
    })
}

/// All operations in one transaction, with `looks_first` only after a look at each record that they change.
async fn attempt(job: &Arc<Job>, is_batch: bool, looks_first: bool) -> Attempt<Vec<Outcome>> {
    job.0
        .session()
        .transact(|tx: &Tx| -> BoxFuture<'_, Attempt<Vec<Outcome>>> {
            let job = Arc::clone(job);
            Box::pin(async move {
                let (ctx, operations, once) = &*job;
                if let Some(stored) = idempotency::stored(ctx, tx, once.as_ref()).await? {
                    return Ok(vec![stored]);
                }
                let mut outcomes = Vec::with_capacity(operations.len());
                for (at, operation) in operations.iter().enumerate() {
                    let outcome = perform(ctx, tx, operation, looks_first).await;
                    outcomes.push(outcome.map_err(|setback| if is_batch { in_batch(setback, at) } else { setback })?);
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
fn in_batch(setback: Setback, at: usize) -> Setback {
    let Setback::Refused(error) = setback else { return setback };
    let fields: Vec<FieldError> = if error.fields().is_empty() {
        vec![FieldError::new(format!("/operations/{at}"), "rule", error.message())]
    } else {
        let inside =
            |f: &FieldError| FieldError::new(format!("/operations/{at}/body{}", f.pointer), f.code, &*f.message);
        error.fields().iter().map(inside).collect()
    };
    let message = format!("Operation {at}: {}", error.message());
    Setback::Refused(error.rephrased(message, fields))
}

async fn perform(ctx: &Ctx, tx: &Tx, operation: &Operation, looks_first: bool) -> Attempt<Outcome> {
    let table = ctx.platform.schema.served(operation.table()).ok_or_else(Error::not_found)?;
    let (id, if_match) = match operation {
        Operation::Create { body, .. } => {
            return Ok(create(ctx, tx, table, body, Purpose::Create, "record.created").await?);
        }
        Operation::Patch { id, if_match, .. } | Operation::Delete { id, if_match, .. } => (id, if_match.as_deref()),
    };
    // Before anything is looked up: who could never do it is told so, whatever there is.
    must_be_possible(ctx, operation.permission(table))?;
    let id = key::record_id(table, id).ok_or_else(Error::not_found)?;
    // What is noted is noted with how it was before.
    let looks_first = looks_first || if_match.is_some() || trail::is_kept(ctx);
    let before = if looks_first { Some(visible(tx, &id).await?.ok_or_else(Error::not_found)?) } else { None };
    let change = Change { ctx, tx, table, id, before, if_match };
    let outcome = match operation {
        Operation::Patch { body, .. } => change.patch(body).await,
        _ => change.delete().await,
    };
    outcome.map_err(|setback| setback.of_change(looks_first))
}

/// Refuses what no caller of this listener could be allowed.
fn must_be_possible(ctx: &Ctx, permission: &Permission) -> Result<()> {
    if !fields::could_pass(ctx, permission) {
        return Err(Error::new(METHOD_NOT_ALLOWED, "This is not done through the records API."));
    }
    let is_guest = matches!(ctx.caller, Caller::Guest);
    if is_guest && !permission.could_be_guest() { Err(Error::unauthenticated()) } else { Ok(()) }
}

/// Makes a record; `action` is what the audit trail calls it.
pub(super) async fn create(
    ctx: &Ctx,
    tx: &Tx,
    table: &Table,
    body: &Json,
    purpose: Purpose,
    action: &'static str,
) -> Result<Outcome> {
    must_be_possible(ctx, &table.permissions.create)?;
    let mut input = input::parse(ctx, table, body, purpose)?;
    let links = Links::new(std::mem::take(&mut input.links));
    let id = match (&input.id, table.key) {
        (Some(id), _) => id.clone(),
        (None, KeyKind::Uuid) => RecordId::new(table.name.clone(), RecordIdKey::Uuid(ctx.new_id().into())),
        (None, _) => return Err(Error::internal("a key was not checked")),
    };
    let sent = Sent::of(&input);
    let vars = Vars::new().with("id", id.clone()).with("data", Value::Object(input.into_object()));
    let made = links.beside(tx, table, "CREATE $id CONTENT $data", vars.clone()).await?.pop();
    let Some(row) = made else {
        if !is_made_unseen(tx, table, vars).await? {
            return Err(refused(ctx));
        }
        sent.must_be_nothing()?;
        told::created(ctx, tx, table, &id, None).await?;
        // The caller made it, and so may know its key; nothing is at its address for them.
        let body = serde_json::json!({ "id": key::json(&id.key) });
        return Ok(Outcome { status: 201, body: Some(body), etag: None, location: None });
    };
    sent.must_be_kept(tx, table, &Value::None, &row).await?;
    trail::note(ctx, tx, table, action, &id, None, Some(&row)).await?;
    told::created(ctx, tx, table, &id, Some(&row)).await?;
    let json = view::record(ctx, table, &row, &Vec::new());
    let location = format!("/{}/{}", table.name, key::path_segment(&id.key));
    Ok(Outcome { status: 201, etag: Some(view::etag(&json)), body: Some(json), location: Some(location) })
}

/// Whether a create that gave no row has made a record all the same, one that the caller cannot see.
///
/// Where the schema does not tell, the engine does: it makes no record twice. The second try finds either the record, or the same
/// refusal as the first.
async fn is_made_unseen(tx: &Tx, table: &Table, vars: Vars) -> Result<bool> {
    let create = &table.permissions.create;
    if create.is_full() || create.implies(&table.permissions.select) {
        return Ok(!create.implies(&table.permissions.select));
    }
    match tx.query("CREATE $id CONTENT $data RETURN NONE", vars).await {
        Err(EngineError::RecordExists(_)) => Ok(true),
        Err(error) => Err(named(error, table)),
        Ok(_) => Ok(false),
    }
}

/// A change of a record, in one transaction with others.
struct Change<'a> {
    ctx: &'a Ctx,
    tx: &'a Tx,
    table: &'a Table,
    id: RecordId,
    /// The record as the caller sees it, if it was looked at.
    before: Option<Value>,
    if_match: Option<&'a str>,
}

impl Change<'_> {
    async fn patch(self, body: &Json) -> Attempt<Outcome> {
        let (ctx, tx, table) = (self.ctx, self.tx, self.table);
        self.check_etag()?;
        let mut input = input::parse(ctx, table, body, Purpose::Update)?;
        let links = Links::new(std::mem::take(&mut input.links));
        let sent = Sent::of(&input);
        if self.before.is_none() && sent.needs_before(table) {
            return Err(Setback::Unseen);
        }
        let only = self.only_if_seen(&table.permissions.update);
        let mut vars = Vars::new().with("id", self.id.clone());
        let mut sets = Vec::with_capacity(input.values.len());
        let changed = input.values.iter().map(|(path, _)| path.clone()).collect();
        for (at, (path, value)) in input.values.into_iter().enumerate() {
            sets.push(format!("{} = $v{at}", quoted(&path)));
            vars.bind(format!("v{at}"), value);
        }
        // With nothing to change it still refuses a caller who may not change the record.
        let set = if sets.is_empty() { String::new() } else { format!(" SET {}", sets.join(", ")) };
        let text = format!("UPDATE $id{set}{only} RETURN AFTER");
        let row = links.beside(tx, table, &text, vars).await?.pop().ok_or_else(|| refused(ctx))?;
        let before = self.before.unwrap_or_default();
        sent.must_be_kept(tx, table, &before, &row).await?;
        trail::note(ctx, tx, table, "record.updated", &self.id, Some(&before), Some(&row)).await?;
        told::updated(ctx, tx, table, &self.id, changed, &row).await?;
        let json = view::record(ctx, table, &row, &Vec::new());
        Ok(Outcome { status: 200, etag: Some(view::etag(&json)), body: Some(json), location: None })
    }

    async fn delete(self) -> Attempt<Outcome> {
        self.check_etag()?;
        let (ctx, tx, table) = (self.ctx, self.tx, self.table);
        let followers = Followers::of(ctx, tx, table, &self.id).await?;
        let only = self.only_if_seen(&table.permissions.delete);
        let text = format!("DELETE $id{only} RETURN BEFORE");
        let is_answer_enough = self.before.is_none() && told::can_show_all(table);
        let stored = told::before_deletion(ctx, tx, table, &self.id, is_answer_enough).await?;
        let gone = tx.query(&text, Vars::new().with("id", self.id.clone())).await;
        let gone = gone.map_err(|e| named(e, table))?.rows(0).pop().ok_or_else(|| refused(ctx))?;
        followers.note(ctx, tx, table, &self.id, self.before.as_ref()).await?;
        let row = stored.map_or(Deleted::Seen(gone), Deleted::Stored);
        let is_told = told::deleted(ctx, tx, table, &self.id, row).await?;
        // What the caller could not see is read before the next attempt deletes it.
        if !is_told {
            return Err(Setback::Unseen);
        }
        Ok(Outcome { status: 204, body: None, etag: None, location: None })
    }

    /// The condition that the caller sees the record, where neither a look at it nor the right to change it says so.
    fn only_if_seen(&self, permission: &Permission) -> &'static str {
        let select = &self.table.permissions.select;
        let is_seen = self.before.is_some() || self.ctx.caller.is_staff() || permission.implies(select);
        if is_seen { "" } else { " WHERE (SELECT VALUE id FROM ONLY $id) != NONE" }
    }

    /// RFC 9110 If-Match.
    fn check_etag(&self) -> Result<()> {
        let (Some(wanted), Some(before)) = (self.if_match, &self.before) else { return Ok(()) };
        let current = view::etag(&view::record(self.ctx, self.table, before, &Vec::new()));
        let is_same = etags::names_strongly(wanted, &current);
        if is_same { Ok(()) } else { Err(Error::new(STALE, "The record has changed since you read it.")) }
    }
}

/// The record as the caller sees it, if at all.
async fn visible(tx: &Tx, record: &RecordId) -> Result<Option<Value>> {
    let row = tx.look_up("SELECT * FROM ONLY $id", Vars::new().with("id", record.clone())).await?.take(0);
    Ok(matches!(row, Value::Object(_)).then_some(row))
}

/// The database said no to something the caller can see: sign in first, or never.
fn refused(ctx: &Ctx) -> Error {
    match ctx.caller {
        Caller::Guest => Error::unauthenticated(),
        Caller::Signed(_) => Error::forbidden(),
    }
}

/// The engine's failure, with the fields of the index that refused a value.
pub(super) fn named(error: EngineError, table: &Table) -> Error {
    if let EngineError::Unique { index } = &error
        && let Some(index) = table.indexes.iter().find(|i| i.name == *index)
    {
        let message = format!("There is a record of {} with the same {}.", table.name, index.fields.join(" and "));
        let fields = index.fields.iter().map(|path| FieldError::new(pointer(path), "unique", "is taken")).collect();
        return Error::new(ALREADY_EXISTS, "").rephrased(message, fields);
    }
    error.into()
}
