//! What this module tells, each in the transaction of what it tells of.

use pawbase_engine::{RecordId, RecordIdKey, Tx};
use serde_json::json;
use uuid::Uuid;

use super::links::Purpose;
use super::model::{NewSession, NewUser};
use crate::context::{Ctx, Role};
use crate::kernel::Result;
use crate::kernel::time::Instant;
use crate::work::{EventKind, NewEvent, catalogue, emit};

fn about(user: Uuid) -> RecordId {
    RecordId::new("users", RecordIdKey::Uuid(user.into()))
}

fn names(roles: &[Role]) -> Vec<&'static str> {
    roles.iter().map(|role| role.as_str()).collect()
}

/// Somebody made an account (`actor` is the user), or was given one.
pub async fn registered(tx: &Tx, ctx: &Ctx, user: &NewUser, actor: Option<Uuid>) -> Result<()> {
    let payload = json!({
        "email": user.email.as_str(), "name": user.name, "locale": user.locale, "roles": names(&user.roles),
    });
    emit(tx, ctx, NewEvent::new(&catalogue::USER_REGISTERED, about(user.id), payload)?.by(actor)).await
}

/// Somebody signed in with a password.
pub async fn logged_in(tx: &Tx, ctx: &Ctx, session: &NewSession) -> Result<()> {
    let payload = json!({
        "session": session.id, "audience": session.audience.as_str(), "ip": session.ip, "user_agent": session.user_agent,
    });
    let event = NewEvent::new(&catalogue::USER_LOGGED_IN, about(session.user), payload)?.by(Some(session.user));
    emit(tx, ctx, event).await
}

/// How a password was replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// By its owner, with the old one.
    Owner,
    /// By a link in a mail.
    Link,
    /// From the command line.
    CommandLine,
}

/// A password was replaced.
pub async fn password_changed(tx: &Tx, ctx: &Ctx, user: Uuid, by: By) -> Result<()> {
    let word = match by {
        By::Owner => "self",
        By::Link => "link",
        By::CommandLine => "command_line",
    };
    let event = NewEvent::new(&catalogue::USER_PASSWORD_CHANGED, about(user), json!({ "by": word }))?;
    emit(tx, ctx, event.by((by != By::CommandLine).then_some(user))).await
}

/// Too many wrong passwords have locked an account.
pub async fn locked(tx: &Tx, ctx: &Ctx, user: Uuid, until: Instant) -> Result<()> {
    let payload = json!({
        "until": until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "audience": ctx.audience.as_str(),
        "ip": ctx.ip.map(|ip| ip.to_string()),
    });
    emit(tx, ctx, NewEvent::new(&catalogue::USER_LOCKED, about(user), payload)?.by(None)).await
}

/// Something about an account's address, by its owner.
pub async fn about_address(tx: &Tx, ctx: &Ctx, kind: &'static EventKind, user: Uuid, email: &str) -> Result<()> {
    emit(tx, ctx, NewEvent::new(kind, about(user), json!({ "email": email }))?.by(Some(user))).await
}

/// An account has another address, by a link in a mail to that one.
pub async fn email_changed(tx: &Tx, ctx: &Ctx, user: Uuid, before: &str, after: &str) -> Result<()> {
    let payload = json!({ "before": before, "after": after });
    emit(tx, ctx, NewEvent::new(&catalogue::USER_EMAIL_CHANGED, about(user), payload)?.by(Some(user))).await
}

/// An account's owner took it back by a link in a mail.
pub async fn taken_back(tx: &Tx, ctx: &Ctx, user: Uuid, by: Purpose) -> Result<()> {
    let payload = json!({ "by": by.as_str() });
    emit(tx, ctx, NewEvent::new(&catalogue::USER_TAKEN_BACK, about(user), payload)?.by(Some(user))).await
}

/// An administrator replaced roles.
pub async fn role_changed(tx: &Tx, ctx: &Ctx, user: Uuid, actor: Option<Uuid>, change: [&[Role]; 2]) -> Result<()> {
    let payload = json!({ "before": names(change[0]), "after": names(change[1]) });
    emit(tx, ctx, NewEvent::new(&catalogue::USER_ROLE_CHANGED, about(user), payload)?.by(actor)).await
}

/// An administrator suspended an account.
pub async fn suspended(tx: &Tx, ctx: &Ctx, user: Uuid, actor: Option<Uuid>, reason: &str) -> Result<()> {
    let payload = json!({ "reason": reason });
    emit(tx, ctx, NewEvent::new(&catalogue::USER_SUSPENDED, about(user), payload)?.by(actor)).await
}

/// An administrator did something that needs no more words: ended a suspension, or all sessions.
pub async fn simply(tx: &Tx, ctx: &Ctx, kind: &'static EventKind, user: Uuid, actor: Option<Uuid>) -> Result<()> {
    emit(tx, ctx, NewEvent::new(kind, about(user), json!({}))?.by(actor)).await
}
