//! Signing up, signing in, exchanging refresh tokens, signing out.

use std::sync::Arc;
use std::time::Instant as Stopwatch;

use pawbase_engine::Tx;
use uuid::Uuid;

use super::email::{Email, normalised};
use super::model::{Credentials, Grant, NewSession, NewUser, Status, TokenPlace, UserRow};
use super::passwords::Verdict;
use super::rules::{PasswordPolicy, beginning, check_lock};
use super::tokens::{self, AccessClaims, RefreshToken};
use super::views::{Login, SignUp};
use super::{Identity, alerts, events, mails, store, transact};
use crate::context::{Audience, AuditEntry, Ctx, Role, audit};
use crate::kernel::error::{EMAIL_UNCONFIRMED, FORBIDDEN, INVALID_CREDENTIALS, REFRESH_REFUSED};
use crate::kernel::time::{Instant, floored};
use crate::kernel::{Error, Result};

/// Characters kept of what a program says about itself.
const USER_AGENT_MAX: usize = 300;

/// Makes an account and signs it in; None where it has to confirm its address first. Fails with FORBIDDEN where nobody may sign up, with
/// all bad fields, or with ALREADY_EXISTS when the address is taken.
pub async fn sign_up(identity: &Identity, ctx: &Ctx, input: SignUp) -> Result<Option<Grant>> {
    if !identity.settings().signup {
        return Err(Error::new(FORBIDDEN, "Signing up is not open here."));
    }
    let roles = vec![Role::Customer];
    let policy = PasswordPolicy::new(identity.settings(), &roles);
    let (locale, timezone) = (input.locale.as_deref(), input.timezone.as_deref());
    let checked = beginning(&input.email, &input.name, &input.password, policy, locale, timezone)?;
    let password_hash = identity.passwords.hash(&input.password).await?;
    let user = NewUser {
        id: ctx.new_id(),
        email: checked.email,
        name: checked.name,
        password_hash,
        locale: checked.locale,
        timezone: checked.timezone,
        roles,
        created_at: floored(ctx.now()),
    };
    let must_confirm = identity.settings().require_verified_email;
    let session = (!must_confirm).then(|| new_session(identity, ctx, user.id)).transpose()?;
    let work = Arc::new((user, session, ctx.clone()));
    let begun = Arc::clone(&work);
    let write = transact(&ctx.platform, move |tx| {
        let work = Arc::clone(&work);
        Box::pin(async move {
            let (user, session, ctx) = &*work;
            let row = begin(tx, ctx, user, session.as_ref()).await?;
            mails::confirm_email(tx, ctx, user.into()).await?;
            Ok(row)
        })
    });
    let row = write.await?;
    let session = begun.1.as_ref();
    session.map(|session| grant(identity, ctx, row, session.refresh.clone(), input.use_cookies)).transpose()
}

/// Makes an account, with its first session if it is signed in by that.
pub(super) async fn begin(tx: &Tx, ctx: &Ctx, user: &NewUser, session: Option<&NewSession>) -> Result<UserRow> {
    let row = store::insert_user(tx, user).await?;
    if let Some(session) = session {
        store::insert_session(tx, session).await?;
    }
    events::registered(tx, ctx, user, Some(user.id)).await?;
    Ok(row)
}

/// Signs in. Fails with INVALID_CREDENTIALS, the same and after the same time whether or not there is such an account, with
/// ACCOUNT_LOCKED after too many failures; when the password is right, with FORBIDDEN for a suspended account, and with EMAIL_UNCONFIRMED
/// where the address has to be confirmed first.
pub async fn log_in(identity: &Identity, ctx: &Ctx, input: Login) -> Result<Grant> {
    let found = match Email::parse(&input.email) {
        Some(email) => store::credentials_by_email(ctx.system(), &email).await?,
        None => None,
    };
    let Some(account) = found.filter(|account| account.status != Status::Deleted) else {
        return Err(refuse_stranger(identity, ctx, &input).await);
    };
    let (checked, renewed) = check_password(identity, ctx, &account, &input.password).await?;
    if account.status == Status::Suspended {
        return Err(Error::new(FORBIDDEN, "This account is suspended."));
    }
    let must_confirm = identity.settings().require_verified_email && ctx.audience == Audience::Public;
    if must_confirm && !account.is_verified {
        return Err(Error::new(EMAIL_UNCONFIRMED, "Confirm the e-mail address first, by the link in the mail."));
    }
    let session = new_session(identity, ctx, account.user)?;
    let (user, refresh) = (account.user, session.refresh.clone());
    keep_login(ctx, account, session, checked, renewed).await?;
    let row = store::account_of(ctx.system(), user).await?.ok_or_else(wrong_credentials)?;
    grant(identity, ctx, row, refresh, input.use_cookies)
}

