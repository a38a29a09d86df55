//! Beginning conversations.

use std::sync::Arc;

use chrono::Duration;
use pawbase_engine::{RecordId, RecordIdKey, ToSql, Tx};
use serde_json::json;
use uuid::Uuid;

use super::model::{Conversation, ConversationKind, Part};
use super::send::come_in;
use super::views::StartConversation;
use super::{rules, store, transact};
use crate::context::{Audience, Ctx};
use crate::kernel::error::RULE_VIOLATED;
use crate::kernel::time::floored;
use crate::kernel::{Error, FieldError, Result};
use crate::work::{NewEvent, catalogue, emit};

/// A conversation that is to be begun.
struct Plan {
    conversation: Conversation,
    /// Who is written to for themselves.
    others: Vec<Uuid>,
    /// As what the caller is in it.
    part: Part,
    /// A name that no other conversation has, where there is to be one only.
    once: Option<String>,
}

/// Begins a conversation, or finds the inquiry that the caller has begun about the same before; says whether it is new. Fails with all
/// bad fields; RULE_VIOLATED when the caller would write to themselves or to too many; FORBIDDEN when somebody wants no messages of theirs;
/// TOO_MANY_REQUESTS when they begin too many.
pub async fn start(ctx: &Ctx, input: &StartConversation) -> Result<(Conversation, bool)> {
    let user = ctx.require_signed()?.user;
    let plan = Arc::new(plan(ctx, user, input).await?);
    transact(ctx, move |tx, ctx| {
        let plan = Arc::clone(&plan);
        Box::pin(async move {
            if let Some(once) = &plan.once
                && let Some(found) = store::conversation_once(tx, once).await?
            {
                return Ok((found, false));
            }
            if store::is_blocked(tx, &plan.others, user).await? {
                return Err(rules::blocked());
            }
            let hour = floored(ctx.now()) - Duration::hours(1);
            rules::check_begun(store::begun_since(tx, user, hour, rules::BEGUN_PER_HOUR).await?)?;
            write(tx, ctx, user, &plan).await?;
            Ok((plan.conversation.clone(), true))
        })
    })
    .await
}

async fn write(tx: &Tx, ctx: &Ctx, user: Uuid, plan: &Plan) -> Result<()> {
    let new = &plan.conversation;
    if let Some(business) = new.business
        && store::works_in(tx, user, business).await?
    {
        return Err(Error::new(RULE_VIOLATED, "You work for that business yourself."));
    }
    store::insert_conversation(tx, new, plan.once.as_deref()).await?;
    come_in(tx, ctx, new.id, user, plan.part).await?;
    for other in &plan.others {
        come_in(tx, ctx, new.id, *other, Part::Member).await?;
    }
    let payload = json!({ "kind": new.kind.as_str(), "business": new.business });
    let about = store::record("conversations", new.id);
    emit(tx, ctx, NewEvent::new(&catalogue::CONVERSATION_CREATED, about, payload)?).await
}

async fn plan(ctx: &Ctx, user: Uuid, input: &StartConversation) -> Result<Plan> {
    let kind = ConversationKind::parse(&input.kind);
    let mut bad: Vec<FieldError> = input.subject.as_deref().and_then(rules::refuses_subject).into_iter().collect();
    let is_inquiry = kind == Some(ConversationKind::Inquiry);
    match kind {
        Some(ConversationKind::Inquiry | ConversationKind::Group | ConversationKind::Support) => {}
        _ => bad.push(FieldError::new("/kind", "enum", "must be inquiry, group or support")),
    }
    if input.about.is_some() && !is_inquiry {
        bad.push(FieldError::new("/about", "rule", "only an inquiry is about something"));
    }
    if is_inquiry && input.about.is_none() {
        bad.push(FieldError::new("/about", "rule", "an inquiry is about something"));
    }
    if is_inquiry && input.participants.is_some() {
        bad.push(FieldError::new("/participants", "rule", "an inquiry goes to whoever offers it"));
    }
    if !bad.is_empty() {
        return Err(Error::invalid(bad));
    }
    let begun = begun(ctx, user, kind.unwrap_or(ConversationKind::Group), input);
    if is_inquiry { inquiry(ctx, user, begun, input).await } else { with_people(ctx, user, begun, input).await }
}

