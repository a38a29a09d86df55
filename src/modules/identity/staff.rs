//! What administrators do with other people's accounts. Each act writes its audit entry in the same transaction.

use std::sync::Arc;

use pawbase_engine::Tx;
use uuid::Uuid;

use super::model::{AuditEntry, Credentials, SessionRow, Status, UserRow};
use super::rules::{checked_reason, checked_roles, last_super_admin, loses_super_admin, may_act_on, may_change_roles};
use super::{events, store, transact_rights};
use crate::context::{Ctx, Platform, Role};
use crate::kernel::time::{Instant, floored};
use crate::kernel::{Error, Result};
use crate::work::catalogue;

/// Something done to an account.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// It may not be used until further notice; its sessions end.
    Suspend(String),
    /// It may be used again.
    Reinstate,
    /// It has these roles from now on.
    ReplaceRoles(Vec<Role>),
    /// Its sessions end.
    SignOut,
}

/// Who does it, and for which request. None is the command line.
#[derive(Debug, Clone, Default)]
pub(super) struct Actor {
    /// The administrator and their roles.
    user: Option<(Uuid, Vec<Role>)>,
    request_id: Option<String>,
}

/// Suspends an account and ends its sessions.
pub async fn suspend(ctx: &Ctx, id: &str, reason: &str) -> Result<UserRow> {
    act(ctx, id, || Ok(Act::Suspend(checked_reason(reason)?))).await
}

/// Ends a suspension.
pub async fn reinstate(ctx: &Ctx, id: &str) -> Result<UserRow> {
    act(ctx, id, || Ok(Act::Reinstate)).await
}

/// Replaces the platform roles of an account.
pub async fn replace_roles(ctx: &Ctx, id: &str, names: &[String]) -> Result<UserRow> {
    act(ctx, id, || Ok(Act::ReplaceRoles(checked_roles(names)?))).await
}

/// Ends all sessions of an account.
pub async fn sign_out(ctx: &Ctx, id: &str) -> Result<()> {
    act(ctx, id, || Ok(Act::SignOut)).await.map(drop)
}

/// The sessions of an account that still count, and which one asks.
pub async fn sessions_of(ctx: &Ctx, id: &str) -> Result<(Vec<SessionRow>, Uuid)> {
    let current = ctx.require_role(&Role::STAFF)?.session_id;
    let user = parsed(id)?;
    store::account_of(ctx.session(), user).await?.ok_or_else(Error::not_found)?;
    Ok((store::live_sessions(ctx.session(), user, ctx.now()).await?, current))
}

fn parsed(id: &str) -> Result<Uuid> {
    Uuid::try_parse(id).map_err(|_| Error::not_found())
}

async fn act(ctx: &Ctx, id: &str, parse: impl FnOnce() -> Result<Act>) -> Result<UserRow> {
    let principal = ctx.require_role(&Role::ADMINS)?;
    let actor =
        Actor { user: Some((principal.user, principal.roles.clone())), request_id: Some(ctx.request_id.clone()) };
    let (user, act) = (parsed(id)?, parse()?);
    perform(&ctx.platform, actor, user, act).await?;
    store::account_of(ctx.system(), user).await?.ok_or_else(Error::not_found)
}

/// Performs an act in one transaction, then makes it count for the next request.
pub(super) async fn perform(platform: &Arc<Platform>, actor: Actor, user: Uuid, act: Act) -> Result<()> {
    let now = platform.clock.now();
    let cause = actor.request_id.clone().unwrap_or_else(|| "command line".to_owned());
    let ctx = Ctx::internal(Arc::clone(platform), cause);
    let step = Arc::new(Step { ctx, actor, user, act, at: floored(now), audit_id: platform.ids.next(now) });
    transact_rights(platform, move |tx| {
        let step = Arc::clone(&step);
        Box::pin(async move { step.run(tx).await })
    })
    .await
}

/// An act on its way into the database.
struct Step {
    ctx: Ctx,
    actor: Actor,
    user: Uuid,
    act: Act,
    at: Instant,
    audit_id: Uuid,
}

impl Step {
    async fn run(&self, tx: &Tx) -> Result<()> {
        let found = store::credentials_within(tx, self.user).await?;
        let target = found.filter(|target| target.status != Status::Deleted).ok_or_else(Error::not_found)?;
        self.check_rights(&target)?;
        let (status, roles) = self.outcome(&target);
        let is_loss = loses_super_admin((target.status, &target.roles), (status, &roles));
        if is_loss && !store::hold_other_super_admin(tx, self.user).await? {
            return Err(last_super_admin());
        }
        match &self.act {
            Act::Suspend(reason) => store::set_status(tx, self.user, status, Some(reason)).await?,
            Act::Reinstate => store::set_status(tx, self.user, status, None).await?,
            Act::ReplaceRoles(roles) => store::set_roles(tx, self.user, roles).await?,
            Act::SignOut => {}
        }
        if matches!(self.act, Act::Suspend(_) | Act::SignOut) {
            store::end_sessions(tx, self.user, None, self.at).await?;
        }
        store::insert_audit(tx, &self.entry(&target)).await?;
        self.tell(tx, &target).await
    }

    async fn tell(&self, tx: &Tx, target: &Credentials) -> Result<()> {
        let (ctx, user, actor) = (&self.ctx, self.user, self.actor.user.as_ref().map(|(user, _)| *user));
        match &self.act {
            Act::Suspend(reason) => events::suspended(tx, ctx, user, actor, reason).await,
            Act::Reinstate => events::simply(tx, ctx, &catalogue::USER_REINSTATED, user, actor).await,
            Act::ReplaceRoles(roles) => events::role_changed(tx, ctx, user, actor, [&target.roles, roles]).await,
            Act::SignOut => events::simply(tx, ctx, &catalogue::USER_SIGNED_OUT, user, actor).await,
        }
    }

    fn check_rights(&self, target: &Credentials) -> Result<()> {
        match (&self.actor.user, &self.act) {
            (None, _) => Ok(()),
            (Some((_, actor)), Act::ReplaceRoles(roles)) => may_change_roles(actor, &target.roles, roles),
            (Some((_, actor)), _) => may_act_on(actor, &target.roles),
        }
    }

    /// Status and roles afterwards.
    fn outcome(&self, target: &Credentials) -> (Status, Vec<Role>) {
        match &self.act {
            Act::Suspend(_) => (Status::Suspended, target.roles.clone()),
            Act::Reinstate => (Status::Active, target.roles.clone()),
            Act::ReplaceRoles(roles) => (target.status, roles.clone()),
            Act::SignOut => (target.status, target.roles.clone()),
        }
    }

    fn entry(&self, target: &Credentials) -> AuditEntry {
        let (status, roles) = self.outcome(target);
        let names = |roles: &[Role]| roles.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>();
        let statuses = || ("status", vec![target.status.as_str().to_owned()], vec![status.as_str().to_owned()]);
        let (action, change) = match &self.act {
            Act::Suspend(_) => ("user.suspended", Some(statuses())),
            Act::Reinstate => ("user.reinstated", Some(statuses())),
            Act::ReplaceRoles(_) => ("user.roles_replaced", Some(("roles", names(&target.roles), names(&roles)))),
            Act::SignOut => ("user.signed_out", None),
        };
        AuditEntry {
            id: self.audit_id,
            at: self.at,
            actor: self.actor.user.as_ref().map(|(user, _)| *user),
            action,
            target: self.user,
            change,
            reason: if let Act::Suspend(reason) = &self.act { Some(reason.clone()) } else { None },
            request_id: self.actor.request_id.clone(),
        }
    }
}
