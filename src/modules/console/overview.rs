//! The overview: version, uptime, size, rows per table, latest records.

use std::path::{Path, PathBuf};

use chrono::SecondsFormat;
use uuid::Uuid;

use super::description::label_field;
use super::store;
use super::views::{LatestRecord, Overview, TableCount};
use crate::context::Ctx;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::schema::{KeyKind, Table};

/// Latest records shown.
const LATEST_MAX: usize = 10;
/// Longest label, in characters.
const LABEL_LENGTH_MAX: usize = 80;

/// The overview as this caller may see it.
pub async fn read(ctx: &Ctx) -> Result<Overview> {
    let platform = &ctx.platform;
    let tables: Vec<&Table> = platform.schema.tables.values().filter(|table| !table.is_private()).collect();
    let counts = store::counts(ctx, &tables).await?;
    let count = |(table, rows): (&&Table, i64)| TableCount {
        name: table.name.clone(),
        description: table.description.clone(),
        rows,
    };
    Ok(Overview {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: shown(platform.started_at),
        uptime_s: (ctx.now() - platform.started_at).num_seconds().max(0),
        database_bytes: database_bytes(ctx).await?,
        tables: tables.iter().zip(counts).map(count).collect(),
        latest: latest(ctx, &tables).await?,
    })
}

/// The newest records of the tables whose keys tell their time, but those that only keep a record of what happens.
async fn latest(ctx: &Ctx, tables: &[&Table]) -> Result<Vec<LatestRecord>> {
    let is_log = |table: &Table| table.tags.iter().any(|tag| tag == "log");
    let wanted: Vec<(&Table, Option<&str>)> = tables
        .iter()
        .filter(|table| table.key == KeyKind::Uuid && !is_log(table))
        .map(|table| (*table, label_field(table)))
        .collect();
    let rows = store::newest(ctx, &wanted, LATEST_MAX).await?;
    let mut found: Vec<(Instant, LatestRecord)> = Vec::new();
    for ((table, _), rows) in wanted.iter().zip(rows) {
        found.extend(rows.into_iter().filter_map(|row| {
            let at = made_at(row.id)?;
            let label = row.label.unwrap_or_else(|| row.id.to_string()).chars().take(LABEL_LENGTH_MAX).collect();
            Some((at, LatestRecord { table: table.name.clone(), id: row.id.to_string(), label, created_at: shown(at) }))
        }));
    }
    found.sort_by(|(one, a), (other, b)| other.cmp(one).then_with(|| b.id.cmp(&a.id)));
    found.truncate(LATEST_MAX);
    Ok(found.into_iter().map(|(_, record)| record).collect())
}

/// The instant in a UUIDv7; None for another key.
fn made_at(id: Uuid) -> Option<Instant> {
    let (seconds, nanos) = (id.get_version_num() == 7).then(|| id.get_timestamp()).flatten()?.to_unix();
    Instant::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

fn shown(instant: Instant) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Bytes of the database's folder; 0 where it has none.
async fn database_bytes(ctx: &Ctx) -> Result<i64> {
    let config = &ctx.platform.config;
    if !config.database.url.is_empty() {
        return Ok(0);
    }
    let folder = config.server.data.join("db");
    tokio::task::spawn_blocking(move || folder_bytes(&folder)).await.map_err(Error::internal)
}

/// Bytes of all files below `folder`. Files come and go while the database works, so what is gone is not counted.
fn folder_bytes(folder: &Path) -> i64 {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut bytes = 0_u64;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => bytes = bytes.saturating_add(metadata.len()),
                Err(_) => {}
            }
        }
    }
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_of_time_order_tell_when_they_were_made() {
        let id: Uuid = "01981c6e-5b7a-7c3e-9f00-0123456789ab".parse().expect("a UUID");
        assert_eq!(made_at(id).map(shown).as_deref(), Some("2025-07-18T07:27:31Z"));
        assert_eq!(made_at(Uuid::nil()), None);
    }

    #[test]
    fn all_files_below_a_folder_count() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("inner")).expect("made");
        std::fs::write(folder.path().join("a"), [0; 10]).expect("written");
        std::fs::write(folder.path().join("inner/b"), [0; 5]).expect("written");
        assert_eq!(folder_bytes(folder.path()), 15);
        assert_eq!(folder_bytes(&folder.path().join("nothing")), 0);
    }
}
