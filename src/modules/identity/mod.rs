//! Accounts and sign-in: who somebody is, and for how long.
//!
//! * `api.rs`, `admin_api.rs` are the operations of the two listeners, `views.rs` what they take and give, `cookies.rs` the
//!   browser's way, `document.rs` what the OpenAPI document adds
//! * `sign_in.rs`, `account.rs`, `staff.rs`, `setup.rs` are what the operations do
//! * `links_api.rs` are the operations by links in mails: `confirmation.rs` of an address, `recovery.rs` of an account, `address.rs` for
//!   another address; `links.rs` says what links are good for, `mails.rs` posts the mails, `alerts.rs` tells of what an owner should know
//! * `authenticate.rs` turns an access token into a principal, for every request
//! * `events.rs` is what it tells, `people.rs` what other modules may know of somebody
//! * `rules.rs`, `email.rs` decide, `store/` has the statements, `tokens.rs` and `passwords.rs` the cryptography
//!
//! **Invariant:** after every change of a session, a role or a status, the generation of the kept principals is raised after
//! the commit and before the answer. Deliberately elsewhere: reading tokens from headers and demanding CSRF tokens (http).

mod account;
mod address;
mod admin_api;
mod alerts;
mod api;
mod authenticate;
mod confirmation;
mod cookies;
mod document;
mod email;
mod events;
mod links;
mod links_api;
mod mails;
mod model;
mod passwords;
mod people;
mod recovery;
mod refresh_body;
mod rules;
mod setup;
mod sign_in;
mod staff;
mod store;
mod strangers;
#[cfg(test)]
mod tests;
mod tokens;
mod views;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use pawbase_engine::Tx;
use tokio::sync::Mutex;
use uuid::Uuid;

use self::passwords::Passwords;
use self::rules::LockPolicy;
use self::strangers::Strangers;
use crate::config::{AuthSettings, Config};
use crate::context::{Ctx, Platform, changing_rights, uninterrupted};
use crate::kernel::Result;
use crate::kernel::time::{Instant, floored};
use crate::services::keys::Keys;

pub use self::address::{BEGIN_EMAIL_CHANGE, begin_email_change};
pub use self::admin_api::AdminAuthApi;
pub use self::alerts::{tell_locked, tell_password_changed};
pub use self::api::AuthApi;
pub use self::authenticate::{authenticate, is_suspended};
pub use self::confirmation::{SEND_CONFIRMATION, send_confirmation};
pub use self::cookies::{ADMIN_COOKIES, CookieNames, PUBLIC_COOKIES, cookie_value};
pub use self::email::Email;
pub use self::links::forget_links;
pub use self::links_api::{AdminLinksApi, LinksApi};
pub use self::model::Status;
pub use self::people::{Person, administrators, person};
pub use self::recovery::{SEND_RESET, send_reset};
pub use self::setup::{create_admin, disable, list_admins, reset_password};
pub use self::views::Account;

/// What signing in needs beside the platform: keys, hashing, counters.
#[derive(Debug)]
pub struct Identity {
    keys: Arc<Keys>,
    settings: AuthSettings,
    passwords: Passwords,
    strangers: Strangers,
    /// The token of the setup link, while there is one. Held while it is used, so that it works once.
    setup_token: Arc<Mutex<Option<String>>>,
}

impl Identity {
    /// With the keys of this installation and the settings of `[auth]`. Fails when argon2 refuses its parameters.
    pub fn new(keys: Arc<Keys>, config: &Config) -> Result<Self> {
        Ok(Self {
            keys,
            passwords: Passwords::new(&config.auth)?,
            settings: config.auth.clone(),
            strangers: Strangers::new(),
            setup_token: Arc::default(),
        })
    }

    /// The keys of this installation.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The hash of a password, as stored. Fails with UNAVAILABLE when too many are waiting.
    pub async fn hash_password(&self, password: &str) -> Result<String> {
        self.passwords.hash(password).await
    }

    /// The token of the setup link: made when first asked for; None once there is a super_admin.
    pub async fn setup_token(&self, platform: &Platform) -> Result<Option<String>> {
        setup::token(self, platform).await
    }

    /// The CSRF token of a session.
    pub fn csrf_token(&self, session_id: Uuid) -> String {
        tokens::csrf_token(self.keys.csrf_key(), session_id)
    }

    /// Whether `token` is the CSRF token of a session; in constant time.
    pub fn verify_csrf(&self, session_id: Uuid, token: &str) -> bool {
        tokens::is_csrf_token(self.keys.csrf_key(), session_id, token)
    }

    fn settings(&self) -> &AuthSettings {
        &self.settings
    }

    fn lock_policy(&self) -> LockPolicy {
        LockPolicy::new(&self.settings)
    }

    fn access_lifetime(&self) -> Duration {
        Duration::from_secs(self.settings.access_token_minutes * 60)
    }

    fn refresh_lifetime(&self) -> Duration {
        Duration::from_secs(self.settings.refresh_token_days * 24 * 60 * 60)
    }

    /// When a session used at `now` ends without another refresh.
    fn session_end(&self, now: Instant) -> Instant {
        floored(now) + self.refresh_lifetime()
    }
}

/// The caller's own account.
pub async fn own_account(ctx: &Ctx) -> Result<Account> {
    account::me(ctx).await.map(Account::from)
}

/// Runs `work` in one transaction of the system, to its end even when the client hangs up: the engine keeps what was begun and
/// neither committed nor cancelled.
async fn transact<T, F>(platform: &Arc<Platform>, work: F) -> Result<T>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
{
    let platform = Arc::clone(platform);
    uninterrupted(async move { platform.engine.root().transact(work).await }).await
}

/// As [`transact`], for `work` that changes somebody's rights: it counts from the next request on.
async fn transact_rights<T, F>(platform: &Arc<Platform>, work: F) -> Result<T>
where
    T: Send + 'static,
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, Result<T>> + Send + Sync + 'static,
{
    let shared = Arc::clone(platform);
    changing_rights(platform, async move { shared.engine.root().transact(work).await }).await
}
