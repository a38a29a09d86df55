//! The way out of e-mails that needs no sign-in: a signed link names a notification, and whoever has it is its person.
//!
//! A mail program posts to it with one click (RFC 8058). A person opens it and is asked first: reading a link changes nothing,
//! since programs that look for viruses read links as well. What is chosen here is a preference like any other, so it can be undone.

use std::sync::LazyLock;

use minijinja::Environment;
use pawbase_engine::Tx;
use uuid::Uuid;

use super::catalogue::{self, CATALOGUE, NotificationType};
use super::commands::transact;
use super::rules::Channel;
use super::store;
use crate::context::Ctx;
use crate::kernel::error::GONE;
use crate::kernel::{Error, Result};
use crate::modules::identity::{self, Person};
use crate::services::keys::Keys;

/// What links with this purpose are for.
pub const UNSUBSCRIBE: &str = "notifications.unsubscribe";
/// Where they lead, on the public listener.
pub const UNSUBSCRIBE_PATH: &str = "/api/v1/notifications/unsubscribe";

/// The page, for before and after.
static PAGE: LazyLock<std::result::Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.add_template("page.html", include_str!("../../../assets/notifications/unsubscribe.html"))?;
    Ok(templates)
});

/// What a link is about.
struct Subject {
    kind: &'static NotificationType,
    person: Person,
    title: String,
}

/// The page that asks. Fails with NOT_FOUND for a link that is not ours, with GONE where the notification is.
pub async fn ask(ctx: &Ctx, keys: &Keys, token: &str) -> Result<String> {
    let id = opened(keys, token)?;
    let subject = transact(ctx, move |tx| Box::pin(subject(tx, id))).await?;
    page(&subject, token, false)
}

/// The person of the link gets no more e-mails of this type, or of any that need not be sent. Answers the page that says so. Fails as
/// [`ask`] does.
pub async fn unsubscribe(ctx: &Ctx, keys: &Keys, token: &str, is_all: bool) -> Result<String> {
    let id = opened(keys, token)?;
    let subject = transact(ctx, move |tx| {
        Box::pin(async move {
            let subject = subject(tx, id).await?;
            let mut wishes = store::wishes_within(tx, subject.person.id).await?;
            for kind in CATALOGUE.iter().filter(|kind| !kind.is_required && (is_all || kind.name == subject.kind.name))
            {
                wishes.choose(kind, Channel::Email, false);
            }
            store::keep_wishes(tx, subject.person.id, &wishes).await?;
            Ok(subject)
        })
    })
    .await?;
    page(&subject, token, true)
}

fn opened(keys: &Keys, token: &str) -> Result<Uuid> {
    keys.open_link(UNSUBSCRIBE, token).ok_or_else(Error::not_found)
}

async fn subject(tx: &Tx, id: Uuid) -> Result<Subject> {
    let gone = || Error::new(GONE, "The notification of this link is gone. Sign in to choose what you are sent.");
    let notification = store::notification(tx, id).await?.ok_or_else(gone)?;
    let kind = catalogue::find(&notification.kind).ok_or_else(gone)?;
    let person = identity::person(tx, notification.user).await?.ok_or_else(gone)?;
    Ok(Subject { kind, person, title: notification.title })
}

fn page(subject: &Subject, token: &str, is_done: bool) -> Result<String> {
    let templates = PAGE.as_ref().map_err(Error::internal)?;
    let template = templates.get_template("page.html").map_err(Error::internal)?;
    let language = if subject.person.locale.starts_with("de") { "de" } else { "en" };
    let values = minijinja::context! { language, token, is_done, title => subject.title.as_str() };
    template.render(values).map_err(Error::internal)
}
