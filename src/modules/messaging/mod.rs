//! Messaging: conversations of people with each other, with businesses and with the staff of the platform.
//!
//! * `api.rs` are the operations, the same on both listeners; `views.rs` is what they take and give, `document.rs` what the OpenAPI
//!   document adds
//! * `start.rs` begins conversations, `send.rs` stores messages and how far somebody has read, `people.rs` lets people in and out
//! * `rooms.rs` is what the realtime socket asks, `telling.rs` tells those who have not read for a while
//! * `rules.rs` decides, `model.rs` is what is passed on, `store/` has the statements
//!
//! **Invariant:** whoever works in a business is in its conversations as long as they work there: they are never among the `members` of a
//! conversation, which is what the permissions of the tables read. **Invariant:** a message and the row of its conversation are written in
//! one transaction, so of one conversation no two messages are under way at once, and their keys ascend in the order of their commits.
//! Content is in no event, job or notification, since staff read those. Deliberately elsewhere: lists (the records API), muting (a PATCH of
//! `participants`), blocking (the records API over `blocks`), delivery to whoever looks (realtime, from the rows).

mod api;
mod document;
mod model;
mod people;
mod rooms;
mod rules;
#[cfg(test)]
mod rules_tests;
mod send;
mod start;
mod store;
mod telling;
mod views;

use std::sync::Arc;

use futures::future::BoxFuture;
use pawbase_engine::Tx;

use crate::context::{Ctx, uninterrupted};
use crate::kernel::Result;

pub use self::api::MessagingApi;
pub use self::document::described;
pub use self::model::{Draft, Message};
pub use self::rooms::{Room, conversation_of};
pub use self::send::{read_to, send};
pub use self::telling::{TELL, tell_unread};

/// Runs `work` in one transaction of the system, to its end even when the client hangs up.
async fn transact<T, F>(ctx: &Ctx, work: F) -> Result<T>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a Tx, &'a Ctx) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
{
    let shared = Arc::new((ctx.clone(), work));
    let ctx = ctx.clone();
    uninterrupted(async move {
        ctx.system()
            .transact(|tx: &Tx| -> BoxFuture<'_, Result<T>> {
                let shared = Arc::clone(&shared);
                Box::pin(async move { (shared.1)(tx, &shared.0).await })
            })
            .await
    })
    .await
}
