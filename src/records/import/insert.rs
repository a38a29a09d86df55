//! The second pass over a file: rows become records, each with its entry in the audit trail.

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::{EngineError, IsConflict, RecordId, RecordIdKey, Tx, Value, Vars};

use super::check::{parse, problems};
use super::{Bad, CHUNK_ROWS, Good, Job};
use crate::context::{AuditEntry, Ctx, audit};
use crate::kernel::{Error, Result};
use crate::records::input::Input;
use crate::records::trail;
use crate::records::write::named;
use crate::schema::Table;

/// The rows that are not bad, a chunk at a time.
fn chunks<'a>(job: &'a Job, table: &'a Table, bad: &'a Bad) -> impl Iterator<Item = Vec<Good>> + Send + 'a {
    let mut rows = job.file.rows().enumerate().filter(|(at, _)| !bad.contains_key(at));
    std::iter::from_fn(move || {
        let good = rows.by_ref().filter_map(|(at, row)| Some((at, parse(&job.ctx, table, &row.ok()?).ok()?)));
        let chunk: Vec<Good> = good.take(CHUNK_ROWS).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

/// Inserts all rows in one transaction.
pub async fn all(job: &Arc<Job>) -> Result<()> {
    job.ctx
        .session()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
            let job = Arc::clone(job);
            Box::pin(async move {
                let (table, none) = (job.table()?, Bad::new());
                let mut done = 0;
                for chunk in chunks(&job, table, &none) {
                    done += chunk.len();
                    insert(&job.ctx, tx, table, chunk.into_iter().map(|(_, input)| input)).await?;
                    job.advance(done)?;
                }
                Ok(())
            })
        })
        .await
}

/// Inserts the good rows, each chunk in a transaction, and finds the bad ones among them.
pub async fn good_ones(job: &Arc<Job>, bad: &mut Bad) -> Result<()> {
    let table = job.table()?;
    let known = bad.clone();
    let mut done = known.len();
    for chunk in chunks(job, table, &known) {
        done += chunk.len();
        let chunk = Arc::new(chunk);
        if let Err(error) = insert_chunk(job, &chunk).await {
            let found = bad_rows(job, &chunk, error).await?;
            let rest = chunk.iter().filter(|(at, _)| !found.contains_key(at)).cloned().collect();
            bad.extend(found);
            insert_chunk(job, &Arc::new(rest)).await?;
        }
        job.advance(done)?;
    }
    Ok(())
}

async fn insert_chunk(job: &Arc<Job>, chunk: &Arc<Vec<Good>>) -> Result<()> {
    job.ctx
        .session()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
            let (job, chunk) = (Arc::clone(job), Arc::clone(chunk));
            Box::pin(
                async move { insert(&job.ctx, tx, job.table()?, chunk.iter().map(|(_, input)| input.clone())).await },
            )
        })
        .await
}

/// Tries the rows that are not known to be bad, and writes nothing.
pub async fn try_all(job: &Arc<Job>, bad: &mut Bad) -> Result<()> {
    let table = job.table()?;
    let known = bad.clone();
    let mut done = known.len();
    for chunk in chunks(job, table, &known) {
        done += chunk.len();
        let chunk = Arc::new(chunk);
        match tried(job, &chunk, Trial::Together).await {
            Stop::Found(_) => {}
            Stop::Failed(error) => bad.extend(bad_rows(job, &chunk, error).await?),
        }
        job.advance(done)?;
    }
    Ok(())
}

/// The rows of a chunk that the database refuses, after it has refused the chunk with `error`.
async fn bad_rows(job: &Arc<Job>, chunk: &Arc<Vec<Good>>, error: Error) -> Result<Bad> {
    if error.is_retryable() || error.entry().status >= 500 {
        return Err(error);
    }
    match tried(job, chunk, Trial::OneByOne).await {
        Stop::Found(found) if found.is_empty() => Err(error),
        Stop::Found(found) => Ok(found),
        Stop::Failed(error) => Err(error),
    }
}

/// How rows are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// All with one statement, which fails for all.
    Together,
    /// Each by itself, to know which one is bad.
    OneByOne,
}

/// How a trial ends. It always ends its transaction as a failure does: nothing of it is kept.
enum Stop {
    Found(Bad),
    Failed(Error),
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Failed(error.into())
    }
}

impl IsConflict for Stop {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_retryable())
    }
}

async fn tried(job: &Arc<Job>, chunk: &Arc<Vec<Good>>, trial: Trial) -> Stop {
    let trying = job.ctx.session().transact(|tx: &Tx| -> BoxFuture<'_, std::result::Result<(), Stop>> {
        let (job, chunk) = (Arc::clone(job), Arc::clone(chunk));
        Box::pin(async move {
            let table = job.table().map_err(Stop::Failed)?;
            let mut found = Bad::new();
            if trial == Trial::Together {
                let rows = chunk.iter().map(|(_, input)| input.clone());
                insert_rows(&job.ctx, tx, table, rows).await.map_err(Stop::Failed)?;
            } else {
                for (at, input) in chunk.iter() {
                    match insert_rows(&job.ctx, tx, table, std::iter::once(input.clone())).await {
                        Err(error) if error.is_retryable() || error.entry().status >= 500 => {
                            return Err(Stop::Failed(error));
                        }
                        Err(error) => drop(found.insert(*at, problems(error))),
                        Ok(_) => {}
                    }
                }
            }
            Err(Stop::Found(found))
        })
    });
    match trying.await {
        Err(stop) => stop,
        Ok(()) => Stop::Found(Bad::new()),
    }
}

/// Inserts rows and notes each of them.
async fn insert(ctx: &Ctx, tx: &Tx, table: &Table, rows: impl Iterator<Item = Input>) -> Result<()> {
    let made = insert_rows(ctx, tx, table, rows).await?;
    let mut entries: Vec<AuditEntry> = Vec::with_capacity(made.len());
    for row in made.iter().filter(|_| trail::is_kept(ctx)) {
        if let Value::RecordId(id) = crate::records::read::pick(row, "id") {
            entries.push(trail::entry(ctx, table, "record.imported", &id, None, Some(row)));
        }
    }
    audit::write(tx, &entries).await
}

/// Inserts rows; answers the records as they are stored.
async fn insert_rows(ctx: &Ctx, tx: &Tx, table: &Table, rows: impl Iterator<Item = Input>) -> Result<Vec<Value>> {
    let object = |input: Input| {
        let fresh = || RecordId::new(table.name.clone(), RecordIdKey::Uuid(ctx.new_id().into()));
        let id = input.id.clone().unwrap_or_else(fresh);
        let mut object = input.into_object();
        object.insert("id", Value::RecordId(id));
        Value::Object(object)
    };
    let rows: Vec<Value> = rows.map(object).collect();
    let count = rows.len();
    if count == 0 {
        return Ok(Vec::new());
    }
    let text = format!("INSERT INTO `{}` $rows", table.name);
    let made = tx.query(&text, Vars::new().with("rows", Value::Array(rows.into()))).await;
    let made = made.map_err(|error| named(error, table))?.rows(0);
    // A row that the caller may not make is left out without a word.
    if made.len() == count { Ok(made) } else { Err(Error::forbidden()) }
}
