//! What the OpenAPI document says about the operations beyond their types: formats and samples.

use serde_json::{Value as Json, json};

use super::catalogue::CATALOGUE;
use crate::modules::Described;

/// Operations that need no sign-in: the link itself is signed.
const FOR_GUESTS: [&str; 2] = ["get_unsubscribe_page", "unsubscribe_notifications"];
/// The key in samples.
const KEY: &str = "01981c6e-5b7a-7c3e-9f00-0123456789ab";

/// The details of this module's operations.
pub fn described() -> Described {
    Described { for_guests: FOR_GUESTS.to_vec(), members: members(), samples: samples() }
}

fn members() -> Json {
    let names: Vec<&str> = CATALOGUE.iter().map(|kind| kind.name).collect();
    let name = json!({ "enum": names });
    let count = json!({ "format": "int64", "minimum": 0 });
    let time_of_day = json!({ "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" });
    // With null it is as if it were left out.
    let flag = json!({ "type": ["boolean", "null"] });
    json!({
        "UnreadCount": { "unread": count },
        "ReadAll": {
            "up_to": { "type": ["string", "null"], "format": "uuid" },
            "until": { "type": ["string", "null"], "format": "date-time" },
        },
        "QuietHours": { "from": time_of_day, "until": time_of_day },
        "NotificationChoice": { "type": name, "in_app": flag, "email": flag },
        "ChangePreferences": {
            "timezone": { "type": ["string", "null"], "format": "timezone" },
            "types": { "type": ["array", "null"] },
        },
        "NotificationPreferences": { "timezone": { "format": "timezone" } },
        "NotificationPreference": { "type": name },
        "NotificationType": { "type": name, "audience": { "enum": ["public", "admin"] }, "expires_days": { "minimum": 1 } },
        "TestNotification": { "type": name },
        "MadeNotification": { "id": { "format": "uuid" } },
    })
}

fn samples() -> Json {
    let quiet = json!({ "from": "22:00", "until": "07:00" });
    let preference = json!({
        "type": "membership_added", "title": "Added to a business",
        "description": "Somebody made you a member of a business.", "is_required": false, "is_urgent": false, "in_app": true,
        "email": false,
    });
    json!({
        "UnreadCount": { "unread": 3 },
        "ReadAll": { "up_to": KEY },
        "ChangePreferences": { "quiet_hours": quiet, "types": [{ "type": "membership_added", "email": false }] },
        "NotificationPreferences": { "timezone": "Europe/Berlin", "quiet_hours": quiet, "types": [preference] },
        "NotificationTypes": { "items": [{
            "type": "job_died", "title": "Job given up",
            "description": "A job failed too often. Once an hour for each kind of job.", "audience": "admin",
            "is_required": false, "is_urgent": false, "in_app": true, "email": true, "expires_days": 30,
        }] },
        "TestNotification": { "type": "job_died" },
        "MadeNotification": { "id": KEY },
        "get_unsubscribe_page": "<!doctype html>\n<html lang=\"en\">…</html>\n",
        "unsubscribe_notifications": "<!doctype html>\n<html lang=\"en\">…</html>\n",
    })
}
