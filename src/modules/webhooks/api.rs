//! The operations on endpoints, deliveries and sources, below `/api/admin`.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi, Tags};

use super::endpoints::{self, Act};
use super::views::{
    ChangeEndpoint, ChangeSource, EndpointMade, EndpointView, NewEndpoint, NewSource, ReplayBegun, ReplaySince,
    SecretMade, SourceMade, SourceView, TestBegun,
};
use super::{deliveries, sources};
use crate::context::Ctx;
use crate::work::Registry;

/// Groups of operations in the document.
#[derive(Tags)]
enum Tag {
    /// Telling others of events, and being told.
    Webhooks,
}

/// It was made.
#[derive(ApiResponse)]
enum EndpointCreated {
    /// Made. The secret is not shown again.
    #[oai(status = 201)]
    Endpoint(Json<EndpointMade>),
}

/// It was made.
#[derive(ApiResponse)]
enum SourceCreated {
    /// Made. The secret is not shown again.
    #[oai(status = 201)]
    Source(Json<SourceMade>),
}

/// It was done; there is nothing to say.
#[derive(ApiResponse)]
enum Done {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}

/// The operations on endpoints, deliveries and sources.
#[derive(Debug)]
pub struct WebhooksApi {
    /// Learns which events are wanted.
    pub registry: Arc<Registry>,
}

#[OpenApi(tag = "Tag::Webhooks")]
impl WebhooksApi {
    /// Tell an address of events
    ///
    /// Each event that one of the patterns names is sent to it by POST, signed as the Standard Webhooks specification says. The secret is
    /// in this answer alone. 422 lists every bad field; addresses inside the house are refused unless the settings allow them, and so
    /// is more than a hundred endpoints. Administrators only (403).
    #[oai(path = "/webhooks/endpoints", method = "post", operation_id = "create_webhook_endpoint")]
    async fn create(&self, ctx: Data<&Ctx>, body: Json<NewEndpoint>) -> poem::Result<EndpointCreated> {
        Ok(EndpointCreated::Endpoint(Json(endpoints::create(&ctx, &self.registry, body.0).await?.into())))
    }

    /// Change an endpoint
    ///
    /// A merge patch: fields left out stay as they are. It counts for events from now on; what waits for it goes to the new address. 422
    /// lists every bad field. Administrators only (403).
    #[oai(path = "/webhooks/endpoints/:id", method = "patch", operation_id = "update_webhook_endpoint")]
    async fn change(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the endpoint.
        id: Path<String>,
        body: Json<ChangeEndpoint>,
    ) -> poem::Result<Json<EndpointView>> {
        Ok(Json(endpoints::change(&ctx, &self.registry, &id.0, body.0.into()).await?.into()))
    }

    /// Delete an endpoint
    ///
    /// What waits for it is dropped, and its log is removed. Administrators only (403).
    #[oai(path = "/webhooks/endpoints/:id", method = "delete", operation_id = "delete_webhook_endpoint")]
    async fn delete(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the endpoint.
        id: Path<String>,
    ) -> poem::Result<Done> {
        endpoints::delete(&ctx, &self.registry, &id.0).await?;
        Ok(Done::NoContent)
    }

    /// Give an endpoint a new secret
    ///
    /// It is in this answer alone. For 24 hours the old one signs as well, so that the receiver has time to change. Administrators
    /// only (403).
    #[oai(path = "/webhooks/endpoints/:id/rotate", method = "post", operation_id = "rotate_webhook_secret")]
    async fn rotate(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the endpoint.
        id: Path<String>,
    ) -> poem::Result<Json<SecretMade>> {
        Ok(Json(endpoints::rotate(&ctx, &self.registry, &id.0).await?.into()))
    }

    /// Pause an endpoint
    ///
    /// Events are held back for it until it is resumed. 409 when it is not active. Administrators only (403).
    #[oai(path = "/webhooks/endpoints/:id/pause", method = "post", operation_id = "pause_webhook_endpoint")]
    async fn pause(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the endpoint.
        id: Path<String>,
    ) -> poem::Result<Json<EndpointView>> {
        Ok(Json(endpoints::act(&ctx, &self.registry, &id.0, Act::Pause).await?.into()))
    }

