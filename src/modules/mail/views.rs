//! What the operations give.

use poem_openapi::Object;
use uuid::Uuid;

use super::templates::Rendered;

/// A mail as it looks.
#[derive(Object)]
pub struct MailPreview {
    /// Its subject.
    pub subject: String,
    /// Its plain half.
    pub text: String,
    /// Its HTML half: a whole document without scripts, to be shown in a sandboxed frame.
    pub html: String,
    /// Whether the mail itself is kept on the server, in the data folder's `outbox`.
    pub is_kept: bool,
    /// Whether its links work here. Else they lead nowhere, since whoever follows them acts as the receiver.
    pub has_live_links: bool,
}

impl MailPreview {
    /// Words that are shown.
    pub(super) fn new(words: Rendered, is_kept: bool, has_live_links: bool) -> Self {
        let Rendered { subject, text, html } = words;
        Self { subject, text, html, is_kept, has_live_links }
    }
}

/// A mail that was queued.
#[derive(Object)]
pub struct QueuedMail {
    /// Its key in `mails`.
    pub id: String,
}

impl From<Uuid> for QueuedMail {
    fn from(id: Uuid) -> Self {
        Self { id: id.to_string() }
    }
}

/// A kind of mail.
#[derive(Object)]
pub struct MailTemplate {
    /// Its code: the name of its files.
    pub code: String,
    /// When it is sent.
    pub description: String,
    /// Languages that it is there in.
    pub locales: Vec<String>,
    /// Languages in which the shop has replaced or added some of it.
    pub overridden: Vec<String>,
}

/// Every kind of mail.
#[derive(Object)]
pub struct MailTemplates {
    /// By code.
    pub items: Vec<MailTemplate>,
}
