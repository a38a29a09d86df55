//! Statements that count.

use pawbase_engine::{Session, Value, Vars};
use uuid::Uuid;

use super::{Row, uuid_key};
use crate::kernel::Result;
use crate::kernel::time::Instant;
use crate::work::job::State;

/// How many jobs of a kind are in a state.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The kind.
    pub kind: String,
    /// The state.
    pub state: State,
    /// How many.
    pub count: u64,
}

/// Jobs by kind and state. Done ones are counted since `since` only.
pub async fn count_jobs(session: &Session, since: Instant) -> Result<Vec<Counted>> {
    let mut found = Vec::new();
    for state in State::ALL {
        let vars = Vars::new().with("state", state.as_str()).with("since", since);
        let recent = if state == State::Done { " AND finished_at >= $since" } else { "" };
        let text = format!("SELECT kind, count() AS count FROM jobs WHERE state = $state{recent} GROUP BY kind");
        for row in session.read(&text, vars).await?.rows(0) {
            let mut row = Row(row);
            found.push(Counted { kind: row.take("kind")?, state, count: row.count("count")? });
        }
    }
    Ok(found)
}

/// Events that wait to be relayed: how many, and the key of the first.
pub async fn waiting_events(session: &Session) -> Result<(u64, Option<Uuid>)> {
    let text = "SELECT count() AS count FROM outbox GROUP ALL; SELECT VALUE id FROM outbox ORDER BY id LIMIT 1";
    let mut answer = session.read(text, ()).await?;
    let count = match answer.rows(0).pop() {
        Some(row) => Row(row).count("count")?,
        None => 0,
    };
    let first = match answer.rows(1).pop() {
        Some(Value::RecordId(id)) => Some(uuid_key(&id)?),
        _ => None,
    };
    Ok((count, first))
}
