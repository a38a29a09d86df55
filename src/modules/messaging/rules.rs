//! What a message and a conversation must be, who may write where, and how fast. Pure: values in, decision out.

use chrono::Duration;
use uuid::Uuid;

use super::model::{Conversation, ConversationKind, Draft, Pace, Part, Participant, Standing};
use crate::kernel::error::{CONFLICT, FORBIDDEN, RULE_VIOLATED, TOO_MANY_REQUESTS};
use crate::kernel::time::Instant;
use crate::kernel::{Error, FieldError, Result};

/// Characters of a message at most.
pub const CONTENT_MAX: usize = 4000;
/// Files of a message at most.
pub const FILES_MAX: usize = 10;
/// Characters of what an app calls a message at most.
pub const CLIENT_ID_MAX: usize = 64;
/// Characters of a subject that somebody gives at most.
pub const SUBJECT_MAX: usize = 150;
/// Members of a conversation at most.
pub const MEMBERS_MAX: usize = 50;
/// Messages that somebody sends into one conversation in a minute at most.
pub const MESSAGES_PER_MINUTE: i64 = 60;
/// Conversations that somebody begins in an hour at most.
pub const BEGUN_PER_HOUR: usize = 30;
/// People of a business who are told of a message that nobody there has answered, at most.
pub const FRONT_DESK_MAX: usize = 20;
/// What one may ask about.
pub const OFFERED: [&str; 4] = ["listings", "products", "services", "businesses"];

/// Fails with all that is wrong with a message.
pub fn check_draft(draft: &Draft) -> Result<()> {
    let mut bad = Vec::new();
    let count = draft.content.chars().count();
    if count > CONTENT_MAX {
        bad.push(FieldError::new("/content", "length", format!("must have at most {CONTENT_MAX} characters")));
    } else if draft.content.trim().is_empty() && (draft.files.is_empty() || !draft.content.is_empty()) {
        bad.push(FieldError::new("/content", "rule", "must say something where there are no files"));
    } else if has_control(&draft.content) {
        bad.push(FieldError::new("/content", "format", "must not hold control characters"));
    }
    let is_name = |name: &String| {
        !name.trim().is_empty() && name.chars().count() <= CLIENT_ID_MAX && !name.chars().any(char::is_control)
    };
    if draft.client_id.as_ref().is_some_and(|name| !is_name(name)) {
        bad.push(FieldError::new("/client_id", "length", format!("must have 1 to {CLIENT_ID_MAX} characters")));
    }
    if draft.files.len() > FILES_MAX {
        bad.push(FieldError::new("/files", "length", format!("must be at most {FILES_MAX} files")));
    }
    if bad.is_empty() { Ok(()) } else { Err(Error::invalid(bad)) }
}

/// What is wrong with a subject.
pub fn refuses_subject(subject: &str) -> Option<FieldError> {
    if subject.trim().is_empty() || subject.chars().count() > SUBJECT_MAX {
        return Some(FieldError::new("/subject", "length", format!("must have 1 to {SUBJECT_MAX} characters")));
    }
    let is_line = !subject.chars().any(char::is_control);
    (!is_line).then(|| FieldError::new("/subject", "format", "must be one line without control characters"))
}

fn has_control(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// How somebody stands to a conversation; None when they do not see it.
pub fn standing(conversation: &Conversation, user: Uuid, works_there: bool, is_staff: bool) -> Option<Standing> {
    if conversation.members.contains(&user) {
        Some(Standing::Member)
    } else if is_staff {
        Some(Standing::Staff)
    } else {
        works_there.then_some(Standing::Business)
    }
}

/// Fails when staff may see a conversation but do not take part in it.
pub fn check_takes_part(conversation: &Conversation, standing: Standing) -> Result<()> {
    if standing == Standing::Staff && conversation.kind != ConversationKind::Support {
        return Err(Error::new(FORBIDDEN, "Staff write in conversations with support only."));
    }
    Ok(())
}

/// Of whom it counts that they want no messages of `sender`: the other one, where two people write to each other.
pub fn only_other(conversation: &Conversation, sender: Uuid) -> Option<Uuid> {
    let others: Vec<Uuid> = conversation.members.iter().copied().filter(|member| *member != sender).collect();
    match others.as_slice() {
        [other] if conversation.business.is_none() => Some(*other),
        _ => None,
    }
}

/// What somebody is told whom another person wants no messages of.
pub fn blocked() -> Error {
    Error::new(FORBIDDEN, "Somebody there takes no messages from you.")
}

/// The pace with one message more. Fails with TOO_MANY_REQUESTS when it is too fast.
pub fn quicker(pace: Pace, now: Instant) -> Result<Pace> {
    let minute = Duration::minutes(1);
    match pace.since.filter(|since| now < *since + minute) {
        Some(since) if pace.sent >= MESSAGES_PER_MINUTE => {
            let wait = u64::try_from((since + minute - now).num_seconds()).unwrap_or_default();
            let message = format!("More than {MESSAGES_PER_MINUTE} messages in a minute.");
            Err(Error::new(TOO_MANY_REQUESTS, message).retry_after(wait))
        }
        Some(since) => Ok(Pace { since: Some(since), sent: pace.sent + 1 }),
        None => Ok(Pace { since: Some(now), sent: 1 }),
    }
}

/// Fails when somebody has begun too many conversations within the hour.
pub fn check_begun(count: usize) -> Result<()> {
    if count < BEGUN_PER_HOUR {
        return Ok(());
    }
    let message = format!("More than {BEGUN_PER_HOUR} conversations begun in an hour.");
    Err(Error::new(TOO_MANY_REQUESTS, message).retry_after(60))
}

/// Fails unless people can be let in and out, and by this one.
pub fn check_lets_in(conversation: &Conversation, caller: Option<&Participant>) -> Result<()> {
    check_group(conversation)?;
    match caller {
        Some(caller) if caller.part == Part::Owner && !caller.has_left => Ok(()),
        _ => Err(Error::new(FORBIDDEN, "Only an owner of the conversation adds and removes people.")),
    }
}

/// Fails unless people come and go in this conversation.
pub fn check_group(conversation: &Conversation) -> Result<()> {
    if conversation.kind == ConversationKind::Group {
        return Ok(());
    }
    let message = format!("People come and go in groups only; this is of kind {}.", conversation.kind.as_str());
    Err(Error::new(CONFLICT, message))
}

/// Fails when a conversation would have too many members.
pub fn check_room(count: usize) -> Result<()> {
    if count <= MEMBERS_MAX {
        return Ok(());
    }
    Err(Error::new(RULE_VIOLATED, format!("A conversation has at most {MEMBERS_MAX} members.")))
}

/// Who lets others in and out once somebody has left: the first who is still there, where no owner is.
pub fn next_owner(participants: &[Participant]) -> Option<&Participant> {
    let mut present = participants.iter().filter(|one| !one.has_left && one.part.is_member());
    let has_owner = participants.iter().any(|one| !one.has_left && one.part == Part::Owner);
    if has_owner { None } else { present.next() }
}

/// Whether somebody has something to read.
pub fn is_behind(participant: &Participant, last_message: Uuid) -> bool {
    !participant.has_left && participant.last_read.is_none_or(|read| read < last_message)
}
