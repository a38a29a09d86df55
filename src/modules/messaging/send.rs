//! Sending messages, and noting how far somebody has read.

use std::time::Duration;

use pawbase_engine::Tx;
use serde_json::json;
use uuid::Uuid;

use super::model::{Conversation, Draft, Message, Pace, Part, Participant, Standing};
use super::people::parsed;
use super::telling::TELL;
use super::views::NewMessage;
use super::{rules, store, transact};
use crate::context::{Audience, Ctx};
use crate::kernel::error::IDEMPOTENCY_MISMATCH;
use crate::kernel::time::floored;
use crate::kernel::{Error, FieldError, Result};
use crate::work::{NewEvent, NewJob, catalogue, emit, enqueue};

/// How long those who look at it have, before they are told that there is something new.
const TELL_AFTER: Duration = Duration::from_secs(120);

/// Stores a message of the caller. Fails with all bad fields; NOT_FOUND when the caller does not see the conversation; FORBIDDEN when
/// they may not write there, or when the other one wants no messages of theirs; TOO_MANY_REQUESTS when they write too fast;
/// IDEMPOTENCY_MISMATCH when they have sent something else under the same name.
pub async fn send(ctx: &Ctx, conversation: Uuid, draft: Draft) -> Result<Message> {
    let user = ctx.require_signed()?.user;
    rules::check_draft(&draft)?;
    transact(ctx, move |tx, ctx| {
        let draft = draft.clone();
        Box::pin(async move {
            if let Some(sent) = sent_before(tx, user, conversation, &draft).await? {
                return Ok(sent);
            }
            let (conversation, standing) = seen(tx, ctx, user, conversation).await?;
            rules::check_takes_part(&conversation, standing)?;
            if let Some(other) = rules::only_other(&conversation, user)
                && store::is_blocked(tx, &[other], user).await?
            {
                return Err(rules::blocked());
            }
            let participant = seat(tx, ctx, &conversation, user, standing).await?;
            check_own(tx, user, &draft.files).await?;
            let pace = rules::quicker(participant.pace, floored(ctx.now()))?;
            let message = new_message(ctx, user, conversation.id, draft);
            store::insert_message(tx, &message).await?;
            store::keep_sent(tx, participant.id, message.id, pace).await?;
            tell(tx, ctx, &message).await?;
            Ok(message)
        })
    })
    .await
}

/// The same message, if the app has sent it already and did not see the answer.
async fn sent_before(tx: &Tx, user: Uuid, conversation: Uuid, draft: &Draft) -> Result<Option<Message>> {
    let Some(name) = &draft.client_id else { return Ok(None) };
    match store::sent_as(tx, user, name).await? {
        Some(sent)
            if sent.conversation == conversation && sent.content == draft.content && sent.files == draft.files =>
        {
            Ok(Some(sent))
        }
        Some(_) => Err(Error::new(IDEMPOTENCY_MISMATCH, "You have sent another message under this client_id.").at(
            "/client_id",
            "unique",
            "was used for another message",
        )),
        None => Ok(None),
    }
}

/// Fails unless all of these are files of the sender's own.
async fn check_own(tx: &Tx, user: Uuid, files: &[Uuid]) -> Result<()> {
    let own = if files.is_empty() { Vec::new() } else { store::own_files(tx, user, files).await? };
    let bad = files.iter().enumerate().filter(|(_, file)| !own.contains(file));
    let bad: Vec<FieldError> =
        bad.map(|(at, _)| FieldError::new(format!("/files/{at}"), "reference", "is no file of yours")).collect();
    if bad.is_empty() { Ok(()) } else { Err(Error::invalid(bad)) }
}

fn new_message(ctx: &Ctx, sender: Uuid, conversation: Uuid, draft: Draft) -> Message {
    let id = ctx.new_id();
    Message {
        id,
        conversation,
        sender,
        content: draft.content,
        files: draft.files,
        client_id: draft.client_id.unwrap_or_else(|| id.to_string()),
        created_at: floored(ctx.now()),
        is_repeated: false,
    }
}

