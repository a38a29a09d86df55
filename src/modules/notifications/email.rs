//! The way by e-mail: whether and when one goes out is decided by the rules, in the transaction that posts it.
//!
//! A delivery that waits is a row in state queued with a job that is due when the quiet hours end; then the rules are asked again.
//! Deliberately elsewhere: the mail itself and its attempts (modules::mail).

use pawbase_engine::{RecordId, RecordIdKey, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::catalogue::{self, NotificationType};
use super::model::{Delivery, DeliveryState, Notification};
use super::rules::{Channel, Facts, Suppression, Verdict, Wishes};
use super::store;
use super::unsubscribe::{UNSUBSCRIBE, UNSUBSCRIBE_PATH};
use crate::context::Ctx;
use crate::kernel::error::CONFLICT;
use crate::kernel::time::{Instant, floored};
use crate::kernel::{Error, Result};
use crate::modules::identity::{self, Person};
use crate::modules::mail::{self, Letter, Link};
use crate::work::{Attempted, NewJob, Turn, enqueue};

/// The job that sends what has waited.
pub const SEND: &str = "notifications.send";

/// What that job is asked to do.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    notification: Uuid,
}

/// What an e-mail is made of.
struct Message<'a> {
    kind: &'static NotificationType,
    person: &'a Person,
    wishes: &'a Wishes,
    notification: &'a Notification,
}

/// Sends a new notification by e-mail, now or later, or notes why not.
pub(super) async fn begin(
    tx: &Tx,
    ctx: &Ctx,
    kind: &'static NotificationType,
    (person, wishes): (&Person, &Wishes),
    notification: &Notification,
) -> Result<()> {
    let message = Message { kind, person, wishes, notification };
    let mut delivery = Delivery::new(ctx.new_id(), notification, kind, Channel::Email);
    message.attempt(tx, ctx, &mut delivery).await?;
    store::insert_delivery(tx, &delivery, floored(ctx.now())).await
}

/// A job: sends what has waited until now, if it still waits and the rules still allow it.
pub async fn send_waiting(turn: &Turn<'_>) -> Attempted {
    let (tx, Waiting { notification }) = (turn.tx, turn.payload()?);
    let Some(mut delivery) = store::delivery(tx, notification, Channel::Email).await? else { return Ok(()) };
    if delivery.state != DeliveryState::Queued {
        return Ok(());
    }
    match stored(tx, notification).await? {
        Some((kind, person, wishes, notification)) => {
            let message = Message { kind, person: &person, wishes: &wishes, notification: &notification };
            message.attempt(tx, turn.ctx, &mut delivery).await?;
        }
        None => delivery.suppress("It is not known any more."),
    }
    Ok(store::update_delivery(tx, &delivery, floored(turn.ctx.now())).await?)
}

/// Sends a notification by e-mail once more, at once, whatever the hour. Fails with NOT_FOUND, or with CONFLICT and the reason where
/// the rules forbid it.
pub(super) async fn send_again(tx: &Tx, ctx: &Ctx, id: Uuid) -> Result<()> {
    let (kind, person, wishes, notification) = stored(tx, id).await?.ok_or_else(Error::not_found)?;
    let message = Message { kind, person: &person, wishes: &wishes, notification: &notification };
    if let Some(reason) = message.facts(tx).await?.refusal() {
        return Err(Error::new(CONFLICT, reason));
    }
    let mut delivery = store::delivery(tx, id, Channel::Email).await?.ok_or_else(Error::not_found)?;
    message.post(tx, ctx, &mut delivery).await?;
    store::update_delivery(tx, &delivery, floored(ctx.now())).await
}

/// What is told of a mail that was given up.
#[derive(Debug, Deserialize)]
struct GivenUp {
    to: String,
    user: Option<Uuid>,
    error: Option<String>,
    #[serde(default)]
    is_bad_address: bool,
}

/// A reaction: notes that a notification did not go out, and suppresses an address that there is not.
pub async fn mail_failed(turn: &Turn<'_>) -> Attempted {
    let (tx, at) = (turn.tx, floored(turn.ctx.now()));
    let GivenUp { to, user, error, is_bad_address } = turn.payload()?;
    if let Some(user) = user
        && let RecordIdKey::Uuid(mail) = turn.event()?.about.key
        && let Some(mut delivery) = store::delivery_by(tx, user, mail.into_inner()).await?
    {
        delivery.fail(error.as_deref().unwrap_or("The mail was given up."));
        store::update_delivery(tx, &delivery, at).await?;
    }
    // What is no address at all is nobody's, and not in the list of those that get nothing.
    if let Some(address) = identity::Email::parse(&to).filter(|_| is_bad_address) {
        store::suppress(tx, turn.ctx.new_id(), address.as_str(), Suppression::Bounce, at).await?;
    }
    Ok(())
}

/// A notification, its type, its person and what they want; None where one of them is gone.
async fn stored(tx: &Tx, id: Uuid) -> Result<Option<(&'static NotificationType, Person, Wishes, Notification)>> {
    let Some(notification) = store::notification(tx, id).await? else { return Ok(None) };
    let Some(kind) = catalogue::find(&notification.kind) else { return Ok(None) };
    let Some(person) = identity::person(tx, notification.user).await? else { return Ok(None) };
    let wishes = store::wishes_within(tx, person.id).await?;
    Ok(Some((kind, person, wishes, notification)))
}

impl Message<'_> {
    async fn facts(&self, tx: &Tx) -> Result<Facts<'_>> {
        let suppression = store::suppression(tx, &self.person.email).await?;
        let Self { kind, person, wishes, notification } = self;
        Ok(Facts { kind, person, wishes, suppression, is_read: notification.is_read })
    }

    /// Does what the rules say at the present instant.
    async fn attempt(&self, tx: &Tx, ctx: &Ctx, delivery: &mut Delivery) -> Result<()> {
        match self.facts(tx).await?.verdict(ctx.now()) {
            Verdict::Send => self.post(tx, ctx, delivery).await,
            Verdict::Wait(until) => self.wait(tx, ctx, delivery, until).await,
            Verdict::Suppress(reason) => {
                delivery.suppress(reason);
                Ok(())
            }
        }
    }

    async fn wait(&self, tx: &Tx, ctx: &Ctx, delivery: &mut Delivery, until: Instant) -> Result<()> {
        delivery.due_at = Some(floored(until));
        delivery.reason = Some("Quiet hours.".to_owned());
        let about = RecordId::new("notifications", RecordIdKey::Uuid(self.notification.id.into()));
        let job = NewJob::new(SEND, Waiting { notification: self.notification.id })?;
        enqueue(tx, ctx, job.at(until).about(about)).await?;
        Ok(())
    }

    async fn post(&self, tx: &Tx, ctx: &Ctx, delivery: &mut Delivery) -> Result<()> {
        let Self { kind, person, notification, .. } = self;
        let data = json!({ "name": person.name, "title": notification.title, "body": notification.body });
        let mut letter =
            Letter::new(person.email.as_str(), "notification", data).user(person.id).locale(person.locale.as_str());
        if !kind.is_required {
            letter = letter.unsubscribe(Link::new(UNSUBSCRIBE_PATH, UNSUBSCRIBE, notification.id));
        }
        delivery.mail = Some(mail::post(tx, ctx, letter).await?);
        delivery.state = DeliveryState::Sent;
        delivery.attempts += 1;
        (delivery.reason, delivery.due_at) = (None, None);
        Ok(())
    }
}
