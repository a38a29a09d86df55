//! What staff do with those who send us webhooks. Each act writes its audit entry in the same transaction; secrets are in none.

use std::sync::Arc;

use pawbase_engine::Object;

use super::model::Source;
use super::rules::Problems;
use super::views::{ChangeSource, NewSource};
use super::{note, scheme, store, transact};
use crate::config::Secret as Hidden;
use crate::context::{Ctx, Role};
use crate::kernel::time::floored;
use crate::kernel::{Error, Result};

/// Makes a source; without a secret of its own it is given one. Fails with all bad fields, or with ALREADY_EXISTS.
pub async fn create(ctx: &Ctx, input: NewSource) -> Result<Source> {
    ctx.require_role(&Role::ADMINS)?;
    let NewSource { id, name, scheme, secret } = input;
    let mut problems = Problems::default();
    problems.check_key(&id);
    problems.check_name(&name);
    problems.check_scheme(&scheme, secret.as_deref());
    problems.finish()?;
    let secret = match (secret, scheme::named(&scheme)) {
        (Some(secret), _) => secret,
        (None, Some(scheme)) => scheme.make_secret()?,
        (None, None) => return Err(Error::internal("a scheme that was checked is gone")),
    };
    let now = floored(ctx.now());
    let source = Source { id, name, scheme, secret: Hidden::from(secret), created_at: now, updated_at: now };
    let kept = Arc::new(source.clone());
    transact(ctx, move |tx, ctx| {
        let source = Arc::clone(&kept);
        Box::pin(async move {
            store::insert_source(tx, &source, ctx.caller.user()).await?;
            let target = store::source_record(&source.id);
            note(tx, ctx, "webhook_source.created", target, None, Some(image(&source))).await
        })
    })
    .await?;
    Ok(source)
}

/// Changes what is named of a source. Fails with all bad fields, or NOT_FOUND.
pub async fn change(ctx: &Ctx, id: &str, input: ChangeSource) -> Result<Source> {
    ctx.require_role(&Role::ADMINS)?;
    let shared = Arc::new((id.to_owned(), input));
    transact(ctx, move |tx, ctx| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            let (id, input) = &*shared;
            let mut source = store::source_within(tx, id).await?.ok_or_else(Error::not_found)?;
            let mut problems = Problems::default();
            input.name.iter().for_each(|name| problems.check_name(name));
            problems.check_scheme(&source.scheme, input.secret.as_deref());
            problems.finish()?;
            let before = image(&source);
            source.name = input.name.clone().unwrap_or(source.name);
            source.secret = input.secret.clone().map_or(source.secret, Hidden::from);
            source.updated_at = floored(ctx.now());
            store::change_source(tx, &source).await?;
            let target = store::source_record(id);
            note(tx, ctx, "webhook_source.changed", target, Some(before), Some(image(&source))).await?;
            Ok(source)
        })
    })
    .await
}

/// Removes a source: what it sends is refused from now on. Fails with NOT_FOUND.
pub async fn delete(ctx: &Ctx, id: &str) -> Result<()> {
    ctx.require_role(&Role::ADMINS)?;
    let id = Arc::new(id.to_owned());
    transact(ctx, move |tx, ctx| {
        let id = Arc::clone(&id);
        Box::pin(async move {
            let source = store::source_within(tx, &id).await?.ok_or_else(Error::not_found)?;
            store::delete_source(tx, &id).await?;
            note(tx, ctx, "webhook_source.deleted", store::source_record(&id), Some(image(&source)), None).await
        })
    })
    .await
}

/// A source as the trail keeps it.
fn image(source: &Source) -> Object {
    let mut image = Object::new();
    image.insert("name", source.name.clone());
    image.insert("scheme", source.scheme.clone());
    image
}
