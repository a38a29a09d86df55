//! The operations on conversations, the same on both listeners. Lists and single records are the records API's.

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi, Tags};

use super::views::{
    AddParticipants, ConversationView, MessageView, NewMessage, ReadUpTo, StartConversation, UnreadConversations,
};
use super::{people, send, start};
use crate::context::Ctx;

/// Groups of operations in the document.
#[derive(Tags)]
enum Tag {
    /// Conversations, their messages, and how far they were read.
    Messaging,
}

/// A conversation, new or found.
#[derive(ApiResponse)]
enum Begun {
    /// There was one already.
    #[oai(status = 200)]
    Found(Json<ConversationView>),
    /// Begun.
    #[oai(status = 201)]
    New(Json<ConversationView>),
}

/// A message, new or repeated.
#[derive(ApiResponse)]
enum Sent {
    /// It had been sent already under this client_id.
    #[oai(status = 200)]
    Before(Json<MessageView>),
    /// Sent.
    #[oai(status = 201)]
    Now(Json<MessageView>),
}

/// It was done; there is nothing to say.
#[derive(ApiResponse)]
enum Left {
    /// Out of it.
    #[oai(status = 204)]
    NoContent,
}

/// The operations on conversations.
#[derive(Debug)]
pub struct MessagingApi;

#[OpenApi(tag = "Tag::Messaging")]
impl MessagingApi {
    /// Begin a conversation
    ///
    /// An inquiry goes to whoever offers the thing: to the business, where everybody who works there sees it, or to the person; who has
    /// asked about it before gets that conversation again. 422 lists every bad field, and also says when one would write to oneself.
    /// 403 when somebody wants no messages of the caller's. Somebody begins thirty in an hour at most.
    #[oai(path = "/conversations", method = "post", operation_id = "start_conversation")]
    async fn start(&self, ctx: Data<&Ctx>, body: Json<StartConversation>) -> poem::Result<Begun> {
        let (conversation, is_new) = start::start(&ctx, &body.0).await?;
        let view = Json(conversation.into());
        Ok(if is_new { Begun::New(view) } else { Begun::Found(view) })
    }

    /// Count the conversations with something to read
    ///
    /// Those of the caller in which somebody wrote after what they have read last. 401 without a sign-in.
    #[oai(path = "/conversations/unread_count", method = "get", operation_id = "count_unread_conversations")]
    async fn unread(&self, ctx: Data<&Ctx>) -> poem::Result<Json<UnreadConversations>> {
        Ok(Json(UnreadConversations { unread: send::unread(&ctx).await? }))
    }

    /// Send a message
    ///
    /// Everybody in the conversation sees it, at once where they listen. Give it a `client_id`: sent again under the same, as after a
    /// broken connection, it is answered again and there once; 422 when another message was sent under it. 403 when the other one wants no
    /// messages of the caller's. Sixty in a minute at most.
    #[oai(path = "/conversations/:id/messages", method = "post", operation_id = "send_message")]
    async fn send(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the conversation.
        id: Path<String>,
        body: Json<NewMessage>,
    ) -> poem::Result<Sent> {
        let message = send::send_to(&ctx, &id.0, body.0).await?;
        let is_repeated = message.is_repeated;
        let view = Json(message.into());
        Ok(if is_repeated { Sent::Before(view) } else { Sent::Now(view) })
    }

    /// Say how far a conversation was read
    ///
    /// Up to this message; never back. Answers in how many conversations there is something to read now.
    #[oai(path = "/conversations/:id/read", method = "post", operation_id = "read_conversation")]
    async fn read(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the conversation.
        id: Path<String>,
        body: Json<ReadUpTo>,
    ) -> poem::Result<Json<UnreadConversations>> {
        send::read_named(&ctx, &id.0, &body.0.message).await?;
        Ok(Json(UnreadConversations { unread: send::unread(&ctx).await? }))
    }

    /// Let people into a group
    ///
    /// They see all of it, also what was written before. Only owners of the group (403); 409 when it is no group. Those who are in it
    /// stay as they are.
    #[oai(path = "/conversations/:id/participants", method = "post", operation_id = "add_participants")]
    async fn add(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the conversation.
        id: Path<String>,
        body: Json<AddParticipants>,
    ) -> poem::Result<Json<ConversationView>> {
        Ok(Json(people::add(&ctx, &id.0, &body.0.users).await?.into()))
    }

    /// Leave a group, or remove somebody
    ///
    /// They do not see it any more. Everybody may leave; only owners of the group remove others (403). Where no owner is left the one
    /// who has been there longest becomes one. 409 when it is no group.
    #[oai(path = "/conversations/:id/participants/:user", method = "delete", operation_id = "remove_participant")]
    async fn remove(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the conversation.
        id: Path<String>,
        /// Key of who goes.
        user: Path<String>,
    ) -> poem::Result<Left> {
        people::remove(&ctx, &id.0, &user.0).await?;
        Ok(Left::NoContent)
    }
}
