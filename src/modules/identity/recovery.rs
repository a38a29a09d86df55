//! A forgotten password, and taking an account back: by links in mails.

use std::sync::Arc;

use pawbase_engine::Tx;
use uuid::Uuid;

use super::confirmation::{Asked, ask, by_link};
use super::email::Email;
use super::links::{ALL, ENDED_BY_PASSWORD, Purpose, gone, is_flooded, opened};
use super::model::{Credentials, Status};
use super::rules::PasswordPolicy;
use super::{Identity, events, mails, store, transact_rights};
use crate::context::{Audience, Ctx, audit};
use crate::kernel::error::ALREADY_EXISTS;
use crate::kernel::time::floored;
use crate::kernel::{Error, Result};
use crate::work::{Attempted, Turn};

/// The kind of job that sends the mail with a link for a new password.
pub const SEND_RESET: &str = "identity.send_reset";

/// Asks for a mail with a link for a new password.
pub async fn request(ctx: &Ctx, address: &str) -> Result<()> {
    ask(ctx, SEND_RESET, address).await
}

/// A job: sends that mail, if there is an account with the address that may be used where it was asked.
pub async fn send_reset(turn: &Turn<'_>) -> Attempted {
    let asked: Asked = turn.payload()?;
    let Some(email) = Email::parse(&asked.email) else { return Ok(()) };
    let Some(account) = store::credentials_by_email_within(turn.tx, &email).await? else { return Ok(()) };
    if may_use(&account, asked.audience) && !is_flooded(turn.tx, turn.ctx, account.user, Purpose::ResetPassword).await?
    {
        mails::reset_password(turn.tx, turn.ctx, (&account).into(), asked.audience).await?;
    }
    Ok(())
}

/// Whether an account may be used on a listener.
fn may_use(account: &Credentials, audience: Audience) -> bool {
    let has_place = audience == Audience::Public || account.roles.iter().any(|role| role.is_staff());
    account.status == Status::Active && has_place
}

/// Gives an account a new password by a link, and ends its lock and all its sessions. Fails with GONE, or with what is wrong with the
/// password; the link stays good then.
pub async fn reset(identity: &Identity, ctx: &Ctx, token: &str, password: &str) -> Result<()> {
    let id = opened(identity, Purpose::ResetPassword, token)?;
    let found = store::look_at_link(ctx.system(), id, Purpose::ResetPassword, ctx.audience, floored(ctx.now())).await?;
    let user = found.ok_or_else(gone)?.user;
    let account = store::credentials_of(ctx.system(), user).await?;
    let account = account.filter(|account| may_use(account, ctx.audience)).ok_or_else(gone)?;
    let policy = PasswordPolicy::new(identity.settings(), &account.roles);
    if let Some(bad) = policy.check(password, &account.email, &account.name, "/password") {
        return Err(Error::invalid(vec![bad]));
    }
    let work = Arc::new((ctx.clone(), identity.passwords.hash(password).await?));
    transact_rights(&ctx.platform, move |tx| {
        let work = Arc::clone(&work);
        Box::pin(async move { reset_in(tx, &work.0, id, &work.1).await })
    })
    .await
}

async fn reset_in(tx: &Tx, ctx: &Ctx, id: Uuid, hash: &str) -> Result<()> {
    let now = floored(ctx.now());
    let link = store::use_link(tx, id, Purpose::ResetPassword, ctx.audience, now).await?.ok_or_else(gone)?;
    store::set_password(tx, link.user, None, hash).await?;
    // Whoever has the mail has the address.
    store::set_verified(tx, link.user, &link.email, now).await?;
    store::end_sessions(tx, link.user, None, now).await?;
    store::end_links(tx, link.user, &ENDED_BY_PASSWORD, now).await?;
    audit::write(tx, &[by_link(ctx, link.user, "user.password_reset")]).await?;
    events::password_changed(tx, ctx, link.user, events::By::Link).await
}

/// Takes an account back by a link that says "this was not me", or one that undoes a change of address: it has the address to which the
/// link was sent, nobody is signed in, the password is void, and a link for a new one is on its way. Fails with GONE.
pub async fn take_back(identity: &Identity, ctx: &Ctx, purpose: Purpose, token: &str) -> Result<()> {
    let id = opened(identity, purpose, token)?;
    let shared = ctx.clone();
    transact_rights(&ctx.platform, move |tx| {
        let ctx = shared.clone();
        Box::pin(async move { take_back_in(tx, &ctx, purpose, id).await })
    })
    .await
}

async fn take_back_in(tx: &Tx, ctx: &Ctx, purpose: Purpose, id: Uuid) -> Result<()> {
    let now = floored(ctx.now());
    let link = store::use_link(tx, id, purpose, ctx.audience, now).await?.ok_or_else(gone)?;
    let account = store::credentials_within(tx, link.user).await?;
    let mut account = account.filter(|account| may_use(account, ctx.audience)).ok_or_else(gone)?;
    let before = account.email.clone();
    if before != link.email {
        store::set_email(tx, link.user, &link.email, now).await.map_err(taken_is_gone)?;
        account.email.clone_from(&link.email);
        events::email_changed(tx, ctx, link.user, &before, &link.email).await?;
    }
    store::void_password(tx, link.user).await?;
    store::end_sessions(tx, link.user, None, now).await?;
    store::end_links(tx, link.user, &ALL, now).await?;
    audit::write(tx, &[by_link(ctx, link.user, "user.taken_back")]).await?;
    events::taken_back(tx, ctx, link.user, purpose).await?;
    mails::reset_password(tx, ctx, (&account).into(), ctx.audience).await
}

/// That an address belongs to somebody else is told to nobody.
pub(super) fn taken_is_gone(error: Error) -> Error {
    if error.entry() == ALREADY_EXISTS { gone() } else { error }
}
