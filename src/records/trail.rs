//! What the audit trail keeps of writes through the admin listener: each record with how it was before and after, as far as
//! staff may see it, and what was deleted with it.
//!
//! Deliberately elsewhere: the trail itself (context::audit).

use futures::FutureExt;
use futures::future::BoxFuture;
use pawbase_engine::{Object, RecordId, Tx, Value, Vars};

use super::fields::{lineage, quoted};
use crate::context::{Audience, AuditEntry, Ctx, audit};
use crate::kernel::Result;
use crate::schema::{Field, OnDelete, Table};

/// Most records that are told one by one when they are deleted with another. All are counted.
const OTHERS_MAX: usize = 1000;

/// Whether writes of this request are kept in the trail.
pub fn is_kept(ctx: &Ctx) -> bool {
    ctx.audience == Audience::Admin
}

/// Notes a write, if this request is one that is noted.
pub async fn note(
    ctx: &Ctx,
    tx: &Tx,
    table: &Table,
    action: &'static str,
    id: &RecordId,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<()> {
    if !is_kept(ctx) {
        return Ok(());
    }
    audit::write(tx, &[entry(ctx, table, action, id, before, after)]).await
}

/// The entry of a write.
pub fn entry(
    ctx: &Ctx,
    table: &Table,
    action: &'static str,
    id: &RecordId,
    before: Option<&Value>,
    after: Option<&Value>,
) -> AuditEntry {
    AuditEntry {
        before: before.map(|row| image(table, row)),
        after: after.map(|row| image(table, row)),
        ..AuditEntry::of_caller(ctx, action, id.clone())
    }
}

/// A record without its key and without what nobody may read, at whatever depth.
pub fn image(table: &Table, row: &Value) -> Object {
    let mut kept = Object::new();
    if let Value::Object(row) = row {
        for (name, value) in row.iter().filter(|(name, _)| *name != "id") {
            if let Some(value) = shown(table, name, value) {
                kept.insert(name.clone(), value);
            }
        }
    }
    kept
}

/// The value at `path`, as far as somebody may read it.
fn shown(table: &Table, path: &str, value: &Value) -> Option<Value> {
    let field = table.field(path)?;
    let is_hidden = |field: &Field| field.permissions.select.is_none();
    if lineage(table, path).any(is_hidden) || *value == Value::None {
        return None;
    }
    let items = format!("{path}.*");
    Some(match value {
        Value::Object(object) if !field.is_flexible => {
            let inner = |(name, value): (&String, &Value)| {
                shown(table, &format!("{path}.{name}"), value).map(|value| (name.clone(), value))
            };
            Value::Object(object.iter().filter_map(inner).collect())
        }
        Value::Array(list) if table.field(&items).is_some() => {
            Value::Array(list.iter().filter_map(|item| shown(table, &items, item)).collect::<Vec<_>>().into())
        }
        value => value.clone(),
    })
}

/// What a deletion takes with it, to be noted together with it.
#[derive(Debug, Default)]
pub struct Followers {
    /// Entries of records that are deleted too.
    entries: Vec<AuditEntry>,
    /// How many are deleted or lose their link.
    count: i64,
}

impl Followers {
    /// What goes when the record `id` of `table` goes; nothing where nothing is noted.
    pub async fn of(ctx: &Ctx, tx: &Tx, table: &Table, id: &RecordId) -> Result<Self> {
        let mut found = Self::default();
        if is_kept(ctx) {
            found.collect(ctx, tx, table, id).await?;
        }
        Ok(found)
    }

    fn collect<'a>(
        &'a mut self,
        ctx: &'a Ctx,
        tx: &'a Tx,
        table: &'a Table,
        id: &'a RecordId,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            for (other, field) in ctx.platform.schema.followers(&table.name) {
                // The names are the schema model's own; the engine keeps who refers to a record beside it.
                let text = format!("SELECT VALUE <~(`{}` FIELD {}) FROM ONLY $id", other.name, quoted(&field.path));
                let ids = tx.query(&text, Vars::new().with("id", id.clone())).await?.rows(0);
                self.count += i64::try_from(ids.len()).unwrap_or(i64::MAX);
                if field.on_delete != Some(OnDelete::Cascade) {
                    continue;
                }
                for follower in ids {
                    let Value::RecordId(follower) = follower else { continue };
                    if self.entries.len() < OTHERS_MAX && !self.entries.iter().any(|entry| entry.target == follower) {
                        self.follow(ctx, tx, other, follower, id).await?;
                    }
                }
            }
            Ok(())
        }
        .boxed()
    }

    async fn follow(&mut self, ctx: &Ctx, tx: &Tx, table: &Table, id: RecordId, first: &RecordId) -> Result<()> {
        let row = tx.query("SELECT * FROM ONLY $id", Vars::new().with("id", id.clone())).await?.take(0);
        let mut entry = entry(ctx, table, "record.deleted", &id, Some(&row), None);
        entry.reason = Some(format!("With its record of {}.", first.table));
        // Before what goes with it, so that no two records that refer to each other are followed for ever.
        self.entries.push(entry);
        self.collect(ctx, tx, table, &id).await
    }

    /// Notes the deletion and what went with it.
    pub async fn note(self, ctx: &Ctx, tx: &Tx, table: &Table, id: &RecordId, before: Option<&Value>) -> Result<()> {
        if !is_kept(ctx) {
            return Ok(());
        }
        let mut first = entry(ctx, table, "record.deleted", id, before, None);
        first.others = (self.count > 0).then_some(self.count);
        let entries: Vec<AuditEntry> = std::iter::once(first).chain(self.entries).collect();
        audit::write(tx, &entries).await
    }
}
