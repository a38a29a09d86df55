//! Migrations: numbered texts that run once, in order, each in one transaction with its own record.

use std::fmt;

use chrono::{DateTime, Utc};
use pawbase_engine::{Datetime, Engine, Vars};

use crate::kernel::time::floored;

use super::error::{Result, SchemaError};
use super::sources::{Migration, Origin, Sources};
use super::state::{Recorded, State};

/// Names a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationId {
    /// Who wrote it.
    pub origin: Origin,
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: String,
}

impl fmt::Display for MigrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:04}_{}", self.origin.as_str(), self.number, self.name)
    }
}

impl Migration {
    /// Its name in messages and reports.
    pub fn id(&self) -> MigrationId {
        MigrationId { origin: self.origin, number: self.number, name: self.name.clone() }
    }
}

/// Migrations that this database has not seen.
#[derive(Debug, Default)]
pub(super) struct Outstanding<'a> {
    /// To run, in order.
    pub to_run: Vec<&'a Migration>,
    /// To record only, since the tables of their origin are only now made.
    pub to_record: Vec<&'a Migration>,
}

/// Compares the recorded migrations with the files; a changed, missing or overtaken one is refused.
pub(super) fn outstanding<'a>(sources: &'a Sources, state: &State) -> Result<Outstanding<'a>> {
    for recorded in &state.recorded {
        verify(sources, recorded)?;
    }
    let is_recorded = |migration: &Migration| {
        let source = migration.origin.as_str();
        state.recorded.iter().any(|r| r.source == source && r.number == migration.number)
    };
    let mut outstanding = Outstanding::default();
    for migration in sources.migrations.iter().filter(|migration| !is_recorded(migration)) {
        if is_new(sources, state, migration.origin) {
            outstanding.to_record.push(migration);
        } else {
            outstanding.to_run.push(migration);
        }
    }
    Ok(outstanding)
}

fn verify(sources: &Sources, recorded: &Recorded) -> Result<()> {
    let Recorded { source, number, name, sha256 } = recorded;
    let file = sources.migrations.iter().find(|m| m.origin.as_str() == source && m.number == *number);
    match file {
        None => Err(SchemaError::Migrations(format!(
            "{source} {number:04}_{name} has run here but its file is missing; put it back"
        ))),
        Some(file) if file.sha256() != *sha256 => Err(SchemaError::Migrations(format!(
            "{} has run here and was changed since; restore its text and write a new migration",
            file.file
        ))),
        Some(_) => Ok(()),
    }
}

/// Whether nothing of this origin is in the database yet, so that its schema files describe the result already.
fn is_new(sources: &Sources, state: &State, origin: Origin) -> bool {
    let is_first = !state.recorded.iter().any(|recorded| recorded.source == origin.as_str());
    is_first
        && match origin {
            Origin::Pawbase => state.tables().next().is_none(),
            Origin::Shop => {
                let own = sources.own_tables();
                state.tables().all(|table| own.iter().any(|name| name == table))
            }
        }
}

/// Statement that records a migration; its values are bound by [`bind`].
pub(super) fn record_statement(index: usize) -> String {
    format!(
        "CREATE migrations:[$source{index}, $number{index}] SET source = $source{index}, number = $number{index}, \
         name = $name{index}, sha256 = $sha256{index}, applied_at = $applied_at{index} RETURN NONE;\n"
    )
}

/// Binds the values of [`record_statement`].
pub(super) fn bind(vars: &mut Vars, index: usize, migration: &Migration, now: DateTime<Utc>) {
    vars.bind(format!("source{index}"), migration.origin.as_str().to_owned());
    vars.bind(format!("number{index}"), i64::from(migration.number));
    vars.bind(format!("name{index}"), migration.name.clone());
    vars.bind(format!("sha256{index}"), migration.sha256());
    vars.bind(format!("applied_at{index}"), Datetime::from(floored(now)));
}

/// Runs one migration and records it, in one transaction.
pub(super) async fn run(engine: &Engine, migration: &Migration, now: DateTime<Utc>) -> Result<()> {
    let owned = migration.clone();
    let outcome: Result<()> = engine
        .root()
        .transact(move |tx| {
            let migration = owned.clone();
            Box::pin(async move {
                let failed = |cause| SchemaError::MigrationFailed { name: migration.id().to_string(), cause };
                let mut vars = Vars::new();
                bind(&mut vars, 0, &migration, now);
                // The record comes first: of two processes starting at once, one stops here.
                tx.query(&record_statement(0), vars).await?;
                tx.query(&migration.text, ()).await.map_err(failed)?;
                Ok(())
            })
        })
        .await;
    outcome.inspect(|()| tracing::info!(migration = %migration.id(), "migration has run"))
}
