//! The rules of notifications: what somebody wants, when an e-mail may go out, what preferences may be. Pure: values in, decision out.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveTime, Timelike};
use chrono_tz::Tz;

use super::catalogue::NotificationType;
use crate::context::Audience;
use crate::kernel::time::Instant;
use crate::modules::identity::{Person, Status};

/// A way to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// The list in the app.
    InApp,
    /// E-mail.
    Email,
}

impl Channel {
    /// All ways.
    pub const ALL: [Self; 2] = [Self::InApp, Self::Email];

    /// Its name in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InApp => "in_app",
            Self::Email => "email",
        }
    }

    /// The way of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }
}

/// Hours of the day in which no e-mail should come. They may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: NaiveTime,
    until: NaiveTime,
}

/// Minutes in which quiet hours come to an end, whatever happens to the clocks: a day, and another that a zone left out.
const MINUTES_MAX: i64 = 49 * 60;

impl QuietHours {
    /// From and until a time of the day, `HH:MM`. None when one of them is no time, or both are the same.
    pub fn parse(from: &str, until: &str) -> Option<Self> {
        let (from, until) = (time_of_day(from)?, time_of_day(until)?);
        (from != until).then_some(Self { from, until })
    }

    /// When they begin, `HH:MM`.
    pub fn from(&self) -> String {
        self.from.format("%H:%M").to_string()
    }

    /// When they end, `HH:MM`.
    pub fn until(&self) -> String {
        self.until.format("%H:%M").to_string()
    }

    /// Whether it is quiet at `at`, by the clocks of `zone`.
    pub fn contain(&self, at: Instant, zone: Tz) -> bool {
        let time = at.with_timezone(&zone).time();
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }

    /// When the quiet in which `now` lies is over; None when it is not quiet. Minutes are tried one after the other, so that hours
    /// that come twice or not at all need no rules of their own.
    pub fn end(&self, now: Instant, zone: Tz) -> Option<Instant> {
        if !self.contain(now, zone) {
            return None;
        }
        let minute = now - Duration::seconds(i64::from(now.second())) - Duration::nanoseconds(now.nanosecond().into());
        (1..=MINUTES_MAX).map(|count| minute + Duration::minutes(count)).find(|at| !self.contain(*at, zone))
    }
}

/// A time of the day, `HH:MM` with two digits each.
fn time_of_day(text: &str) -> Option<NaiveTime> {
    let is_padded = text.len() == 5 && text.is_ascii();
    if is_padded { NaiveTime::parse_from_str(text, "%H:%M").ok() } else { None }
}

/// What somebody wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// What they chose, by type and channel. Anything else is as the types come.
    pub choices: BTreeMap<String, BTreeMap<Channel, bool>>,
    /// When no e-mail should come.
    pub quiet: Option<QuietHours>,
    /// Whose clocks that is; None for those of the account.
    pub zone: Option<Tz>,
}

impl Wishes {
    /// Whether somebody gets this kind of news on this way.
    pub fn want(&self, kind: &NotificationType, channel: Channel) -> bool {
        let usual = match channel {
            Channel::InApp => kind.in_app,
            Channel::Email => kind.email,
        };
        let choice = self.choices.get(kind.name).and_then(|channels| channels.get(&channel));
        kind.is_required || choice.copied().unwrap_or(usual)
    }

    /// Notes a choice.
    pub fn choose(&mut self, kind: &NotificationType, channel: Channel, is_wanted: bool) {
        self.choices.entry(kind.name.to_owned()).or_default().insert(channel, is_wanted);
    }

    /// Whose clocks count for the quiet hours of `person`. An unknown zone counts as UTC.
    pub fn zone_of(&self, person: &Person) -> Tz {
        self.zone.or_else(|| person.timezone.parse().ok()).unwrap_or(Tz::UTC)
    }
}

/// Why an address gets no e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    /// Its owner wants none.
    Unsubscribe,
    /// Its owner called one unwanted.
    Complaint,
    /// There is no such address.
    Bounce,
}

impl Suppression {
    /// All reasons.
    pub const ALL: [Self; 3] = [Self::Unsubscribe, Self::Complaint, Self::Bounce];

    /// Its name in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsubscribe => "unsubscribe",
            Self::Complaint => "complaint",
            Self::Bounce => "bounce",
        }
    }

    /// The reason of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }

    /// Whether it holds up news of this kind. What must be sent is held up only where nothing would arrive.
    fn holds(self, kind: &NotificationType) -> bool {
        self == Self::Bounce || !kind.is_required
    }
}

/// Whether somebody may know news of this kind at all: what is for staff is for those who are staff now.
pub fn may_know(kind: &NotificationType, person: &Person) -> bool {
    person.status != Status::Deleted && (kind.audience == Audience::Public || person.is_staff())
}

/// What an e-mail is decided by.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What kind of news.
    pub kind: &'static NotificationType,
    /// To whom.
    pub person: &'a Person,
    /// What they want.
    pub wishes: &'a Wishes,
    /// Whether their address is suppressed.
    pub suppression: Option<Suppression>,
    /// Whether they have read it already.
    pub is_read: bool,
}

/// Whether an e-mail goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Now.
    Send,
    /// Not before this time.
    Wait(Instant),
    /// Never, and why.
    Suppress(&'static str),
}

impl Facts<'_> {
    /// Why no e-mail may be sent, whatever the hour and whatever was read.
    pub fn refusal(&self) -> Option<&'static str> {
        let Self { kind, person, wishes, suppression, .. } = self;
        if !may_know(kind, person) {
            return Some("The person may not know it.");
        }
        if suppression.is_some_and(|reason| reason.holds(kind)) {
            return Some("The address is suppressed.");
        }
        if !kind.is_required && person.status == Status::Suspended {
            return Some("The account is suspended.");
        }
        (!wishes.want(kind, Channel::Email)).then_some("The person does not want it.")
    }

    /// Whether the e-mail goes out at `now`.
    pub fn verdict(&self, now: Instant) -> Verdict {
        let Self { kind, person, wishes, is_read, .. } = self;
        if let Some(reason) = self.refusal() {
            return Verdict::Suppress(reason);
        }
        if *is_read && !kind.is_required {
            return Verdict::Suppress("The person has read it already.");
        }
        let quiet = wishes.quiet.filter(|_| !kind.is_urgent);
        match quiet.and_then(|hours| hours.end(now, wishes.zone_of(person))) {
            Some(end) => Verdict::Wait(end),
            None => Verdict::Send,
        }
    }
}
