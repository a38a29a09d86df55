//! The first administrator by the setup link, and what the command line does with administrators.

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::Tx;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::links::ENDED_BY_PASSWORD;
use super::model::{Grant, NewSession, NewUser, UserRow};
use super::rules::{Beginning, PasswordPolicy, beginning};
use super::sign_in::{begin, grant, new_session};
use super::staff::{Act, Actor, perform};
use super::views::{Account, SetUp};
use super::{Email, Identity, events, store, transact_rights};
use crate::context::{AuditEntry, Ctx, Platform, Role, audit, uninterrupted};
use crate::kernel::error::{FORBIDDEN, GONE};
use crate::kernel::time::floored;
use crate::kernel::{Error, FieldError, Result};
use crate::services::keys::random_text;

/// Random bytes of a setup token.
const TOKEN_BYTES: usize = 24;

/// The token of the setup link, made when first asked for; None once there is a super_admin. Each process has its own, in
/// memory only.
pub(super) async fn token(identity: &Identity, platform: &Platform) -> Result<Option<String>> {
    let mut token = identity.setup_token.lock().await;
    if store::has_super_admin(platform.engine.root()).await? {
        *token = None;
    } else if token.is_none() {
        *token = Some(random_text(TOKEN_BYTES).map_err(Error::internal)?);
    }
    Ok(token.clone())
}

/// Makes the first super_admin and signs them in. Fails with GONE once there is one, and with FORBIDDEN for a wrong token.
pub async fn set_up(identity: &Identity, ctx: &Ctx, input: SetUp) -> Result<Grant> {
    let mut expected = Arc::clone(&identity.setup_token).lock_owned().await;
    if store::has_super_admin(ctx.system()).await? {
        return Err(already_set_up());
    }
    let is_right = expected.as_ref().is_some_and(|token| bool::from(token.as_bytes().ct_eq(input.token.as_bytes())));
    if !is_right {
        return Err(Error::new(FORBIDDEN, "The setup token is not valid."));
    }
    let roles = vec![Role::SuperAdmin];
    let policy = PasswordPolicy::new(identity.settings(), &roles);
    let checked = beginning(&input.email, &input.name, &input.password, policy, None, None)?;
    let user = new_staff(identity, &ctx.platform, checked, &input.password, roles).await?;
    let session = new_session(identity, ctx, user.id)?;
    let refresh = session.refresh.clone();
    // Who holds the link is from now on this account.
    let entry = AuditEntry::of_caller(ctx, "user.set_up", audit::user_record(user.id));
    let audit = AuditEntry { actor: Some(user.id), ..entry };
    let (work, platform) = (Arc::new((user, session, audit, ctx.clone())), Arc::clone(&ctx.platform));
    let write = async move {
        let row = platform.engine.root().transact(|tx| begin_audited(tx, Arc::clone(&work))).await?;
        // Held until here also when the client hangs up, so that the link works once.
        *expected = None;
        Ok(row)
    };
    grant(identity, ctx, uninterrupted(write).await?, refresh, input.use_cookies)
}

fn begin_audited(tx: &Tx, work: Arc<(NewUser, NewSession, AuditEntry, Ctx)>) -> BoxFuture<'_, Result<UserRow>> {
    Box::pin(async move {
        let (user, session, entry, ctx) = &*work;
        audit::write(tx, std::slice::from_ref(entry)).await?;
        begin(tx, ctx, user, Some(session)).await
    })
}

fn already_set_up() -> Error {
    Error::new(GONE, "There is an administrator already.")
}

