//! A letter as other modules ask for it.

use pawbase_engine::Tx;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::sending::KIND;
use super::store;
use crate::config::MailTransport;
use crate::context::{Audience, Ctx};
use crate::kernel::time::floored;
use crate::kernel::{Error, Result};
use crate::work::{NewJob, enqueue};

/// A mail to be sent: which template, to whom, with what.
#[derive(Debug, Clone)]
pub struct Letter {
    pub(super) to: String,
    pub(super) template: &'static str,
    pub(super) data: Json,
    pub(super) user: Option<Uuid>,
    pub(super) locale: Option<String>,
    pub(super) link: Option<Link>,
    pub(super) unsubscribe: Option<Link>,
    pub(super) unique_key: Option<String>,
}

/// Where a link leads. Its token is made when the mail is sent, so that none is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub(super) path: String,
    pub(super) purpose: String,
    pub(super) id: Uuid,
    pub(super) audience: Audience,
}

impl Link {
    /// A link to `path` of the public listener, whose token opens row `id` for `purpose` (`Keys::open_link`).
    pub fn new(path: impl Into<String>, purpose: &'static str, id: Uuid) -> Self {
        Self { path: path.into(), purpose: purpose.to_owned(), id, audience: Audience::Public }
    }

    /// The same on another listener.
    pub fn at(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }
}

impl Letter {
    /// A letter by the template `template`, filled with the members of `data`. They are kept with the mail: no secrets.
    pub fn new(to: impl Into<String>, template: &'static str, data: Json) -> Self {
        Self {
            to: to.into(),
            template,
            data,
            user: None,
            locale: None,
            link: None,
            unsubscribe: None,
            unique_key: None,
        }
    }

    /// To somebody with an account, in their language unless another is named.
    pub fn user(self, user: Uuid) -> Self {
        Self { user: Some(user), ..self }
    }

    /// In this language, such as `de-AT`; else in `de`, else in English.
    pub fn locale(self, locale: impl Into<String>) -> Self {
        Self { locale: Some(locale.into()), ..self }
    }

    /// With a link, whose token stands behind `#token=`: it is in no log, and following the link uses nothing up.
    pub fn link(self, link: Link) -> Self {
        Self { link: Some(link), ..self }
    }

    /// With a link that unsubscribes by one click (RFC 8058), whose token stands behind `?token=`.
    pub fn unsubscribe(self, link: Link) -> Self {
        Self { unsubscribe: Some(link), ..self }
    }

    /// Only if there is no mail with this key yet, sent or not.
    pub fn unique(self, key: impl Into<String>) -> Self {
        Self { unique_key: Some(key.into()), ..self }
    }
}

/// Posts a letter in a transaction of the system: a row of `mails`, and a job that sends it after the commit. Answers the key of the
/// mail; that of the first one where there is one with the same unique key. While mail is off it is kept and never sent.
pub async fn post(tx: &Tx, ctx: &Ctx, letter: Letter) -> Result<Uuid> {
    if !letter.data.is_object() {
        return Err(Error::internal(format!("the data of a mail {} is no object", letter.template)));
    }
    if let Some(key) = &letter.unique_key
        && let Some(first) = store::with_key(tx, key).await?
    {
        return Ok(first);
    }
    let is_off = ctx.platform.config.mail.transport == MailTransport::Off;
    let state = if is_off { store::State::Suppressed } else { store::State::Queued };
    let id = ctx.new_id();
    let message_id = message_id(id, &ctx.platform.config.mail.from);
    store::insert(tx, id, &letter, state, &message_id, floored(ctx.now())).await?;
    queue(tx, ctx, id, state).await?;
    Ok(id)
}

/// Asks for the job that sends a mail, unless mail is off.
pub(super) async fn queue(tx: &Tx, ctx: &Ctx, id: Uuid, state: store::State) -> Result<()> {
    if state == store::State::Queued {
        enqueue(tx, ctx, NewJob::new(KIND, json!({ "mail": id }))?.about(store::record(id))).await?;
    }
    Ok(())
}

/// The Message-ID of a mail (RFC 5322, section 3.6.4), in the sender's domain.
pub(super) fn message_id(id: Uuid, from: &str) -> String {
    let domain = from.rsplit('@').next().unwrap_or_default().trim_end_matches('>').trim();
    format!("<{id}@{domain}>")
}
