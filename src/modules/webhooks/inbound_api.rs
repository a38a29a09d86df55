//! The operation by which others send us webhooks, below `/api/v1`.

use poem::Request;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{OpenApi, Tags};

use super::inbound::{self, Sent};
use super::views::Taken;
use crate::context::Ctx;

/// Groups of operations in the document.
#[derive(Tags)]
enum Tag {
    /// Being told by others.
    Webhooks,
}

/// The operation by which others send us webhooks.
#[derive(Debug)]
pub struct InboundApi;

#[OpenApi(tag = "Tag::Webhooks")]
impl InboundApi {
    /// Send us a webhook
    ///
    /// For those that an administrator has made a source of. The body may be any text in UTF-8; it is kept as it comes. The headers
    /// are those of the Standard Webhooks specification: webhook-id, webhook-timestamp and webhook-signature; 400 when they are missing,
    /// 401 when the signature is wrong or the time is more than five minutes from ours. Nothing is kept then. The same webhook-id again
    /// is answered as the first, and kept once.
    #[oai(path = "/webhooks/inbound/:id", method = "post", operation_id = "receive_webhook")]
    async fn receive(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the source.
        id: Path<String>,
        request: &Request,
        body: Vec<u8>,
    ) -> poem::Result<Json<Taken>> {
        let headers = request.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        Ok(Json(inbound::receive(&ctx, &id.0, Sent { headers, body }).await?.into()))
    }
}
