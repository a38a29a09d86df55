//! The operations of staff on notifications, below `/api/admin`.

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, OpenApi};

use super::api::Tag;
use super::staff;
use super::views::{MadeNotification, NotificationTypes, TestNotification};
use crate::context::Ctx;

/// A notification was made.
#[derive(ApiResponse)]
enum Made {
    /// Made.
    #[oai(status = 201)]
    Notification(Json<MadeNotification>),
}

/// It was done; there is nothing to say.
#[derive(ApiResponse)]
enum Done {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}

/// The operations of staff on notifications.
#[derive(Debug)]
pub struct StaffNotificationsApi;

#[OpenApi(tag = "Tag::Notifications")]
impl StaffNotificationsApi {
    /// List the types of notifications
    ///
    /// As they come if nobody chose otherwise. How often each went out is an aggregate over `notification_deliveries`. 401 without a
    /// sign-in.
    #[oai(path = "/notifications/types", method = "get", operation_id = "list_notification_types")]
    async fn types(&self, ctx: Data<&Ctx>) -> poem::Result<Json<NotificationTypes>> {
        Ok(Json(NotificationTypes::new(staff::types(&ctx)?)))
    }

    /// Send a sample to oneself
    ///
    /// On each channel on which the caller wants the type. 422 for a type that is not known.
    #[oai(path = "/notifications/test", method = "post", operation_id = "test_notification")]
    async fn test(&self, ctx: Data<&Ctx>, body: Json<TestNotification>) -> poem::Result<Made> {
        let id = staff::send_sample(&ctx, &body.0.kind).await?.to_string();
        Ok(Made::Notification(Json(MadeNotification { id })))
    }

    /// Send a notification by e-mail once more
    ///
    /// At once, also in quiet hours. 409 with the reason where the rules forbid it: the person does not want it, or the address is
    /// suppressed. Administrators only (403).
    #[oai(path = "/notifications/:id/resend", method = "post", operation_id = "resend_notification")]
    async fn resend(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the notification.
        id: Path<String>,
    ) -> poem::Result<Done> {
        staff::resend(&ctx, &id.0).await?;
        Ok(Done::NoContent)
    }
}
