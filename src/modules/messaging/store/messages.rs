//! Statements over `messages`, and over who wants none from whom.

use pawbase_engine::{RecordId, Tx, Value, Vars};
use uuid::Uuid;

use super::{keys, list, record, users};
use crate::kernel::Result;
use crate::modules::messaging::model::Message;
use crate::work::Row;

fn message_in(row: Value) -> Result<Message> {
    let mut row = Row(row);
    Ok(Message {
        id: row.key("id")?,
        conversation: row.key("conversation")?,
        sender: row.key("sender")?,
        content: row.take("content")?,
        files: list(&mut row, "files")?,
        client_id: row.take("client_id")?,
        created_at: row.take("created_at")?,
        is_repeated: true,
    })
}

/// What somebody has sent under this name.
pub async fn sent_as(tx: &Tx, sender: Uuid, client_id: &str) -> Result<Option<Message>> {
    let vars = Vars::new().with("sender", record("users", sender)).with("client", client_id);
    let text = "SELECT id, conversation, sender, content, files, client_id, created_at FROM messages
        WHERE sender = $sender AND client_id = $client";
    tx.query(text, vars).await?.rows(0).pop().map(message_in).transpose()
}

/// Writes a message, and in its conversation that it is the newest.
pub async fn insert_message(tx: &Tx, message: &Message) -> Result<()> {
    let vars = Vars::new()
        .with("id", record("messages", message.id))
        .with("conversation", record("conversations", message.conversation))
        .with("sender", record("users", message.sender))
        .with("content", message.content.as_str())
        .with("files", files(&message.files))
        .with("client", message.client_id.as_str())
        .with("at", message.created_at);
    let text = "CREATE $id SET conversation = $conversation, sender = $sender, content = $content, files = $files,
            client_id = $client, created_at = $at RETURN NONE;
        UPDATE $conversation SET last_message = $id, last_message_at = $at RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// The records of files.
fn files(keys: &[Uuid]) -> Vec<RecordId> {
    keys.iter().map(|file| record("files", *file)).collect()
}

/// Which of these files `owner` has uploaded.
pub async fn own_files(tx: &Tx, owner: Uuid, wanted: &[Uuid]) -> Result<Vec<Uuid>> {
    let vars = Vars::new().with("files", files(wanted)).with("owner", record("users", owner));
    keys(tx.query("SELECT VALUE id FROM $files WHERE owner = $owner", vars).await?.rows(0))
}

/// The conversation of a message, if there is such a message.
pub async fn conversation_of_message(tx: &Tx, message: Uuid) -> Result<Option<Uuid>> {
    let vars = Vars::new().with("id", record("messages", message));
    Ok(keys(tx.query("SELECT VALUE conversation FROM $id", vars).await?.rows(0))?.pop())
}

/// The name of whoever wrote a message, if both are still there.
pub async fn sender_name(tx: &Tx, message: Uuid) -> Result<Option<String>> {
    let vars = Vars::new().with("id", record("messages", message));
    match tx.query("SELECT VALUE sender.name FROM $id", vars).await?.rows(0).pop() {
        Some(Value::String(name)) => Ok(Some(name)),
        _ => Ok(None),
    }
}

/// Whether one of these people wants no messages of `sender`.
pub async fn is_blocked(tx: &Tx, people: &[Uuid], sender: Uuid) -> Result<bool> {
    let vars = Vars::new().with("people", users(people)).with("sender", record("users", sender));
    let text = "SELECT VALUE id FROM blocks WHERE user IN $people AND blocked = $sender LIMIT 1";
    Ok(!tx.query(text, vars).await?.rows(0).is_empty())
}
