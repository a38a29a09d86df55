//! What the OpenAPI document says about the operations beyond their types: formats and samples.

use serde_json::{Value as Json, json};

use crate::modules::Described;

/// The details of this module's operations.
pub fn described() -> Described {
    Described { for_guests: Vec::new(), members: members(), samples: samples() }
}

fn members() -> Json {
    let time = json!({ "format": "date-time" });
    let count = json!({ "format": "int64", "minimum": 0 });
    json!({
        "WorkOverview": { "events_waiting": count, "events_lag_s": count },
        "KindOfJob": {
            "waiting": count, "blocked": count, "running": count, "dead": count, "done_last_hour": count, "lag_s": count,
        },
        "OutsideService": { "failures": count, "open_until": time },
        "ScheduleState": { "next_at": time, "last_at": time, "timezone": { "format": "timezone" } },
    })
}

fn samples() -> Json {
    let schedule = json!({
        "id": "forget_work", "kind": "work.forget", "cron": "41 3 * * *", "timezone": "UTC", "is_paused": false,
        "next_at": "2026-05-05T03:41:00Z", "last_at": "2026-05-04T03:41:00Z",
    });
    json!({
        "WorkOverview": {
            "events_waiting": 0, "events_lag_s": 0,
            "kinds": [{
                "kind": "work.forget", "is_known": true, "waiting": 0, "blocked": 0, "running": 0, "dead": 0,
                "done_last_hour": 1, "lag_s": 0,
            }],
            "services": [{ "name": "mail", "failures": 5, "open_until": "2026-05-04T10:00:30Z" }],
            "schedules": [schedule],
        },
        "ScheduleState": schedule,
    })
}
