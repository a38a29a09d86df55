//! What arrives: signed, in order, held back, replayed.

use chrono::Duration;
use pawbase::context::Role;
use serde_json::{Value, json};

use super::receiver::{Answer, Receiver};
use super::stage::{act, attempts, change, deliveries, endpoint, open, pass, pets, states, tell};
use crate::support::run;

#[test]
fn an_event_arrives_signed_and_is_logged() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        receiver.always(Answer::Status(200));
        let (id, secret) = tell(&admin, &receiver, &["businesses.*"]).await;
        let business = test.business().await;
        test.settle().await;
        let got = receiver.got();
        assert_eq!(got.len(), 1);
        assert_eq!(got[0].signed_by(&secret), [true]);
        assert_eq!(got[0].timestamp, test.app.platform.clock.now().timestamp());
        let event = admin.get("/api/admin/events?name=businesses.created").await.assert(200).json["items"][0].clone();
        assert_eq!(json!(got[0].id), event["id"]);
        let expected = json!({
            "id": event["id"], "type": "businesses.created", "timestamp": "2026-05-04T10:00:00Z",
            "data": { "version": 1, "actor": event["actor"], "payload": event["payload"],
                "about": { "table": "businesses", "id": business } },
        });
        assert_eq!(got[0].json(), expected);
        let delivery = deliveries(&admin, &id).await.remove(0);
        for (name, value) in [
            ("state", json!("delivered")),
            ("attempts", json!(1)),
            ("last_status", json!(200)),
            ("response_start", json!("status 200")),
            ("message", event["id"].clone()),
            ("body", json!(got[0].body)),
            ("finished_at", json!("2026-05-04T10:00:00Z")),
        ] {
            assert_eq!(delivery[name], value, "{name}");
        }
        let attempt = attempts(&admin, &delivery).await.remove(0);
        assert_eq!(
            (&attempt["number"], &attempt["status"], &attempt["url"]),
            (&json!(1), &json!(200), &json!(receiver.url()))
        );
        for (name, value) in attempt["request_headers"].as_object().expect("headers") {
            let sent = (name.clone(), value.as_str().expect("text").to_owned());
            assert!(got[0].headers.contains(&sent), "{name}: {value}");
        }
        assert_eq!(attempt["request_headers"]["webhook-signature"], got[0].signatures[0]);
    });
}

#[test]
fn an_event_that_nobody_waits_for_makes_no_job() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let count = async || test.texts("SELECT VALUE kind FROM jobs WHERE kind = 'webhooks.fan_out'").await.len();
        test.business().await;
        test.settle().await;
        assert_eq!(count().await, 0, "there is no endpoint");
        let (id, _) = tell(&admin, &receiver, &["pets.*"]).await;
        test.business().await;
        test.settle().await;
        assert_eq!(count().await, 0, "none for businesses");
        let path = format!("/api/admin/webhooks/endpoints/{id}");
        admin.patch(&path, json!({ "events": ["businesses.created"] })).await.assert(200);
        test.business().await;
        test.settle().await;
        assert_eq!((count().await, receiver.names()), (1, vec!["businesses.created".to_owned()]));
        admin.delete(&path).await.assert(204);
        test.business().await;
        test.settle().await;
        assert_eq!(count().await, 1, "it is gone");
        assert!(deliveries(&admin, &id).await.is_empty(), "and its log with it");
    });
}

#[test]
fn events_about_one_record_arrive_in_order_although_one_fails() {
    run(async {
        let (test, admin) = open().await;
        let (one, other) = (test.business().await, test.business().await);
        test.settle().await;
        let receiver = Receiver::start().await;
        tell(&admin, &receiver, &["businesses.updated"]).await;
        let cities = || -> Vec<String> {
            let city = |got: &super::receiver::Got| got.json()["data"]["payload"]["record"]["city"].to_string();
            receiver.got().iter().map(city).collect()
        };
        receiver.then([Answer::Status(500)]);
        change(&admin, &one, "A").await;
        test.settle().await;
        change(&admin, &one, "B").await;
        change(&admin, &other, "C").await;
        test.settle().await;
        assert_eq!(cities(), ["\"A\"", "\"C\""], "B waits for A, C does not");
        pass(&test, Duration::seconds(5)).await;
        assert_eq!(cities(), ["\"A\"", "\"C\"", "\"A\"", "\"B\""]);
    });
}

#[test]
fn while_an_endpoint_is_paused_events_are_held_back_and_then_arrive_in_order() {
    run(async {
        let (test, admin) = open().await;
        let business = test.business().await;
        test.settle().await;
        let receiver = Receiver::start().await;
        let (id, _) = tell(&admin, &receiver, &["businesses.updated"]).await;
        receiver.then([Answer::Status(500)]);
        change(&admin, &business, "1").await;
        test.settle().await;
        assert_eq!(act(&admin, &id, "pause").await["state"], "paused");
        for city in ["2", "3"] {
            change(&admin, &business, city).await;
        }
        pass(&test, Duration::seconds(5)).await;
        assert_eq!(states(&admin, &id).await, ["held", "held", "held"], "also what was to be tried again");
        assert_eq!(receiver.got().len(), 1);
        act(&admin, &id, "resume").await;
        change(&admin, &business, "4").await;
        test.settle().await;
        assert_eq!(states(&admin, &id).await, ["delivered"; 4]);
        let cities: Vec<Value> =
            receiver.got()[1..].iter().map(|got| got.json()["data"]["payload"]["record"]["city"].clone()).collect();
        assert_eq!(cities, ["1", "2", "3", "4"]);
        assert_eq!(endpoint(&admin, &id).await["is_catching_up"], false);
    });
}

