//! Writing the demo data to a database, and taking it out again.

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::{Tx, Value, Vars};

use super::{Dataset, PASSWORD, Row, dataset, has_password};
use crate::app::App;
use crate::kernel::{Error, Result};
use crate::records::{key, seed};

/// Rows per statement.
const CHUNK_ROWS: usize = 250;

/// Whether the database has no users, so that demo data can be loaded.
pub async fn is_empty(app: &App) -> Result<bool> {
    let rows = app.platform.engine.root().read("SELECT VALUE id FROM users LIMIT 1", ()).await?.rows(0);
    Ok(rows.is_empty())
}

/// Loads all demo rows; answers how many.
pub async fn load(app: &App) -> Result<usize> {
    let hash = app.identity.hash_password(PASSWORD).await?;
    let mut count = 0;
    let data = dataset();
    // What files hold comes first, so that no record tells of what is not there.
    for (id, bytes) in data.contents {
        app.modules.files.put(id, bytes.into()).await?;
    }
    for (name, rows) in data.tables {
        let table = app.platform.schema.tables.get(name).ok_or_else(|| Error::internal(format!("no table {name}")))?;
        for chunk in rows.chunks(CHUNK_ROWS) {
            let mut objects = Vec::with_capacity(chunk.len());
            for row in chunk {
                let mut object = seed::object(&app.platform.schema, table, row).map_err(Error::internal)?;
                if name == "users" && email(row).is_some_and(has_password) {
                    object.insert("password_hash", hash.clone());
                }
                objects.push(Value::Object(object));
            }
            count += objects.len();
            let vars = Vars::new().with("rows", Value::Array(objects.into()));
            app.platform.engine.root().query(&format!("INSERT INTO `{name}` $rows RETURN NONE"), vars).await?;
        }
    }
    app.platform.principals.rights_changed();
    Ok(count)
}

fn email(row: &Row) -> Option<&str> {
    row.get("email").and_then(serde_json::Value::as_str)
}

/// Removes exactly the demo rows, all or none. Fails when other records still refer to them.
pub async fn clear(app: &App) -> Result<()> {
    let Dataset { mut tables, contents } = dataset();
    tables.reverse();
    let mut ids = Vec::new();
    for (name, rows) in tables {
        let Some(table) = app.platform.schema.tables.get(name) else { continue };
        // Later rows first: a category goes before the one above it.
        let keys = rows.iter().rev().filter_map(|row| key::record_id(table, row.get("id")?.as_str()?));
        ids.extend(keys.map(Value::RecordId));
    }
    let ids = Arc::new(ids);
    app.platform
        .engine
        .root()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<()>> {
            let ids = Arc::clone(&ids);
            Box::pin(async move {
                for chunk in ids.chunks(CHUNK_ROWS) {
                    let vars = Vars::new().with("ids", Value::Array(chunk.to_vec().into()));
                    tx.query("FOR $id IN $ids { DELETE $id RETURN NONE }", vars).await?;
                }
                Ok(())
            })
        })
        .await?;
    app.platform.principals.rights_changed();
    for (id, _) in contents {
        app.modules.files.remove(id).await?;
    }
    Ok(())
}
