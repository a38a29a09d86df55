//! The statements of this module, one per function, over `mails`.

use pawbase_engine::{EngineError, RecordId, RecordIdKey, Session, SurrealValue, Tx, Value, Vars};
use serde_json::Value as Json;
use uuid::Uuid;

use super::letter::{Letter, Link};
use crate::kernel::error::CONFLICT;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::work::forget_before;

/// How far a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is to be sent.
    Queued,
    /// It went out.
    Sent,
    /// It was refused, or tried too often.
    Failed,
    /// It was made while mail is off.
    Suppressed,
}

impl State {
    const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Failed, Self::Suppressed];

    /// Its name in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Suppressed => "suppressed",
        }
    }
}

/// A mail as it is kept.
#[derive(Debug, Clone)]
pub struct MailRow {
    /// Key in `mails`.
    pub id: Uuid,
    /// Address that it goes to.
    pub to: String,
    /// Whose address that is.
    pub user: Option<Uuid>,
    /// Code of its template.
    pub template: String,
    /// Language that was asked for.
    pub locale: String,
    /// How far it is.
    pub state: State,
    /// Its Message-ID.
    pub message_id: String,
    /// What the template fills in.
    pub data: Json,
    /// Where its link leads.
    pub link: Option<Link>,
    /// Where its unsubscribe link leads.
    pub unsubscribe: Option<Link>,
}

/// The record of a mail.
pub fn record(id: Uuid) -> RecordId {
    RecordId::new("mails", RecordIdKey::Uuid(id.into()))
}

fn uuid_of(value: &Value) -> Result<Uuid> {
    match value {
        Value::RecordId(RecordId { key: RecordIdKey::Uuid(uuid), .. }) => Ok(uuid.into_inner()),
        other => Err(Error::internal(format!("not a record with a UUID as its key: {other:?}"))),
    }
}

/// The mail with this unique key.
pub async fn with_key(tx: &Tx, key: &str) -> Result<Option<Uuid>> {
    let text = "SELECT VALUE id FROM mails WHERE unique_key = $key LIMIT 1";
    let rows = tx.query(text, Vars::new().with("key", key)).await?.rows(0);
    rows.first().map(uuid_of).transpose()
}

/// Keeps a new mail.
pub async fn insert(tx: &Tx, id: Uuid, letter: &Letter, state: State, message_id: &str, now: Instant) -> Result<()> {
    let vars = Vars::new()
        .with("id", record(id))
        .with("to", letter.to.as_str())
        .with("user", letter.user.map(|user| RecordId::new("users", RecordIdKey::Uuid(user.into()))))
        .with("template", letter.template)
        .with("locale", letter.locale.clone())
        .with("state", state.as_str())
        .with("message_id", message_id)
        .with("now", now)
        .with("data", letter.data.clone())
        .with("link", as_object(letter.link.as_ref())?)
        .with("unsubscribe", as_object(letter.unsubscribe.as_ref())?)
        .with("key", letter.unique_key.clone());
    let text =
        "CREATE $id SET `to` = $to, user = $user, template = $template, locale = $locale ?? $user.locale ?? 'en',
        state = $state, message_id = $message_id, created_at = $now, data = $data, link = $link,
        unsubscribe = $unsubscribe, unique_key = $key RETURN NONE";
    tx.query(text, vars).await.map_err(doubled)?;
    Ok(())
}

/// Of two transactions with one unique key the later one is run again, and finds the mail of the other.
fn doubled(error: EngineError) -> Error {
    match error {
        EngineError::Unique { index } if index == "mails_unique_key" => {
            Error::new(CONFLICT, "There is such a mail already.").retryable()
        }
        error => error.into(),
    }
}

fn as_object(link: Option<&Link>) -> Result<Option<Json>> {
    link.map(|link| serde_json::to_value(link).map_err(Error::internal)).transpose()
}

