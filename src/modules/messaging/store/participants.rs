//! Statements over `participants`, and over who works in a business.

use pawbase_engine::{Session, Tx, Value, Vars};
use uuid::Uuid;

use super::{keys, record};
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::modules::messaging::model::{Pace, Part, Participant};
use crate::work::Row;

const FIELDS: &str = "id, user, role, last_read, muted, sent_since, sent, left_at";

fn participant_in(row: Value) -> Result<Participant> {
    let mut row = Row(row);
    let role: String = row.take("role")?;
    Ok(Participant {
        id: row.key("id")?,
        user: row.key("user")?,
        part: Part::parse(&role).ok_or_else(|| Error::internal(format!("a participant as {role}")))?,
        last_read: row.link("last_read")?,
        is_muted: row.take("muted")?,
        pace: Pace { since: row.take("sent_since")?, sent: row.take("sent")? },
        has_left: row.take::<Option<Instant>>("left_at")?.is_some(),
    })
}

/// Somebody in a conversation, also when they have left it.
pub async fn participant(tx: &Tx, conversation: Uuid, user: Uuid) -> Result<Option<Participant>> {
    let vars =
        Vars::new().with("conversation", record("conversations", conversation)).with("user", record("users", user));
    let text = format!("SELECT {FIELDS} FROM participants WHERE conversation = $conversation AND user = $user");
    tx.query(&text, vars).await?.rows(0).pop().map(participant_in).transpose()
}

/// All who are in a conversation, and who have left it, in the order in which they came.
pub async fn participants(tx: &Tx, conversation: Uuid) -> Result<Vec<Participant>> {
    let vars = Vars::new().with("conversation", record("conversations", conversation));
    let text = format!("SELECT {FIELDS} FROM participants WHERE conversation = $conversation ORDER BY id");
    tx.query(&text, vars).await?.rows(0).into_iter().map(participant_in).collect()
}

/// Writes that somebody has come into a conversation.
pub async fn insert_participant(tx: &Tx, conversation: Uuid, new: &Participant, at: Instant) -> Result<()> {
    let vars = Vars::new()
        .with("id", record("participants", new.id))
        .with("conversation", record("conversations", conversation))
        .with("user", record("users", new.user))
        .with("role", new.part.as_str())
        .with("at", at);
    let text = "CREATE $id SET conversation = $conversation, user = $user, role = $role, joined_at = $at RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// Writes as what somebody is in a conversation from now on.
pub async fn rejoin(tx: &Tx, participant: Uuid, part: Part, at: Instant) -> Result<()> {
    let vars = Vars::new().with("id", record("participants", participant)).with("role", part.as_str()).with("at", at);
    tx.query("UPDATE $id SET role = $role, joined_at = $at, left_at = NONE RETURN NONE", vars).await?;
    Ok(())
}

/// Writes that somebody has left.
pub async fn leave(tx: &Tx, participant: Uuid, at: Instant) -> Result<()> {
    let vars = Vars::new().with("id", record("participants", participant)).with("at", at);
    tx.query("UPDATE $id SET role = 'member', left_at = $at RETURN NONE", vars).await?;
    Ok(())
}

/// Writes that somebody lets others in and out from now on.
pub async fn make_owner(tx: &Tx, participant: Uuid) -> Result<()> {
    let vars = Vars::new().with("id", record("participants", participant));
    tx.query("UPDATE $id SET role = 'owner' RETURN NONE", vars).await?;
    Ok(())
}

/// Writes how far somebody has read.
pub async fn keep_read(tx: &Tx, participant: Uuid, message: Uuid) -> Result<()> {
    let vars = Vars::new().with("id", record("participants", participant)).with("message", record("messages", message));
    tx.query("UPDATE $id SET last_read = $message RETURN NONE", vars).await?;
    Ok(())
}

/// Writes that somebody has sent a message, which they have read too.
pub async fn keep_sent(tx: &Tx, participant: Uuid, message: Uuid, pace: Pace) -> Result<()> {
    let vars = Vars::new()
        .with("id", record("participants", participant))
        .with("message", record("messages", message))
        .with("since", pace.since)
        .with("sent", pace.sent);
    tx.query("UPDATE $id SET last_read = $message, sent_since = $since, sent = $sent RETURN NONE", vars).await?;
    Ok(())
}

/// In how many conversations somebody has something to read. Those of a business count while they work there, and those with staff
/// on the admin listener.
pub async fn unread(session: &Session, user: Uuid, is_staff: bool) -> Result<u64> {
    let vars = Vars::new().with("user", record("users", user)).with("is_staff", is_staff);
    let text = "LET $businesses = (SELECT VALUE business FROM memberships WHERE user = $user AND status = 'active');
        SELECT count() AS unread FROM participants WHERE user = $user AND left_at = NONE
            AND conversation.last_message != NONE AND (last_read = NONE OR last_read < conversation.last_message)
            AND (role IN ['owner', 'member'] OR (role = 'business' AND conversation.business IN $businesses)
                OR (role = 'staff' AND $is_staff)) GROUP ALL";
    let row = session.read(text, vars).await?.last();
    match row {
        Value::Array(rows) => rows.into_vec().pop().map_or(Ok(0), |row| Row(row).count("unread")),
        _ => Ok(0),
    }
}

/// Whether somebody works in a business now.
pub async fn works_in(tx: &Tx, user: Uuid, business: Uuid) -> Result<bool> {
    let vars = Vars::new().with("user", record("users", user)).with("business", record("businesses", business));
    let text = "SELECT VALUE id FROM memberships WHERE user = $user AND business = $business AND status = 'active'";
    Ok(!tx.query(text, vars).await?.rows(0).is_empty())
}

/// Who receives customers in a business, `most` at most.
pub async fn front_desk(tx: &Tx, business: Uuid, most: usize) -> Result<Vec<Uuid>> {
    let vars = Vars::new()
        .with("business", record("businesses", business))
        .with("most", i64::try_from(most).unwrap_or(i64::MAX));
    let text = "SELECT VALUE user FROM memberships WHERE business = $business AND status = 'active'
        AND role IN ['owner', 'manager', 'receptionist'] ORDER BY user LIMIT $most";
    keys(tx.query(text, vars).await?.rows(0))
}
