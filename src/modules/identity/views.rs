//! What callers of the auth operations send and get. Inputs that hold a password or token have no Debug on purpose.

use poem_openapi::Object;
use poem_openapi::types::MaybeUndefined;
use uuid::Uuid;

use super::model::{Grant, SessionRow, UserRow};
use crate::kernel::time::Instant;

/// A new account.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub struct SignUp {
    /// Sign-in address; upper and lower case are the same.
    pub email: String,
    /// Password; too common ones are refused.
    pub password: String,
    /// Name shown to others.
    pub name: String,
    /// Language, such as `en` or `en-GB`.
    pub locale: Option<String>,
    /// IANA time zone, such as `Europe/Berlin`.
    pub timezone: Option<String>,
    /// Answer with cookies instead of tokens in the body; for browsers.
    #[oai(default)]
    pub use_cookies: bool,
}

/// A sign-in.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub struct Login {
    /// Sign-in address.
    pub email: String,
    /// Password.
    pub password: String,
    /// Answer with cookies instead of tokens in the body; for browsers.
    #[oai(default)]
    pub use_cookies: bool,
}

/// A refresh token to exchange; left out when it travels as a cookie.
#[derive(Object, Default)]
#[oai(deny_unknown_fields)]
pub struct Refresh {
    /// The refresh token of the last answer.
    pub refresh_token: Option<String>,
}

/// The first administrator.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub struct SetUp {
    /// The one-time token printed at start.
    pub token: String,
    /// Sign-in address.
    pub email: String,
    /// Name shown to others.
    pub name: String,
    /// Password of at least 12 characters.
    pub password: String,
    /// Answer with cookies instead of tokens in the body; for browsers.
    #[oai(default)]
    pub use_cookies: bool,
}

/// A change of password.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password until now.
    pub current_password: String,
    /// The password from now on.
    pub new_password: String,
}

/// An address to write to.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub struct AskByEmail {
    /// Address of an account.
    pub email: String,
}

/// The token of a link in a mail.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub struct FollowLink {
    /// What stands behind `#token=`.
    pub token: String,
}

/// A new password by a link in a mail.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub struct ResetPassword {
    /// What stands behind `#token=`.
    pub token: String,
    /// The password from now on.
    pub password: String,
}

/// Another address for the own account.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub struct ChangeEmail {
    /// The address from then on.
    pub email: String,
    /// The password.
    pub current_password: String,
}

/// Changes of the own profile: fields left out stay as they are, null clears.
#[derive(Object, Debug, Default)]
#[oai(deny_unknown_fields)]
pub struct ChangeProfile {
    /// Name shown to others; cannot be cleared.
    pub name: MaybeUndefined<String>,
    /// Telephone number in E.164 form.
    pub phone: MaybeUndefined<String>,
    /// Date of birth, such as `1990-05-01`.
    pub birthday: MaybeUndefined<String>,
    /// A few words about themselves.
    pub bio: MaybeUndefined<String>,
    /// Where they live, as they want it shown.
    pub city: MaybeUndefined<String>,
    /// Language, such as `en` or `en-GB`; cannot be cleared.
    pub locale: MaybeUndefined<String>,
    /// IANA time zone; cannot be cleared.
    pub timezone: MaybeUndefined<String>,
    /// Whether others may see the profile; cannot be cleared.
    pub public_profile: MaybeUndefined<bool>,
}

/// Why an account is suspended.
#[derive(Object, Debug)]
#[oai(deny_unknown_fields)]
pub struct SuspendUser {
    /// The reason, kept in the audit trail.
    pub reason: String,
}

/// The roles an account has from now on.
#[derive(Object, Debug)]
#[oai(deny_unknown_fields)]
pub struct ReplaceRoles {
    /// Any of customer, courier, moderator, support, admin, super_admin.
    pub roles: Vec<String>,
}

/// An account as its owner and support staff see it.
#[derive(Object, Debug, Clone)]
#[oai(skip_serializing_if_is_none)]
pub struct Account {
    /// Key of the user.
    pub id: String,
    /// Sign-in address, in lower case.
    pub email: String,
    /// Name shown to others.
    pub name: String,
    /// Telephone number in E.164 form.
    pub phone: Option<String>,
    /// Date of birth.
    pub birthday: Option<String>,
    /// A few words about themselves.
    pub bio: Option<String>,
    /// Where they live, as they want it shown.
    pub city: Option<String>,
    /// Language.
    pub locale: String,
    /// IANA time zone.
    pub timezone: String,
    /// Whether others may see the profile.
    pub public_profile: bool,
    /// Platform roles.
    pub roles: Vec<String>,
    /// active, suspended or deleted.
    pub status: String,
    /// When the address was shown to be theirs.
    pub email_verified_at: Option<String>,
    /// When the account was made.
    pub created_at: String,
}

impl From<UserRow> for Account {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id.to_string(),
            email: row.email,
            name: row.name,
            phone: row.phone,
            birthday: row.birthday,
            bio: row.bio,
            city: row.city,
            locale: row.locale,
            timezone: row.timezone,
            public_profile: row.is_profile_public,
            roles: row.roles.iter().map(|role| role.as_str().to_owned()).collect(),
            status: row.status.as_str().to_owned(),
            email_verified_at: row.email_verified_at.map(shown),
            created_at: shown(row.created_at),
        }
    }
}

/// Tokens and the account they are for. With cookies the tokens are left out.
#[derive(Object)]
pub struct SignedIn {
    /// The account.
    pub user: Account,
    /// Send it as `Authorization: Bearer …`.
    #[oai(skip_serializing_if_is_none)]
    pub access_token: Option<String>,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds until the access token ends.
    pub expires_in: u64,
    /// Exchange it for new tokens before or after that; each works once.
    #[oai(skip_serializing_if_is_none)]
    pub refresh_token: Option<String>,
}

impl From<Grant> for SignedIn {
    fn from(grant: Grant) -> Self {
        let in_body = |token: String| (!grant.uses_cookies).then_some(token);
        Self {
            access_token: in_body(grant.access),
            token_type: "Bearer".to_owned(),
            expires_in: grant.expires_in_s,
            refresh_token: in_body(grant.refresh.as_str().to_owned()),
            user: grant.user.into(),
        }
    }
}

/// A sign-in on one device.
#[derive(Object, Debug)]
#[oai(skip_serializing_if_is_none)]
pub struct SignInSession {
    /// Key of the session.
    pub id: String,
    /// Sign-in.
    pub created_at: String,
    /// Last refresh.
    pub used_at: String,
    /// End without refresh.
    pub expires_at: String,
    /// Address at sign-in.
    pub ip: Option<String>,
    /// Program at sign-in.
    pub user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// Sign-ins, newest first.
#[derive(Object, Debug)]
pub struct SignInSessions {
    /// The sign-ins that still count.
    pub items: Vec<SignInSession>,
}

impl SignInSessions {
    /// The view of `rows` for the holder of session `current`.
    pub fn new(rows: Vec<SessionRow>, current: Uuid) -> Self {
        let view = |row: SessionRow| SignInSession {
            id: row.id.to_string(),
            created_at: shown(row.created_at),
            used_at: shown(row.used_at),
            expires_at: shown(row.expires_at),
            ip: row.ip,
            user_agent: row.user_agent,
            is_current: row.id == current,
        };
        Self { items: rows.into_iter().map(view).collect() }
    }
}

/// An instant in JSON: RFC 3339 in UTC, whole seconds.
fn shown(instant: Instant) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
