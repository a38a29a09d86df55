//! What the hub asks of modules, answered by them: who somebody is, and conversations.

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::{RecordId, RecordIdKey, Value, Vars};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::context::{Audience, Ctx, Platform, Principal};
use crate::kernel::error::{FORBIDDEN, TOKEN_EXPIRED, UNAUTHENTICATED};
use crate::kernel::{Error, Result};
use crate::modules::identity::{self, Identity};
use crate::modules::messaging::{self, Room};
use crate::realtime::frames::Closing;
use crate::realtime::{Desk, Draft, Refused, RoomName};
use crate::records::{self, query::ViewQuery};

/// Rooms that are about a conversation, or about something that may have one.
const CONVERSATION_ROOMS: [&str; 4] = ["conversation", "order", "booking", "delivery"];

/// Asks the modules.
#[derive(Debug)]
pub struct ModulesDesk {
    /// What all requests share.
    pub platform: Arc<Platform>,
    /// Checks tokens.
    pub identity: Arc<Identity>,
}

impl Desk for ModulesDesk {
    fn principal<'a>(
        &'a self,
        audience: Audience,
        token: &'a str,
    ) -> BoxFuture<'a, std::result::Result<Arc<Principal>, Refused>> {
        Box::pin(async move {
            let found = identity::authenticate(&self.identity, &self.platform, audience, token).await;
            match found {
                Ok(principal) => Ok(principal),
                Err(error) if error.entry() == TOKEN_EXPIRED => Err(Refused::Ended(Closing::Expired)),
                Err(error) if error.entry() == FORBIDDEN => Err(Refused::Ended(Closing::Rights)),
                Err(error) if error.entry() == UNAUTHENTICATED => {
                    let is_suspended = identity::is_suspended(&self.identity, &self.platform, audience, token).await;
                    let why = if is_suspended { Closing::Suspended } else { Closing::SignedOut };
                    Err(Refused::Ended(why))
                }
                Err(error) => Err(Refused::Unknown(error)),
            }
        })
    }

    fn conversation<'a>(&'a self, ctx: &'a Ctx, room: RoomName<'a>) -> BoxFuture<'a, Result<Option<Uuid>>> {
        Box::pin(async move {
            let user = ctx.require_signed()?.user;
            let is_open = match room.kind {
                "business" => works_in(ctx, room.key).await?,
                "user" => room.key == user,
                kind if CONVERSATION_ROOMS.contains(&kind) => {
                    return messaging::conversation_of(ctx, &Room { kind, key: room.key }).await;
                }
                _ => false,
            };
            if is_open { Ok(None) } else { Err(Error::not_found()) }
        })
    }

    fn send<'a>(&'a self, ctx: &'a Ctx, conversation: Uuid, draft: Draft) -> BoxFuture<'a, Result<Option<Json>>> {
        Box::pin(async move {
            let Draft { content, client_id, files } = draft;
            let sent = messaging::send(ctx, conversation, messaging::Draft { content, client_id, files }).await?;
            if !sent.is_repeated {
                return Ok(None);
            }
            let table = ctx.platform.schema.served("messages").ok_or_else(Error::not_found)?;
            records::get(ctx, table, &sent.id.to_string(), &ViewQuery::default()).await.map(Some)
        })
    }

    fn read_to<'a>(&'a self, ctx: &'a Ctx, conversation: Uuid, message: Uuid) -> BoxFuture<'a, Result<()>> {
        Box::pin(messaging::read_to(ctx, conversation, message))
    }
}

/// Whether the caller works in a business; staff look after all of them.
async fn works_in(ctx: &Ctx, business: Uuid) -> Result<bool> {
    let id = RecordId::new("businesses", RecordIdKey::Uuid(business.into()));
    let text =
        if ctx.caller.is_staff() { "RETURN $id.id != NONE" } else { "RETURN $session.data.businesses CONTAINS $id" };
    let answer = ctx.session().read(text, Vars::new().with("id", id)).await?.take(0);
    Ok(answer == Value::Bool(true))
}
