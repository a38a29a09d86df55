//! Letting people into groups and out of them.

use pawbase_engine::Tx;
use uuid::Uuid;

use super::model::{Conversation, Part};
use super::send::{come_in, seen};
use super::start::{check_seen, parsed_people};
use super::{rules, store, transact};
use crate::context::Ctx;
use crate::kernel::time::floored;
use crate::kernel::{Error, Result};

/// Lets people into a group. Those who are in it already stay as they are. Fails with NOT_FOUND, with CONFLICT when it is no group,
/// FORBIDDEN when the caller is not an owner or somebody blocks them, RULE_VIOLATED when it gets too large, and with all bad fields.
pub async fn add(ctx: &Ctx, id: &str, people: &[String]) -> Result<Conversation> {
    let user = ctx.require_signed()?.user;
    let id = parsed(id)?;
    let people = parsed_people(people, "/users", user)?;
    transact(ctx, move |tx, ctx| {
        let people = people.clone();
        Box::pin(async move {
            let (mut conversation, _) = seen(tx, ctx, user, id).await?;
            let caller = store::participant(tx, id, user).await?;
            rules::check_lets_in(&conversation, caller.as_ref())?;
            check_seen(ctx, &people, "/users").await?;
            if store::is_blocked(tx, &people, user).await? {
                return Err(rules::blocked());
            }
            let new: Vec<Uuid> = people.into_iter().filter(|one| !conversation.members.contains(one)).collect();
            rules::check_room(conversation.members.len() + new.len())?;
            conversation.members.extend(&new);
            store::keep_members(tx, id, &conversation.members).await?;
            for one in new {
                let_in(tx, ctx, id, one).await?;
            }
            Ok(conversation)
        })
    })
    .await
}

async fn let_in(tx: &Tx, ctx: &Ctx, conversation: Uuid, user: Uuid) -> Result<()> {
    match store::participant(tx, conversation, user).await? {
        Some(known) => store::rejoin(tx, known.id, Part::Member, floored(ctx.now())).await,
        None => come_in(tx, ctx, conversation, user, Part::Member).await.map(drop),
    }
}

/// Lets somebody out of a group: the caller, or whom an owner removes. Where no owner is left the first who is there becomes one. Fails
/// with NOT_FOUND, also when they are not in it; CONFLICT when it is no group; FORBIDDEN when the caller may not remove others.
pub async fn remove(ctx: &Ctx, id: &str, leaver: &str) -> Result<()> {
    let user = ctx.require_signed()?.user;
    let (id, leaver) = (parsed(id)?, parsed(leaver)?);
    transact(ctx, move |tx, ctx| {
        Box::pin(async move {
            let (conversation, _) = seen(tx, ctx, user, id).await?;
            if leaver == user {
                rules::check_group(&conversation)?;
            } else {
                let caller = store::participant(tx, id, user).await?;
                rules::check_lets_in(&conversation, caller.as_ref())?;
            }
            let left: Vec<Uuid> = conversation.members.iter().copied().filter(|member| *member != leaver).collect();
            let participant = store::participant(tx, id, leaver).await?;
            let Some(participant) = participant.filter(|_| left.len() < conversation.members.len()) else {
                return Err(Error::not_found());
            };
            store::keep_members(tx, id, &left).await?;
            store::leave(tx, participant.id, floored(ctx.now())).await?;
            if let Some(next) = rules::next_owner(&store::participants(tx, id).await?) {
                store::make_owner(tx, next.id).await?;
            }
            Ok(())
        })
    })
    .await
}

/// The key in a path.
pub fn parsed(id: &str) -> Result<Uuid> {
    Uuid::try_parse(id).map_err(|_| Error::not_found())
}