fn begun(ctx: &Ctx, user: Uuid, kind: ConversationKind, input: &StartConversation) -> Conversation {
    Conversation {
        id: ctx.new_id(),
        kind,
        subject: input.subject.clone(),
        about: None,
        business: None,
        members: vec![user],
        created_by: user,
        last_message: None,
        last_message_at: None,
        created_at: floored(ctx.now()),
    }
}

/// A question about something offered: to the business that offers it, or else to the person.
async fn inquiry(ctx: &Ctx, user: Uuid, mut new: Conversation, input: &StartConversation) -> Result<Plan> {
    let unknown = || Error::invalid(vec![FieldError::new("/about", "reference", "no such record")]);
    let about = input.about.as_ref().ok_or_else(unknown)?;
    if !rules::OFFERED.contains(&about.table.as_str()) {
        let words = format!("must be one of {}", rules::OFFERED.join(", "));
        return Err(Error::invalid(vec![FieldError::new("/about/table", "rule", words)]));
    }
    let key = Uuid::try_parse(&about.id).map_err(|_| unknown())?;
    let record = RecordId::new(about.table.as_str(), RecordIdKey::Uuid(key.into()));
    let offer = store::offer(ctx.session(), &record).await?.ok_or_else(unknown)?;
    new.business = if about.table == "businesses" { Some(key) } else { offer.business };
    let seller = offer.seller.filter(|_| new.business.is_none());
    if seller == Some(user) {
        return Err(Error::new(RULE_VIOLATED, "It is you who offers it."));
    }
    new.members.extend(seller);
    new.subject = new.subject.or(offer.name);
    let once = Some(format!("{user} {}", record.to_sql()));
    new.about = Some(record);
    Ok(Plan { conversation: new, others: seller.into_iter().collect(), part: Part::Member, once })
}

/// People with each other, or with the staff. Staff name whom they write to; others write to whoever is there.
async fn with_people(ctx: &Ctx, user: Uuid, mut new: Conversation, input: &StartConversation) -> Result<Plan> {
    let is_support = new.kind == ConversationKind::Support;
    let is_by_staff = is_support && ctx.audience == Audience::Admin;
    let named = input.participants.as_deref().unwrap_or_default();
    if is_support && !is_by_staff {
        if !named.is_empty() {
            let words = "support is whoever of the staff is there";
            return Err(Error::invalid(vec![FieldError::new("/participants", "rule", words)]));
        }
        return Ok(Plan { conversation: new, others: Vec::new(), part: Part::Member, once: None });
    }
    let others = parsed_people(named, "/participants", user)?;
    check_seen(ctx, &others, "/participants").await?;
    if is_by_staff {
        new.members.clear();
    }
    new.members.extend(&others);
    rules::check_room(new.members.len())?;
    let part = if is_by_staff { Part::Staff } else { Part::Owner };
    Ok(Plan { conversation: new, others, part, once: None })
}

/// The keys of people other than the caller, each once. Fails with all that are none, and when there is nobody.
pub(super) fn parsed_people(people: &[String], pointer: &str, user: Uuid) -> Result<Vec<Uuid>> {
    let (mut found, mut bad): (Vec<Uuid>, Vec<FieldError>) = (Vec::new(), Vec::new());
    for (at, text) in people.iter().enumerate() {
        match Uuid::try_parse(text) {
            Ok(key) if key == user || found.contains(&key) => {}
            Ok(key) => found.push(key),
            Err(_) => bad.push(FieldError::new(format!("{pointer}/{at}"), "format", "must be the key of a user")),
        }
    }
    if found.is_empty() && bad.is_empty() {
        bad.push(FieldError::new(pointer, "rule", "must name somebody else"));
    }
    if found.len() > rules::MEMBERS_MAX {
        bad.push(FieldError::new(pointer, "length", format!("must name at most {} people", rules::MEMBERS_MAX)));
    }
    if bad.is_empty() { Ok(found) } else { Err(Error::invalid(bad)) }
}

/// Fails when the caller does not see one of these people.
pub(super) async fn check_seen(ctx: &Ctx, people: &[Uuid], pointer: &str) -> Result<()> {
    let seen = store::seen_people(ctx.session(), people).await?;
    if people.iter().all(|one| seen.contains(one)) {
        return Ok(());
    }
    Err(Error::invalid(vec![FieldError::new(pointer, "reference", "one of them is no user, or not to be seen")]))
}
