//! Many new records from a file: all or nothing in one transaction, or the good ones in a transaction for each few hundred.
//!
//! The file is gone through twice. First every row is checked as a new record is, with its links and its keys, and nothing is
//! written. Then rows are inserted. What only the database finds (assertions, unique values) is found by trying: rows are made
//! in a transaction that is always taken back. A dry run stops there. Only one chunk of rows is held at a time.
//!
//! `rows.rs` reads files, `check.rs` checks rows, `insert.rs` writes them. Deliberately elsewhere: HTTP (http::transfer).

mod check;
mod insert;
mod rows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

pub use rows::File;

use super::input::Input;
use crate::context::{Ctx, perhaps_changing_rights, uninterrupted};
use crate::kernel::error::{PAYLOAD_TOO_LARGE, UNAVAILABLE};
use crate::kernel::{Error, FieldError, Result};
use crate::schema::Table;

/// Rows that are checked, tried or inserted with one statement.
const CHUNK_ROWS: usize = 250;
/// Most bad rows that are told one by one; all are counted.
pub const ERRORS_MAX: usize = 1000;

/// How to import.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Whether to find out only what would happen.
    pub is_dry_run: bool,
    /// Whether good rows are written although there are bad ones.
    pub skips_bad: bool,
}

/// What came of an import.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Rows in the file.
    pub total: usize,
    /// Rows that were written; in a dry run, those that are good.
    pub imported: usize,
    /// Rows that are bad.
    pub failed: usize,
    /// The first bad rows.
    pub errors: Vec<RowErrors>,
}

/// What is wrong with a row.
#[derive(Debug, Serialize)]
pub struct RowErrors {
    /// Its number, from 1; the header of a CSV file is not counted.
    pub row: usize,
    /// What is wrong with its fields.
    pub errors: Vec<FieldError>,
}

/// Bad rows by their number, from 0.
type Bad = BTreeMap<usize, Vec<FieldError>>;
/// A row that was found good so far, with its number.
type Good = (usize, Input);
/// Hears how many rows are done.
pub type Progress = Box<dyn Fn(usize, usize) + Send + Sync>;

/// A file that is ready to be imported.
pub struct Import {
    ctx: Ctx,
    table: String,
    file: File,
    options: Options,
    total: usize,
}

/// An import on its way.
struct Job {
    import: Import,
    deadline: Instant,
    progress: Progress,
}

impl std::ops::Deref for Job {
    type Target = Import;

    fn deref(&self) -> &Import {
        &self.import
    }
}

impl Job {
    fn table(&self) -> Result<&Table> {
        self.ctx.platform.schema.served(&self.table).ok_or_else(Error::not_found)
    }

    /// Says how many rows are done. Fails when it has taken too long.
    fn advance(&self, done: usize) -> Result<()> {
        (self.progress)(done, self.total);
        if Instant::now() < self.deadline {
            return Ok(());
        }
        Err(Error::new(UNAVAILABLE, "The import took too long; send fewer rows at once.").retry_after(1))
    }

    fn report(&self, bad: Bad, imported: usize) -> Report {
        let failed = bad.len();
        let told = bad.into_iter().take(ERRORS_MAX).map(|(at, errors)| RowErrors { row: at + 1, errors });
        let is_dry = self.options.is_dry_run;
        Report { dry_run: is_dry, total: self.total, imported, failed, errors: told.collect() }
    }
}

impl Import {
    /// Of a file into `table`. Fails with MALFORMED or PAYLOAD_TOO_LARGE where the file as a whole is not good.
    pub fn new(ctx: &Ctx, table: &Table, file: File, options: Options) -> Result<Self> {
        let (total, most) = (file.count()?, ctx.platform.config.limits.import_rows_max);
        if total > most {
            let message = format!("The file has {total} rows; at most {most} can be imported at once.");
            return Err(Error::new(PAYLOAD_TOO_LARGE, message));
        }
        Ok(Self { ctx: ctx.clone(), table: table.name.clone(), file, options, total })
    }

    /// Imports it, to the end even when the client hangs up. Without `skips_bad`, a report with bad rows means that nothing was
    /// written. Fails with UNAVAILABLE after too long a time.
    pub async fn run(self, progress: Progress) -> Result<Report> {
        let platform = Arc::clone(&self.ctx.platform);
        let deadline = Instant::now() + Duration::from_secs(platform.config.limits.import_timeout_s);
        let changes_rights = super::write::RIGHTS_TABLES.contains(&self.table.as_str());
        let job = Arc::new(Job { import: self, deadline, progress });
        let work = async move { run(&job).await };
        // With bad rows skipped, some may have been written before a failure.
        if changes_rights { perhaps_changing_rights(&platform, work).await } else { uninterrupted(work).await }
    }
}

async fn run(job: &Arc<Job>) -> Result<Report> {
    let mut bad = check::all(job).await?;
    let Options { is_dry_run, skips_bad } = job.options;
    if is_dry_run || (!bad.is_empty() && !skips_bad) {
        insert::try_all(job, &mut bad).await?;
        let good = if is_dry_run { job.total - bad.len() } else { 0 };
        return Ok(job.report(bad, good));
    }
    if skips_bad {
        insert::good_ones(job, &mut bad).await?;
        let imported = job.total - bad.len();
        return Ok(job.report(bad, imported));
    }
    match insert::all(job).await {
        Ok(()) => Ok(job.report(bad, job.total)),
        // Not a matter of the rows.
        Err(error) if error.is_retryable() || error.entry().status >= 500 => Err(error),
        Err(error) if error.entry() == PAYLOAD_TOO_LARGE => {
            let message = "These are more rows than the database takes in one transaction, so nothing was imported. Send \
                           fewer at once, or let bad rows be skipped, or raise database.memtable_mb.";
            Err(error.rephrased(message.to_owned(), Vec::new()))
        }
        Err(error) => {
            insert::try_all(job, &mut bad).await?;
            if bad.is_empty() { Err(error) } else { Ok(job.report(bad, 0)) }
        }
    }
}
