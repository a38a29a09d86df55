//! What writing and sending mails needs: texts, keys for links, a way out.

use std::sync::Arc;

use lettre::message::Mailbox;
use uuid::Uuid;

use super::catalogue::Template;
use super::links::{self, Places};
use super::store::MailRow;
use super::templates::{Filling, Rendered, TemplateError, Templates};
use crate::config::{Config, MailTransport};
use crate::kernel::time::Instant;
use crate::kernel::{Error, Result};
use crate::services::keys::Keys;
use crate::services::mail::{Draft, Folder, Memory, Outgoing, SendFailure, Smtp, Transport, compose};

/// Where mails are kept, in the data folder.
const OUTBOX: &str = "outbox";

/// The folder in which mails are kept, where they are not sent.
pub(super) fn outbox(config: &Config) -> Option<Folder> {
    let is_folder = config.mail.transport == MailTransport::File && config.database.url != "memory";
    is_folder.then(|| Folder::new(config.server.data.join(OUTBOX)))
}

/// Why mail cannot be used, for whoever starts the program.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The shop's texts are broken.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The settings do not make a way out.
    #[error("{0}")]
    Settings(String),
}

/// Writes mails, and has a way for them to go out.
#[derive(Debug)]
pub struct Mailer {
    keys: Arc<Keys>,
    templates: Templates,
    transport: Arc<dyn Transport>,
    memory: Option<Arc<Memory>>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    places: Places,
    /// Whether mails are kept here for whoever develops with it, instead of being sent.
    keeps_letters: bool,
}

/// A mail and the words of it.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) words: Rendered,
    pub(super) mail: Outgoing,
}

impl Mailer {
    /// As the settings say. Where the database is in memory, so are the mails.
    pub fn open(config: &Config, keys: Arc<Keys>) -> std::result::Result<Self, MailError> {
        let mailbox =
            |text: &str| text.parse::<Mailbox>().map_err(|_| MailError::Settings(format!("{text:?} is no address")));
        let settings = &config.mail;
        let is_memory = config.database.url == "memory" && settings.transport != MailTransport::Smtp;
        let memory = is_memory.then(Arc::<Memory>::default);
        let transport: Arc<dyn Transport> = match (&memory, settings.transport) {
            (Some(memory), _) => Arc::clone(memory) as Arc<dyn Transport>,
            (None, MailTransport::Smtp) => Arc::new(Smtp::new(settings).map_err(MailError::Settings)?),
            (None, _) => Arc::new(Folder::new(config.server.data.join(OUTBOX))),
        };
        let reply_to = (!settings.reply_to.is_empty()).then(|| mailbox(&settings.reply_to)).transpose()?;
        Ok(Self {
            keys,
            templates: Templates::load(&config.server.data.join("mail"))?,
            transport,
            memory,
            from: mailbox(&settings.from)?,
            reply_to,
            places: Places::new(config),
            keeps_letters: settings.transport == MailTransport::File,
        })
    }

    /// The mails in memory, where they are kept there.
    pub fn memory(&self) -> Option<&Memory> {
        self.memory.as_deref()
    }

    /// The texts.
    pub(super) fn templates(&self) -> &Templates {
        &self.templates
    }

    /// Whether mails are kept here instead of being sent.
    pub(super) fn keeps_letters(&self) -> bool {
        self.keeps_letters
    }

    fn shop(&self) -> &str {
        self.from.name.as_deref().unwrap_or_else(|| self.from.email.domain())
    }

    /// The words of a mail. Links work only where `is_live`.
    pub(super) fn words(&self, row: &MailRow, is_live: bool) -> std::result::Result<Rendered, minijinja::Error> {
        let link = row.link.as_ref().map(|link| self.places.link(link, &links::token(&self.keys, link, is_live)));
        let unsubscribe = self.unsubscribe(row, is_live);
        let filling =
            Filling { shop: self.shop(), data: &row.data, link: link.as_deref(), unsubscribe: unsubscribe.as_deref() };
        self.templates.render(&row.template, &row.locale, filling)
    }

    fn unsubscribe(&self, row: &MailRow, is_live: bool) -> Option<String> {
        let link = row.unsubscribe.as_ref()?;
        Some(self.places.one_click(link, &links::token(&self.keys, link, is_live)))
    }

    /// Writes a mail as it goes out at `at`.
    pub(super) fn write(&self, row: &MailRow, at: Instant) -> std::result::Result<Written, SendFailure> {
        let refused = |error: minijinja::Error| SendFailure::Refused {
            message: format!("The template {} cannot be filled in: {error:#}", row.template),
            is_bad_address: false,
        };
        let words = self.words(row, true).map_err(refused)?;
        let unsubscribe = self.unsubscribe(row, true);
        let mail = compose(&Draft {
            id: row.id,
            at,
            message_id: &row.message_id,
            from: &self.from,
            reply_to: self.reply_to.as_ref(),
            to: &row.to,
            subject: &words.subject,
            text: &words.text,
            html: &words.html,
            unsubscribe: unsubscribe.as_deref(),
        })?;
        Ok(Written { words, mail })
    }

    /// Sends a mail.
    pub(super) async fn send(&self, mail: &Outgoing) -> std::result::Result<(), SendFailure> {
        self.transport.send(mail).await
    }

    /// Whether the mail itself is kept here.
    pub(super) async fn is_kept(&self, id: Uuid) -> bool {
        self.transport.kept(id).await.is_some()
    }

    /// The words of a template with its sample.
    pub(super) fn sample(&self, template: &Template, locale: &str) -> Result<Rendered> {
        self.templates.sample(template, locale).map_err(|error| Error::internal(format!("{error:#}")))
    }
}
