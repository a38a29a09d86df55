//! The auth operations of the public listener, below `/api/v1`, and the answers both listeners share.

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::{Json, Response};
use poem_openapi::{ApiResponse, OpenApi, Tags};

use super::cookies::{CookieNames, cleared_cookies, cookie_value, cookies_of};
use super::model::Grant;
use super::refresh_body::RefreshBody;
use super::views::{Account, ChangePassword, ChangeProfile, Login, SignInSessions, SignUp, SignedIn};
use super::{Identity, account, sign_in};
use crate::context::Ctx;
use crate::kernel::Result as Outcome;

/// Groups of operations in the document.
#[derive(Tags)]
pub(super) enum Tag {
    /// Signing up and in, the own account and its sessions.
    Auth,
    /// Accounts of other people.
    Users,
}

/// An account was made and signed in.
#[derive(ApiResponse)]
pub(super) enum Created {
    /// Made and signed in.
    #[oai(status = 201)]
    Account(Json<SignedIn>),
}

/// An account was made.
#[derive(ApiResponse)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is made once for an answer, and boxed payloads are not known to poem"
)]
pub(super) enum SignedUp {
    /// Made and signed in.
    #[oai(status = 201)]
    Account(Json<SignedIn>),
    /// Made; its address has to be confirmed before the first sign-in, by the link in a mail.
    #[oai(status = 202)]
    ToConfirm,
}

/// It was asked for; there is nothing to say.
#[derive(ApiResponse)]
pub(super) enum Accepted {
    /// Accepted. Whether a mail comes of it is not said.
    #[oai(status = 202)]
    Asked,
}

/// It was done; there is nothing to say.
#[derive(ApiResponse)]
pub(super) enum Done {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}

/// The auth operations of the public listener.
#[derive(Debug)]
pub struct AuthApi {
    /// Keys, hashing and counters.
    pub identity: Arc<Identity>,
}

#[OpenApi(tag = "Tag::Auth")]
impl AuthApi {
    /// Sign up
    ///
    /// Makes an account, signs it in and mails a link that confirms the address. Where a setting demands a confirmed address the
    /// answer is 202, and signing in works after that. 422 lists every bad field; 409 means that the e-mail address is taken; 403 that
    /// signing up is closed here. Passwords need at least 10 characters (a setting) and must not be common ones.
    #[oai(path = "/auth/signup", method = "post", operation_id = "create_account")]
    async fn sign_up(&self, ctx: Data<&Ctx>, body: Json<SignUp>) -> poem::Result<Response<SignedUp>> {
        Ok(match sign_in::sign_up(&self.identity, &ctx, body.0).await? {
            Some(grant) => granted(&self.identity, grant, |body| SignedUp::Account(Json(body))),
            None => Response::new(SignedUp::ToConfirm),
        })
    }

    /// Sign in
    ///
    /// 401 means that address or password is wrong, and does not say which. After too many failures 429 says how long to wait.
    /// 403 means that the account is suspended, or that its address has to be confirmed first.
    #[oai(path = "/auth/login", method = "post", operation_id = "create_session")]
    async fn login(&self, ctx: Data<&Ctx>, body: Json<Login>) -> poem::Result<Response<Json<SignedIn>>> {
        let grant = sign_in::log_in(&self.identity, &ctx, body.0).await?;
        Ok(granted(&self.identity, grant, Json))
    }

    /// Exchange a refresh token
    ///
    /// Answers new tokens; the old refresh token is spent. A spent one that comes again ends the whole sign-in, because
    /// somebody else may hold it: 401, sign in again.
    #[oai(path = "/auth/refresh", method = "post", operation_id = "refresh_session")]
    async fn refresh(
        &self,
        ctx: Data<&Ctx>,
        request: &Request,
        body: RefreshBody,
    ) -> poem::Result<Response<Json<SignedIn>>> {
        Ok(granted(&self.identity, refreshed(&self.identity, &ctx, request, body).await?, Json))
    }

