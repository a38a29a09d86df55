//! Who is asking, and what a request may use: clock, ids, the caller's own database session.
//!
//! Every module and the records engine take a [`Ctx`]. Deliberately elsewhere: checking tokens (modules::identity) and
//! reading them from headers (http).

mod answers;
pub mod audit;
mod bell;
mod caller;
pub mod failure;
mod interest;
mod platform;
mod principals;
mod reader;
mod rights;

use std::net::IpAddr;
use std::sync::Arc;

use pawbase_engine::Session;
use uuid::Uuid;

pub use answers::{Answer, Answers, Question};
pub use audit::AuditEntry;
pub use bell::Bell;
pub use caller::{Audience, Caller, Principal, Role};
pub use interest::Interest;
pub use platform::{EngineTokens, Platform};
pub use principals::Principals;
pub use reader::{Reader, TraitDigest, Traits};
pub use rights::{changing_rights, perhaps_changing_rights, uninterrupted};

use crate::kernel::{Error, Result, time::Instant};

/// One request: its caller and the platform it runs on.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// What all requests share.
    pub platform: Arc<Platform>,
    /// Who is asking.
    pub caller: Caller,
    /// Which listener it came in by.
    pub audience: Audience,
    /// Id of the request, also in its answer and log line.
    pub request_id: String,
    /// Address of the client.
    pub ip: Option<IpAddr>,
    /// The client program's own words about itself.
    pub user_agent: Option<String>,
}

impl Ctx {
    /// For the program's own work: nobody asks. `cause` stands where a request has its id.
    pub fn internal(platform: Arc<Platform>, cause: impl Into<String>) -> Self {
        Self {
            platform,
            caller: Caller::Guest,
            audience: Audience::Admin,
            request_id: cause.into(),
            ip: None,
            user_agent: None,
        }
    }

    /// The caller's own database session: permissions apply.
    pub fn session(&self) -> &Session {
        match &self.caller {
            Caller::Guest => self.platform.engine.guest(),
            Caller::Signed(principal) => &principal.session,
        }
    }

    /// The system's session: for commands, after they have checked the caller's right.
    pub fn system(&self) -> &Session {
        self.platform.engine.root()
    }

    /// The present instant.
    pub fn now(&self) -> Instant {
        self.platform.clock.now()
    }

    /// A new id.
    pub fn new_id(&self) -> Uuid {
        self.platform.ids.next(self.now())
    }

    /// The signed-in caller, or 401.
    pub fn require_signed(&self) -> Result<&Arc<Principal>> {
        match &self.caller {
            Caller::Signed(principal) => Ok(principal),
            Caller::Guest => Err(Error::unauthenticated()),
        }
    }

    /// The signed-in caller with one of `roles`, on this listener; else 401 or 403.
    pub fn require_role(&self, roles: &[Role]) -> Result<&Arc<Principal>> {
        let principal = self.require_signed()?;
        if principal.roles.iter().any(|role| roles.contains(role)) { Ok(principal) } else { Err(Error::forbidden()) }
    }
}
