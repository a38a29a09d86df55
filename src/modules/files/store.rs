//! The statements of this module, one per function. Deliberately elsewhere: every decision, and how holders are found (`holders.rs`).

use pawbase_engine::{Session, Tx, Value, Vars};
use uuid::Uuid;

use super::model::{File, of_table, record};
use crate::kernel::Result;
use crate::kernel::time::Instant;
use crate::work::Row;

/// A file as the holder of `session` sees it; None where there is none to see.
pub async fn file(session: &Session, id: Uuid) -> Result<Option<File>> {
    let row = session.read("SELECT * FROM $id", Vars::new().with("id", record(id))).await?.rows(0).pop();
    row.map(File::of).transpose()
}

/// A file, in a transaction that is about to change it, with whether it is said to be unlinked since when.
pub async fn file_within(tx: &Tx, id: Uuid) -> Result<Option<File>> {
    let row = tx.query("SELECT * FROM $id", Vars::new().with("id", record(id))).await?.rows(0).pop();
    row.map(File::of).transpose()
}

/// Whether the holder of `session` works in `business`.
pub async fn is_member(session: &Session, business: Uuid) -> Result<bool> {
    let vars = Vars::new().with("business", of_table("businesses", business));
    let mut answer = session.read("RETURN $business IN ($session.data.businesses ?? [])", vars).await?;
    Ok(answer.take(0) == Value::Bool(true))
}

/// Whether the holder of `session` sees `business`.
pub async fn is_business(session: &Session, business: Uuid) -> Result<bool> {
    let vars = Vars::new().with("business", of_table("businesses", business));
    Ok(!session.read("SELECT VALUE id FROM $business", vars).await?.rows(0).is_empty())
}

/// Notes that an upload is on its way to the store.
pub async fn begin_upload(tx: &Tx, id: Uuid, owner: Uuid, size: u64, now: Instant) -> Result<()> {
    let vars = Vars::new()
        .with("id", of_table("file_uploads", id))
        .with("owner", of_table("users", owner))
        .with("size", i64::try_from(size).unwrap_or(i64::MAX))
        .with("now", now);
    tx.query("CREATE $id SET owner = $owner, size = $size, begun_at = $now RETURN NONE", vars).await?;
    Ok(())
}

/// Bytes of all files of somebody and of what is on its way. Of two transactions that ask this of one person at once, one is run again.
pub async fn used_bytes(tx: &Tx, owner: Uuid) -> Result<u64> {
    let vars = Vars::new().with("owner", of_table("users", owner)).with("quota", of_table("file_quotas", owner));
    let text = "UPSERT $quota SET uploads += 1 RETURN NONE;
        RETURN {
            bytes: math::sum(SELECT VALUE size FROM files WHERE owner = $owner)
                + math::sum(SELECT VALUE size FROM file_uploads WHERE owner = $owner)
        };";
    Row(tx.query(text, vars).await?.take(1)).count("bytes")
}

/// Forgets an upload: its file is kept, or comes to nothing.
pub async fn end_upload(tx: &Tx, id: Uuid) -> Result<()> {
    tx.query("DELETE $id RETURN NONE", Vars::new().with("id", of_table("file_uploads", id))).await?;
    Ok(())
}

/// Uploads that began before `time` and neither ended nor failed.
pub async fn stale_uploads(session: &Session, time: Instant) -> Result<Vec<Uuid>> {
    let vars = Vars::new().with("time", time);
    let rows = session.read("SELECT id FROM file_uploads WHERE begun_at < $time", vars).await?.rows(0);
    rows.into_iter().map(|row| Row(row).key("id")).collect()
}

/// Keeps a new file. Nothing links to it yet.
pub async fn insert(tx: &Tx, file: &File) -> Result<()> {
    let link = |table: &str, key: Option<Uuid>| key.map(|key| of_table(table, key));
    let vars = Vars::new()
        .with("id", record(file.id))
        .with("owner", link("users", file.owner))
        .with("business", link("businesses", file.business))
        .with("purpose", file.purpose.clone())
        .with("name", file.name.clone())
        .with("mime", file.mime.clone())
        .with("size", i64::try_from(file.size).unwrap_or(i64::MAX))
        .with("sha256", file.sha256.clone())
        .with("width", file.pixels.map(|(width, _)| i64::from(width)))
        .with("height", file.pixels.map(|(_, height)| i64::from(height)))
        .with("visibility", file.visibility.as_str())
        .with("url", file.url())
        .with("at", file.created_at);
    let text = "CREATE $id SET owner = $owner, business = $business, purpose = $purpose, name = $name, mime = $mime,
        size = $size, sha256 = $sha256, width = $width, height = $height, visibility = $visibility, url = $url,
        unlinked_since = $at, created_at = $at RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// Removes the record of a file; what it holds is removed by a job.
pub async fn delete(tx: &Tx, id: Uuid) -> Result<()> {
    tx.query("DELETE $id RETURN NONE", Vars::new().with("id", record(id))).await?;
    Ok(())
}

/// A file that the sweep looks at.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its key.
    pub id: Uuid,
    /// What it is for.
    pub purpose: String,
    /// Since when it is known that nothing links to it.
    pub unlinked_since: Option<Instant>,
}

/// The next files after the key `after`, in the order of keys.
pub async fn candidates(session: &Session, after: Uuid, count: i64) -> Result<Vec<Candidate>> {
    let vars = Vars::new().with("after", record(after)).with("count", count);
    let text = "SELECT id, purpose, unlinked_since FROM files WHERE id > $after ORDER BY id LIMIT $count";
    let rows = session.read(text, vars).await?.rows(0);
    rows.into_iter()
        .map(|row| {
            let mut row = Row(row);
            Ok(Candidate {
                id: row.key("id")?,
                purpose: row.take("purpose")?,
                unlinked_since: row.take("unlinked_since")?,
            })
        })
        .collect()
}

/// Notes since when nothing links to a file; None: something does.
pub async fn mark(tx: &Tx, id: Uuid, unlinked_since: Option<Instant>) -> Result<()> {
    let vars = Vars::new().with("id", record(id)).with("since", unlinked_since);
    tx.query("UPDATE $id SET unlinked_since = $since RETURN NONE", vars).await?;
    Ok(())
}