/// A mail that repeats another, made now.
pub async fn insert_copy(tx: &Tx, id: Uuid, of: Uuid, state: State, message_id: &str, now: Instant) -> Result<()> {
    let vars = Vars::new()
        .with("id", record(id))
        .with("of", record(of))
        .with("state", state.as_str())
        .with("message_id", message_id)
        .with("now", now);
    let text = "CREATE $id SET `to` = $of.`to`, user = $of.user, template = $of.template, locale = $of.locale,
        state = $state, message_id = $message_id, created_at = $now, data = $of.data, link = $of.link,
        unsubscribe = $of.unsubscribe, resends = $of RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

const ROW: &str = "id, `to`, user, template, locale, state, message_id, data, link, unsubscribe";

/// A mail.
pub async fn mail(session: &Session, id: Uuid) -> Result<Option<MailRow>> {
    let mut answer = session.read(&format!("SELECT {ROW} FROM $id"), Vars::new().with("id", record(id))).await?;
    answer.rows(0).pop().map(row).transpose()
}

/// The same inside a transaction.
pub async fn mail_within(tx: &Tx, id: Uuid) -> Result<Option<MailRow>> {
    let mut answer = tx.query(&format!("SELECT {ROW} FROM $id"), Vars::new().with("id", record(id))).await?;
    answer.rows(0).pop().map(row).transpose()
}

fn row(value: Value) -> Result<MailRow> {
    let Value::Object(mut object) = value else { return Err(Error::internal("a mail that is no object")) };
    let mut take = |field: &str| object.remove(field).unwrap_or_default();
    let text = |value: Value| String::from_value(value).map_err(Error::internal);
    let user = take("user");
    let state = text(take("state"))?;
    Ok(MailRow {
        id: uuid_of(&take("id"))?,
        to: text(take("to"))?,
        user: if matches!(user, Value::None) { None } else { Some(uuid_of(&user)?) },
        template: text(take("template"))?,
        locale: text(take("locale"))?,
        state: State::ALL.into_iter().find(|known| known.as_str() == state).unwrap_or(State::Failed),
        message_id: text(take("message_id"))?,
        data: Json::from_value(take("data")).map_err(Error::internal)?,
        link: link(take("link"))?,
        unsubscribe: link(take("unsubscribe"))?,
    })
}

fn link(value: Value) -> Result<Option<Link>> {
    if matches!(value, Value::None) {
        return Ok(None);
    }
    let json = Json::from_value(value).map_err(Error::internal)?;
    serde_json::from_value(json).map(Some).map_err(Error::internal)
}

/// Notes that a mail went out.
pub async fn sent(tx: &Tx, id: Uuid, subject: &str, attempt: u32, now: Instant) -> Result<()> {
    let vars = Vars::new()
        .with("id", record(id))
        .with("subject", subject)
        .with("attempt", i64::from(attempt))
        .with("now", now);
    let text = "UPDATE $id SET state = 'sent', subject = $subject, attempts = $attempt, sent_at = $now, error = NONE
        WHERE state = 'queued' RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// Notes that a mail did not go out: not yet, or (`is_over`) never.
pub async fn not_sent(tx: &Tx, id: Uuid, error: &str, attempt: u32, is_over: bool) -> Result<()> {
    let state = if is_over { State::Failed } else { State::Queued };
    let vars = Vars::new()
        .with("id", record(id))
        .with("error", error)
        .with("attempt", i64::from(attempt))
        .with("state", state.as_str());
    let text = "UPDATE $id SET state = $state, error = $error, attempts = $attempt WHERE state = 'queued' RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// Forgets up to `most` mails with keys before `end`; answers which.
pub async fn forget(tx: &Tx, end: Uuid, most: i64) -> Result<Vec<Uuid>> {
    let ids = forget_before(tx, "mails", Some("state != 'queued'"), end, most).await?;
    ids.iter().map(uuid_of).collect()
}
