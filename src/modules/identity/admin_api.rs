//! The auth operations of the admin listener, below `/api/admin`, and the commands on other people's accounts.

use std::sync::Arc;

use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;
use poem_openapi::payload::{Json, Response};

use super::api::{Created, Done, Tag, granted, refreshed, with_cookies};
use super::cookies::cleared_cookies;
use super::refresh_body::RefreshBody;
use super::views::{
    Account, ChangePassword, ChangeProfile, Login, ReplaceRoles, SetUp, SignInSessions, SignedIn, SuspendUser,
};
use super::{Identity, account, setup, sign_in, staff};
use crate::context::Ctx;

/// The auth operations and account commands of the admin listener.
#[derive(Debug)]
pub struct AdminAuthApi {
    /// Keys, hashing and counters.
    pub identity: Arc<Identity>,
}

#[OpenApi]
impl AdminAuthApi {
    /// Make the first administrator
    ///
    /// Works once, with the token of the setup link printed at start: 403 for another token, 410 once there is a super_admin.
    #[oai(path = "/auth/setup", method = "post", operation_id = "create_first_admin", tag = "Tag::Auth")]
    async fn set_up(&self, ctx: Data<&Ctx>, body: Json<SetUp>) -> poem::Result<Response<Created>> {
        let grant = setup::set_up(&self.identity, &ctx, body.0).await?;
        Ok(granted(&self.identity, grant, |body| Created::Account(Json(body))))
    }

    /// Sign in
    ///
    /// 401 means that address or password is wrong or the account has no staff role, and does not say which. After too many
    /// failures 429 says how long to wait. 403 means that the account is suspended.
    #[oai(path = "/auth/login", method = "post", operation_id = "create_admin_session", tag = "Tag::Auth")]
    async fn login(&self, ctx: Data<&Ctx>, body: Json<Login>) -> poem::Result<Response<Json<SignedIn>>> {
        let grant = sign_in::log_in(&self.identity, &ctx, body.0).await?;
        Ok(granted(&self.identity, grant, Json))
    }

    /// Exchange a refresh token
    ///
    /// Answers new tokens; the old refresh token is spent. A spent one that comes again ends the whole sign-in, because
    /// somebody else may hold it: 401, sign in again.
    #[oai(path = "/auth/refresh", method = "post", operation_id = "refresh_admin_session", tag = "Tag::Auth")]
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
    #[oai(path = "/auth/logout", method = "post", operation_id = "delete_current_admin_session", tag = "Tag::Auth")]
    async fn logout(&self, ctx: Data<&Ctx>) -> poem::Result<Response<Done>> {
        account::log_out(&ctx).await?;
        Ok(with_cookies(Response::new(Done::NoContent), cleared_cookies(&self.identity, ctx.audience)))
    }

    /// Read the own account
    ///
    /// 401 without a sign-in.
    #[oai(path = "/auth/me", method = "get", operation_id = "get_admin_account", tag = "Tag::Auth")]
    async fn me(&self, ctx: Data<&Ctx>) -> poem::Result<Json<Account>> {
        Ok(Json(account::me(&ctx).await?.into()))
    }

    /// Change the own profile
    ///
    /// A merge patch: fields left out stay as they are, null clears what is optional. 422 lists every bad field.
    #[oai(path = "/auth/me", method = "patch", operation_id = "update_admin_account", tag = "Tag::Auth")]
    async fn change_me(&self, ctx: Data<&Ctx>, body: Json<ChangeProfile>) -> poem::Result<Json<Account>> {
        Ok(Json(account::change_profile(&ctx, &body.0).await?.into()))
    }

    /// Change the own password
    ///
    /// At least 12 characters. Ends all other sessions. 422 at `/current_password` when that is wrong, which counts as a
    /// failed sign-in.
    #[oai(path = "/auth/password", method = "post", operation_id = "update_admin_password", tag = "Tag::Auth")]
    async fn change_password(&self, ctx: Data<&Ctx>, body: Json<ChangePassword>) -> poem::Result<Done> {
        account::change_password(&self.identity, &ctx, &body.0).await?;
        Ok(Done::NoContent)
    }

    /// List the own sessions
    ///
    /// Those that still count, newest first, at most 100.
    #[oai(path = "/auth/sessions", method = "get", operation_id = "list_admin_sessions", tag = "Tag::Auth")]
    async fn sessions(&self, ctx: Data<&Ctx>) -> poem::Result<Json<SignInSessions>> {
        let (rows, current) = account::own_sessions(&ctx).await?;
        Ok(Json(SignInSessions::new(rows, current)))
    }

    /// End one of the own sessions
    ///
    /// 404 when it has ended already or is not the caller's.
    #[oai(path = "/auth/sessions/:id", method = "delete", operation_id = "delete_admin_session", tag = "Tag::Auth")]
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
    #[oai(path = "/auth/sessions", method = "delete", operation_id = "delete_other_admin_sessions", tag = "Tag::Auth")]
    async fn end_other_sessions(&self, ctx: Data<&Ctx>) -> poem::Result<Done> {
        account::end_other_sessions(&ctx).await?;
        Ok(Done::NoContent)
    }

    /// Suspend an account
    ///
    /// Takes effect on its next request and ends its sessions. Administrators are suspended by super_admins only (403); the
    /// last super_admin cannot be (422).
    #[oai(path = "/users/:id/suspend", method = "post", operation_id = "suspend_user", tag = "Tag::Users")]
    async fn suspend(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the user.
        id: Path<String>,
        body: Json<SuspendUser>,
    ) -> poem::Result<Json<Account>> {
        Ok(Json(staff::suspend(&ctx, &id.0, &body.0.reason).await?.into()))
    }

    /// Reinstate a suspended account
    ///
    /// Its owner has to sign in again. Administrators are reinstated by super_admins only (403).
    #[oai(path = "/users/:id/reinstate", method = "post", operation_id = "reinstate_user", tag = "Tag::Users")]
    async fn reinstate(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the user.
        id: Path<String>,
    ) -> poem::Result<Json<Account>> {
        Ok(Json(staff::reinstate(&ctx, &id.0).await?.into()))
    }

    /// Replace an account's platform roles
    ///
    /// Takes effect on its next request. Staff roles are given and taken by super_admins only (403); the last super_admin
    /// cannot lose that role (422).
    #[oai(path = "/users/:id/roles", method = "put", operation_id = "replace_user_roles", tag = "Tag::Users")]
    async fn replace_roles(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the user.
        id: Path<String>,
        body: Json<ReplaceRoles>,
    ) -> poem::Result<Json<Account>> {
        Ok(Json(staff::replace_roles(&ctx, &id.0, &body.0.roles).await?.into()))
    }

    /// List an account's sessions
    ///
    /// Those that still count, newest first, at most 100.
    #[oai(path = "/users/:id/sessions", method = "get", operation_id = "list_user_sessions", tag = "Tag::Users")]
    async fn sessions_of(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the user.
        id: Path<String>,
    ) -> poem::Result<Json<SignInSessions>> {
        let (rows, current) = staff::sessions_of(&ctx, &id.0).await?;
        Ok(Json(SignInSessions::new(rows, current)))
    }

    /// End all of an account's sessions
    ///
    /// Administrators are signed out by super_admins only (403).
    #[oai(path = "/users/:id/sessions", method = "delete", operation_id = "delete_user_sessions", tag = "Tag::Users")]
    async fn sign_out(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the user.
        id: Path<String>,
    ) -> poem::Result<Done> {
        staff::sign_out(&ctx, &id.0).await?;
        Ok(Done::NoContent)
    }
}