/// Checks the password of an account, and on the admin listener that it is staff's. Counts a failure. Answers the stored hash
/// that was checked and the one to store from now on, if it changes.
async fn check_password(
    identity: &Identity,
    ctx: &Ctx,
    account: &Credentials,
    password: &str,
) -> Result<(String, Option<String>)> {
    check_lock(account.locked_until, ctx.now())?;
    let verdict = identity.passwords.verify(password, account.password_hash.as_deref()).await?;
    let has_place = ctx.audience == Audience::Public || account.roles.iter().any(|role| role.is_staff());
    match (verdict, &account.password_hash) {
        (Verdict::Right { renewed }, Some(checked)) if has_place => Ok((checked.clone(), renewed)),
        _ => {
            count_failure(identity, ctx, account).await?;
            Err(wrong_credentials())
        }
    }
}

/// Counts a failed password of an account; those of staff are noted, on either listener.
pub(super) async fn count_failure(identity: &Identity, ctx: &Ctx, account: &Credentials) -> Result<()> {
    let (user, policy, now) = (account.user, identity.lock_policy(), ctx.now());
    let is_staff = account.roles.iter().any(|role| role.is_staff());
    let entry = AuditEntry::of_caller(ctx, "user.login_failed", audit::user_record(user));
    let noted: Arc<[AuditEntry]> = is_staff.then_some(entry).into_iter().collect();
    let began = Stopwatch::now();
    let failed = ctx.clone();
    let write = transact(&ctx.platform, move |tx| {
        let (noted, ctx) = (Arc::clone(&noted), failed.clone());
        Box::pin(async move {
            let locked_until = store::count_failure(tx, user, policy, now).await?;
            audit::write(tx, &noted).await?;
            match locked_until {
                Some(until) => note_lock(tx, &ctx, user, until).await,
                None => Ok(()),
            }
        })
    });
    write.await?;
    identity.strangers.learn_write_time(began.elapsed());
    Ok(())
}

/// Notes and tells that an account was locked; its owner gets a mail by a reaction (`alerts.rs`).
async fn note_lock(tx: &Tx, ctx: &Ctx, user: Uuid, until: Instant) -> Result<()> {
    let entry = AuditEntry { actor: None, ..AuditEntry::of_caller(ctx, "user.locked", audit::user_record(user)) };
    audit::write(tx, &[entry]).await?;
    events::locked(tx, ctx, user, until).await
}

/// What an address without an account gets: the same answers, after the same work.
async fn refuse_stranger(identity: &Identity, ctx: &Ctx, input: &Login) -> Error {
    let address = normalised(&input.email);
    if let Err(locked) = check_lock(identity.strangers.locked_until(&address), ctx.now()) {
        return locked;
    }
    if let Err(busy) = identity.passwords.verify(&input.password, None).await {
        return busy;
    }
    identity.strangers.fail(&address, identity.lock_policy(), ctx.now());
    identity.strangers.wait_as_if_written().await;
    wrong_credentials()
}

/// Keeps a sign-in, unless the account was changed or locked while its password was checked.
async fn keep_login(
    ctx: &Ctx,
    account: Credentials,
    session: NewSession,
    checked: String,
    renewed: Option<String>,
) -> Result<()> {
    let entry = noted_as(ctx, session.user, "user.logged_in");
    let work = Arc::new((session, checked, renewed, entry, ctx.clone(), account));
    let now = floored(ctx.now());
    transact(&ctx.platform, move |tx| {
        let work = Arc::clone(&work);
        Box::pin(async move {
            let (session, checked, renewed, entry, ctx, account) = &*work;
            if !store::note_login(tx, session.user, checked, renewed.as_deref(), now).await? {
                return Err(wrong_credentials());
            }
            alerts::notice_device(tx, ctx, account, session).await?;
            store::insert_session(tx, session).await?;
            audit::write(tx, entry).await?;
            events::logged_in(tx, ctx, session).await
        })
    })
    .await
}

