//! Bringing a deleted record back from the audit trail, with the key and the time that it had.

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::{Number, Object, RecordId, Tx, Value, Vars};

use super::input::Purpose;
use super::write::{self, Outcome};
use super::{key, view};
use crate::context::{Ctx, changing_rights, uninterrupted};
use crate::kernel::error::{ALREADY_EXISTS, RULE_VIOLATED};
use crate::kernel::{Error, Result};
use crate::schema::Table;

/// Makes the record `id` of `table` again as it was when it was last deleted. NOT_FOUND when the trail has no such deletion,
/// ALREADY_EXISTS when there is a record with its key or unique values, RULE_VIOLATED when other records went with it, and all
/// bad fields when the table has changed or what it links to is gone.
pub async fn restore(ctx: &Ctx, table: &Table, id: &str) -> Result<Outcome> {
    let id = key::record_id(table, id).ok_or_else(Error::not_found)?;
    let job = Arc::new((ctx.clone(), table.name.clone(), id));
    let changes_rights = write::RIGHTS_TABLES.contains(&table.name.as_str());
    let work = in_one_transaction(job);
    if changes_rights { changing_rights(&ctx.platform, work).await } else { uninterrupted(work).await }
}

async fn in_one_transaction(job: Arc<(Ctx, String, RecordId)>) -> Result<Outcome> {
    job.0
        .session()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<Outcome>> {
            let job = Arc::clone(&job);
            Box::pin(async move {
                let (ctx, table, id) = &*job;
                let table = ctx.platform.schema.served(table).ok_or_else(Error::not_found)?;
                must_be_gone(tx, id).await?;
                let image = last_image(tx, id).await?;
                let body = view::record(ctx, table, &Value::Object(image), &Vec::new());
                write::create(ctx, tx, table, &body, Purpose::Import, "record.restored").await
            })
        })
        .await
}

async fn must_be_gone(tx: &Tx, id: &RecordId) -> Result<()> {
    let found = tx.query("SELECT VALUE id FROM ONLY $id", Vars::new().with("id", id.clone())).await?.take(0);
    match found {
        Value::None | Value::Null => Ok(()),
        _ => Err(Error::new(ALREADY_EXISTS, "The record is there.").at("/id", "unique", "is taken")),
    }
}

/// The record as it was when it was deleted, with its key.
async fn last_image(tx: &Tx, id: &RecordId) -> Result<Object> {
    let text = "SELECT id, before, others FROM audit WHERE target = $id AND action = 'record.deleted'
        ORDER BY id DESC LIMIT 1";
    let row = tx.query(text, Vars::new().with("id", id.clone())).await?.rows(0).pop();
    let Some(Value::Object(mut row)) = row else { return Err(Error::not_found()) };
    if let Some(Value::Number(Number::Int(others))) = row.get("others")
        && *others > 0
    {
        let words = if *others == 1 { "1 other record".to_owned() } else { format!("{others} other records") };
        let message = format!("With it {words} changed or went, which would not come back; make it anew.");
        return Err(Error::new(RULE_VIOLATED, message));
    }
    let Some(Value::Object(mut image)) = row.remove("before") else { return Err(Error::not_found()) };
    image.insert("id", Value::RecordId(id.clone()));
    Ok(image)
}
