//! What staff do with notifications: the list of types, a sample to oneself, an e-mail once more.

use pawbase_engine::{RecordId, RecordIdKey};
use serde_json::Value as Json;
use uuid::Uuid;

use super::catalogue::{self, CATALOGUE, NotificationType};
use super::commands::transact;
use super::news::{To, Told};
use super::{email, jobs};
use crate::context::{AuditEntry, Ctx, Role, audit};
use crate::kernel::{Error, FieldError, Result};
use crate::modules::identity;

/// All types.
pub fn types(ctx: &Ctx) -> Result<&'static [&'static NotificationType]> {
    ctx.require_role(&Role::STAFF)?;
    Ok(CATALOGUE)
}

/// Sends a sample of a type to the caller, on each channel on which the caller wants it. Answers its key.
pub async fn send_sample(ctx: &Ctx, kind: &str) -> Result<Uuid> {
    let user = ctx.require_role(&Role::STAFF)?.user;
    let unknown = || Error::invalid(vec![FieldError::new("/type", "enum", "is not a type of notification")]);
    let kind = catalogue::find(kind).ok_or_else(unknown)?;
    let data: Json = serde_json::from_str(kind.sample).map_err(Error::internal)?;
    let request = ctx.clone();
    transact(ctx, move |tx| {
        let (ctx, data) = (request.clone(), data.clone());
        Box::pin(async move {
            let person = identity::person(tx, user).await?.ok_or_else(Error::unauthenticated)?;
            let news = Told { to: To::User(user), about: None, data, once_per: None };
            let id = jobs::deliver(tx, &ctx, kind, &person, &news, &format!("sample {}", ctx.new_id())).await?;
            audit::write(tx, &[AuditEntry::of_caller(&ctx, "notification.sample_sent", record(id))]).await?;
            Ok(id)
        })
    })
    .await
}

/// Sends a notification by e-mail once more. Fails with NOT_FOUND, or with CONFLICT where the rules forbid it.
pub async fn resend(ctx: &Ctx, id: &str) -> Result<()> {
    ctx.require_role(&Role::ADMINS)?;
    let id = Uuid::try_parse(id).map_err(|_| Error::not_found())?;
    let request = ctx.clone();
    transact(ctx, move |tx| {
        let ctx = request.clone();
        Box::pin(async move {
            email::send_again(tx, &ctx, id).await?;
            audit::write(tx, &[AuditEntry::of_caller(&ctx, "notification.resent", record(id))]).await
        })
    })
    .await
}

fn record(id: Uuid) -> RecordId {
    RecordId::new("notifications", RecordIdKey::Uuid(id.into()))
}
