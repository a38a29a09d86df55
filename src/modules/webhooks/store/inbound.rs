//! Statements over `webhook_sources` and `inbound_webhooks`.

use pawbase_engine::{Object, RecordIdKey, Session, Tx, Value, Vars};
use uuid::Uuid;

use super::{received_record, record, source_record};
use crate::config::Secret as Hidden;
use crate::kernel::{Error, Result};
use crate::modules::webhooks::model::{Received, Source};
use crate::work::Row;

fn source_of(row: Value) -> Result<Source> {
    let mut row = Row(row);
    let RecordIdKey::String(id) = row.take::<pawbase_engine::RecordId>("id")?.key else {
        return Err(Error::internal("a source without a readable key"));
    };
    Ok(Source {
        id,
        name: row.take("name")?,
        scheme: row.take("scheme")?,
        secret: Hidden::from(row.take::<String>("secret")?),
        created_at: row.take("created_at")?,
        updated_at: row.take("updated_at")?,
    })
}

fn vars(source: &Source) -> Vars {
    Vars::new()
        .with("id", source_record(&source.id))
        .with("name", source.name.clone())
        .with("scheme", source.scheme.clone())
        .with("secret", source.secret.reveal().to_owned())
        .with("updated", source.updated_at)
}

/// Keeps a new source that `maker` has made. Fails with ALREADY_EXISTS when its key is taken.
pub async fn insert_source(tx: &Tx, source: &Source, maker: Option<Uuid>) -> Result<()> {
    let vars = vars(source).with("made", source.created_at).with("maker", maker.map(|user| record("users", user)));
    let text = "CREATE $id SET name = $name, scheme = $scheme, secret = $secret, updated_at = $updated,
        created_at = $made, created_by = $maker RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// Keeps a changed source.
pub async fn change_source(tx: &Tx, source: &Source) -> Result<()> {
    let text = "UPDATE $id SET name = $name, secret = $secret, updated_at = $updated RETURN NONE";
    tx.query(text, vars(source)).await?;
    Ok(())
}

/// Removes a source; what it has sent stays for a while.
pub async fn delete_source(tx: &Tx, id: &str) -> Result<()> {
    tx.query("DELETE $id RETURN NONE", Vars::new().with("id", source_record(id))).await?;
    Ok(())
}

/// A source, to look at.
pub async fn source(session: &Session, id: &str) -> Result<Option<Source>> {
    let mut answer = session.read("SELECT * FROM $id", Vars::new().with("id", source_record(id))).await?;
    answer.rows(0).pop().map(source_of).transpose()
}

/// A source, in a transaction that will change it.
pub async fn source_within(tx: &Tx, id: &str) -> Result<Option<Source>> {
    let mut answer = tx.query("SELECT * FROM $id", Vars::new().with("id", source_record(id))).await?;
    answer.rows(0).pop().map(source_of).transpose()
}

/// The webhook that was kept of `source` under the sender's own id.
pub async fn received(tx: &Tx, source: &str, external_id: &str) -> Result<Option<Received>> {
    let vars = Vars::new().with("source", source_record(source)).with("external", external_id);
    let text =
        "SELECT id, received_at FROM inbound_webhooks WHERE source = $source AND external_id = $external LIMIT 1";
    let row = tx.query(text, vars).await?.rows(0).pop();
    row.map(|row| {
        let mut row = Row(row);
        Ok(Received { id: row.key("id")?, received_at: row.take("received_at")? })
    })
    .transpose()
}

/// Keeps a webhook. Fails with ALREADY_EXISTS when somebody else was faster.
pub async fn insert_received(
    tx: &Tx,
    received: &Received,
    source: &str,
    external_id: &str,
    headers: &[(String, String)],
    body: &str,
) -> Result<()> {
    let mut shown = Object::new();
    for (name, value) in headers {
        shown.insert(name.clone(), value.clone());
    }
    let vars = Vars::new()
        .with("id", received_record(received.id))
        .with("source", source_record(source))
        .with("external", external_id)
        .with("headers", Value::Object(shown))
        .with("body", body)
        .with("at", received.received_at);
    let text = "CREATE $id SET source = $source, external_id = $external, headers = $headers, body = $body,
        received_at = $at RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}
