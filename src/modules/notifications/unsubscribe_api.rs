//! The operations behind the unsubscribe link, on the public listener. They need no sign-in: the link itself is signed.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Query;
use poem_openapi::payload::{Html, Response};
use poem_openapi::{Enum, OpenApi};

use super::api::Tag;
use super::unsubscribe;
use crate::context::Ctx;
use crate::modules::identity::Identity;

/// What the page may do: be a form that posts to where it came from.
const POLICY: &str = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Which e-mails are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename = "UnsubscribeScope", rename_all = "snake_case")]
pub enum Scope {
    /// Those of the type that the link came with.
    Type,
    /// All that need not be sent.
    All,
}

/// The operations behind the unsubscribe link.
#[derive(Debug)]
pub struct UnsubscribeApi {
    /// Whose keys sign the links.
    pub identity: Arc<Identity>,
}

#[OpenApi(tag = "Tag::Notifications")]
impl UnsubscribeApi {
    /// Show the unsubscribe page
    ///
    /// A page that asks; opening it changes nothing. 400 without a token, 404 for a link that is not ours, 410 when the notification is too old.
    #[oai(path = "/notifications/unsubscribe", method = "get", operation_id = "get_unsubscribe_page")]
    async fn ask(
        &self,
        ctx: Data<&Ctx>,
        /// Token of the link.
        token: Query<String>,
    ) -> poem::Result<Response<Html<String>>> {
        Ok(page(unsubscribe::ask(&ctx, self.identity.keys(), &token.0).await?))
    }

    /// Unsubscribe from e-mails
    ///
    /// With one click of a mail program (RFC 8058) or from the page; the body does not matter, and neither does a sign-in. Again is the
    /// same as once. 400 without a token, 404 for a link that is not ours, 410 when the notification is too old.
    #[oai(path = "/notifications/unsubscribe", method = "post", operation_id = "unsubscribe_notifications")]
    async fn unsubscribe(
        &self,
        ctx: Data<&Ctx>,
        /// Token of the link.
        token: Query<String>,
        /// Which e-mails; those of the link's type if left out.
        scope: Query<Option<Scope>>,
    ) -> poem::Result<Response<Html<String>>> {
        let is_all = scope.0 == Some(Scope::All);
        Ok(page(unsubscribe::unsubscribe(&ctx, self.identity.keys(), &token.0, is_all).await?))
    }
}

fn page(html: String) -> Response<Html<String>> {
    Response::new(Html(html)).header("content-security-policy", POLICY)
}
