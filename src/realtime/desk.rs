//! What the hub needs of modules, which it does not know: who the holder of a token is, and conversations.

use std::fmt::Debug;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::Value as Json;
use uuid::Uuid;

use super::frames::Closing;
use super::rooms::RoomName;
use crate::context::{Audience, Ctx, Principal};
use crate::kernel::Result;

/// Answers for the modules.
pub trait Desk: Debug + Send + Sync {
    /// The present principal of an access token, or why there is none. A failure that says nothing about the
    /// token (the database cannot be asked) is not a reason.
    fn principal<'a>(
        &'a self,
        audience: Audience,
        token: &'a str,
    ) -> BoxFuture<'a, std::result::Result<Arc<Principal>, Refused>>;

    /// The conversation of a room that the caller may join, if it has one; a refusal when the caller may not join it.
    fn conversation<'a>(&'a self, ctx: &'a Ctx, room: RoomName<'a>) -> BoxFuture<'a, Result<Option<Uuid>>>;

    /// Stores a message of the caller. Answers the message when it had been sent before.
    fn send<'a>(&'a self, ctx: &'a Ctx, conversation: Uuid, draft: Draft) -> BoxFuture<'a, Result<Option<Json>>>;

    /// Notes how far the caller has read.
    fn read_to<'a>(&'a self, ctx: &'a Ctx, conversation: Uuid, message: Uuid) -> BoxFuture<'a, Result<()>>;
}

/// A message that somebody sends.
#[derive(Debug)]
pub struct Draft {
    /// The text.
    pub content: String,
    /// What the sending app calls it.
    pub client_id: Option<String>,
    /// Files that go with it.
    pub files: Vec<Uuid>,
}

/// Why the holder of a token is nobody at present.
#[derive(Debug)]
pub enum Refused {
    /// The connection ends for this reason.
    Ended(Closing),
    /// It could not be found out.
    Unknown(crate::kernel::Error),
}
