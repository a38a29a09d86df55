//! What the program does of itself: tells people of events, and forgets what is old.
//!
//! **Invariant:** nobody is told twice of one cause by one type: (type, cause, user) is a unique key of `notifications`, and
//! (notification, channel) one of `notification_deliveries`. So a reaction that runs again changes nothing.

use chrono::Duration;
use futures::future::BoxFuture;
use pawbase_engine::{RecordId, Tx};
use serde_json::Value as Json;
use uuid::Uuid;

use super::catalogue::NotificationType;
use super::model::{Delivery, NewNotification, Notification};
use super::news::{To, Told};
use super::rules::{Channel, may_know};
use super::texts::{self, Words};
use super::{email, store};
use crate::context::Ctx;
use crate::kernel::Result;
use crate::kernel::time::{Instant, floored};
use crate::modules::identity::{self, Person};
use crate::work::{Attempted, Turn};

/// Notifications removed in one transaction at most.
const BATCH: i64 = 500;

/// A reaction that tells people of an event, by each of these types that has something to tell.
pub fn tell<const COUNT: usize>(
    kinds: [&'static NotificationType; COUNT],
) -> impl for<'a> Fn(&'a Turn<'a>) -> BoxFuture<'a, Attempted> + Send + Sync + 'static {
    move |turn| {
        Box::pin(async move {
            for kind in kinds {
                if let Some(news) = (kind.news)(turn).await? {
                    tell_all(turn, kind, &news).await?;
                }
            }
            Ok(())
        })
    }
}

/// Tells everybody whom it concerns and who has not been told, but not who did it himself.
async fn tell_all(turn: &Turn<'_>, kind: &'static NotificationType, news: &Told) -> Attempted {
    let event = turn.event()?;
    let cause = news.once_per.clone().unwrap_or_else(|| event.id.to_string());
    let told = store::told(turn.tx, kind.name, &cause).await?;
    if news.once_per.is_some() && !told.is_empty() {
        return Ok(());
    }
    for person in news.to.people(turn).await? {
        let is_own_doing = event.actor == Some(person.id) && !kind.is_required;
        if !told.contains(&person.id) && !is_own_doing && may_know(kind, &person) {
            deliver(turn.tx, turn.ctx, kind, &person, news, &cause).await?;
        }
    }
    Ok(())
}

/// Tells one person what a module found out by itself, once for each cause, if they may know it.
pub async fn tell_person(
    turn: &Turn<'_>,
    kind: &'static NotificationType,
    user: Uuid,
    about: Option<RecordId>,
    data: Json,
    cause: &str,
) -> Attempted {
    let Some(person) = identity::person(turn.tx, user).await? else { return Ok(()) };
    let is_told = store::told(turn.tx, kind.name, cause).await?.contains(&user);
    if !is_told && may_know(kind, &person) {
        let news = Told { to: To::User(user), about, data, once_per: None };
        deliver(turn.tx, turn.ctx, kind, &person, &news, cause).await?;
    }
    Ok(())
}

/// Writes a notification to one person, and sends it on each channel on which it is wanted. Answers its key.
pub async fn deliver(
    tx: &Tx,
    ctx: &Ctx,
    kind: &'static NotificationType,
    person: &Person,
    news: &Told,
    cause: &str,
) -> Result<Uuid> {
    let at = floored(ctx.now());
    let wishes = store::wishes_within(tx, person.id).await?;
    let in_app = wishes.want(kind, Channel::InApp);
    let Words { title, body } = texts::words(kind, &person.locale, &news.data)?;
    let id = ctx.new_id();
    let notification = Notification { id, user: person.id, kind: kind.name.to_owned(), title, body, is_read: false };
    let new = NewNotification {
        notification: &notification,
        kind,
        cause,
        data: &news.data,
        about: news.about.as_ref(),
        in_app,
        expires_at: at + Duration::days(kind.days),
        at,
    };
    store::insert(tx, &new).await?;
    let mut listed = Delivery::new(ctx.new_id(), &notification, kind, Channel::InApp);
    if in_app {
        listed.arrive()
    } else {
        listed.suppress("The person does not want it.")
    }
    store::insert_delivery(tx, &listed, at).await?;
    email::begin(tx, ctx, kind, (person, &wishes), &notification).await?;
    Ok(id)
}

/// A job: removes notifications whose time is over, in transactions of their own, since they may be many.
pub async fn forget(turn: &Turn<'_>) -> Attempted {
    let now = floored(turn.ctx.now());
    while forget_some(turn.ctx, now).await? > 0 {}
    Ok(())
}

async fn forget_some(ctx: &Ctx, now: Instant) -> Result<usize> {
    ctx.system()
        .transact(|tx: &Tx| -> BoxFuture<'_, Result<usize>> {
            Box::pin(async move { store::forget_expired(tx, now, BATCH).await })
        })
        .await
}