    /// Sign out
    ///
    /// Ends the session that asks and takes its cookies back.
    #[oai(path = "/auth/logout", method = "post", operation_id = "delete_current_session")]
    async fn logout(&self, ctx: Data<&Ctx>) -> poem::Result<Response<Done>> {
        account::log_out(&ctx).await?;
        Ok(with_cookies(Response::new(Done::NoContent), cleared_cookies(&self.identity, ctx.audience)))
    }

    /// Read the own account
    ///
    /// 401 without a sign-in.
    #[oai(path = "/auth/me", method = "get", operation_id = "get_account")]
    async fn me(&self, ctx: Data<&Ctx>) -> poem::Result<Json<Account>> {
        Ok(Json(account::me(&ctx).await?.into()))
    }

    /// Change the own profile
    ///
    /// A merge patch: fields left out stay as they are, null clears what is optional. 422 lists every bad field.
    #[oai(path = "/auth/me", method = "patch", operation_id = "update_account")]
    async fn change_me(&self, ctx: Data<&Ctx>, body: Json<ChangeProfile>) -> poem::Result<Json<Account>> {
        Ok(Json(account::change_profile(&ctx, &body.0).await?.into()))
    }

    /// Change the own password
    ///
    /// Ends all other sessions. 422 at `/current_password` when that is wrong, which counts as a failed sign-in.
    #[oai(path = "/auth/password", method = "post", operation_id = "update_password")]
    async fn change_password(&self, ctx: Data<&Ctx>, body: Json<ChangePassword>) -> poem::Result<Done> {
        account::change_password(&self.identity, &ctx, &body.0).await?;
        Ok(Done::NoContent)
    }

    /// List the own sessions
    ///
    /// Those that still count, newest first, at most 100.
    #[oai(path = "/auth/sessions", method = "get", operation_id = "list_own_sessions")]
    async fn sessions(&self, ctx: Data<&Ctx>) -> poem::Result<Json<SignInSessions>> {
        let (rows, current) = account::own_sessions(&ctx).await?;
        Ok(Json(SignInSessions::new(rows, current)))
    }

    /// End one of the own sessions
    ///
    /// 404 when it has ended already or is not the caller's.
    #[oai(path = "/auth/sessions/:id", method = "delete", operation_id = "delete_own_session")]
    async fn end_session(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the session.
        id: Path<String>,
    ) -> poem::Result<Done> {
        account::end_own_session(&ctx, &id.0).await?;
        Ok(Done::NoContent)
    }

    /// End all other sessions
    ///
    /// The one that asks stays.
    #[oai(path = "/auth/sessions", method = "delete", operation_id = "delete_other_sessions")]
    async fn end_other_sessions(&self, ctx: Data<&Ctx>) -> poem::Result<Done> {
        account::end_other_sessions(&ctx).await?;
        Ok(Done::NoContent)
    }
}

/// Exchanges the refresh token of the body, or else of the cookie; the new ones travel the same way.
pub(super) async fn refreshed(identity: &Identity, ctx: &Ctx, request: &Request, body: RefreshBody) -> Outcome<Grant> {
    let sent = body.0;
    let cookie = cookie_value(request, CookieNames::of(ctx.audience).refresh);
    let uses_cookies = sent.is_none() && cookie.is_some();
    sign_in::refresh(identity, ctx, sent.as_deref().or(cookie), uses_cookies).await
}

/// The answer that hands out a grant, with cookies if it travels by them.
pub(super) fn granted<T>(identity: &Identity, grant: Grant, answer: impl FnOnce(SignedIn) -> T) -> Response<T> {
    let cookies = if grant.uses_cookies { cookies_of(identity, &grant) } else { Vec::new() };
    with_cookies(Response::new(answer(grant.into())), cookies).header("cache-control", "no-store")
}

/// Adds `Set-Cookie` headers.
pub(super) fn with_cookies<T>(response: Response<T>, cookies: Vec<String>) -> Response<T> {
    cookies.into_iter().fold(response, |response, cookie| response.header("set-cookie", cookie))
}
