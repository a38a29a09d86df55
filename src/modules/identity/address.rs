//! Another address for an account: asked for with the password, confirmed by the new address, undone by the old one.
//!
//! Deliberately elsewhere: undoing it, which takes the account back (`recovery.rs`).

use std::sync::Arc;

use pawbase_engine::Tx;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::confirmation::{by_link, parsed};
use super::email::Email;
use super::links::{ENDED_BY_PASSWORD, Purpose, gone, is_flooded, opened};
use super::model::Status;
use super::passwords::Verdict;
use super::recovery::taken_is_gone;
use super::rules::check_lock;
use super::sign_in::count_failure;
use super::{Identity, account, events, mails, store, transact};
use crate::context::{AuditEntry, Ctx, audit};
use crate::kernel::time::floored;
use crate::kernel::{Error, Result};
use crate::work::{Attempted, NewJob, Turn, enqueue};

/// The kind of job that begins a change of address.
pub const BEGIN_EMAIL_CHANGE: &str = "identity.begin_email_change";

/// What is asked for.
#[derive(Serialize, Deserialize)]
struct Wanted {
    user: Uuid,
    email: String,
}

/// Asks for another address. A wrong password counts as a failed sign-in. Whether the new address is somebody else's is found out by a
/// job, so that the answer does not tell.
pub async fn request(identity: &Identity, ctx: &Ctx, address: &str, password: &str) -> Result<()> {
    let user = ctx.require_signed()?.user;
    let found = store::credentials_of(ctx.system(), user).await?.ok_or_else(Error::unauthenticated)?;
    check_lock(found.locked_until, ctx.now())?;
    let email = parsed(address)?;
    if identity.passwords.verify(password, found.password_hash.as_deref()).await? == Verdict::Wrong {
        count_failure(identity, ctx, &found).await?;
        return Err(account::wrong_current());
    }
    let job = NewJob::new(BEGIN_EMAIL_CHANGE, Wanted { user, email: email.as_str().to_owned() })?;
    let entry = AuditEntry::of_caller(ctx, "user.email_change_requested", audit::user_record(user));
    let work = Arc::new((ctx.clone(), job, entry));
    transact(&ctx.platform, move |tx| {
        let work = Arc::clone(&work);
        Box::pin(async move {
            let (ctx, job, entry) = &*work;
            audit::write(tx, std::slice::from_ref(entry)).await?;
            enqueue(tx, ctx, job.clone()).await.map(drop)
        })
    })
    .await
}

/// A job: mails the new address a link that confirms it, or tells its owner that somebody wanted it; and tells the old address.
pub async fn begin_email_change(turn: &Turn<'_>) -> Attempted {
    let wanted: Wanted = turn.payload()?;
    let (tx, ctx) = (turn.tx, turn.ctx);
    let Some(email) = Email::parse(&wanted.email) else { return Ok(()) };
    let account = store::credentials_within(tx, wanted.user).await?;
    let Some(account) = account.filter(|account| account.status == Status::Active) else { return Ok(()) };
    // Every request makes a link to the old address, so that these are what is counted.
    if account.email == email.as_str() || is_flooded(tx, ctx, account.user, Purpose::UndoEmail).await? {
        return Ok(());
    }
    mails::email_change_notice(tx, ctx, (&account).into(), email.as_str()).await?;
    if let Some(owner) = store::credentials_by_email_within(tx, &email).await? {
        mails::email_in_use(tx, ctx, (&owner).into()).await?;
    } else if !store::is_held(tx, email.as_str(), account.user, floored(ctx.now())).await? {
        mails::confirm_new_email(tx, ctx, (&account).into(), email.as_str()).await?;
    }
    Ok(())
}

/// Gives an account the address that a link was sent to. Fails with GONE, also when the address has become somebody else's.
pub async fn confirm(identity: &Identity, ctx: &Ctx, token: &str) -> Result<()> {
    let id = opened(identity, Purpose::ChangeEmail, token)?;
    let shared = ctx.clone();
    transact(&ctx.platform, move |tx| {
        let ctx = shared.clone();
        Box::pin(async move { confirm_in(tx, &ctx, id).await })
    })
    .await
}

async fn confirm_in(tx: &Tx, ctx: &Ctx, id: Uuid) -> Result<()> {
    let now = floored(ctx.now());
    let link = store::use_link(tx, id, Purpose::ChangeEmail, ctx.audience, now).await?.ok_or_else(gone)?;
    let found = store::credentials_within(tx, link.user).await?;
    let before = found.filter(|account| account.status == Status::Active).ok_or_else(gone)?.email;
    if store::is_held(tx, &link.email, link.user, now).await? {
        return Err(gone());
    }
    store::set_email(tx, link.user, &link.email, now).await.map_err(taken_is_gone)?;
    // A link for a new password that is in the old letter box, and other changes that are on their way.
    store::end_links(tx, link.user, &ENDED_BY_PASSWORD, now).await?;
    audit::write(tx, &[by_link(ctx, link.user, "user.email_changed")]).await?;
    events::email_changed(tx, ctx, link.user, &before, &link.email).await
}
