//! Statements over `webhook_endpoints`.

use pawbase_engine::{Session, Tx, Value, Vars};
use uuid::Uuid;

use super::{endpoint_record, record};
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::modules::webhooks::model::{Endpoint, EndpointState};
use crate::modules::webhooks::signature::Secret;
use crate::work::Row;

/// The patterns of endpoints for which something is to be done.
pub const PATTERNS: &str = "SELECT VALUE events FROM webhook_endpoints WHERE state != 'disabled'";

fn endpoint_of(row: Value) -> Result<Endpoint> {
    let mut row = Row(row);
    let secret = |text: String| Secret::parse(&text).ok_or_else(|| Error::internal("a stored secret is none"));
    let state: String = row.take("state")?;
    let old = (row.take::<Option<String>>("old_secret")?, row.take::<Option<Instant>>("old_secret_until")?);
    Ok(Endpoint {
        id: row.key("id")?,
        url: row.take("url")?,
        description: row.take("description")?,
        events: row.take("events")?,
        state: EndpointState::parse(&state).ok_or_else(|| Error::internal(format!("an endpoint in state {state}")))?,
        disabled_reason: row.take("disabled_reason")?,
        failing_since: row.take("failing_since")?,
        is_catching_up: row.take("is_catching_up")?,
        secret: secret(row.take("secret")?)?,
        old_secret: if let (Some(text), Some(until)) = old { Some((secret(text)?, until)) } else { None },
        created_at: row.take("created_at")?,
        updated_at: row.take("updated_at")?,
    })
}

fn vars(endpoint: &Endpoint) -> Vars {
    let (old, until) = endpoint.old_secret.as_ref().map(|(secret, until)| (secret.reveal().to_owned(), *until)).unzip();
    Vars::new()
        .with("id", endpoint_record(endpoint.id))
        .with("url", endpoint.url.clone())
        .with("description", endpoint.description.clone())
        .with("events", endpoint.events.clone())
        .with("state", endpoint.state.as_str())
        .with("reason", endpoint.disabled_reason.clone())
        .with("failing", endpoint.failing_since)
        .with("catching", endpoint.is_catching_up)
        .with("secret", endpoint.secret.reveal().to_owned())
        .with("old", old)
        .with("until", until)
        .with("updated", endpoint.updated_at)
}

/// What [`vars`] binds.
const FIELDS: &str = "url = $url, description = $description, events = $events, state = $state, disabled_reason = $reason,
    failing_since = $failing, is_catching_up = $catching, secret = $secret, old_secret = $old, old_secret_until = $until,
    updated_at = $updated";

/// Keeps a new endpoint that `maker` has made.
pub async fn insert_endpoint(tx: &Tx, endpoint: &Endpoint, maker: Option<Uuid>) -> Result<()> {
    let vars = vars(endpoint).with("made", endpoint.created_at).with("maker", maker.map(|user| record("users", user)));
    let text = format!("CREATE $id SET {FIELDS}, created_at = $made, created_by = $maker RETURN NONE");
    tx.query(&text, vars).await?;
    Ok(())
}

/// Keeps a changed endpoint.
pub async fn change_endpoint(tx: &Tx, endpoint: &Endpoint) -> Result<()> {
    tx.query(&format!("UPDATE $id SET {FIELDS} RETURN NONE"), vars(endpoint)).await?;
    Ok(())
}

/// Removes an endpoint; its log stays for a while.
pub async fn delete_endpoint(tx: &Tx, id: Uuid) -> Result<()> {
    tx.query("DELETE $id RETURN NONE", Vars::new().with("id", endpoint_record(id))).await?;
    Ok(())
}

/// An endpoint, to look at.
pub async fn endpoint(session: &Session, id: Uuid) -> Result<Option<Endpoint>> {
    let mut answer = session.read("SELECT * FROM $id", Vars::new().with("id", endpoint_record(id))).await?;
    answer.rows(0).pop().map(endpoint_of).transpose()
}

/// An endpoint, such that nobody else changes it before this transaction is over.
pub async fn hold_endpoint(tx: &Tx, id: Uuid) -> Result<Option<Endpoint>> {
    let vars = Vars::new().with("id", endpoint_record(id));
    let mut answer = tx.query("SELECT * FROM ONLY $id FOR UPDATE", vars).await?;
    answer.rows(0).pop().map(endpoint_of).transpose()
}

/// All endpoints that are not disabled, by key. There are few.
pub async fn listening(tx: &Tx) -> Result<Vec<Endpoint>> {
    let mut answer = tx.query("SELECT * FROM webhook_endpoints WHERE state != 'disabled' ORDER BY id", ()).await?;
    answer.rows(0).into_iter().map(endpoint_of).collect()
}

/// How many endpoints there are.
pub async fn count_endpoints(tx: &Tx) -> Result<usize> {
    Ok(tx.query("SELECT VALUE id FROM webhook_endpoints", ()).await?.rows(0).len())
}

/// An endpoint, in a transaction that may change it.
pub async fn endpoint_within(tx: &Tx, id: Uuid) -> Result<Option<Endpoint>> {
    let mut answer = tx.query("SELECT * FROM $id", Vars::new().with("id", endpoint_record(id))).await?;
    answer.rows(0).pop().map(endpoint_of).transpose()
}
