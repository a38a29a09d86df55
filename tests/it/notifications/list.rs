//! The list: what comes into it, once, whose it is, and what was read.

use pawbase::context::Role;
use serde_json::{Value, json};

use super::stage::{join, list, member, start, types, unread};
use crate::support::run;

#[test]
fn who_is_made_a_member_of_a_business_is_told() {
    run(async {
        let test = start().await;
        let (person, membership) = member(&test, "groomer").await;
        let items = list(&person).await;
        assert_eq!(items.len(), 1);
        let found = &items[0];
        assert_eq!(
            (&found["type"], &found["title"]),
            (&json!("membership_added"), &json!("Test Business: you are on the team"))
        );
        assert_eq!(found["body"], "You now work at Test Business. Your role: groomer.");
        assert_eq!((&found["audience"], &found["data"]["role"]), (&json!("public"), &json!("groomer")));
        assert_eq!(
            (&found["created_at"], &found["expires_at"]),
            (&json!("2026-05-04T10:00:00Z"), &json!("2026-08-02T10:00:00Z"))
        );
        assert_eq!(found["about"]["table"], "businesses");
        assert_eq!((found.get("read_at"), found.get("cause")), (None, None));
        assert_eq!(unread(&person).await, 1);

        let admin = test.staff(Role::Admin).await;
        let path = format!("/api/admin/memberships/{membership}");
        admin.patch(&path, json!({ "role": "manager" })).await.assert(200);
        test.settle().await;
        admin.patch(&path, json!({ "status": "disabled" })).await.assert(200);
        test.settle().await;
        admin.delete(&path).await.assert(204);
        test.settle().await;
        assert_eq!(types(&person).await, ["membership_ended", "membership_changed", "membership_added"]);
    });
}

#[test]
fn texts_are_in_the_language_of_the_person() {
    run(async {
        let test = start().await;
        let (business, person, admin) = (test.business().await, test.customer().await, test.staff(Role::Admin).await);
        person.patch("/api/v1/auth/me", json!({ "locale": "de-AT" })).await.assert(200);
        join(&admin, &person, &business, "manager").await;
        test.settle().await;
        let items = list(&person).await;
        assert_eq!(items[0]["title"], "Test Business: du gehörst zum Team");
        assert_eq!(items[0]["body"], "Du arbeitest jetzt bei Test Business. Deine Rolle: Leitung.");
    });
}

#[test]
fn a_reaction_that_runs_again_tells_nobody_twice() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        // As after a crash whose job had to be begun anew by hand.
        let job = test
            .texts("SELECT VALUE <string> record::id(id) FROM jobs WHERE kind = 'notifications.membership_created'")
            .await;
        test.system("UPDATE jobs SET state = 'dead' WHERE kind = 'notifications.membership_created'").await;
        let admin = test.staff(Role::Admin).await;
        admin.post(&format!("/api/admin/jobs/{}/retry", job[0]), Value::Null).await.assert(204);
        test.settle().await;
        let state = "SELECT VALUE state FROM jobs WHERE kind = 'notifications.membership_created'";
        assert_eq!(test.texts(state).await, ["done"], "the reaction ran again");
        assert_eq!(list(&person).await.len(), 1);
        let deliveries = test.rows("SELECT VALUE id FROM notification_deliveries WHERE channel = 'in_app'").await;
        assert_eq!(deliveries.len(), 1);
    });
}

#[test]
fn the_database_itself_refuses_the_same_news_twice() {
    run(async {
        let test = start().await;
        member(&test, "groomer").await;
        let copy = "CREATE notifications CONTENT object::extend((SELECT * OMIT id FROM ONLY notifications LIMIT 1), { id: rand::uuid::v7() })";
        let error = test.app.platform.engine.root().query(copy, ()).await.expect_err("refused").to_string();
        assert!(error.contains("notifications_once"), "{error}");
        let copy = copy.replace("notifications", "notification_deliveries");
        let error = test.app.platform.engine.root().query(&copy, ()).await.expect_err("refused").to_string();
        assert!(error.contains("notification_deliveries_once"), "{error}");
    });
}

#[test]
fn nobody_is_told_of_what_they_did_themselves() {
    run(async {
        let test = start().await;
        let (business, owner, member) = (test.business().await, test.customer().await, test.customer().await);
        let admin = test.staff(Role::Admin).await;
        join(&admin, &owner, &business, "owner").await;
        let own = json!({ "user": admin.user, "business": business, "role": "groomer" });
        admin.post("/api/admin/memberships", own).await.assert(201);
        let body = json!({ "user": member.user, "business": business, "role": "groomer" });
        owner.post("/api/v1/memberships", body).await.assert(201);
        test.settle().await;
        assert_eq!((types(&owner).await.len(), types(&member).await.len()), (1, 1));
        let own = admin.get(&format!("/api/admin/notifications?user={}", admin.user)).await.assert(200);
        assert_eq!(own.json["items"], json!([]));
    });
}

