//! What people do with their own notifications, and what they choose. Who it is comes from the token alone.

use chrono::DateTime;
use futures::future::BoxFuture;
use pawbase_engine::Tx;
use uuid::Uuid;

use super::catalogue::{self, NotificationType};
use super::rules::{Channel, QuietHours, Wishes};
use super::store;
use super::views::{ChangePreferences, QuietHoursBody, ReadAll};
use crate::context::{Ctx, uninterrupted};
use crate::kernel::time::{Instant, floored};
use crate::kernel::{Error, FieldError, Result};
use crate::modules::identity::{self, Person};

/// What somebody chose, and whose clocks count for it.
#[derive(Debug)]
pub struct Preferences {
    /// The choices.
    pub wishes: Wishes,
    /// IANA name of the zone of the quiet hours.
    pub timezone: String,
    /// The types that the listener shows.
    pub types: Vec<&'static NotificationType>,
}

/// Runs `work` in one transaction of the system, to its end even when the client hangs up.
pub(super) async fn transact<T, F>(ctx: &Ctx, work: F) -> Result<T>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
{
    let ctx = ctx.clone();
    uninterrupted(async move { ctx.system().transact(work).await }).await
}

/// How many notifications the caller has not read.
pub async fn unread(ctx: &Ctx) -> Result<u64> {
    let user = ctx.require_signed()?.user;
    store::unread(ctx.system(), user, ctx.audience).await
}

/// Marks one of the caller's notifications as read; NOT_FOUND when it is not the caller's. Answers how many are unread now.
pub async fn read(ctx: &Ctx, id: &str) -> Result<u64> {
    let (user, audience, at) = (ctx.require_signed()?.user, ctx.audience, floored(ctx.now()));
    let id = Uuid::try_parse(id).map_err(|_| Error::not_found())?;
    transact(ctx, move |tx| {
        Box::pin(async move {
            if !store::mark_read(tx, user, audience, id, at).await? {
                return Err(Error::not_found());
            }
            store::unread_within(tx, user, audience).await
        })
    })
    .await
}

/// Marks the caller's notifications as read, up to a key or a time where one is given. Answers how many are unread now.
pub async fn read_all(ctx: &Ctx, input: &ReadAll) -> Result<u64> {
    let (user, audience, at) = (ctx.require_signed()?.user, ctx.audience, floored(ctx.now()));
    let limits = limits(input)?;
    transact(ctx, move |tx| {
        Box::pin(async move {
            store::mark_all_read(tx, user, audience, limits, at).await?;
            store::unread_within(tx, user, audience).await
        })
    })
    .await
}

fn limits(input: &ReadAll) -> Result<(Option<Uuid>, Option<Instant>)> {
    let mut bad = Vec::new();
    let up_to = input.up_to.as_deref().and_then(|text| {
        let key = Uuid::try_parse(text);
        key.map_err(|_| bad.push(FieldError::new("/up_to", "format", "must be the key of a notification"))).ok()
    });
    let until = input.until.as_deref().and_then(|text| {
        let time = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
        time.map_err(|_| bad.push(FieldError::new("/until", "format", "must be a time such as 2026-05-04T10:00:00Z")))
            .ok()
    });
    if bad.is_empty() { Ok((up_to, until)) } else { Err(Error::invalid(bad)) }
}

/// What the caller chose.
pub async fn preferences(ctx: &Ctx) -> Result<Preferences> {
    let user = ctx.require_signed()?.user;
    transact_preferences(ctx, user, |_| {}).await
}

/// Changes what the caller chose; what is left out stays. Fails with all bad fields.
pub async fn change_preferences(ctx: &Ctx, input: &ChangePreferences) -> Result<Preferences> {
    let user = ctx.require_signed()?.user;
    let changes = Changes::checked(input, &types(ctx))?;
    transact_preferences(ctx, user, move |wishes| changes.apply(wishes)).await
}

fn types(ctx: &Ctx) -> Vec<&'static NotificationType> {
    catalogue::shown_on(ctx.audience).collect()
}

/// Changes what somebody chose, and answers what it is then.
async fn transact_preferences(
    ctx: &Ctx,
    user: Uuid,
    change: impl Fn(&mut Wishes) + Clone + Send + Sync + 'static,
) -> Result<Preferences> {
    let types = types(ctx);
    let (person, wishes) = transact(ctx, move |tx| {
        let change = change.clone();
        Box::pin(async move {
            let person = identity::person(tx, user).await?.ok_or_else(Error::unauthenticated)?;
            let before = store::wishes_within(tx, user).await?;
            let mut wishes = before.clone();
            change(&mut wishes);
            if wishes != before {
                store::keep_wishes(tx, user, &wishes).await?;
            }
            Ok::<(Person, Wishes), Error>((person, wishes))
        })
    })
    .await?;
    let timezone = wishes.zone_of(&person).name().to_owned();
    Ok(Preferences { wishes, timezone, types })
}

/// Checked changes of what somebody chose.
#[derive(Debug, Clone, Default)]
struct Changes {
    choices: Vec<(&'static NotificationType, Channel, bool)>,
    quiet: Option<Option<QuietHours>>,
    zone: Option<Option<chrono_tz::Tz>>,
}

impl Changes {
    /// Fails with all bad fields.
    fn checked(input: &ChangePreferences, types: &[&'static NotificationType]) -> Result<Self> {
        let (mut changes, mut bad) = (Self::default(), Vec::new());
        for (at, choice) in input.types.iter().flatten().enumerate() {
            let Some(kind) = types.iter().find(|kind| kind.name == choice.kind) else {
                bad.push(FieldError::new(format!("/types/{at}/type"), "enum", "is not a type of notification"));
                continue;
            };
            for (channel, wanted) in [(Channel::InApp, choice.in_app), (Channel::Email, choice.email)] {
                match wanted {
                    Some(false) if kind.is_required => {
                        let pointer = format!("/types/{at}/{}", channel.as_str());
                        bad.push(FieldError::new(pointer, "rule", "is always sent"));
                    }
                    Some(is_wanted) => changes.choices.push((kind, channel, is_wanted)),
                    None => {}
                }
            }
        }
        changes.quiet = quiet(input, &mut bad);
        changes.zone = zone(input, &mut bad);
        if bad.is_empty() { Ok(changes) } else { Err(Error::invalid(bad)) }
    }

    fn apply(&self, wishes: &mut Wishes) {
        for (kind, channel, is_wanted) in &self.choices {
            wishes.choose(kind, *channel, *is_wanted);
        }
        wishes.quiet = self.quiet.unwrap_or(wishes.quiet);
        wishes.zone = self.zone.unwrap_or(wishes.zone);
    }
}

fn quiet(input: &ChangePreferences, bad: &mut Vec<FieldError>) -> Option<Option<QuietHours>> {
    if input.quiet_hours.is_null() {
        return Some(None);
    }
    let QuietHoursBody { from, until } = input.quiet_hours.value()?;
    let hours = QuietHours::parse(from, until);
    if hours.is_none() {
        let words = "must be two different times of the day, such as 22:00 and 07:00";
        bad.push(FieldError::new("/quiet_hours", "rule", words));
    }
    hours.map(Some)
}

fn zone(input: &ChangePreferences, bad: &mut Vec<FieldError>) -> Option<Option<chrono_tz::Tz>> {
    if input.timezone.is_null() {
        return Some(None);
    }
    match input.timezone.value()?.parse() {
        Ok(zone) => Some(Some(zone)),
        Err(_) => {
            bad.push(FieldError::new("/timezone", "enum", "must be an IANA time zone such as Europe/Berlin"));
            None
        }
    }
}
