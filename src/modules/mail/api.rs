//! The operations on mail, below `/api/admin`. The mails themselves are a table, so they are listed by the records API.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi, Tags};

use super::commands;
use super::mailer::Mailer;
use super::templates::FALLBACK;
use super::views::{MailPreview, MailTemplates, QueuedMail};
use crate::context::Ctx;

/// Groups of operations in the document.
#[derive(Tags)]
enum Tag {
    /// Mail that the program sends.
    Mail,
}

/// A new mail was queued.
#[derive(ApiResponse)]
enum Resent {
    /// Queued.
    #[oai(status = 201)]
    Mail(Json<QueuedMail>),
}

/// A mail to the caller was queued.
#[derive(ApiResponse)]
enum Tested {
    /// Queued; the record of `mails` says what came of it.
    #[oai(status = 202)]
    Mail(Json<QueuedMail>),
}

/// The operations on mail.
#[derive(Debug)]
pub struct MailApi {
    /// Texts, and the way out.
    pub mailer: Arc<Mailer>,
}

#[OpenApi(tag = "Tag::Mail")]
impl MailApi {
    /// See a mail
    ///
    /// As it would go out now, by its template. Links are disabled, but for a super_admin where mails are kept instead of being sent. 404
    /// when there is none. 422 when its template does not take its data any more.
    #[oai(path = "/mails/:id/preview", method = "get", operation_id = "preview_mail")]
    async fn preview(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the mail.
        id: Path<String>,
    ) -> poem::Result<Json<MailPreview>> {
        Ok(Json(commands::preview(&ctx, &self.mailer, &id.0).await?))
    }

    /// Send a mail again
    ///
    /// As a new mail to the same address, with the same words and the same links: those that have been used or have ended stay so. 404 when
    /// there is none. 409 while it is still to be sent. Administrators only (403).
    #[oai(path = "/mails/:id/resend", method = "post", operation_id = "resend_mail")]
    async fn resend(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the mail.
        id: Path<String>,
    ) -> poem::Result<Resent> {
        Ok(Resent::Mail(Json(commands::resend(&ctx, &id.0).await?.into())))
    }

    /// Try whether mail goes out
    ///
    /// Sends one to the caller's own address. Administrators only (403).
    #[oai(path = "/mail/test", method = "post", operation_id = "test_mail")]
    async fn test(&self, ctx: Data<&Ctx>) -> poem::Result<Tested> {
        Ok(Tested::Mail(Json(commands::test(&ctx).await?.into())))
    }

    /// List the kinds of mail
    ///
    /// Each with its languages, and with those in which the shop has replaced some of it (files below `mail` in the data folder).
    #[oai(path = "/mail/templates", method = "get", operation_id = "list_mail_templates")]
    async fn templates(&self, ctx: Data<&Ctx>) -> poem::Result<Json<MailTemplates>> {
        Ok(Json(commands::templates(&ctx, &self.mailer)?))
    }

    /// See a kind of mail
    ///
    /// Filled with a sample. 404 when there is no such kind.
    #[oai(path = "/mail/templates/:id/preview", method = "get", operation_id = "preview_mail_template")]
    async fn sample(
        &self,
        ctx: Data<&Ctx>,
        /// Code of the kind.
        id: Path<String>,
        /// Language, such as `de` or `de-AT`; English where it is not there.
        locale: Query<Option<String>>,
    ) -> poem::Result<Json<MailPreview>> {
        Ok(Json(commands::sample(&ctx, &self.mailer, &id.0, locale.0.as_deref().unwrap_or(FALLBACK))?))
    }
}
