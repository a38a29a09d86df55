//! What signed-in callers do with their own account and sessions.

use std::sync::Arc;

use uuid::Uuid;

use super::links::ENDED_BY_PASSWORD;
use super::model::{SessionRow, UserRow};
use super::passwords::Verdict;
use super::rules::{PasswordPolicy, ProfileChanges, check_lock, profile_changes};
use super::sign_in::{count_failure, noted_as};
use super::views::{ChangePassword, ChangeProfile};
use super::{Identity, events, store, transact_rights};
use crate::context::{Audience, AuditEntry, Ctx, audit, uninterrupted};
use crate::kernel::time::floored;
use crate::kernel::{Error, FieldError, Result};

/// The caller's account, as the caller may see it.
pub async fn me(ctx: &Ctx) -> Result<UserRow> {
    let user = ctx.require_signed()?.user;
    store::account_of(ctx.session(), user).await?.ok_or_else(Error::unauthenticated)
}

/// Changes the caller's profile; fails with all bad fields.
///
/// On the public listener permissions apply. On the admin listener the engine's VIEWER may change nothing at all, so there
/// the command writes the caller's own row as the system.
pub async fn change_profile(ctx: &Ctx, input: &ChangeProfile) -> Result<UserRow> {
    let user = ctx.require_signed()?.user;
    let changes = profile_changes(input, ctx.now().date_naive())?;
    if !changes.is_empty() && !uninterrupted(write_profile(ctx.clone(), user, changes)).await? {
        return Err(Error::forbidden());
    }
    me(ctx).await
}

async fn write_profile(ctx: Ctx, user: Uuid, changes: ProfileChanges) -> Result<bool> {
    let writer = match ctx.audience {
        Audience::Public => ctx.session(),
        Audience::Admin => ctx.system(),
    };
    let changes = Arc::new(changes);
    let noted: Arc<[AuditEntry]> = noted_as(&ctx, user, "user.profile_changed").into();
    writer
        .transact(move |tx| {
            let (changes, noted) = (Arc::clone(&changes), Arc::clone(&noted));
            Box::pin(async move {
                let is_changed = store::update_profile(tx, user, &changes).await?;
                audit::write(tx, if is_changed { &noted } else { &[] }).await?;
                Ok(is_changed)
            })
        })
        .await
}

/// Changes the caller's password and ends the caller's other sessions. A wrong current password counts as a failed sign-in.
pub async fn change_password(identity: &Identity, ctx: &Ctx, input: &ChangePassword) -> Result<()> {
    let principal = ctx.require_signed()?;
    let (user, current) = (principal.user, principal.session_id);
    let account = store::credentials_of(ctx.system(), user).await?.ok_or_else(Error::unauthenticated)?;
    check_lock(account.locked_until, ctx.now())?;
    let policy = PasswordPolicy::new(identity.settings(), &account.roles);
    if let Some(bad) = policy.check(&input.new_password, &account.email, &account.name, "/new_password") {
        return Err(Error::invalid(vec![bad]));
    }
    let verdict = identity.passwords.verify(&input.current_password, account.password_hash.as_deref()).await?;
    if verdict == Verdict::Wrong {
        count_failure(identity, ctx, &account).await?;
        return Err(wrong_current());
    }
    let hash = identity.passwords.hash(&input.new_password).await?;
    let (checked, now, changed) = (account.password_hash, floored(ctx.now()), ctx.clone());
    let noted: Arc<[AuditEntry]> = noted_as(ctx, user, "user.password_changed").into();
    transact_rights(&ctx.platform, move |tx| {
        let (checked, hash, ctx, noted) = (checked.clone(), hash.clone(), changed.clone(), Arc::clone(&noted));
        Box::pin(async move {
            if !store::set_password(tx, user, checked.as_deref(), &hash).await? {
                return Err(wrong_current());
            }
            store::end_sessions(tx, user, Some(current), now).await?;
            store::end_links(tx, user, &ENDED_BY_PASSWORD, now).await?;
            audit::write(tx, &noted).await?;
            events::password_changed(tx, &ctx, user, events::By::Owner).await
        })
    })
    .await
}

/// The refusal of a wrong current password.
pub(super) fn wrong_current() -> Error {
    Error::invalid(vec![FieldError::new("/current_password", "rule", "is not the current password")])
}

/// The caller's sessions that still count, newest first, and which one asks.
pub async fn own_sessions(ctx: &Ctx) -> Result<(Vec<SessionRow>, Uuid)> {
    let principal = ctx.require_signed()?;
    let rows = store::live_sessions(ctx.session(), principal.user, ctx.now()).await?;
    Ok((rows, principal.session_id))
}

/// Ends the session that asks.
pub async fn log_out(ctx: &Ctx) -> Result<()> {
    let principal = ctx.require_signed()?;
    let noted = noted_as(ctx, principal.user, "user.logged_out");
    end_session_of(ctx, principal.user, principal.session_id, noted).await?;
    Ok(())
}

/// Ends one of the caller's sessions; NOT_FOUND when it is not the caller's or has ended.
pub async fn end_own_session(ctx: &Ctx, id: &str) -> Result<()> {
    let user = ctx.require_signed()?.user;
    let id = Uuid::try_parse(id).map_err(|_| Error::not_found())?;
    let noted = noted_as(ctx, user, "user.session_ended");
    if end_session_of(ctx, user, id, noted).await? { Ok(()) } else { Err(Error::not_found()) }
}

/// Ends all sessions of the caller but the one that asks.
pub async fn end_other_sessions(ctx: &Ctx) -> Result<()> {
    let principal = ctx.require_signed()?;
    let (user, current, now) = (principal.user, principal.session_id, floored(ctx.now()));
    let noted: Arc<[AuditEntry]> = noted_as(ctx, user, "user.other_sessions_ended").into();
    transact_rights(&ctx.platform, move |tx| {
        let noted = Arc::clone(&noted);
        Box::pin(async move {
            let count = store::end_sessions(tx, user, Some(current), now).await?;
            audit::write(tx, if count > 0 { &noted } else { &[] }).await
        })
    })
    .await
}

/// Ends session `id` of `user` and notes it; says whether it counted until now.
pub(super) async fn end_session_of(ctx: &Ctx, user: Uuid, id: Uuid, noted: Vec<AuditEntry>) -> Result<bool> {
    let (now, noted) = (floored(ctx.now()), Arc::<[AuditEntry]>::from(noted));
    transact_rights(&ctx.platform, move |tx| {
        let noted = Arc::clone(&noted);
        Box::pin(async move {
            let is_ended = store::end_session(tx, user, id, now).await?;
            audit::write(tx, if is_ended { &noted } else { &[] }).await?;
            Ok(is_ended)
        })
    })
    .await
}