/// The event, and the job that looks later who has not read it. While one is waiting it will find this message too.
async fn tell(tx: &Tx, ctx: &Ctx, message: &Message) -> Result<()> {
    let about = store::record("conversations", message.conversation);
    let payload = json!({ "message": message.id, "sender": message.sender });
    emit(tx, ctx, NewEvent::new(&catalogue::MESSAGE_SENT, about.clone(), payload)?).await?;
    let job = NewJob::new(TELL, json!({ "conversation": message.conversation }))?
        .about(about)
        .after(TELL_AFTER)
        .unique(format!("{TELL} {}", message.conversation));
    enqueue(tx, ctx, job).await?;
    Ok(())
}

/// Notes how far the caller has read; never back. Fails with NOT_FOUND when the caller does not see the conversation, FORBIDDEN when
/// staff only look, and with a bad field when the message is not of it.
pub async fn read_to(ctx: &Ctx, conversation: Uuid, message: Uuid) -> Result<()> {
    let user = ctx.require_signed()?.user;
    transact(ctx, move |tx, ctx| {
        Box::pin(async move {
            let (conversation, standing) = seen(tx, ctx, user, conversation).await?;
            rules::check_takes_part(&conversation, standing)?;
            if store::conversation_of_message(tx, message).await? != Some(conversation.id) {
                let words = "is no message of this conversation";
                return Err(Error::invalid(Vec::new()).at("/message", "reference", words));
            }
            let participant = seat(tx, ctx, &conversation, user, standing).await?;
            if rules::is_behind(&participant, message) {
                store::keep_read(tx, participant.id, message).await?;
            }
            Ok(())
        })
    })
    .await
}

/// A conversation that the caller sees, and as what; else NOT_FOUND.
pub(super) async fn seen(tx: &Tx, ctx: &Ctx, user: Uuid, id: Uuid) -> Result<(Conversation, Standing)> {
    let conversation = store::conversation(tx, id).await?.ok_or_else(Error::not_found)?;
    let is_staff = ctx.audience == Audience::Admin;
    let works_there = match conversation.business.filter(|_| !is_staff) {
        Some(business) => store::works_in(tx, user, business).await?,
        None => false,
    };
    let standing = rules::standing(&conversation, user, works_there, is_staff).ok_or_else(Error::not_found)?;
    Ok((conversation, standing))
}

/// The caller among the participants. Who works in the business, or is staff, comes in with the first thing that they do.
async fn seat(tx: &Tx, ctx: &Ctx, conversation: &Conversation, user: Uuid, standing: Standing) -> Result<Participant> {
    let (part, at) = (standing.part(), floored(ctx.now()));
    let known = store::participant(tx, conversation.id, user).await?;
    let is_other = |known: &Participant| known.has_left || known.part.is_member() != part.is_member();
    match known {
        Some(known) if is_other(&known) => {
            store::rejoin(tx, known.id, part, at).await?;
            Ok(Participant { part, has_left: false, ..known })
        }
        Some(known) => Ok(known),
        None => come_in(tx, ctx, conversation.id, user, part).await,
    }
}

/// Writes somebody new among the participants.
pub(super) async fn come_in(tx: &Tx, ctx: &Ctx, conversation: Uuid, user: Uuid, part: Part) -> Result<Participant> {
    let (id, pace) = (ctx.new_id(), Pace::default());
    let new = Participant { id, user, part, last_read: None, is_muted: false, pace, has_left: false };
    store::insert_participant(tx, conversation, &new, floored(ctx.now())).await?;
    Ok(new)
}

/// As [`send`], to the conversation with a key from a path.
pub(super) async fn send_to(ctx: &Ctx, conversation: &str, new: NewMessage) -> Result<Message> {
    ctx.require_signed()?;
    send(ctx, parsed(conversation)?, Draft::try_from(new)?).await
}

/// As [`read_to`], with keys from outside.
pub(super) async fn read_named(ctx: &Ctx, conversation: &str, message: &str) -> Result<()> {
    ctx.require_signed()?;
    let conversation = parsed(conversation)?;
    let bad = || Error::invalid(Vec::new()).at("/message", "format", "must be the key of a message");
    read_to(ctx, conversation, Uuid::try_parse(message).map_err(|_| bad())?).await
}

/// In how many conversations the caller has something to read.
pub(super) async fn unread(ctx: &Ctx) -> Result<u64> {
    let user = ctx.require_signed()?.user;
    store::unread(ctx.system(), user, ctx.audience == Audience::Admin).await
}
