//! What the module keeps and passes on. Deliberately elsewhere: what callers send and get (`views.rs`).

use pawbase_engine::RecordId;
use serde_json::Value as Json;
use uuid::Uuid;

use super::catalogue::NotificationType;
use super::rules::Channel;
use super::texts::Words;
use crate::kernel::time::Instant;

/// A notification that is to be written. Instants are whole seconds.
#[derive(Debug)]
pub struct NewNotification<'a> {
    /// Key in `notifications`.
    pub id: Uuid,
    /// Who is told.
    pub user: Uuid,
    /// What kind of news it is.
    pub kind: &'static NotificationType,
    /// What it is made for; nobody is told the same twice.
    pub cause: &'a str,
    /// Its words.
    pub words: &'a Words,
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
    /// A rule forbids it.
    Suppressed,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Delivered, Self::Suppressed];

    /// Its name in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
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
    /// Why it waits or is suppressed.
    pub reason: Option<String>,
    /// Not before.
    pub due_at: Option<Instant>,
    /// How often it was sent.
    pub attempts: i64,
}