#[test]
fn people_neither_see_nor_mark_what_is_of_others() {
    run(async {
        let test = start().await;
        let ((person, _), (other, _)) = (member(&test, "groomer").await, member(&test, "groomer").await);
        let id = list(&person).await[0]["id"].as_str().expect("a key").to_owned();
        assert_eq!(list(&other).await.len(), 1);
        other.get(&format!("/api/v1/notifications/{id}")).await.assert_error(404, "not_found");
        let path = format!("/api/v1/notifications/{id}/read");
        other.post(&path, Value::Null).await.assert_error(404, "not_found");
        test.guest().post(&path, Value::Null).await.assert_error(401, "unauthenticated");
        let admin = test.staff(Role::SuperAdmin).await;
        admin.post(&format!("/api/admin/notifications/{id}/read"), Value::Null).await.assert_error(404, "not_found");
        other.post("/api/v1/notifications/read_all", json!({})).await.assert(200);
        admin.post("/api/admin/notifications/read_all", json!({})).await.assert(200);
        assert_eq!((unread(&person).await, unread(&other).await), (1, 0));
        person.patch(&format!("/api/v1/notifications/{id}"), json!({ "title": "x" })).await.assert(405);
        person.delete(&format!("/api/v1/notifications/{id}")).await.assert(405);
    });
}

#[test]
fn what_is_read_stays_read_since_then() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        let path = format!("/api/v1/notifications/{}", list(&person).await[0]["id"].as_str().expect("a key"));
        let reply = person.post(&format!("{path}/read"), Value::Null).await.assert(200);
        assert_eq!(reply.json, json!({ "unread": 0 }));
        test.clock.advance(chrono::Duration::minutes(5));
        person.post(&format!("{path}/read"), Value::Null).await.assert(200);
        assert_eq!(person.get(&path).await.assert(200).json["read_at"], "2026-05-04T10:00:00Z");
        assert_eq!(person.get("/api/v1/notifications?read_at[null]=true").await.assert(200).json["items"], json!([]));
    });
}

#[test]
fn all_are_read_but_those_that_came_after_what_was_shown() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        let admin = test.staff(Role::Admin).await;
        let shown = list(&person).await[0]["id"].clone();
        // Within the same second.
        join(&admin, &person, &test.business().await, "groomer").await;
        test.settle().await;
        let read_all = async |body| {
            let reply = person.post("/api/v1/notifications/read_all", body).await.assert(200);
            reply.json["unread"].as_u64().expect("a count")
        };
        assert_eq!(read_all(json!({ "up_to": shown })).await, 1);
        assert_eq!(list(&person).await[1]["id"], shown);
        assert_eq!((list(&person).await[0].get("read_at"), unread(&person).await), (None, 1));

        test.clock.advance(chrono::Duration::minutes(1));
        join(&admin, &person, &test.business().await, "groomer").await;
        test.settle().await;
        assert_eq!(read_all(json!({ "until": "2026-05-04T10:00:59+00:00" })).await, 1);
        assert_eq!(read_all(json!({ "up_to": null, "until": null })).await, 0);
        let bad = json!({ "up_to": "x", "until": "yesterday" });
        let reply = person.post("/api/v1/notifications/read_all", bad).await.assert(422);
        reply.assert_fields(&["/up_to", "/until"]);
    });
}

#[test]
fn reading_all_and_news_at_once_lose_nothing() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        let admin = test.staff(Role::Admin).await;
        for _ in 0..5 {
            let shown = list(&person).await[0]["id"].clone();
            join(&admin, &person, &test.business().await, "groomer").await;
            let body = json!({ "up_to": shown });
            let (read, _) = tokio::join!(person.post("/api/v1/notifications/read_all", body), test.settle());
            read.assert(200);
            assert_eq!(unread(&person).await, 1, "the one that came is unread, the others are read");
        }
        assert_eq!(list(&person).await.len(), 6);
    });
}

#[test]
fn what_is_old_is_removed_with_its_deliveries() {
    run(async {
        let test = start().await;
        member(&test, "groomer").await;
        test.clock.advance(chrono::Duration::days(89));
        test.settle().await;
        assert_eq!(test.rows("SELECT id FROM notifications").await.len(), 1);
        test.clock.advance(chrono::Duration::days(2));
        test.settle().await;
        assert_eq!(test.rows("SELECT id FROM notifications").await.len(), 0);
        assert_eq!(test.rows("SELECT id FROM notification_deliveries").await.len(), 0);
    });
}

#[test]
fn a_suspension_and_its_end_are_told() {
    run(async {
        let test = start().await;
        let (person, admin) = (test.customer().await, test.staff(Role::Admin).await);
        let path = format!("/api/admin/users/{}", person.user);
        admin.post(&format!("{path}/suspend"), json!({ "reason": "Rude." })).await.assert(200);
        test.settle().await;
        admin.post(&format!("{path}/reinstate"), Value::Null).await.assert(200);
        test.settle().await;
        let all = admin.get(&format!("/api/admin/notifications?user={}&sort=-id", person.user)).await.assert(200);
        let items = all.json["items"].as_array().expect("items");
        assert_eq!(items.len(), 2);
        assert_eq!(items[0]["type"], "account_reinstated");
        assert_eq!(items[1]["body"], "You cannot sign in until further notice. The reason: Rude.");
    });
}
