//! What the operations take and give.

use chrono::SecondsFormat;
use pawbase_engine::{RecordId, RecordIdKey, ToSql};
use poem_openapi::Object;
use uuid::Uuid;

use super::model::{Conversation, Draft, Message};
use crate::kernel::time::Instant;
use crate::kernel::{Error, FieldError, Result};

/// A record that a conversation is about.
#[derive(Object, Debug, Clone)]
#[oai(rename = "ConversationTopic", deny_unknown_fields)]
pub struct Topic {
    /// Its table.
    pub table: String,
    /// Its key.
    pub id: String,
}

impl From<RecordId> for Topic {
    fn from(record: RecordId) -> Self {
        let id = match record.key {
            RecordIdKey::Uuid(key) => key.into_inner().to_string(),
            RecordIdKey::String(key) => key,
            other => other.to_sql(),
        };
        Self { table: record.table.as_str().to_owned(), id }
    }
}

/// A conversation that somebody wants to begin.
#[derive(Object, Debug)]
#[oai(deny_unknown_fields)]
pub struct StartConversation {
    /// `inquiry`: a question about something offered. `group`: with other people. `support`: with the staff of the platform.
    pub kind: String,
    /// What an inquiry is about: a listing, product, service or business.
    pub about: Option<Topic>,
    /// Keys of the people a group is with; of staff, whom they write to.
    pub participants: Option<Vec<String>>,
    /// What it is about, in words. Of an inquiry that is what the thing is called, if left out.
    pub subject: Option<String>,
}

/// A conversation.
#[derive(Object)]
#[oai(rename = "Conversation", skip_serializing_if_is_none)]
pub struct ConversationView {
    /// Its key.
    pub id: String,
    /// What kind it is.
    pub kind: String,
    /// What it is about, in words.
    pub subject: Option<String>,
    /// The record that it is about.
    pub about: Option<Topic>,
    /// The business that is written to.
    pub business: Option<String>,
    /// Who is in it for themselves.
    pub members: Vec<String>,
    /// Who began it.
    pub created_by: String,
    /// The newest message.
    pub last_message: Option<String>,
    /// When that was sent.
    pub last_message_at: Option<String>,
    /// When it began.
    pub created_at: String,
}

impl From<Conversation> for ConversationView {
    fn from(conversation: Conversation) -> Self {
        Self {
            id: conversation.id.to_string(),
            kind: conversation.kind.as_str().to_owned(),
            subject: conversation.subject,
            about: conversation.about.map(Topic::from),
            business: conversation.business.map(|key| key.to_string()),
            members: conversation.members.iter().map(ToString::to_string).collect(),
            created_by: conversation.created_by.to_string(),
            last_message: conversation.last_message.map(|key| key.to_string()),
            last_message_at: conversation.last_message_at.map(moment),
            created_at: moment(conversation.created_at),
        }
    }
}

/// A message that somebody wants to send.
#[derive(Object, Debug)]
#[oai(deny_unknown_fields)]
pub struct NewMessage {
    /// The text; empty where files say enough.
    pub content: String,
    /// What the app calls it. Sent again under the same name it is one message.
    pub client_id: Option<String>,
    /// Keys of files that go with it, uploaded by the sender with the purpose `message_attachment`.
    pub files: Option<Vec<String>>,
}

impl TryFrom<NewMessage> for Draft {
    type Error = Error;

    /// Fails with all keys that are none.
    fn try_from(new: NewMessage) -> Result<Self> {
        let (mut files, mut bad) = (Vec::new(), Vec::new());
        for (at, text) in new.files.iter().flatten().enumerate() {
            match Uuid::try_parse(text) {
                Ok(key) => files.push(key),
                Err(_) => bad.push(FieldError::new(format!("/files/{at}"), "format", "must be the key of a file")),
            }
        }
        if bad.is_empty() {
            Ok(Self { content: new.content, client_id: new.client_id, files })
        } else {
            Err(Error::invalid(bad))
        }
    }
}

/// A message that was sent.
#[derive(Object)]
#[oai(rename = "SentMessage")]
pub struct MessageView {
    /// Its key; keys ascend in the order of the conversation.
    pub id: String,
    /// Where it was written.
    pub conversation: String,
    /// Who wrote it.
    pub sender: String,
    /// The text.
    pub content: String,
    /// Files that go with it.
    pub files: Vec<String>,
    /// What the app calls it; its key where the app said nothing.
    pub client_id: String,
    /// When it was sent.
    pub created_at: String,
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        Self {
            id: message.id.to_string(),
            conversation: message.conversation.to_string(),
            sender: message.sender.to_string(),
            content: message.content,
            files: message.files.iter().map(ToString::to_string).collect(),
            client_id: message.client_id,
            created_at: moment(message.created_at),
        }
    }
}

/// How far somebody has read.
#[derive(Object, Debug)]
#[oai(deny_unknown_fields)]
pub struct ReadUpTo {
    /// Key of the newest message that was read.
    pub message: String,
}

/// People who are to come into a group.
#[derive(Object, Debug)]
#[oai(deny_unknown_fields)]
pub struct AddParticipants {
    /// Their keys.
    pub users: Vec<String>,
}

/// In how many conversations there is something to read.
#[derive(Object)]
pub struct UnreadConversations {
    /// How many conversations.
    pub unread: u64,
}

/// An instant in whole seconds, as the records API writes it.
fn moment(instant: Instant) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}
