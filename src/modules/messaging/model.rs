//! What the module keeps and passes on. Deliberately elsewhere: what callers send and get (`views.rs`).

use pawbase_engine::RecordId;
use uuid::Uuid;

use crate::kernel::time::Instant;

/// What kind of conversation it is. Conversations about orders and bookings are begun by those modules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationKind {
    /// About something offered.
    Inquiry,
    /// About an order.
    Order,
    /// About a booking.
    Booking,
    /// With the staff of the platform.
    Support,
    /// Of people.
    Group,
}

impl ConversationKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::Inquiry, Self::Order, Self::Booking, Self::Support, Self::Group];

    /// Its name in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inquiry => "inquiry",
            Self::Order => "order",
            Self::Booking => "booking",
            Self::Support => "support",
            Self::Group => "group",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// Key in `conversations`.
    pub id: Uuid,
    /// What kind it is.
    pub kind: ConversationKind,
    /// What it is about, in words.
    pub subject: Option<String>,
    /// The record that it is about.
    pub about: Option<RecordId>,
    /// The business that is written to.
    pub business: Option<Uuid>,
    /// Who is in it for themselves.
    pub members: Vec<Uuid>,
    /// Who began it.
    pub created_by: Uuid,
    /// The newest message.
    pub last_message: Option<Uuid>,
    /// When that was sent.
    pub last_message_at: Option<Instant>,
    /// When it began.
    pub created_at: Instant,
}

/// As what somebody is in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// For themselves, and they let others in and out.
    Owner,
    /// For themselves.
    Member,
    /// For the business.
    Business,
    /// As staff of the platform.
    Staff,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Member, Self::Business, Self::Staff];

    /// Its name in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Member => "member",
            Self::Business => "business",
            Self::Staff => "staff",
        }
    }

    /// The part of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.as_str() == name)
    }

    /// Whether they are among the members of the conversation.
    pub fn is_member(self) -> bool {
        matches!(self, Self::Owner | Self::Member)
    }
}

/// How the caller stands to a conversation that they see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// One of its members.
    Member,
    /// Works in its business.
    Business,
    /// Staff on the admin listener.
    Staff,
}

impl Standing {
    /// As what the caller writes and reads.
    pub fn part(self) -> Part {
        match self {
            Self::Member => Part::Member,
            Self::Business => Part::Business,
            Self::Staff => Part::Staff,
        }
    }
}

/// Somebody in a conversation.
#[derive(Debug, Clone)]
pub struct Participant {
    /// Key in `participants`.
    pub id: Uuid,
    /// Who.
    pub user: Uuid,
    /// As what.
    pub part: Part,
    /// The newest message that they have read.
    pub last_read: Option<Uuid>,
    /// Whether they want no notifications of it.
    pub is_muted: bool,
    /// What they have sent of late.
    pub pace: Pace,
    /// Whether they are not in it any more.
    pub has_left: bool,
}

/// How much somebody has sent since a time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// Since when is counted.
    pub since: Option<Instant>,
    /// Messages since then.
    pub sent: i64,
}

/// A message that somebody wants to send.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// The text.
    pub content: String,
    /// What the sending app calls it; sent again under the same name it is one message.
    pub client_id: Option<String>,
    /// Files that go with it.
    pub files: Vec<Uuid>,
}

/// A message that was sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// Key in `messages`.
    pub id: Uuid,
    /// Where it was written.
    pub conversation: Uuid,
    /// Who wrote it.
    pub sender: Uuid,
    /// The text.
    pub content: String,
    /// Files that go with it.
    pub files: Vec<Uuid>,
    /// What the sending app calls it.
    pub client_id: String,
    /// When it was sent.
    pub created_at: Instant,
    /// Whether it had been sent before, under the same `client_id`.
    pub is_repeated: bool,
}
