//! Links in mails about accounts: what each is for, how long it is good, and using one up.
//!
//! **Invariant:** a link is a row and a token. The token is made of the row's key and sealed for one purpose (`Keys::link_token`) when the mail
//! is sent, so nobody who reads the database can make one. The row says for whom, on which listener and until when, and is used up in
//! the transaction of what the link does: it works once.
//!
//! A new password ends the links that would give another one or move the account. It does not end those by which its owner takes the
//! account back: whoever has stolen it could otherwise end them.

use chrono::Duration;
use futures::future::BoxFuture;
use pawbase_engine::Tx;
use uuid::Uuid;

use super::{Identity, store};
use crate::config::AuthSettings;
use crate::context::{Audience, Ctx};
use crate::kernel::error::GONE;
use crate::kernel::id::first_key;
use crate::kernel::time::{Instant, floored};
use crate::kernel::{Error, Result};
use crate::modules::mail::Link;
use crate::work::{Attempted, Turn};

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Shows that an address is the account's owner's.
    ConfirmEmail,
    /// Gives a new password.
    ResetPassword,
    /// Gives the account its new address.
    ChangeEmail,
    /// Gives the account its old address back.
    UndoEmail,
    /// Says that something was not the account's owner.
    NotMe,
}

/// What a new password ends.
pub const ENDED_BY_PASSWORD: [Purpose; 2] = [Purpose::ResetPassword, Purpose::ChangeEmail];
/// Every purpose.
pub const ALL: [Purpose; 5] =
    [Purpose::ConfirmEmail, Purpose::ResetPassword, Purpose::ChangeEmail, Purpose::UndoEmail, Purpose::NotMe];

/// Links of one purpose that somebody can ask for in an hour; more are ignored, so that nobody's letter box is flooded.
const ASKED_MAX: usize = 5;
/// Days after which links are forgotten: no link is good for longer.
const KEPT_DAYS: i64 = 61;
/// Links removed in one transaction at most.
const BATCH: i64 = 500;

impl Purpose {
    /// Its name in rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "confirm_email",
            Self::ResetPassword => "reset_password",
            Self::ChangeEmail => "change_email",
            Self::UndoEmail => "undo_email",
            Self::NotMe => "not_me",
        }
    }

    /// What its tokens are sealed for.
    pub fn seal(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "account.confirm_email",
            Self::ResetPassword => "account.reset_password",
            Self::ChangeEmail => "account.change_email",
            Self::UndoEmail => "account.undo_email",
            Self::NotMe => "account.not_me",
        }
    }

    /// The page that it leads to.
    fn page(self) -> &'static str {
        match self {
            Self::ConfirmEmail => "/account/confirm-email",
            Self::ResetPassword => "/account/reset-password",
            Self::ChangeEmail => "/account/confirm-new-email",
            Self::UndoEmail => "/account/undo-email-change",
            Self::NotMe => "/account/not-me",
        }
    }

    /// How long it is good.
    fn lifetime(self, settings: &AuthSettings) -> Duration {
        let whole = |count: u64| i64::try_from(count).unwrap_or(1);
        match self {
            Self::ConfirmEmail | Self::ChangeEmail => Duration::hours(whole(settings.confirm_link_hours)),
            Self::ResetPassword => Duration::minutes(whole(settings.reset_link_minutes)),
            Self::UndoEmail | Self::NotMe => Duration::days(whole(settings.undo_link_days)),
        }
    }
}

/// A link to be kept.
#[derive(Debug, Clone)]
pub struct NewLink {
    /// Key in `account_links`.
    pub id: Uuid,
    /// Whose account.
    pub user: Uuid,
    /// What it is for.
    pub purpose: Purpose,
    /// On which listener it works.
    pub audience: Audience,
    /// The address that it is about: the one to confirm, to give, or to give back.
    pub email: String,
    /// When it is made.
    pub created_at: Instant,
    /// Until when it is good.
    pub expires_at: Instant,
}

/// What a good link does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Whose account.
    pub user: Uuid,
    /// The address that it is about.
    pub email: String,
}

/// Makes a link, for a mail that is posted in the same transaction.
pub async fn issue(tx: &Tx, ctx: &Ctx, user: Uuid, purpose: Purpose, audience: Audience, email: &str) -> Result<Link> {
    let (id, now) = (ctx.new_id(), floored(ctx.now()));
    let expires_at = now + purpose.lifetime(&ctx.platform.config.auth);
    let link = NewLink { id, user, purpose, audience, email: email.to_owned(), created_at: now, expires_at };
    store::insert_link(tx, &link).await?;
    Ok(Link::new(purpose.page(), purpose.seal(), id).at(audience))
}

/// Whether somebody has asked for so many links of this purpose that there is none for a while.
pub async fn is_flooded(tx: &Tx, ctx: &Ctx, user: Uuid, purpose: Purpose) -> Result<bool> {
    let since = floored(ctx.now()) - Duration::hours(1);
    Ok(store::count_links(tx, user, purpose, since).await? >= ASKED_MAX)
}

/// The key of the row that a token opens for `purpose`. Fails with GONE.
pub fn opened(identity: &Identity, purpose: Purpose, token: &str) -> Result<Uuid> {
    identity.keys().open_link(purpose.seal(), token).ok_or_else(gone)
}

/// The refusal of a link, whatever is wrong with it.
pub fn gone() -> Error {
    Error::new(GONE, "This link is not good any more: it was used, has ended, or is not whole. Ask for a new one.")
}

/// A job: forgets old links.
pub async fn forget_links(turn: &Turn<'_>) -> Attempted {
    let end = first_key(turn.ctx.now() - Duration::days(KEPT_DAYS));
    while turn.ctx.system().transact(|tx| forget_batch(tx, end)).await? > 0 {}
    Ok(())
}

fn forget_batch(tx: &Tx, end: Uuid) -> BoxFuture<'_, Result<usize>> {
    Box::pin(async move { store::forget_links(tx, end, BATCH).await })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_has_its_own_seal_page_and_name() {
        for name in [Purpose::as_str, Purpose::seal, Purpose::page] {
            let mut names = ALL.map(name);
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        }
    }

    #[test]
    fn no_link_outlives_its_row() {
        let settings = AuthSettings { undo_link_days: 60, confirm_link_hours: 720, ..AuthSettings::default() };
        assert!(ALL.iter().all(|purpose| purpose.lifetime(&settings) < Duration::days(KEPT_DAYS)));
    }
}
