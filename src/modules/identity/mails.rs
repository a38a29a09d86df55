//! The mails about accounts: which template, to whom, with which link. Each is posted in the transaction of what it tells of.

use chrono::SecondsFormat;
use pawbase_engine::Tx;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::links::{Purpose, issue};
use super::model::{Credentials, NewSession, NewUser};
use crate::context::{Audience, Ctx};
use crate::kernel::Result;
use crate::kernel::time::{Instant, floored};
use crate::modules::mail::{Letter, Link, post};

/// Who gets a mail.
#[derive(Debug, Clone, Copy)]
pub struct Receiver<'a> {
    /// Key in `users`.
    pub user: Uuid,
    /// Address of the account.
    pub email: &'a str,
    /// Name.
    pub name: &'a str,
    /// Language.
    pub locale: &'a str,
    /// IANA time zone.
    pub timezone: &'a str,
}

impl<'a> From<&'a Credentials> for Receiver<'a> {
    fn from(account: &'a Credentials) -> Self {
        let Credentials { user, email, name, locale, timezone, .. } = account;
        Self { user: *user, email, name, locale, timezone }
    }
}

impl<'a> From<&'a NewUser> for Receiver<'a> {
    fn from(user: &'a NewUser) -> Self {
        let NewUser { id, email, name, locale, timezone, .. } = user;
        Self { user: *id, email: email.as_str(), name, locale, timezone }
    }
}

impl Receiver<'_> {
    /// A letter to the account's own address.
    fn letter(&self, template: &'static str, data: Json) -> Letter {
        self.letter_to(self.email, template, data)
    }

    fn letter_to(&self, address: &str, template: &'static str, mut data: Json) -> Letter {
        data["name"] = json!(self.name);
        Letter::new(address, template, data).user(self.user).locale(self.locale)
    }

    async fn link(&self, tx: &Tx, ctx: &Ctx, purpose: Purpose, audience: Audience) -> Result<Link> {
        issue(tx, ctx, self.user, purpose, audience, self.email).await
    }
}

fn shown(instant: Instant) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Is the address theirs?
pub async fn confirm_email(tx: &Tx, ctx: &Ctx, to: Receiver<'_>) -> Result<()> {
    let link = to.link(tx, ctx, Purpose::ConfirmEmail, Audience::Public).await?;
    let data = json!({ "hours": ctx.platform.config.auth.confirm_link_hours });
    post(tx, ctx, to.letter("confirm_email", data).link(link)).await.map(drop)
}

/// A link for a new password, on this listener.
pub async fn reset_password(tx: &Tx, ctx: &Ctx, to: Receiver<'_>, audience: Audience) -> Result<()> {
    let link = to.link(tx, ctx, Purpose::ResetPassword, audience).await?;
    let data = json!({ "minutes": ctx.platform.config.auth.reset_link_minutes });
    post(tx, ctx, to.letter("reset_password", data).link(link)).await.map(drop)
}

/// The password was changed.
pub async fn password_changed(tx: &Tx, ctx: &Ctx, to: Receiver<'_>, at: Instant) -> Result<()> {
    let link = to.link(tx, ctx, Purpose::NotMe, Audience::Public).await?;
    let data = json!({ "at": shown(at), "timezone": to.timezone, "days": ctx.platform.config.auth.undo_link_days });
    post(tx, ctx, to.letter("password_changed", data).link(link)).await.map(drop)
}

/// The account is locked.
pub async fn account_locked(tx: &Tx, ctx: &Ctx, to: Receiver<'_>, until: &str, audience: Audience) -> Result<()> {
    let link = to.link(tx, ctx, Purpose::ResetPassword, audience).await?;
    let data = json!({ "until": until, "timezone": to.timezone });
    post(tx, ctx, to.letter("account_locked", data).link(link)).await.map(drop)
}

/// Somebody signed in from elsewhere.
pub async fn new_sign_in(tx: &Tx, ctx: &Ctx, to: Receiver<'_>, session: &NewSession) -> Result<()> {
    let link = to.link(tx, ctx, Purpose::NotMe, session.audience).await?;
    let unknown = || "?".to_owned();
    let data = json!({
        "at": shown(floored(ctx.now())),
        "timezone": to.timezone,
        "ip": session.ip.clone().unwrap_or_else(unknown),
        "program": session.user_agent.clone().unwrap_or_else(unknown),
        "days": ctx.platform.config.auth.undo_link_days,
    });
    post(tx, ctx, to.letter("new_sign_in", data).link(link)).await.map(drop)
}

/// The new address is to be confirmed.
pub async fn confirm_new_email(tx: &Tx, ctx: &Ctx, to: Receiver<'_>, new_email: &str) -> Result<()> {
    let link = issue(tx, ctx, to.user, Purpose::ChangeEmail, Audience::Public, new_email).await?;
    let data = json!({ "hours": ctx.platform.config.auth.confirm_link_hours });
    post(tx, ctx, to.letter_to(new_email, "confirm_new_email", data).link(link)).await.map(drop)
}

/// The old address is told of the new one.
pub async fn email_change_notice(tx: &Tx, ctx: &Ctx, to: Receiver<'_>, new_email: &str) -> Result<()> {
    let link = to.link(tx, ctx, Purpose::UndoEmail, Audience::Public).await?;
    let data = json!({ "new_email": new_email, "days": ctx.platform.config.auth.undo_link_days });
    post(tx, ctx, to.letter("email_change_notice", data).link(link)).await.map(drop)
}

/// Somebody wanted this address for another account; told once a day.
pub async fn email_in_use(tx: &Tx, ctx: &Ctx, to: Receiver<'_>) -> Result<()> {
    let key = format!("email_in_use:{}:{}", to.user, ctx.now().date_naive());
    post(tx, ctx, to.letter("email_in_use", json!({})).unique(key)).await.map(drop)
}
