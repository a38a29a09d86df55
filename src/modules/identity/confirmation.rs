//! Showing that an address is one's own, by a link in a mail.

use std::sync::Arc;

use pawbase_engine::Tx;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::email::Email;
use super::links::{Purpose, gone, is_flooded, opened};
use super::model::Status;
use super::{Identity, events, mails, store, transact};
use crate::context::{Audience, AuditEntry, Ctx, audit};
use crate::kernel::time::floored;
use crate::kernel::{Error, FieldError, Result};
use crate::work::{Attempted, NewJob, Turn, catalogue, enqueue};

/// The kind of job that sends the mail to confirm an address by.
pub const SEND_CONFIRMATION: &str = "identity.send_confirmation";

/// What is asked for an address, whoever's it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    /// The address, in its one form.
    pub(super) email: String,
    /// Where it was asked.
    pub(super) audience: Audience,
}

/// Asks for a mail to an address. The work that depends on whether there is such an account is a job, so that the answer and its time
/// are the same for everybody.
pub(super) async fn ask(ctx: &Ctx, kind: &'static str, address: &str) -> Result<()> {
    let email = parsed(address)?;
    let asked = Asked { email: email.as_str().to_owned(), audience: ctx.audience };
    let job = NewJob::new(kind, &asked)?.unique(format!("{kind}:{}:{}", ctx.audience.as_str(), asked.email));
    let shared = Arc::new((ctx.clone(), job));
    transact(&ctx.platform, move |tx| {
        let shared = Arc::clone(&shared);
        Box::pin(async move { enqueue(tx, &shared.0, shared.1.clone()).await.map(drop) })
    })
    .await
}

/// The address in `text`, or what is wrong with it.
pub(super) fn parsed(text: &str) -> Result<Email> {
    Email::parse(text).ok_or_else(|| {
        let message = "must be an e-mail address such as jane@example.com";
        Error::invalid(vec![FieldError::new("/email", "format", message)])
    })
}

/// Asks for the mail to confirm an address by, once more.
pub async fn request(ctx: &Ctx, address: &str) -> Result<()> {
    ask(ctx, SEND_CONFIRMATION, address).await
}

/// A job: sends that mail, if there is an account with the address which has not confirmed it.
pub async fn send_confirmation(turn: &Turn<'_>) -> Attempted {
    let asked: Asked = turn.payload()?;
    let Some(email) = Email::parse(&asked.email) else { return Ok(()) };
    let Some(account) = store::credentials_by_email_within(turn.tx, &email).await? else { return Ok(()) };
    let is_wanted = account.status == Status::Active && !account.is_verified;
    if is_wanted && !is_flooded(turn.tx, turn.ctx, account.user, Purpose::ConfirmEmail).await? {
        mails::confirm_email(turn.tx, turn.ctx, (&account).into()).await?;
    }
    Ok(())
}

/// Confirms the address that a link was sent to. Fails with GONE.
pub async fn confirm(identity: &Identity, ctx: &Ctx, token: &str) -> Result<()> {
    let id = opened(identity, Purpose::ConfirmEmail, token)?;
    let shared = ctx.clone();
    transact(&ctx.platform, move |tx| {
        let ctx = shared.clone();
        Box::pin(async move { confirm_in(tx, &ctx, id).await })
    })
    .await
}

async fn confirm_in(tx: &Tx, ctx: &Ctx, id: Uuid) -> Result<()> {
    let now = floored(ctx.now());
    let link = store::use_link(tx, id, Purpose::ConfirmEmail, ctx.audience, now).await?.ok_or_else(gone)?;
    // The address may have become another one since.
    if !store::set_verified(tx, link.user, &link.email, now).await? {
        return Err(gone());
    }
    audit::write(tx, &[by_link(ctx, link.user, "user.email_verified")]).await?;
    events::about_address(tx, ctx, &catalogue::USER_EMAIL_VERIFIED, link.user, &link.email).await
}

/// What somebody did with the own account by a link in a mail.
pub(super) fn by_link(ctx: &Ctx, user: Uuid, action: &'static str) -> AuditEntry {
    AuditEntry { actor: Some(user), ..AuditEntry::of_caller(ctx, action, audit::user_record(user)) }
}
