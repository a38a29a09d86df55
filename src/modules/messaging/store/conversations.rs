//! Statements over `conversations`, and over what they are about.

use pawbase_engine::{RecordId, Session, Tx, Value, Vars};
use uuid::Uuid;

use super::{keys, list, record, users};
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::modules::messaging::model::{Conversation, ConversationKind};
use crate::work::Row;

const FIELDS: &str =
    "id, kind, subject, about, business, members, created_by, last_message, last_message_at, created_at";

fn conversation_in(row: Value) -> Result<Conversation> {
    let mut row = Row(row);
    let kind: String = row.take("kind")?;
    Ok(Conversation {
        id: row.key("id")?,
        kind: ConversationKind::parse(&kind)
            .ok_or_else(|| Error::internal(format!("a conversation of kind {kind}")))?,
        subject: row.take("subject")?,
        about: row.take("about")?,
        business: row.link("business")?,
        members: list(&mut row, "members")?,
        created_by: row.key("created_by")?,
        last_message: row.link("last_message")?,
        last_message_at: row.take("last_message_at")?,
        created_at: row.take("created_at")?,
    })
}

/// The conversation with this key.
pub async fn conversation(tx: &Tx, id: Uuid) -> Result<Option<Conversation>> {
    let text = format!("SELECT {FIELDS} FROM $id");
    let row = tx.query(&text, Vars::new().with("id", record("conversations", id))).await?.rows(0).pop();
    row.map(conversation_in).transpose()
}

/// Counts that people are told of it, so that nothing is sent meanwhile; answers it, if it is there.
pub async fn count_telling(tx: &Tx, id: Uuid) -> Result<Option<Conversation>> {
    let vars = Vars::new().with("id", record("conversations", id));
    let text = format!("UPDATE $id SET told += 1 RETURN {FIELDS}");
    tx.query(&text, vars).await?.rows(0).pop().map(conversation_in).transpose()
}

/// The conversation that was begun under this name, if there is one.
pub async fn conversation_once(tx: &Tx, once: &str) -> Result<Option<Conversation>> {
    let text = format!("SELECT {FIELDS} FROM conversations WHERE once = $once");
    let row = tx.query(&text, Vars::new().with("once", once)).await?.rows(0).pop();
    row.map(conversation_in).transpose()
}

/// The first conversation about a record that the session's caller sees.
pub async fn conversation_about(session: &Session, about: &RecordId) -> Result<Option<Uuid>> {
    let text = "SELECT VALUE id FROM conversations WHERE about = $about ORDER BY id LIMIT 1";
    let rows = session.read(text, Vars::new().with("about", about.clone())).await?.rows(0);
    Ok(keys(rows)?.pop())
}

/// Writes a new conversation. `once` is a name that no other one has.
pub async fn insert_conversation(tx: &Tx, new: &Conversation, once: Option<&str>) -> Result<()> {
    let vars = Vars::new()
        .with("id", record("conversations", new.id))
        .with("kind", new.kind.as_str())
        .with("subject", new.subject.clone())
        .with("about", new.about.clone())
        .with("business", new.business.map(|id| record("businesses", id)))
        .with("members", users(&new.members))
        .with("by", record("users", new.created_by))
        .with("once", once)
        .with("at", new.created_at);
    let text = "CREATE $id SET kind = $kind, subject = $subject, about = $about, business = $business,
        members = $members, created_by = $by, once = $once, created_at = $at RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// Writes who is in it for themselves.
pub async fn keep_members(tx: &Tx, id: Uuid, members: &[Uuid]) -> Result<()> {
    let vars = Vars::new().with("id", record("conversations", id)).with("members", users(members));
    tx.query("UPDATE $id SET members = $members RETURN NONE", vars).await?;
    Ok(())
}

/// How many conversations somebody has begun since a time, `most` at most.
pub async fn begun_since(tx: &Tx, user: Uuid, since: Instant, most: usize) -> Result<usize> {
    let vars = Vars::new()
        .with("user", record("users", user))
        .with("since", since)
        .with("most", i64::try_from(most).unwrap_or(i64::MAX));
    let text = "SELECT VALUE id FROM conversations WHERE created_by = $user AND created_at > $since LIMIT $most";
    Ok(tx.query(text, vars).await?.rows(0).len())
}

/// What is offered, as far as a conversation about it needs to know.
#[derive(Debug)]
pub struct Offer {
    /// What it is called.
    pub name: Option<String>,
    /// Who offers it, if a business.
    pub business: Option<Uuid>,
    /// Who offers it, if a person.
    pub seller: Option<Uuid>,
}

/// Something offered, as the session's caller sees it.
pub async fn offer(session: &Session, about: &RecordId) -> Result<Option<Offer>> {
    let text = "SELECT title ?? name AS name, business, seller FROM $about";
    let row = session.read(text, Vars::new().with("about", about.clone())).await?.rows(0).pop();
    let Some(mut row) = row.map(Row) else { return Ok(None) };
    Ok(Some(Offer { name: row.take("name")?, business: row.link("business")?, seller: row.link("seller")? }))
}

/// Which of these people the session's caller sees.
pub async fn seen_people(session: &Session, people: &[Uuid]) -> Result<Vec<Uuid>> {
    let vars = Vars::new().with("people", users(people));
    keys(session.read("SELECT VALUE id FROM $people", vars).await?.rows(0))
}
