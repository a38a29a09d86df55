//! The operations on one's own notifications, the same on both listeners. The list itself is the records API's.

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{OpenApi, Tags};

use super::commands;
use super::views::{ChangePreferences, NotificationPreferences, ReadAll, UnreadCount};
use crate::context::Ctx;

/// Groups of operations in the document.
#[derive(Tags)]
pub(super) enum Tag {
    /// What people are told, and what they want to be told.
    Notifications,
}

/// The operations on one's own notifications.
#[derive(Debug)]
pub struct NotificationsApi;

#[OpenApi(tag = "Tag::Notifications")]
impl NotificationsApi {
    /// Count the unread notifications
    ///
    /// Those of the caller, for a bell. 401 without a sign-in.
    #[oai(path = "/notifications/unread_count", method = "get", operation_id = "get_unread_count")]
    async fn unread(&self, ctx: Data<&Ctx>) -> poem::Result<Json<UnreadCount>> {
        Ok(Json(UnreadCount { unread: commands::unread(&ctx).await? }))
    }

    /// Mark a notification as read
    ///
    /// Again is the same as once. Answers how many are unread now. 404 when it is not the caller's.
    #[oai(path = "/notifications/:id/read", method = "post", operation_id = "read_notification")]
    async fn read(
        &self,
        ctx: Data<&Ctx>,
        /// Key of the notification.
        id: Path<String>,
    ) -> poem::Result<Json<UnreadCount>> {
        Ok(Json(UnreadCount { unread: commands::read(&ctx, &id.0).await? }))
    }

    /// Mark all notifications as read
    ///
    /// Name the newest one that was shown in `up_to`: then one that has just come stays unread. Answers how many are unread now.
    #[oai(path = "/notifications/read_all", method = "post", operation_id = "read_all_notifications")]
    async fn read_all(&self, ctx: Data<&Ctx>, body: Json<ReadAll>) -> poem::Result<Json<UnreadCount>> {
        Ok(Json(UnreadCount { unread: commands::read_all(&ctx, &body.0).await? }))
    }

    /// Read the own preferences
    ///
    /// Every type of notification that this listener has, with the channels on which the caller gets it, and the quiet hours. 401
    /// without a sign-in.
    #[oai(path = "/notifications/preferences", method = "get", operation_id = "get_notification_preferences")]
    async fn preferences(&self, ctx: Data<&Ctx>) -> poem::Result<Json<NotificationPreferences>> {
        Ok(Json(commands::preferences(&ctx).await?.into()))
    }

    /// Change the own preferences
    ///
    /// What is left out stays. 422 lists every bad field, also where a type is switched off that is always sent.
    #[oai(path = "/notifications/preferences", method = "patch", operation_id = "update_notification_preferences")]
    async fn change_preferences(
        &self,
        ctx: Data<&Ctx>,
        body: Json<ChangePreferences>,
    ) -> poem::Result<Json<NotificationPreferences>> {
        Ok(Json(commands::change_preferences(&ctx, &body.0).await?.into()))
    }
}