#[test]
fn a_delivery_is_sent_again_under_the_same_id() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let (id, secret) = tell(&admin, &receiver, &["businesses.*"]).await;
        test.business().await;
        test.settle().await;
        let delivery = deliveries(&admin, &id).await.remove(0);
        let path = format!("/api/admin/webhooks/deliveries/{}/replay", delivery["id"].as_str().expect("a key"));
        test.clock.advance(Duration::minutes(10));
        admin.post(&path, Value::Null).await.assert(204);
        admin.post(&path, Value::Null).await.assert_error(409, "conflict");
        test.settle().await;
        let got = receiver.got();
        assert_eq!((got.len(), &got[0].id, &got[0].body), (2, &got[1].id, &got[1].body));
        assert_eq!(got[1].timestamp - got[0].timestamp, 600, "the time is that of the attempt");
        assert_eq!(got[1].signed_by(&secret), [true]);
        let numbers: Vec<Value> = attempts(&admin, &delivery).await.iter().map(|row| row["number"].clone()).collect();
        assert_eq!(numbers, [1, 2]);
    });
}

#[test]
fn all_that_failed_since_a_time_is_sent_again_each_once() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let (id, _) = tell(&admin, &receiver, &["pets.created"]).await;
        act(&admin, &id, "pause").await;
        pets(&test, &admin, 1).await;
        test.settle().await;
        test.clock.advance(Duration::hours(1));
        // More than one transaction of a replay holds.
        for count in [100, 80] {
            pets(&test, &admin, count).await;
        }
        test.settle().await;
        test.system("UPDATE webhook_deliveries SET state = IF rand::bool() { 'failed' } ELSE { 'dropped' }").await;
        let path = format!("/api/admin/webhooks/endpoints/{id}/replay");
        let since = json!({ "since": "2026-05-04T10:30:00Z" });
        admin.post(&path, since.clone()).await.assert_error(409, "conflict");
        act(&admin, &id, "resume").await;
        let asked = admin.post(&path, since).await.assert(200).json;
        test.settle().await;
        let mut ids: Vec<String> = receiver.got().iter().map(|got| got.id.clone()).collect();
        assert!(ids.is_sorted(), "in the order of the events");
        assert_eq!((ids.len(), asked["deliveries"].clone()), (180, json!(180)), "not the first, which is older");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 180);
        admin.post(&path, json!({ "since": "yesterday" })).await.assert(422).assert_fields(&["/since"]);
    });
}

#[test]
fn a_test_arrives_once_whatever_the_state() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let (id, secret) = tell(&admin, &receiver, &["pets.*"]).await;
        act(&admin, &id, "pause").await;
        let begun = act(&admin, &id, "test").await;
        test.settle().await;
        let got = receiver.got();
        assert_eq!((got.len(), receiver.names()), (1, vec!["webhook.test".to_owned()]));
        assert_eq!(got[0].signed_by(&secret), [true]);
        assert_eq!(got[0].json()["data"]["about"], json!({ "table": "webhook_endpoints", "id": id }));
        receiver.always(Answer::Status(500));
        act(&admin, &id, "test").await;
        test.settle().await;
        pass(&test, Duration::hours(2)).await;
        assert_eq!(states(&admin, &id).await, ["delivered", "failed"], "whoever tests wants to know at once");
        assert_eq!(deliveries(&admin, &id).await[0]["id"], begun["delivery"]);
        assert!(endpoint(&admin, &id).await["failing_since"].is_null());
        test.expect_jobs(&["webhooks.deliver"]);
    });
}

#[test]
fn a_slow_endpoint_does_not_hold_up_another() {
    run(async {
        let (test, admin) = open().await;
        let (slow, quick) = (Receiver::start().await, Receiver::start().await);
        slow.always(Answer::Never);
        tell(&admin, &slow, &["pets.created"]).await;
        tell(&admin, &quick, &["pets.created"]).await;
        let running = test.app.worker.clone().start();
        pets(&test, &admin, 60).await;
        let wait = async {
            while quick.got().len() < 60 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), wait).await.expect("all have arrived");
        assert!(slow.got().len() <= 16 * 3, "{} at once", slow.got().len());
        running.kill();
        test.expect_jobs(&["webhooks.deliver", "webhooks.fan_out"]);
    });
}

#[test]
fn what_is_old_is_forgotten_and_what_is_on_its_way_is_not() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let (id, _) = tell(&admin, &receiver, &["businesses.created"]).await;
        test.business().await;
        test.settle().await;
        act(&admin, &id, "pause").await;
        test.business().await;
        test.settle().await;
        pass(&test, Duration::days(31)).await;
        let admin = test.staff(Role::Admin).await;
        assert_eq!(states(&admin, &id).await, ["held"]);
        assert!(test.rows("SELECT VALUE id FROM webhook_attempts").await.is_empty());
    });
}
