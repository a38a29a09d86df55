//! The statements of this module, one per function. Deliberately elsewhere: every decision.

use std::collections::BTreeMap;

use pawbase_engine::{RecordId, RecordIdKey, Session, Tx, Value, Vars};
use serde_json::Value as Json;
use uuid::Uuid;

use super::catalogue;
use super::model::{Delivery, DeliveryState, NewNotification, Notification};
use super::rules::{Channel, QuietHours, Suppression, Wishes};
use crate::context::Audience;
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::work::{Row, uuid_key};

/// The record of `table` with key `id`.
fn record(table: &str, id: Uuid) -> RecordId {
    RecordId::new(table, RecordIdKey::Uuid(id.into()))
}

/// Who has been told of `cause` by a notification of this type.
pub async fn told(tx: &Tx, kind: &str, cause: &str) -> Result<Vec<Uuid>> {
    let text = "SELECT VALUE user FROM notifications WHERE type = $type AND cause = $cause";
    let rows = tx.query(text, Vars::new().with("type", kind).with("cause", cause)).await?.rows(0);
    let keys = rows.into_iter().map(|row| row.into_t::<RecordId>().map_err(Error::internal));
    keys.map(|id| uuid_key(&id?)).collect()
}

/// Writes a notification. Fails when the person has been told of its cause by this type.
pub async fn insert(tx: &Tx, new: &NewNotification<'_>) -> Result<()> {
    let vars = Vars::new()
        .with("id", record("notifications", new.notification.id))
        .with("user", record("users", new.notification.user))
        .with("audience", new.kind.audience.as_str())
        .with("type", new.kind.name)
        .with("cause", new.cause)
        .with("title", new.notification.title.as_str())
        .with("body", new.notification.body.as_str())
        .with("data", new.data.clone())
        .with("about", new.about.cloned())
        .with("is_urgent", new.kind.is_urgent)
        .with("in_app", new.in_app)
        .with("expires_at", new.expires_at)
        .with("at", new.at);
    let text =
        "CREATE $id SET user = $user, audience = $audience, type = $type, cause = $cause, title = $title, body = $body,
        data = $data, about = $about, is_urgent = $is_urgent, in_app = $in_app, expires_at = $expires_at,
        created_at = $at RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// The notification with this key.
pub async fn notification(tx: &Tx, id: Uuid) -> Result<Option<Notification>> {
    let text = "SELECT user, type, title, body, read_at FROM $id";
    let row = tx.query(text, Vars::new().with("id", record("notifications", id))).await?.rows(0).pop();
    let Some(mut row) = row.map(Row) else { return Ok(None) };
    Ok(Some(Notification {
        id,
        user: row.key("user")?,
        kind: row.take("type")?,
        title: row.take("title")?,
        body: row.take("body")?,
        is_read: row.take::<Option<Instant>>("read_at")?.is_some(),
    }))
}

/// Writes how a notification goes out on one channel. Fails when there is such a row already.
pub async fn insert_delivery(tx: &Tx, delivery: &Delivery, at: Instant) -> Result<()> {
    let vars = delivery_vars(delivery, at)
        .with("notification", record("notifications", delivery.notification))
        .with("user", record("users", delivery.user))
        .with("type", delivery.kind)
        .with("channel", delivery.channel.as_str());
    let text =
        "CREATE $id SET notification = $notification, user = $user, type = $type, channel = $channel, state = $state,
        reason = $reason, due_at = $due_at, attempts = $attempts, mail = $mail, created_at = $at, updated_at = $at RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// Writes how far a delivery is.
pub async fn update_delivery(tx: &Tx, delivery: &Delivery, at: Instant) -> Result<()> {
    let text =
        "UPDATE $id SET state = $state, reason = $reason, due_at = $due_at, attempts = $attempts, updated_at = $at
        RETURN NONE";
    tx.query(text, delivery_vars(delivery, at)).await?;
    Ok(())
}

fn delivery_vars(delivery: &Delivery, at: Instant) -> Vars {
    Vars::new()
        .with("id", record("notification_deliveries", delivery.id))
        .with("state", delivery.state.as_str())
        .with("reason", delivery.reason.clone())
        .with("due_at", delivery.due_at)
        .with("attempts", delivery.attempts)
        .with("mail", delivery.mail.map(|id| record("mails", id)))
        .with("at", at)
}

const DELIVERY: &str = "id, notification, channel, user, type, state, reason, due_at, attempts, mail";

fn delivery_in(row: Value) -> Result<Delivery> {
    let mut row = Row(row);
    let (kind, state, channel): (String, String, String) =
        (row.take("type")?, row.take("state")?, row.take("channel")?);
    let unknown = |what: &str| Error::internal(format!("a delivery with {what}"));
    Ok(Delivery {
        id: row.key("id")?,
        notification: row.key("notification")?,
        user: row.key("user")?,
        kind: catalogue::find(&kind).map_or("", |kind| kind.name),
        channel: Channel::parse(&channel).ok_or_else(|| unknown(&channel))?,
        state: DeliveryState::parse(&state).ok_or_else(|| unknown(&state))?,
        reason: row.take("reason")?,
        due_at: row.take("due_at")?,
        attempts: row.take("attempts")?,
        mail: row.take::<Option<RecordId>>("mail")?.map(|id| uuid_key(&id)).transpose()?,
    })
}

/// How a notification goes out on a channel.
pub async fn delivery(tx: &Tx, notification: Uuid, channel: Channel) -> Result<Option<Delivery>> {
    let vars =
        Vars::new().with("notification", record("notifications", notification)).with("channel", channel.as_str());
    let text = format!(
        "SELECT {DELIVERY} FROM notification_deliveries WHERE notification = $notification AND channel = $channel"
    );
    tx.query(&text, vars).await?.rows(0).pop().map(delivery_in).transpose()
}

/// What somebody was sent by this mail.
pub async fn delivery_by(tx: &Tx, user: Uuid, mail: Uuid) -> Result<Option<Delivery>> {
    let vars = Vars::new().with("user", record("users", user)).with("mail", record("mails", mail));
    let text = format!("SELECT {DELIVERY} FROM notification_deliveries WHERE user = $user AND mail = $mail");
    tx.query(&text, vars).await?.rows(0).pop().map(delivery_in).transpose()
}

/// Which of somebody's notifications a listener shows. On the public one not those for staff.
fn shown(audience: Audience) -> &'static str {
    match audience {
        Audience::Public => "user = $user AND in_app AND audience = 'public'",
        Audience::Admin => "user = $user AND in_app",
    }
}

fn unread_text(audience: Audience) -> String {
    format!("SELECT count() AS unread FROM notifications WHERE {} AND read_at = NONE GROUP ALL", shown(audience))
}

fn unread_in(row: Option<Value>) -> Result<u64> {
    let count: Option<i64> = row.map(|row| Row(row).take("unread")).transpose()?;
    Ok(u64::try_from(count.unwrap_or_default()).unwrap_or_default())
}

/// How many of somebody's notifications nobody has read.
pub async fn unread(session: &Session, user: Uuid, audience: Audience) -> Result<u64> {
    let vars = Vars::new().with("user", record("users", user));
    unread_in(session.read(&unread_text(audience), vars).await?.rows(0).pop())
}

/// As [`unread`], inside a transaction.
pub async fn unread_within(tx: &Tx, user: Uuid, audience: Audience) -> Result<u64> {
    let vars = Vars::new().with("user", record("users", user));
    unread_in(tx.query(&unread_text(audience), vars).await?.rows(0).pop())
}

/// Marks a notification of somebody's as read; says whether there is such a one. When it was read first stays.
pub async fn mark_read(tx: &Tx, user: Uuid, audience: Audience, id: Uuid, at: Instant) -> Result<bool> {
    let vars = Vars::new().with("id", record("notifications", id)).with("user", record("users", user)).with("at", at);
    let text = format!("UPDATE $id SET read_at = read_at ?? $at WHERE {} RETURN id", shown(audience));
    Ok(!tx.query(&text, vars).await?.rows(0).is_empty())
}

/// Marks what somebody has not read, up to a key and up to a time where they are given.
pub async fn mark_all_read(
    tx: &Tx,
    user: Uuid,
    audience: Audience,
    (up_to, until): (Option<Uuid>, Option<Instant>),
    at: Instant,
) -> Result<()> {
    let vars = Vars::new()
        .with("user", record("users", user))
        .with("up_to", up_to.map(|id| record("notifications", id)))
        .with("until", until)
        .with("at", at);
    let text = format!(
        "UPDATE notifications SET read_at = $at WHERE {} AND read_at = NONE AND ($up_to = NONE OR id <= $up_to)
            AND ($until = NONE OR created_at <= $until) RETURN NONE",
        shown(audience)
    );
    tx.query(&text, vars).await?;
    Ok(())
}

const WISHES: &str = "SELECT choices, quiet_from, quiet_until, timezone FROM $id";

fn wishes(row: Option<Value>) -> Result<Wishes> {
    let Some(mut row) = row.map(Row) else { return Ok(Wishes::default()) };
    let stored: BTreeMap<String, BTreeMap<String, bool>> =
        serde_json::from_value(row.take::<Json>("choices")?).map_err(Error::internal)?;
    let by_channel = |channels: BTreeMap<String, bool>| {
        channels.into_iter().filter_map(|(name, is_wanted)| Some((Channel::parse(&name)?, is_wanted))).collect()
    };
    let (from, until): (Option<String>, Option<String>) = (row.take("quiet_from")?, row.take("quiet_until")?);
    let zone: Option<String> = row.take("timezone")?;
    Ok(Wishes {
        choices: stored.into_iter().map(|(name, channels)| (name, by_channel(channels))).collect(),
        quiet: from.zip(until).and_then(|(from, until)| QuietHours::parse(&from, &until)),
        zone: zone.and_then(|zone| zone.parse().ok()),
    })
}

/// What somebody wants.
pub async fn wishes_within(tx: &Tx, user: Uuid) -> Result<Wishes> {
    let vars = Vars::new().with("id", record("notification_preferences", user));
    wishes(tx.query(WISHES, vars).await?.rows(0).pop())
}

/// Keeps what somebody wants.
pub async fn keep_wishes(tx: &Tx, user: Uuid, wishes: &Wishes) -> Result<()> {
    let by_name = |channels: &BTreeMap<Channel, bool>| -> BTreeMap<&str, bool> {
        channels.iter().map(|(channel, is_wanted)| (channel.as_str(), *is_wanted)).collect()
    };
    let choices: BTreeMap<&str, BTreeMap<&str, bool>> =
        wishes.choices.iter().map(|(name, channels)| (name.as_str(), by_name(channels))).collect();
    let vars = Vars::new()
        .with("id", record("notification_preferences", user))
        .with("user", record("users", user))
        .with("choices", serde_json::to_value(choices).map_err(Error::internal)?)
        .with("from", wishes.quiet.map(|quiet| quiet.from()))
        .with("until", wishes.quiet.map(|quiet| quiet.until()))
        .with("timezone", wishes.zone.map(|zone| zone.name().to_owned()));
    let text = "UPSERT $id SET user = $user, choices = $choices, quiet_from = $from, quiet_until = $until,
        timezone = $timezone RETURN NONE";
    tx.query(text, vars).await?;
    Ok(())
}

/// Why an address gets no e-mail, if it gets none.
pub async fn suppression(tx: &Tx, address: &str) -> Result<Option<Suppression>> {
    let text = "SELECT VALUE reason FROM suppressions WHERE address = $address";
    match tx.query(text, Vars::new().with("address", address)).await?.rows(0).pop() {
        Some(Value::String(reason)) => Ok(Suppression::parse(&reason)),
        _ => Ok(None),
    }
}

/// From now on the address gets no e-mail. Where that is so already, the first reason stays.
pub async fn suppress(tx: &Tx, id: Uuid, address: &str, reason: Suppression, at: Instant) -> Result<()> {
    if suppression(tx, address).await?.is_some() {
        return Ok(());
    }
    let vars = Vars::new()
        .with("id", record("suppressions", id))
        .with("address", address)
        .with("reason", reason.as_str())
        .with("at", at);
    tx.query("CREATE $id SET address = $address, reason = $reason, created_at = $at RETURN NONE", vars).await?;
    Ok(())
}

/// Removes up to `most` notifications whose time is over, with how they went out; answers how many there were.
pub async fn forget_expired(tx: &Tx, now: Instant, most: i64) -> Result<usize> {
    let vars = Vars::new().with("now", now).with("most", most);
    let ids = tx.query("SELECT VALUE id FROM notifications WHERE expires_at <= $now LIMIT $most", vars).await?.rows(0);
    let count = ids.len();
    if count > 0 {
        tx.query("DELETE $ids RETURN NONE", Vars::new().with("ids", Value::Array(ids.into()))).await?;
    }
    Ok(count)
}
