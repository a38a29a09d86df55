//! The operations by links in mails, of both listeners. Who asks for a mail is not told whether there is such an account; a link that is no
//! good is refused in one way, whatever is wrong with it.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::payload::Json;

use super::api::{Accepted, Done, Tag};
use super::links::Purpose;
use super::views::{AskByEmail, ChangeEmail, FollowLink, ResetPassword};
use super::{Identity, address, confirmation, recovery};
use crate::context::Ctx;

/// The operations by links in mails of the public listener, below `/api/v1`.
#[derive(Debug)]
pub struct LinksApi {
    /// Keys, hashing and counters.
    pub identity: Arc<Identity>,
}

#[OpenApi(tag = "Tag::Auth")]
impl LinksApi {
    /// Ask for the mail that confirms an address
    ///
    /// It comes if there is an account with this address that has not confirmed it; at most five times an hour. The answer is the same for
    /// every address. 422 when it is none.
    #[oai(path = "/auth/confirm_email/request", method = "post", operation_id = "request_email_confirmation")]
    async fn request_confirmation(&self, ctx: Data<&Ctx>, body: Json<AskByEmail>) -> poem::Result<Accepted> {
        confirmation::request(&ctx, &body.0.email).await?;
        Ok(Accepted::Asked)
    }

    /// Confirm an e-mail address
    ///
    /// By the token of the link that was mailed to it. 410 when that is not good any more.
    #[oai(path = "/auth/confirm_email", method = "post", operation_id = "confirm_email")]
    async fn confirm(&self, ctx: Data<&Ctx>, body: Json<FollowLink>) -> poem::Result<Done> {
        confirmation::confirm(&self.identity, &ctx, &body.0.token).await?;
        Ok(Done::NoContent)
    }

    /// Ask for a new password
    ///
    /// A mail with a link comes if there is an account with this address; at most five times an hour. The answer is the same for every
    /// address. 422 when it is none.
    #[oai(path = "/auth/forgot_password", method = "post", operation_id = "request_password_reset")]
    async fn request_reset(&self, ctx: Data<&Ctx>, body: Json<AskByEmail>) -> poem::Result<Accepted> {
        recovery::request(&ctx, &body.0.email).await?;
        Ok(Accepted::Asked)
    }

    /// Choose a new password
    ///
    /// By the token of the link in a mail. Ends a lock and all sessions. 410 when the link is not good any more; 422 at `/password` when that
    /// cannot be one, and the link stays good.
    #[oai(path = "/auth/reset_password", method = "post", operation_id = "reset_password")]
    async fn reset(&self, ctx: Data<&Ctx>, body: Json<ResetPassword>) -> poem::Result<Done> {
        recovery::reset(&self.identity, &ctx, &body.0.token, &body.0.password).await?;
        Ok(Done::NoContent)
    }

    /// Ask for another e-mail address
    ///
    /// The new address gets a link that confirms it, and the old one a link that undoes it; until then nothing changes. The answer does not
    /// tell whether the new address is somebody else's. 422 at `/current_password` when that is wrong, which counts as a failed sign-in.
    #[oai(path = "/auth/email", method = "post", operation_id = "request_email_change")]
    async fn change_email(&self, ctx: Data<&Ctx>, body: Json<ChangeEmail>) -> poem::Result<Accepted> {
        address::request(&self.identity, &ctx, &body.0.email, &body.0.current_password).await?;
        Ok(Accepted::Asked)
    }

    /// Confirm the new e-mail address
    ///
    /// By the token of the link that was mailed to it. 410 when that is not good any more.
    #[oai(path = "/auth/email/confirm", method = "post", operation_id = "confirm_email_change")]
    async fn confirm_change(&self, ctx: Data<&Ctx>, body: Json<FollowLink>) -> poem::Result<Done> {
        address::confirm(&self.identity, &ctx, &body.0.token).await?;
        Ok(Done::NoContent)
    }

    /// Undo a change of e-mail address
    ///
    /// By the token of the link that was mailed to the old address, which stays or comes back. All sessions end, the password is void, and a
    /// link for a new one is mailed. 410 when the link is not good any more.
    #[oai(path = "/auth/email/undo", method = "post", operation_id = "undo_email_change")]
    async fn undo_change(&self, ctx: Data<&Ctx>, body: Json<FollowLink>) -> poem::Result<Done> {
        recovery::take_back(&self.identity, &ctx, Purpose::UndoEmail, &body.0.token).await?;
        Ok(Done::NoContent)
    }

    /// Say that a sign-in was somebody else
    ///
    /// By the token of a link that was mailed after a sign-in from elsewhere, or after a change of password. All sessions end, the password is
    /// void, and a link for a new one is mailed. 410 when the link is not good any more.
    #[oai(path = "/auth/not_me", method = "post", operation_id = "report_sign_in")]
    async fn not_me(&self, ctx: Data<&Ctx>, body: Json<FollowLink>) -> poem::Result<Done> {
        recovery::take_back(&self.identity, &ctx, Purpose::NotMe, &body.0.token).await?;
        Ok(Done::NoContent)
    }
}

/// The operations by links in mails of the admin listener, below `/api/admin`: for staff.
#[derive(Debug)]
pub struct AdminLinksApi {
    /// Keys, hashing and counters.
    pub identity: Arc<Identity>,
}

#[OpenApi(tag = "Tag::Auth")]
impl AdminLinksApi {
    /// Ask for a new password
    ///
    /// A mail with a link comes if there is an account of staff with this address; at most five times an hour. The answer is the same for
    /// every address. 422 when it is none.
    #[oai(path = "/auth/forgot_password", method = "post", operation_id = "request_admin_password_reset")]
    async fn request_reset(&self, ctx: Data<&Ctx>, body: Json<AskByEmail>) -> poem::Result<Accepted> {
        recovery::request(&ctx, &body.0.email).await?;
        Ok(Accepted::Asked)
    }

    /// Choose a new password
    ///
    /// By the token of the link in a mail that was asked for on this listener. At least 12 characters. Ends a lock and all sessions. 410 when the
    /// link is not good any more; 422 at `/password` when that cannot be one, and the link stays good.
    #[oai(path = "/auth/reset_password", method = "post", operation_id = "reset_admin_password")]
    async fn reset(&self, ctx: Data<&Ctx>, body: Json<ResetPassword>) -> poem::Result<Done> {
        recovery::reset(&self.identity, &ctx, &body.0.token, &body.0.password).await?;
        Ok(Done::NoContent)
    }

    /// Say that a sign-in was somebody else
    ///
    /// By the token of a link that was mailed after a sign-in of staff from elsewhere. All sessions end, the password is void, and a link for a
    /// new one is mailed. 410 when the link is not good any more.
    #[oai(path = "/auth/not_me", method = "post", operation_id = "report_admin_sign_in")]
    async fn not_me(&self, ctx: Data<&Ctx>, body: Json<FollowLink>) -> poem::Result<Done> {
        recovery::take_back(&self.identity, &ctx, Purpose::NotMe, &body.0.token).await?;
        Ok(Done::NoContent)
    }
}
