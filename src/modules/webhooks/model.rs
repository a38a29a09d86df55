//! What is kept of webhooks.

use pawbase_engine::RecordId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::signature::Secret;
use crate::config::Secret as Hidden;
use crate::kernel::time::Instant;

/// How an endpoint is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// It is told of events.
    Active,
    /// Events are held back for it.
    Paused,
    /// It is told of nothing, and nothing is held back.
    Disabled,
}

impl EndpointState {
    const ALL: [Self; 3] = [Self::Active, Self::Paused, Self::Disabled];

    /// Its name in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// An address that is told of events.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its key.
    pub id: Uuid,
    /// Where events are sent to.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// Which events.
    pub events: Vec<String>,
    /// How it is treated.
    pub state: EndpointState,
    /// Why it was disabled.
    pub disabled_reason: Option<String>,
    /// Since when every attempt has failed.
    pub failing_since: Option<Instant>,
    /// Whether what was held back is being sent.
    pub is_catching_up: bool,
    /// Signs what is sent.
    pub secret: Secret,
    /// Signs as well until the time.
    pub old_secret: Option<(Secret, Instant)>,
    /// When it was made.
    pub created_at: Instant,
    /// Last change by staff.
    pub updated_at: Instant,
}

impl Endpoint {
    /// Whether what is new must wait behind what was held back.
    pub fn holds(&self) -> bool {
        self.state == EndpointState::Paused || self.is_catching_up
    }
}

/// What is to be changed of an endpoint.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange {
    /// Another address.
    pub url: Option<String>,
    /// Another description, or none from now on.
    pub description: Option<Option<String>>,
    /// Other patterns.
    pub events: Option<Vec<String>>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// A job sends it, at once or after a pause.
    Waiting,
    /// The endpoint is paused.
    Held,
    /// It has arrived.
    Delivered,
    /// It was given up.
    Failed,
    /// The endpoint was disabled or deleted.
    Dropped,
}

impl DeliveryState {
    const ALL: [Self; 5] = [Self::Waiting, Self::Held, Self::Delivered, Self::Failed, Self::Dropped];

    /// Its name in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more will happen of itself.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Dropped)
    }
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its key.
    pub id: Uuid,
    /// To whom.
    pub endpoint: Uuid,
    /// Which event; None for a test.
    pub event: Option<Uuid>,
    /// What happened.
    pub name: String,
    /// The record that the event is about.
    pub about: Option<RecordId>,
    /// The webhook-id header.
    pub message: String,
    /// The body as it is sent.
    pub body: String,
    /// How far it is.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// The job that sends it.
    pub job: Option<Uuid>,
}

impl Delivery {
    /// Whether staff asked for it, and no event.
    pub fn is_test(&self) -> bool {
        self.event.is_none()
    }
}

/// What a job to deliver says.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Errand {
    /// What to deliver.
    pub delivery: Uuid,
    /// To whom; also names the service whose failures are counted.
    pub endpoint: Uuid,
    /// Whether it is a test, which does not wait until the service has recovered.
    #[serde(default)]
    pub is_test: bool,
}

/// What came of trying to deliver.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// It was sent.
    Sent(SentNote),
    /// The endpoint is paused.
    Held,
    /// Nobody is to be told any more; why.
    Dropped(String),
}

/// What is noted of something that was sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SentNote {
    /// Where to.
    pub url: String,
    /// Our own headers.
    pub headers: Vec<(String, String)>,
    /// HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// How the answer began.
    pub response_start: Option<String>,
}

/// Somebody who sends us webhooks.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its key.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// How it signs.
    pub scheme: String,
    /// Verifies what it sends.
    pub secret: Hidden,
    /// When it was made.
    pub created_at: Instant,
    /// Last change.
    pub updated_at: Instant,
}

/// A webhook that was sent to us and is kept.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its key.
    pub id: Uuid,
    /// When it came.
    pub received_at: Instant,
}