    /// Resume an endpoint
    ///
    /// What was held back is sent in its order, then what is new. 409 when it is not paused. Administrators only (403).
    #[oai(path = "/webhooks/endpoints/:id/resume", method = "post", operation_id = "resume_webhook_endpoint")]
    async fn resume(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the endpoint.
        id: Path<String>,
    ) -> poem::Result<Json<EndpointView>> {
        Ok(Json(endpoints::act(&ctx, &self.registry, &id.0, Act::Resume).await?.into()))
    }

    /// Enable an endpoint again
    ///
    /// One that was disabled after too many failures. It is told of events from now on; what it has missed can be replayed. 409 when it is
    /// not disabled. Administrators only (403).
    #[oai(path = "/webhooks/endpoints/:id/enable", method = "post", operation_id = "enable_webhook_endpoint")]
    async fn enable(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the endpoint.
        id: Path<String>,
    ) -> poem::Result<Json<EndpointView>> {
        Ok(Json(endpoints::act(&ctx, &self.registry, &id.0, Act::Enable).await?.into()))
    }

    /// Send a test to an endpoint
    ///
    /// An event `webhook.test`, once, whatever the state of the endpoint. The delivery says what came of it. Administrators only (403).
    #[oai(path = "/webhooks/endpoints/:id/test", method = "post", operation_id = "test_webhook_endpoint")]
    async fn test(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the endpoint.
        id: Path<String>,
    ) -> poem::Result<Json<TestBegun>> {
        let delivery = endpoints::test(&ctx, &id.0).await?.to_string();
        Ok(Json(TestBegun { delivery }))
    }

    /// Send again what an endpoint did not get
    ///
    /// Everything that was given up or dropped since a time, in its order and under the same ids. It goes on in the background. 409 when
    /// the endpoint is not active. Administrators only (403).
    #[oai(path = "/webhooks/endpoints/:id/replay", method = "post", operation_id = "replay_webhook_endpoint")]
    async fn replay_failed(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the endpoint.
        id: Path<String>,
        body: Json<ReplaySince>,
    ) -> poem::Result<Json<ReplayBegun>> {
        let deliveries = deliveries::replay_failed(&ctx, &id.0, &body.0.since).await?;
        Ok(Json(ReplayBegun { deliveries }))
    }

    /// Send one delivery again
    ///
    /// Under the same webhook-id, also when it has arrived before. 409 while it is on its way, or when its endpoint is not active.
    /// Administrators only (403).
    #[oai(path = "/webhooks/deliveries/:id/replay", method = "post", operation_id = "replay_webhook_delivery")]
    async fn replay(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the delivery.
        id: Path<String>,
    ) -> poem::Result<Done> {
        deliveries::replay(&ctx, &id.0).await?;
        Ok(Done::NoContent)
    }

    /// Let somebody send us webhooks
    ///
    /// They are taken at `/api/v1/webhooks/inbound/{id}` of the public listener. The secret is in this answer alone. 422 lists every bad
    /// field; 409 means that the key is taken. Administrators only (403).
    #[oai(path = "/webhooks/sources", method = "post", operation_id = "create_webhook_source")]
    async fn create_source(&self, ctx: Data<&Ctx>, body: Json<NewSource>) -> poem::Result<SourceCreated> {
        Ok(SourceCreated::Source(Json(sources::create(&ctx, body.0).await?.into())))
    }

    /// Change a source
    ///
    /// A new secret counts at once. 422 lists every bad field. Administrators only (403).
    #[oai(path = "/webhooks/sources/:id", method = "patch", operation_id = "update_webhook_source")]
    async fn change_source(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the source.
        id: Path<String>,
        body: Json<ChangeSource>,
    ) -> poem::Result<Json<SourceView>> {
        Ok(Json(sources::change(&ctx, &id.0, body.0).await?.into()))
    }

    /// Delete a source
    ///
    /// What it sends is refused from now on; what it has sent stays. Administrators only (403).
    #[oai(path = "/webhooks/sources/:id", method = "delete", operation_id = "delete_webhook_source")]
    async fn delete_source(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the source.
        id: Path<String>,
    ) -> poem::Result<Done> {
        sources::delete(&ctx, &id.0).await?;
        Ok(Done::NoContent)
    }
}
