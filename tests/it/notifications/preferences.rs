//! What people choose: by type and channel, quiet hours, time zones.

use pawbase::context::Role;
use serde_json::json;

use super::stage::{emails, join, member, prefer, start, types, unread, wanted};
use crate::support::run;

const PATH: &str = "/api/v1/notifications/preferences";

#[test]
fn everything_comes_as_it_is_until_somebody_chooses() {
    run(async {
        let test = start().await;
        let person = test.customer().await;
        person.patch("/api/v1/auth/me", json!({ "timezone": "Asia/Tokyo" })).await.assert(200);
        let before = person.get(PATH).await.assert(200).json;
        assert_eq!((&before["timezone"], before.get("quiet_hours")), (&json!("Asia/Tokyo"), None));
        assert_eq!(wanted(&before, "membership_added"), (true, true));
        assert_eq!(test.rows("SELECT id FROM notification_preferences").await.len(), 0, "reading keeps nothing");

        let choice = json!([{ "type": "membership_added", "email": false }]);
        let hours = json!({ "from": "22:00", "until": "07:00" });
        let after =
            prefer(&person, json!({ "types": choice, "quiet_hours": hours, "timezone": "Europe/Berlin" })).await;
        assert_eq!((&after["timezone"], &after["quiet_hours"]), (&json!("Europe/Berlin"), &hours));
        assert_eq!(wanted(&after, "membership_added"), (true, false));
        assert_eq!(wanted(&after, "membership_ended"), (true, true));
        let same = prefer(&person, json!({})).await;
        assert_eq!(same, after, "what is left out stays");
        let cleared = prefer(&person, json!({ "timezone": null, "quiet_hours": null })).await;
        assert_eq!((&cleared["timezone"], cleared.get("quiet_hours")), (&json!("Asia/Tokyo"), None));
        assert_eq!(wanted(&cleared, "membership_added"), (true, false));

        let other = test.customer().await.get(PATH).await.assert(200).json;
        assert_eq!(wanted(&other, "membership_added"), (true, true), "of somebody else");
        test.guest().get(PATH).await.assert_error(401, "unauthenticated");
    });
}

#[test]
fn all_bad_choices_are_reported() {
    run(async {
        let test = start().await;
        let person = test.customer().await;
        let bad = json!({
            "timezone": "Mars/Olympus", "quiet_hours": { "from": "22:00", "until": "22:00" },
            "types": [
                { "type": "nonsense", "email": true }, { "type": "account_suspended", "email": false, "in_app": false },
                { "type": "account_suspended", "email": true }, { "type": "job_died", "email": false },
            ],
        });
        let reply = person.patch(PATH, bad).await.assert(422);
        let staffs = "/types/3/type";
        reply.assert_fields(&[
            "/timezone",
            "/quiet_hours",
            "/types/0/type",
            "/types/1/email",
            "/types/1/in_app",
            staffs,
        ]);
        person.patch(PATH, json!({ "types": [{ "type": "membership_added", "sms": true }] })).await.assert(422);
        assert_eq!(test.rows("SELECT id FROM notification_preferences").await.len(), 0);
    });
}

#[test]
fn what_is_not_wanted_does_not_come() {
    run(async {
        let test = start().await;
        let (business, person, admin) = (test.business().await, test.customer().await, test.staff(Role::Admin).await);
        prefer(&person, json!({ "types": [{ "type": "membership_added", "in_app": false, "email": false }] })).await;
        let membership = join(&admin, &person, &business, "groomer").await;
        test.settle().await;
        assert_eq!((types(&person).await.len(), unread(&person).await), (0, 0));
        assert_eq!(emails(&test, &person).await, ["suppressed 0 The person does not want it."]);
        let kept = admin.get(&format!("/api/admin/notifications?user={}", person.user)).await.assert(200);
        let id = kept.json["items"][0]["id"].as_str().expect("staff see that it was not wanted");
        person.get(&format!("/api/v1/notifications/{id}")).await.assert_error(404, "not_found");
        person.post(&format!("/api/v1/notifications/{id}/read"), json!(null)).await.assert_error(404, "not_found");
        admin.delete(&format!("/api/admin/memberships/{membership}")).await.assert(204);
        test.settle().await;
        assert_eq!(types(&person).await, ["membership_ended"]);
    });
}

#[test]
fn staff_choose_of_what_is_for_staff() {
    run(async {
        let test = start().await;
        let support = test.staff(Role::Support).await;
        let path = "/api/admin/notifications/preferences";
        let body = json!({ "types": [{ "type": "job_died", "email": false }] });
        assert_eq!(wanted(&support.patch(path, body).await.assert(200).json, "job_died"), (true, false));
        let (person, _) = member(&test, "groomer").await;
        let own = person.get(PATH).await.assert(200).json;
        assert!(own["types"].as_array().expect("types").iter().all(|one| one["type"] != "job_died"));
    });
}
