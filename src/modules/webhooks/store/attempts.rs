//! Statements over `webhook_attempts`, and those that forget the log of deliveries.

use pawbase_engine::{Object, Tx, Value, Vars};
use uuid::Uuid;

use super::{delivery_record, endpoint_record, record};
use crate::kernel::Result;
use crate::kernel::time::Instant;
use crate::modules::webhooks::model::{Delivery, DeliveryState, SentNote};
use crate::work::forget_before;

/// Notes an attempt, and what it makes of its delivery. `sent` is None when it broke off before anything was known.
pub async fn note_attempt(
    tx: &Tx,
    id: Uuid,
    delivery: &Delivery,
    state: DeliveryState,
    sent: Option<&SentNote>,
    error: Option<&str>,
    now: Instant,
) -> Result<()> {
    let headers = sent.map(|sent| {
        let mut headers = Object::new();
        for (name, value) in &sent.headers {
            headers.insert(name.clone(), value.clone());
        }
        Value::Object(headers)
    });
    let vars = Vars::new()
        .with("id", record("webhook_attempts", id))
        .with("delivery", delivery_record(delivery.id))
        .with("endpoint", endpoint_record(delivery.endpoint))
        .with("number", i64::from(delivery.attempts) + 1)
        .with("at", now)
        .with("url", sent.map(|sent| sent.url.clone()))
        .with("headers", headers)
        .with("status", sent.and_then(|sent| sent.status).map(i64::from))
        .with("ms", sent.map(|sent| i64::try_from(sent.ms).unwrap_or(i64::MAX)))
        .with("start", sent.and_then(|sent| sent.response_start.clone()))
        .with("error", error.map(str::to_owned))
        .with("state", state.as_str())
        .with("end", state.is_over().then_some(now));
    let text = "CREATE $id SET delivery = $delivery, endpoint = $endpoint, number = $number, at = $at, url = $url,
            request_headers = $headers, status = $status, ms = $ms, response_start = $start, error = $error RETURN NONE;
        UPDATE $delivery SET state = $state, attempts = $number, last_status = $status, last_ms = $ms,
            response_start = $start, error = $error, finished_at = $end RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// The tables of the log.
const LOG: [&str; 3] = ["webhook_attempts", "webhook_deliveries", "inbound_webhooks"];

/// Forgets up to `most` rows of each table of the log with keys before `end`; answers how many there were.
pub async fn forget_log(tx: &Tx, end: Uuid, most: i64) -> Result<usize> {
    let mut count = 0;
    for table in LOG {
        // What is still on its way stays, however old.
        count += forget_before(tx, table, Some("state NOT IN ['waiting', 'held']"), end, most).await?.len();
    }
    Ok(count)
}

/// Forgets up to `most` deliveries to an endpoint, and as many attempts; answers how many rows there were.
pub async fn clear_log(tx: &Tx, endpoint: Uuid, most: i64) -> Result<usize> {
    let mut count = 0;
    for text in [
        "SELECT VALUE id FROM webhook_attempts WHERE endpoint = $endpoint LIMIT $most",
        "SELECT VALUE id FROM webhook_deliveries WHERE endpoint = $endpoint LIMIT $most",
    ] {
        let vars = Vars::new().with("endpoint", endpoint_record(endpoint)).with("most", most);
        count += delete(tx, tx.query(text, vars).await?.rows(0)).await?;
    }
    Ok(count)
}

async fn delete(tx: &Tx, ids: Vec<Value>) -> Result<usize> {
    let count = ids.len();
    if count > 0 {
        tx.query("DELETE $ids RETURN NONE", Vars::new().with("ids", Value::Array(ids.into()))).await?;
    }
    Ok(count)
}
