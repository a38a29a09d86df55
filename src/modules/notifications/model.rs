//! What the module keeps and passes on. Deliberately elsewhere: what callers send and get (`views.rs`).

use pawbase_engine::RecordId;
use serde_json::Value as Json;
use uuid::Uuid;

use super::catalogue::NotificationType;
use super::rules::Channel;
use crate::kernel::time::Instant;

/// A notification that is to be written. Instants are whole seconds.
#[derive(Debug)]
pub struct NewNotification<'a> {
    /// Key, person and words.
    pub notification: &'a Notification,
    /// What kind of news it is.
    pub kind: &'static NotificationType,
    /// What it is made for; nobody is told the same twice.
    pub cause: &'a str,
    /// What they were made of.
    pub data: &'a Json,
    /// The record to open.
    pub about: Option<&'a RecordId>,
    /// Whether the person wants it in the list.
    pub in_app: bool,
    /// When it is removed.
    pub expires_at: Instant,
    /// The present instant.
    pub at: Instant,
}

/// A notification as it is kept, as far as its e-mail needs it.
#[derive(Debug)]
pub struct Notification {
    /// Key in `notifications`.
    pub id: Uuid,
    /// Who is told.
    pub user: Uuid,
    /// Name of its type.
    pub kind: String,
    /// A line.
    pub title: String,
    /// The whole text.
    pub body: String,
    /// Whether the person has read it.
    pub is_read: bool,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It waits.
    Queued,
    /// A mail was posted, which has a state of its own.
    Sent,
    /// It is there.
    Delivered,
    /// The mail was given up.
    Failed,
    /// A rule forbids it.
    Suppressed,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Queued, Self::Sent, Self::Delivered, Self::Failed, Self::Suppressed];

    /// Its name in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Suppressed => "suppressed",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// How a notification goes out on one channel.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Key in `notification_deliveries`.
    pub id: Uuid,
    /// What is delivered.
    pub notification: Uuid,
    /// To whom.
    pub user: Uuid,
    /// Name of its type; empty for one that is not known any more.
    pub kind: &'static str,
    /// On which way.
    pub channel: Channel,
    /// How far it is.
    pub state: DeliveryState,
    /// Why it waits, failed or was suppressed.
    pub reason: Option<String>,
    /// Not before.
    pub due_at: Option<Instant>,
    /// How often it was sent.
    pub attempts: i64,
    /// The mail that was posted last.
    pub mail: Option<Uuid>,
}

impl Delivery {
    /// One that waits.
    pub fn new(id: Uuid, notification: &Notification, kind: &'static NotificationType, channel: Channel) -> Self {
        Self {
            id,
            notification: notification.id,
            user: notification.user,
            kind: kind.name,
            channel,
            state: DeliveryState::Queued,
            reason: None,
            due_at: None,
            attempts: 0,
            mail: None,
        }
    }

    /// It comes to nothing.
    pub fn suppress(&mut self, reason: &str) {
        (self.state, self.reason, self.due_at) = (DeliveryState::Suppressed, Some(reason.to_owned()), None);
    }

    /// Its mail was given up.
    pub fn fail(&mut self, reason: &str) {
        (self.state, self.reason) = (DeliveryState::Failed, Some(reason.to_owned()));
    }

    /// It is there.
    pub fn arrive(&mut self) {
        (self.state, self.attempts) = (DeliveryState::Delivered, 1);
    }
}
