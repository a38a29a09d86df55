//! What staff do with mail: who may, then the work itself.

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::Tx;
use serde_json::json;
use uuid::Uuid;

use super::catalogue::{self, TEMPLATES};
use super::letter::{Letter, message_id, post, queue};
use super::mailer::Mailer;
use super::store::{self, State};
use super::views::{MailPreview, MailTemplate, MailTemplates};
use crate::config::MailTransport;
use crate::context::{AuditEntry, Ctx, Role, audit, uninterrupted};
use crate::kernel::error::{CONFLICT, RULE_VIOLATED};
use crate::kernel::time::floored;
use crate::kernel::{Error, Result};
use crate::modules::identity;

/// A mail as it looks. Its links work for a super_admin alone, and only where mails are kept instead of being sent: whoever follows
/// them acts as the receiver.
pub async fn preview(ctx: &Ctx, mailer: &Mailer, id: &str) -> Result<MailPreview> {
    let principal = ctx.require_role(&Role::STAFF)?;
    let id = parsed(id)?;
    let row = store::mail(ctx.system(), id).await?.ok_or_else(Error::not_found)?;
    let is_live = mailer.keeps_letters() && principal.roles.contains(&Role::SuperAdmin);
    let words = mailer.words(&row, is_live).map_err(|error| {
        Error::new(RULE_VIOLATED, format!("The template {} cannot be filled in: {error:#}", row.template))
    })?;
    let has_links = row.link.is_some() || row.unsubscribe.is_some();
    Ok(MailPreview::new(words, mailer.is_kept(id).await, is_live && has_links))
}

/// Sends a mail again, as a new one with the same words. Answers its key.
pub async fn resend(ctx: &Ctx, id: &str) -> Result<Uuid> {
    ctx.require_role(&Role::ADMINS)?;
    let of = parsed(id)?;
    let new = ctx.new_id();
    let shared = ctx.clone();
    in_transaction(ctx, move |tx| {
        let ctx = shared.clone();
        Box::pin(async move { copy(tx, &ctx, of, new).await })
    })
    .await
}

async fn copy(tx: &Tx, ctx: &Ctx, of: Uuid, new: Uuid) -> Result<Uuid> {
    let row = store::mail_within(tx, of).await?.ok_or_else(Error::not_found)?;
    if row.state == State::Queued {
        return Err(Error::new(CONFLICT, "This mail is still to be sent."));
    }
    let settings = &ctx.platform.config.mail;
    let state = if settings.transport == MailTransport::Off { State::Suppressed } else { State::Queued };
    store::insert_copy(tx, new, of, state, &message_id(new, &settings.from), floored(ctx.now())).await?;
    queue(tx, ctx, new, state).await?;
    audit::write(tx, &[AuditEntry::of_caller(ctx, "mail.resent", store::record(of))]).await?;
    Ok(new)
}

/// Sends a mail to the caller, to see whether mail goes out. Answers its key.
pub async fn test(ctx: &Ctx) -> Result<Uuid> {
    let user = ctx.require_role(&Role::ADMINS)?.user;
    let me = identity::own_account(ctx).await?;
    let at = floored(ctx.now()).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let data = json!({ "name": me.name, "at": at, "timezone": me.timezone });
    let letter = Arc::new(Letter::new(me.email, "test", data).user(user).locale(me.locale));
    let shared = ctx.clone();
    in_transaction(ctx, move |tx| {
        let (ctx, letter) = (shared.clone(), Letter::clone(&letter));
        Box::pin(async move {
            let id = post(tx, &ctx, letter).await?;
            audit::write(tx, &[AuditEntry::of_caller(&ctx, "mail.tested", store::record(id))]).await?;
            Ok(id)
        })
    })
    .await
}

/// Runs `work` in one transaction of the system, to its end.
async fn in_transaction<F>(ctx: &Ctx, work: F) -> Result<Uuid>
where
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<Uuid>> + Send + Sync + 'static,
{
    let platform = Arc::clone(&ctx.platform);
    uninterrupted(async move { platform.engine.root().transact(work).await }).await
}

/// Every kind of mail.
pub fn templates(ctx: &Ctx, mailer: &Mailer) -> Result<MailTemplates> {
    ctx.require_role(&Role::STAFF)?;
    let view = |template: &'static super::Template| MailTemplate {
        code: template.code.to_owned(),
        description: template.description.to_owned(),
        locales: mailer.templates().languages_of(template.code).map(str::to_owned).collect(),
        overridden: mailer.templates().replaced_of(template),
    };
    Ok(MailTemplates { items: TEMPLATES.iter().map(view).collect() })
}

/// A kind of mail as it looks, filled with its sample.
pub fn sample(ctx: &Ctx, mailer: &Mailer, code: &str, locale: &str) -> Result<MailPreview> {
    ctx.require_role(&Role::STAFF)?;
    let template = catalogue::find(code).ok_or_else(Error::not_found)?;
    Ok(MailPreview::new(mailer.sample(template, locale)?, false, false))
}

fn parsed(id: &str) -> Result<Uuid> {
    Uuid::try_parse(id).map_err(|_| Error::not_found())
}
