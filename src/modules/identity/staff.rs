//! What administrators do with other people's accounts. Each act writes its audit entry in the same transaction.

use std::sync::Arc;

use pawbase_engine::{Object, SurrealValue, Tx};
use uuid::Uuid;

use super::model::{Credentials, SessionRow, Status, UserRow};
use super::rules::{checked_reason, checked_roles, last_super_admin, loses_super_admin, may_act_on, may_change_roles};
use super::setup::command_line;
use super::{events, store, transact_rights};
use crate::context::{AuditEntry, Ctx, Platform, Role, audit};
use crate::kernel::time::Instant;
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

/// Who does it, and by which request. None is the command line.
#[derive(Debug, Clone, Default)]
pub(super) struct Actor {
    /// The administrator's roles.
    roles: Option<Vec<Role>>,
    request: Option<Ctx>,
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
    let actor = Actor { roles: Some(principal.roles.clone()), request: Some(ctx.clone()) };
    let (user, act) = (parsed(id)?, parse()?);
    perform(&ctx.platform, actor, user, act).await?;
    store::account_of(ctx.system(), user).await?.ok_or_else(Error::not_found)
}

/// Performs an act in one transaction, then makes it count for the next request.
pub(super) async fn perform(platform: &Arc<Platform>, actor: Actor, user: Uuid, act: Act) -> Result<()> {
    let target = audit::user_record(user);
    let entry = match &actor.request {
        Some(ctx) => AuditEntry::of_caller(ctx, act.name(), target),
        None => AuditEntry::of_system(platform, act.name(), target),
    };
    let ctx = actor.request.unwrap_or_else(|| command_line(platform));
    let step = Arc::new(Step { ctx, roles: actor.roles, user, act, at: entry.at, entry });
    transact_rights(platform, move |tx| {
        let step = Arc::clone(&step);
        Box::pin(async move { step.run(tx).await })
    })
    .await
}

/// An act on its way into the database.
struct Step {
    ctx: Ctx,
    /// Those of the administrator; None for the command line.
    roles: Option<Vec<Role>>,
    user: Uuid,
    act: Act,
    at: Instant,
    /// What is noted, but for before and after.
    entry: AuditEntry,
}

impl Act {
    /// What the trail calls it.
    fn name(&self) -> &'static str {
        match self {
            Self::Suspend(_) => "user.suspended",
            Self::Reinstate => "user.reinstated",
            Self::ReplaceRoles(_) => "user.roles_replaced",
            Self::SignOut => "user.signed_out",
        }
    }
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
        audit::write(tx, &[self.entry(&target)]).await?;
        self.tell(tx, &target).await
    }

    async fn tell(&self, tx: &Tx, target: &Credentials) -> Result<()> {
        let (ctx, user, actor) = (&self.ctx, self.user, self.entry.actor);
        match &self.act {
            Act::Suspend(reason) => events::suspended(tx, ctx, user, actor, reason).await,
            Act::Reinstate => events::simply(tx, ctx, &catalogue::USER_REINSTATED, user, actor).await,
            Act::ReplaceRoles(roles) => events::role_changed(tx, ctx, user, actor, [&target.roles, roles]).await,
            Act::SignOut => events::simply(tx, ctx, &catalogue::USER_SIGNED_OUT, user, actor).await,
        }
    }

    fn check_rights(&self, target: &Credentials) -> Result<()> {
        match (&self.roles, &self.act) {
            (None, _) => Ok(()),
            (Some(actor), Act::ReplaceRoles(roles)) => may_change_roles(actor, &target.roles, roles),
            (Some(actor), _) => may_act_on(actor, &target.roles),
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
        let (before, after) = match &self.act {
            Act::Suspend(_) | Act::Reinstate => (
                Some(image("status", target.status.as_str().to_owned())),
                Some(image("status", status.as_str().to_owned())),
            ),
            Act::ReplaceRoles(_) => (Some(image("roles", names(&target.roles))), Some(image("roles", names(&roles)))),
            Act::SignOut => (None, None),
        };
        let reason = if let Act::Suspend(reason) = &self.act { Some(reason.clone()) } else { None };
        AuditEntry { before, after, reason, ..self.entry.clone() }
    }
}

/// An object of one field.
fn image(name: &str, value: impl SurrealValue) -> Object {
    let mut object = Object::new();
    object.insert(name, value);
    object
}
