//! What the module keeps and passes on: accounts, sessions, audit entries. Values in here are valid.
//!
//! Deliberately elsewhere: what callers send and get (`views.rs`).

use uuid::Uuid;

use super::email::Email;
use super::tokens::RefreshToken;
use crate::context::{Audience, Role};
use crate::kernel::time::Instant;

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Active,
    /// Not until somebody reinstates it.
    Suspended,
    /// Never again.
    Deleted,
}

impl Status {
    /// Its name in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// The status of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Suspended, Self::Deleted].into_iter().find(|status| status.as_str() == name)
    }
}

/// An account as its owner sees it.
#[derive(Debug, Clone)]
pub struct UserRow {
    /// Key in `users`.
    pub id: Uuid,
    /// Sign-in address.
    pub email: String,
    /// Name shown to others.
    pub name: String,
    /// Telephone number in E.164 form.
    pub phone: Option<String>,
    /// Date of birth, `YYYY-MM-DD`.
    pub birthday: Option<String>,
    /// A few words about themselves.
    pub bio: Option<String>,
    /// Where they live.
    pub city: Option<String>,
    /// Language.
    pub locale: String,
    /// IANA time zone.
    pub timezone: String,
    /// Whether others may see the profile.
    pub is_profile_public: bool,
    /// Platform roles.
    pub roles: Vec<Role>,
    /// Whether the account may be used.
    pub status: Status,
    /// When the address was shown to be theirs.
    pub email_verified_at: Option<Instant>,
    /// When it was made.
    pub created_at: Instant,
}

/// What signing in needs of an account.
#[derive(Clone)]
pub struct Credentials {
    /// Key in `users`.
    pub user: Uuid,
    /// Sign-in address.
    pub email: String,
    /// Name shown to others.
    pub name: String,
    /// Language.
    pub locale: String,
    /// IANA time zone.
    pub timezone: String,
    /// Whether the address was shown to be theirs.
    pub is_verified: bool,
    /// argon2id as a PHC string.
    pub password_hash: Option<String>,
    /// Until when sign-in is locked.
    pub locked_until: Option<Instant>,
    /// Platform roles.
    pub roles: Vec<Role>,
    /// Whether the account may be used.
    pub status: Status,
}

/// An account to be made.
#[derive(Clone)]
pub struct NewUser {
    /// Key in `users`.
    pub id: Uuid,
    /// Sign-in address.
    pub email: Email,
    /// Name shown to others.
    pub name: String,
    /// argon2id as a PHC string.
    pub password_hash: String,
    /// Language.
    pub locale: String,
    /// IANA time zone.
    pub timezone: String,
    /// Platform roles.
    pub roles: Vec<Role>,
    /// When it is made.
    pub created_at: Instant,
}

/// A sign-in to be kept.
#[derive(Clone)]
pub struct NewSession {
    /// Key in `sessions`.
    pub id: Uuid,
    /// Whose sign-in.
    pub user: Uuid,
    /// Which listener it is for.
    pub audience: Audience,
    /// Its first refresh token.
    pub refresh: RefreshToken,
    /// Address at sign-in.
    pub ip: Option<String>,
    /// Program at sign-in.
    pub user_agent: Option<String>,
    /// Sign-in.
    pub created_at: Instant,
    /// End without refresh.
    pub expires_at: Instant,
}

/// A session as its owner sees it.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// Key in `sessions`.
    pub id: Uuid,
    /// Address at sign-in.
    pub ip: Option<String>,
    /// Program at sign-in.
    pub user_agent: Option<String>,
    /// Sign-in.
    pub created_at: Instant,
    /// Last refresh.
    pub used_at: Instant,
    /// End without refresh.
    pub expires_at: Instant,
}

/// Whether a session still counts, and for whom.
#[derive(Debug, Clone)]
pub struct SessionState {
    /// Whose sign-in.
    pub user: Uuid,
    /// Which listener it is for.
    pub audience: Audience,
    /// End without refresh.
    pub expires_at: Instant,
    /// Whether it was ended early.
    pub is_revoked: bool,
    /// The user's platform roles.
    pub roles: Vec<Role>,
    /// Whether the account may be used.
    pub status: Status,
    /// Where a presented refresh token stands, if one was.
    pub token: TokenPlace,
}

/// Where a refresh token stands in its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPlace {
    /// It is the present one.
    Current,
    /// It was exchanged before.
    Used,
    /// It was never issued, or too long ago to be remembered.
    Unknown,
}

impl SessionState {
    /// Whether the session counts on `audience` at `now`: not ended, not over, of an account that may be used there.
    pub fn is_live(&self, audience: Audience, now: Instant) -> bool {
        let has_place = audience == Audience::Public || self.roles.iter().any(|role| role.is_staff());
        !self.is_revoked
            && self.expires_at > now
            && self.audience == audience
            && self.status == Status::Active
            && has_place
    }
}

/// What a signed-in caller takes away.
pub struct Grant {
    /// The account.
    pub user: UserRow,
    /// Key in `sessions`.
    pub session: Uuid,
    /// Which listener it is for.
    pub audience: Audience,
    /// Access token.
    pub access: String,
    /// Refresh token.
    pub refresh: RefreshToken,
    /// Seconds until the access token ends.
    pub expires_in_s: u64,
    /// Whether the tokens travel as cookies.
    pub uses_cookies: bool,
}
