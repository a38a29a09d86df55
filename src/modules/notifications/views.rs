//! What callers send and get.

use poem_openapi::Object;
use poem_openapi::types::MaybeUndefined;

use super::catalogue::NotificationType;
use super::commands::Preferences;
use super::rules::Channel;

/// How many notifications are unread.
#[derive(Object)]
pub struct UnreadCount {
    /// Notifications in the list that were not read.
    pub unread: u64,
}

/// Which notifications are marked as read; all if nothing is said.
#[derive(Object, Debug, Default)]
#[oai(deny_unknown_fields)]
pub struct ReadAll {
    /// Key of the newest one that was shown, so that one that has just come stays unread.
    pub up_to: Option<String>,
    /// Only those made until this time.
    pub until: Option<String>,
}

/// Hours of the day in which no e-mail comes.
#[derive(Object, Debug, Clone)]
#[oai(rename = "QuietHours", deny_unknown_fields)]
pub struct QuietHoursBody {
    /// When they begin, such as `22:00`.
    pub from: String,
    /// When they end, such as `07:00`; earlier than `from` means on the next day.
    pub until: String,
}

/// Whether somebody gets a type of notification, by channel; what is left out stays.
#[derive(Object, Debug)]
#[oai(deny_unknown_fields)]
pub struct NotificationChoice {
    /// Name of the type.
    #[oai(rename = "type")]
    pub kind: String,
    /// Whether it is put into the list.
    pub in_app: Option<bool>,
    /// Whether it is sent by e-mail.
    pub email: Option<bool>,
}

/// Changes of preferences: what is left out stays, null clears.
#[derive(Object, Debug, Default)]
#[oai(deny_unknown_fields)]
pub struct ChangePreferences {
    /// IANA time zone of the quiet hours; null means that of the account.
    pub timezone: MaybeUndefined<String>,
    /// Hours of the day in which no e-mail comes; null means none.
    pub quiet_hours: MaybeUndefined<QuietHoursBody>,
    /// Choices by type.
    pub types: Option<Vec<NotificationChoice>>,
}

/// What the caller wants to be told, on which way, and when not.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct NotificationPreferences {
    /// IANA time zone of the quiet hours.
    pub timezone: String,
    /// Hours of the day in which no e-mail comes; absent where there are none.
    pub quiet_hours: Option<QuietHoursBody>,
    /// All types, with what the caller chose.
    pub types: Vec<NotificationPreference>,
}

/// A type of notification, and whether somebody gets it.
#[derive(Object)]
pub struct NotificationPreference {
    /// Name of the type.
    #[oai(rename = "type")]
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// When it comes.
    pub description: String,
    /// Whether it is sent whatever somebody chose.
    pub is_required: bool,
    /// Whether its e-mail does not wait for the end of quiet hours.
    pub is_urgent: bool,
    /// Whether it is put into the list.
    pub in_app: bool,
    /// Whether it is sent by e-mail.
    pub email: bool,
}

impl From<Preferences> for NotificationPreferences {
    fn from(preferences: Preferences) -> Self {
        let Preferences { wishes, timezone, types } = preferences;
        let view = |kind: &NotificationType| NotificationPreference {
            kind: kind.name.to_owned(),
            title: kind.title.to_owned(),
            description: kind.description.to_owned(),
            is_required: kind.is_required,
            is_urgent: kind.is_urgent,
            in_app: wishes.want(kind, Channel::InApp),
            email: wishes.want(kind, Channel::Email),
        };
        let types = types.into_iter().map(view).collect();
        let quiet_hours = wishes.quiet.map(|quiet| QuietHoursBody { from: quiet.from(), until: quiet.until() });
        Self { timezone, quiet_hours, types }
    }
}

/// A type of notification as it comes.
#[derive(Object)]
#[oai(rename = "NotificationType")]
pub struct TypeView {
    /// Name of the type.
    #[oai(rename = "type")]
    pub kind: String,
    /// What it is called.
    pub title: String,
    /// When it comes.
    pub description: String,
    /// For whom: public or admin.
    pub audience: String,
    /// Whether it is sent whatever somebody chose.
    pub is_required: bool,
    /// Whether its e-mail does not wait for the end of quiet hours.
    pub is_urgent: bool,
    /// Whether it is put into the list, if nobody chose otherwise.
    pub in_app: bool,
    /// Whether it is sent by e-mail, if nobody chose otherwise.
    pub email: bool,
    /// Days for which it is kept.
    pub expires_days: u32,
}

/// All types of notifications.
#[derive(Object)]
pub struct NotificationTypes {
    /// The types, in the order of the catalogue.
    pub items: Vec<TypeView>,
}

impl NotificationTypes {
    /// The view of these types.
    pub fn new(kinds: &[&NotificationType]) -> Self {
        let view = |kind: &&NotificationType| TypeView {
            kind: kind.name.to_owned(),
            title: kind.title.to_owned(),
            description: kind.description.to_owned(),
            audience: kind.audience.as_str().to_owned(),
            is_required: kind.is_required,
            is_urgent: kind.is_urgent,
            in_app: kind.in_app,
            email: kind.email,
            expires_days: u32::try_from(kind.days).unwrap_or(u32::MAX),
        };
        Self { items: kinds.iter().map(view).collect() }
    }
}

/// A sample to be sent to oneself.
#[derive(Object, Debug)]
#[oai(deny_unknown_fields)]
pub struct TestNotification {
    /// Name of the type.
    #[oai(rename = "type")]
    pub kind: String,
}

/// A notification that was made.
#[derive(Object)]
pub struct MadeNotification {
    /// Its key.
    pub id: String,
}
