//! Statements over `sessions`.

use pawbase_engine::{Session, Tx, Value, Vars};
use uuid::Uuid;

use super::{Row, record, roles, status};
use crate::context::Audience;
use crate::kernel::Result;
use crate::kernel::time::Instant;
use crate::modules::identity::alerts::Device;
use crate::modules::identity::model::{NewSession, SessionRow, SessionState, TokenPlace};
use crate::modules::identity::tokens::RefreshToken;

/// Exchanged refresh tokens remembered per session.
const USED_MAX: i64 = 50;
/// Sessions listed at most.
const LISTED_MAX: i64 = 100;

/// Keeps a new sign-in.
pub async fn insert_session(tx: &Tx, session: &NewSession) -> Result<()> {
    let vars = Vars::new()
        .with("id", record("sessions", session.id))
        .with("user", record("users", session.user))
        .with("audience", session.audience.as_str())
        .with("hash", session.refresh.hash())
        .with("ip", session.ip.clone())
        .with("agent", session.user_agent.clone())
        .with("at", session.created_at)
        .with("end", session.expires_at);
    let text = "CREATE $id SET user = $user, audience = $audience, refresh_hash = $hash, ip = $ip, user_agent = $agent,
        created_at = $at, used_at = $at, expires_at = $end RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// Whether session `id` still counts, and where the refresh token with this hash stands in it.
pub async fn session_state(session: &Session, id: Uuid, hash: Option<&str>) -> Result<Option<SessionState>> {
    let vars = Vars::new().with("id", record("sessions", id)).with("hash", hash.unwrap_or_default());
    let text = "SELECT user, audience, expires_at, revoked_at, user.roles AS roles, user.status AS status,
        refresh_hash = $hash AS is_current, used_hashes CONTAINS $hash AS is_used FROM $id";
    let mut answer = session.read(text, vars).await?;
    answer.rows(0).pop().map(state).transpose()
}

fn state(row: Value) -> Result<SessionState> {
    let mut row = Row(row);
    let audience: String = row.take("audience")?;
    let token = match (row.take("is_current")?, row.take("is_used")?) {
        (true, _) => TokenPlace::Current,
        (false, true) => TokenPlace::Used,
        (false, false) => TokenPlace::Unknown,
    };
    Ok(SessionState {
        user: row.key("user")?,
        audience: if audience == Audience::Admin.as_str() { Audience::Admin } else { Audience::Public },
        expires_at: row.take("expires_at")?,
        is_revoked: row.take::<Option<Instant>>("revoked_at")?.is_some(),
        roles: roles(&mut row)?,
        status: status(&mut row)?,
        token,
    })
}

/// Exchanges the refresh token `old` for `new`, if `old` is still the present one of a session that counts; says whether it
/// was. Of two that try at once one finds it exchanged.
pub async fn rotate(
    tx: &Tx,
    old: &RefreshToken,
    new: &RefreshToken,
    now: Instant,
    expires_at: Instant,
) -> Result<bool> {
    let vars = Vars::new()
        .with("id", record("sessions", old.session))
        .with("old", old.hash())
        .with("new", new.hash())
        .with("kept", -USED_MAX)
        .with("now", now)
        .with("end", expires_at);
    let text =
        "UPDATE $id SET refresh_hash = $new, used_hashes = array::slice(array::append(used_hashes, $old), $kept),
        used_at = $now, expires_at = $end
        WHERE refresh_hash = $old AND revoked_at = NONE AND expires_at > $now RETURN id";
    let mut answer = tx.query(text, vars).await?;
    Ok(!answer.rows(0).is_empty())
}

/// Ends session `id` of `user`; says whether it counted until now.
pub async fn end_session(tx: &Tx, user: Uuid, id: Uuid, now: Instant) -> Result<bool> {
    let vars = Vars::new().with("id", record("sessions", id)).with("user", record("users", user)).with("now", now);
    let text =
        "UPDATE $id SET revoked_at = $now WHERE user = $user AND revoked_at = NONE AND expires_at > $now RETURN id";
    let mut answer = tx.query(text, vars).await?;
    Ok(!answer.rows(0).is_empty())
}

/// Ends all sessions of `user`, on both listeners, but `except`; says how many.
pub async fn end_sessions(tx: &Tx, user: Uuid, except: Option<Uuid>, now: Instant) -> Result<usize> {
    let vars = Vars::new()
        .with("user", record("users", user))
        .with("except", except.map(|id| record("sessions", id)))
        .with("now", now);
    let text =
        "UPDATE sessions SET revoked_at = $now WHERE user = $user AND revoked_at = NONE AND id != $except RETURN id";
    let mut answer = tx.query(text, vars).await?;
    Ok(answer.rows(0).len())
}

/// From where and with which program `user` signed in, the latest `most` sign-ins.
pub async fn devices(tx: &Tx, user: Uuid, most: i64) -> Result<Vec<Device>> {
    let vars = Vars::new().with("user", record("users", user)).with("most", most);
    let text = "SELECT id, ip, user_agent FROM sessions WHERE user = $user ORDER BY id DESC LIMIT $most";
    let rows = tx.query(text, vars).await?.rows(0);
    rows.into_iter()
        .map(|row| {
            let mut row = Row(row);
            Ok(Device { ip: row.take("ip")?, user_agent: row.take("user_agent")? })
        })
        .collect()
}

/// The sessions of `user` that count at `now`, newest first, as `session` may see them.
pub async fn live_sessions(session: &Session, user: Uuid, now: Instant) -> Result<Vec<SessionRow>> {
    let vars = Vars::new().with("user", record("users", user)).with("now", now).with("most", LISTED_MAX);
    let text = "SELECT id, ip, user_agent, created_at, used_at, expires_at FROM sessions
        WHERE user = $user AND revoked_at = NONE AND expires_at > $now ORDER BY id DESC LIMIT $most";
    let mut answer = session.read(text, vars).await?;
    answer.rows(0).into_iter().map(listed).collect()
}

fn listed(row: Value) -> Result<SessionRow> {
    let mut row = Row(row);
    Ok(SessionRow {
        id: row.key("id")?,
        ip: row.take("ip")?,
        user_agent: row.take("user_agent")?,
        created_at: row.take("created_at")?,
        used_at: row.take("used_at")?,
        expires_at: row.take("expires_at")?,
    })
}
