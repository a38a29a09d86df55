//! Statements over `account_links`.

use pawbase_engine::{Session, Tx, Value, Vars};
use uuid::Uuid;

use super::{Row, record};
use crate::context::Audience;
use crate::kernel::Result;
use crate::kernel::time::Instant;
use crate::modules::identity::links::{NewLink, Opened, Purpose};
use crate::work::forget_before;

/// Keeps a new link.
pub async fn insert_link(tx: &Tx, link: &NewLink) -> Result<()> {
    let vars = Vars::new()
        .with("id", record("account_links", link.id))
        .with("user", record("users", link.user))
        .with("purpose", link.purpose.as_str())
        .with("audience", link.audience.as_str())
        .with("email", link.email.as_str())
        .with("at", link.created_at)
        .with("end", link.expires_at);
    let text = "CREATE $id SET user = $user, purpose = $purpose, audience = $audience, email = $email,
        created_at = $at, expires_at = $end RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// What makes a link good; its variables are [`good`].
const GOOD: &str = "purpose = $purpose AND audience = $audience AND used_at = NONE AND expires_at > $now";

fn good(id: Uuid, purpose: Purpose, audience: Audience, now: Instant) -> Vars {
    Vars::new()
        .with("id", record("account_links", id))
        .with("purpose", purpose.as_str())
        .with("audience", audience.as_str())
        .with("now", now)
}

fn opened(row: Value) -> Result<Opened> {
    let mut row = Row(row);
    Ok(Opened { user: row.key("user")?, email: row.take("email")? })
}

/// What a link would do, if it is still good.
pub async fn look_at_link(
    session: &Session,
    id: Uuid,
    purpose: Purpose,
    audience: Audience,
    now: Instant,
) -> Result<Option<Opened>> {
    let text = format!("SELECT user, email FROM $id WHERE {GOOD}");
    session.read(&text, good(id, purpose, audience, now)).await?.rows(0).pop().map(opened).transpose()
}

/// Uses a link up, if it is still good; answers what it does. Of two that try at once one finds it used.
pub async fn use_link(tx: &Tx, id: Uuid, purpose: Purpose, audience: Audience, now: Instant) -> Result<Option<Opened>> {
    let text = format!("UPDATE $id SET used_at = $now WHERE {GOOD} RETURN user, email");
    tx.query(&text, good(id, purpose, audience, now)).await?.rows(0).pop().map(opened).transpose()
}

/// Ends the links of `user` for these purposes.
pub async fn end_links(tx: &Tx, user: Uuid, purposes: &[Purpose], now: Instant) -> Result<()> {
    let names: Vec<String> = purposes.iter().map(|purpose| purpose.as_str().to_owned()).collect();
    let vars = Vars::new().with("user", record("users", user)).with("purposes", names).with("now", now);
    let text = "UPDATE account_links SET used_at = $now
        WHERE user = $user AND purpose IN $purposes AND used_at = NONE RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// How many links of `user` for `purpose` were made since `since`, used or not.
pub async fn count_links(tx: &Tx, user: Uuid, purpose: Purpose, since: Instant) -> Result<usize> {
    let vars = Vars::new().with("user", record("users", user)).with("purpose", purpose.as_str()).with("since", since);
    let text = "SELECT VALUE id FROM account_links WHERE user = $user AND purpose = $purpose AND created_at > $since";
    Ok(tx.query(text, vars).await?.rows(0).len())
}

/// Whether the address was that of another account which may still take it back.
pub async fn is_held(tx: &Tx, email: &str, user: Uuid, now: Instant) -> Result<bool> {
    let vars = Vars::new().with("email", email).with("user", record("users", user)).with("now", now);
    let text = "SELECT VALUE id FROM account_links WHERE email = $email AND purpose = 'undo_email' AND used_at = NONE
        AND expires_at > $now AND user != $user LIMIT 1";
    Ok(!tx.query(text, vars).await?.rows(0).is_empty())
}

/// Forgets up to `most` links with keys before `end`; answers how many there were.
pub async fn forget_links(tx: &Tx, end: Uuid, most: i64) -> Result<usize> {
    Ok(forget_before(tx, "account_links", None, end, most).await?.len())
}
