//! The caller of a request.

use std::sync::Arc;

use pawbase_engine::Session;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::reader::Traits;
use crate::kernel::time::Instant;

/// Which listener a token is for. A token of one audience is nothing to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Customers, couriers, business members.
    Public,
    /// Support and administrators.
    Admin,
}

impl Audience {
    /// Its name in tokens and rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Admin => "admin",
        }
    }
}

/// A platform role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everybody.
    Customer,
    /// Delivers orders.
    Courier,
    /// Hides what breaks the rules.
    Moderator,
    /// Reads everything on the admin listener.
    Support,
    /// Changes data on the admin listener.
    Admin,
    /// Also grants staff roles.
    SuperAdmin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 6] =
        [Self::Customer, Self::Courier, Self::Moderator, Self::Support, Self::Admin, Self::SuperAdmin];
    /// Roles that may sign in on the admin listener.
    pub const STAFF: [Self; 3] = [Self::Support, Self::Admin, Self::SuperAdmin];
    /// Roles that administer.
    pub const ADMINS: [Self; 2] = [Self::Admin, Self::SuperAdmin];

    /// Its name in tokens, rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Courier => "courier",
            Self::Moderator => "moderator",
            Self::Support => "support",
            Self::Admin => "admin",
            Self::SuperAdmin => "super_admin",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether the role counts on the admin listener.
    pub fn is_staff(self) -> bool {
        Self::STAFF.contains(&self)
    }
}

/// A signed-in caller.
#[derive(Debug)]
pub struct Principal {
    /// Key in `users`.
    pub user: Uuid,
    /// Key in `sessions`.
    pub session_id: Uuid,
    /// Which listener the sign-in is for.
    pub audience: Audience,
    /// Platform roles at the time of authentication.
    pub roles: Vec<Role>,
    /// What permissions can learn of it besides who it is.
    pub traits: Traits,
    /// The principal's own database session.
    pub session: Session,
    /// When the access token ends.
    pub expires_at: Instant,
}

/// Who is asking.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Not signed in.
    Guest,
    /// Signed in on this request's listener.
    Signed(Arc<Principal>),
}

impl Caller {
    /// The user's key, if signed in.
    pub fn user(&self) -> Option<Uuid> {
        match self {
            Self::Guest => None,
            Self::Signed(principal) => Some(principal.user),
        }
    }

    /// The strongest database role on the admin listener, if staff.
    pub fn is_staff(&self) -> bool {
        matches!(self, Self::Signed(p) if p.audience == Audience::Admin)
    }
}