/// What `user` did with the own account on the admin listener; nothing on the other one, where everybody is.
pub(super) fn noted_as(ctx: &Ctx, user: Uuid, action: &'static str) -> Vec<AuditEntry> {
    let is_noted = ctx.audience == Audience::Admin;
    let entry = || AuditEntry { actor: Some(user), ..AuditEntry::of_caller(ctx, action, audit::user_record(user)) };
    is_noted.then(entry).into_iter().collect()
}

fn wrong_credentials() -> Error {
    Error::new(INVALID_CREDENTIALS, "The e-mail address or the password is wrong.")
}

fn refused() -> Error {
    Error::new(REFRESH_REFUSED, "This refresh token is not valid any more; sign in again.")
}

/// Exchanges a refresh token for new tokens. Fails with REFRESH_REFUSED; a token that was exchanged before ends its session,
/// because somebody else may hold it.
pub async fn refresh(identity: &Identity, ctx: &Ctx, token: Option<&str>, uses_cookies: bool) -> Result<Grant> {
    let old = token.and_then(RefreshToken::parse).ok_or_else(refused)?;
    let state = store::session_state(ctx.system(), old.session, Some(&old.hash())).await?.ok_or_else(refused)?;
    if state.token == TokenPlace::Used {
        let mut noted = noted_as(ctx, state.user, "user.session_ended");
        for entry in &mut noted {
            // Whoever sent it need not be the user.
            entry.actor = None;
            entry.reason = Some("A refresh token came again that had been exchanged.".to_owned());
        }
        super::account::end_session_of(ctx, state.user, old.session, noted).await?;
        return Err(refused());
    }
    if state.token != TokenPlace::Current || !state.is_live(ctx.audience, ctx.now()) {
        return Err(refused());
    }
    let new = RefreshToken::make(old.session)?;
    let (now, end, fresh) = (floored(ctx.now()), identity.session_end(ctx.now()), new.clone());
    // Two that begin at once both find the token present; one exchanges it and the other is refused, but ends nothing.
    let exchange = transact(&ctx.platform, move |tx| {
        let (old, new) = (old.clone(), new.clone());
        Box::pin(async move { store::rotate(tx, &old, &new, now, end).await })
    });
    if !exchange.await? {
        return Err(refused());
    }
    let row = store::account_of(ctx.system(), state.user).await?.ok_or_else(refused)?;
    grant(identity, ctx, row, fresh, uses_cookies)
}

/// A session of `user` that begins now, on the listener of the request.
pub(super) fn new_session(identity: &Identity, ctx: &Ctx, user: Uuid) -> Result<NewSession> {
    let id = ctx.new_id();
    Ok(NewSession {
        id,
        user,
        audience: ctx.audience,
        refresh: RefreshToken::make(id)?,
        ip: ctx.ip.map(|ip| ip.to_string()),
        user_agent: ctx.user_agent.as_ref().map(|text| text.chars().take(USER_AGENT_MAX).collect()),
        created_at: floored(ctx.now()),
        expires_at: identity.session_end(ctx.now()),
    })
}

/// Tokens for a session that was just kept or refreshed.
pub(super) fn grant(
    identity: &Identity,
    ctx: &Ctx,
    user: UserRow,
    refresh: RefreshToken,
    uses_cookies: bool,
) -> Result<Grant> {
    let (now, lifetime) = (floored(ctx.now()), identity.access_lifetime());
    let claims = AccessClaims::new(user.id, refresh.session, ctx.audience, ctx.new_id(), now, now + lifetime);
    Ok(Grant {
        access: tokens::sign(identity.keys().signing(ctx.audience), &claims)?,
        session: refresh.session,
        audience: ctx.audience,
        expires_in_s: lifetime.as_secs(),
        refresh,
        user,
        uses_cookies,
    })
}
