//! What this module tells, each in the transaction of what it tells of.

use pawbase_engine::{RecordId, RecordIdKey, Tx};
use serde_json::json;
use uuid::Uuid;

use super::model::{NewSession, NewUser};
use crate::context::{Ctx, Role};
use crate::kernel::Result;
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

/// A password was replaced, by its owner or from the command line.
pub async fn password_changed(tx: &Tx, ctx: &Ctx, user: Uuid, is_own: bool) -> Result<()> {
    let payload = json!({ "by": if is_own { "self" } else { "command_line" } });
    let event = NewEvent::new(&catalogue::USER_PASSWORD_CHANGED, about(user), payload)?;
    emit(tx, ctx, event.by(is_own.then_some(user))).await
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