/// Makes an account with a staff role. Fails with all bad fields, or with ALREADY_EXISTS when the address is taken.
pub async fn create_admin(
    platform: &Arc<Platform>,
    identity: &Identity,
    email: &str,
    name: &str,
    password: &str,
    role: Role,
) -> Result<Account> {
    if !role.is_staff() {
        return Err(Error::invalid(vec![FieldError::new("/role", "enum", "must be support, admin or super_admin")]));
    }
    let policy = PasswordPolicy::new(identity.settings(), &[role]);
    let checked = beginning(email, name, password, policy, None, None)?;
    let user = Arc::new(new_staff(identity, platform, checked, password, vec![role]).await?);
    let entry = Arc::new(AuditEntry::of_system(platform, "user.created", audit::user_record(user.id)));
    let ctx = command_line(platform);
    let row: UserRow = platform
        .engine
        .root()
        .transact(move |tx| {
            let (user, entry, ctx) = (Arc::clone(&user), Arc::clone(&entry), ctx.clone());
            Box::pin(async move { give(tx, &ctx, &user, &entry).await })
        })
        .await?;
    Ok(row.into())
}

async fn give(tx: &Tx, ctx: &Ctx, user: &NewUser, entry: &AuditEntry) -> Result<UserRow> {
    audit::write(tx, std::slice::from_ref(entry)).await?;
    let row = store::insert_user(tx, user).await?;
    events::registered(tx, ctx, user, None).await?;
    Ok(row)
}

/// All accounts with a staff role, oldest first.
pub async fn list_admins(platform: &Platform) -> Result<Vec<Account>> {
    let rows = store::staff_accounts(platform.engine.root()).await?;
    Ok(rows.into_iter().map(Account::from).collect())
}

/// Replaces the password of an account, ends a lock and all its sessions.
pub async fn reset_password(platform: &Arc<Platform>, identity: &Identity, email: &str, password: &str) -> Result<()> {
    let (user, roles, name, email) = found(platform, email).await?;
    let policy = PasswordPolicy::new(identity.settings(), &roles);
    if let Some(bad) = policy.check(password, &email, &name, "/password") {
        return Err(Error::invalid(vec![bad]));
    }
    let hash = identity.passwords.hash(password).await?;
    let entry = Arc::new(AuditEntry::of_system(platform, "user.password_reset", audit::user_record(user)));
    let ctx = command_line(platform);
    transact_rights(platform, move |tx| {
        let (hash, entry, ctx) = (hash.clone(), Arc::clone(&entry), ctx.clone());
        Box::pin(async move {
            store::set_password(tx, user, None, &hash).await?;
            store::end_sessions(tx, user, None, entry.at).await?;
            store::end_links(tx, user, &ENDED_BY_PASSWORD, entry.at).await?;
            audit::write(tx, std::slice::from_ref(&*entry)).await?;
            events::password_changed(tx, &ctx, user, events::By::CommandLine).await
        })
    })
    .await
}

/// Suspends an account and ends its sessions; the last super_admin is refused.
pub async fn disable(platform: &Arc<Platform>, email: &str) -> Result<()> {
    let (user, ..) = found(platform, email).await?;
    perform(platform, Actor::default(), user, Act::Suspend("disabled from the command line".to_owned())).await
}

async fn found(platform: &Platform, email: &str) -> Result<(Uuid, Vec<Role>, String, String)> {
    let email = Email::parse(email).ok_or_else(Error::not_found)?;
    let account = store::credentials_by_email(platform.engine.root(), &email).await?.ok_or_else(Error::not_found)?;
    Ok((account.user, account.roles, account.name, account.email))
}

async fn new_staff(
    identity: &Identity,
    platform: &Platform,
    checked: Beginning,
    password: &str,
    roles: Vec<Role>,
) -> Result<NewUser> {
    let now = platform.clock.now();
    Ok(NewUser {
        id: platform.ids.next(now),
        email: checked.email,
        name: checked.name,
        password_hash: identity.passwords.hash(password).await?,
        locale: checked.locale,
        timezone: checked.timezone,
        roles,
        created_at: floored(now),
    })
}

/// The context of a command on the command line.
pub(super) fn command_line(platform: &Arc<Platform>) -> Ctx {
    Ctx::internal(Arc::clone(platform), "command line")
}
