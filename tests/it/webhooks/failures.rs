//! What does not arrive: tried again, given up, disabled.

use chrono::Duration;
use pawbase::context::Role;
use serde_json::json;

use super::receiver::{Answer, Receiver};
use super::stage::{act, attempts, deliveries, endpoint, open, pass, states, tell};
use crate::support::{TestApp, run};

async fn told(test: &TestApp) -> Vec<String> {
    test.texts("SELECT VALUE name FROM events WHERE name = 'webhook.disabled'").await
}

#[test]
fn a_failure_is_tried_again_later_under_the_same_id() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let (id, secret) = tell(&admin, &receiver, &["businesses.created"]).await;
        receiver.then([Answer::Status(500), Answer::Never, Answer::Status(302)]);
        test.business().await;
        test.settle().await;
        for seconds in [5, 20, 80] {
            test.settle().await;
            pass(&test, Duration::seconds(seconds)).await;
        }
        let got = receiver.got();
        assert_eq!(got.len(), 4);
        assert!(got.iter().all(|one| one.id == got[0].id && one.body == got[0].body));
        assert!(got.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp), "the time is that of the attempt");
        assert!(got.iter().all(|one| one.signed_by(&secret) == [true]));
        let delivery = deliveries(&admin, &id).await.remove(0);
        assert_eq!((&delivery["state"], &delivery["attempts"]), (&json!("delivered"), &json!(4)));
        let rows = attempts(&admin, &delivery).await;
        let errors: Vec<_> = rows.iter().map(|row| row["error"].as_str().unwrap_or_default()).collect();
        let expected =
            ["It answered 500.", "No answer within 1 seconds.", "It answered 302; redirects are not followed.", ""];
        assert_eq!(errors, expected);
        assert!(rows[1]["status"].is_null() && rows[1]["ms"].as_u64().expect("a time") >= 1000);
        assert!(endpoint(&admin, &id).await["failing_since"].is_null(), "a success ends it");
    });
}

#[test]
fn a_receiver_says_when_to_come_again() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        tell(&admin, &receiver, &["businesses.created"]).await;
        receiver.then([Answer::Busy(3600)]);
        test.business().await;
        test.settle().await;
        pass(&test, Duration::minutes(59)).await;
        assert_eq!(receiver.got().len(), 1);
        pass(&test, Duration::minutes(1)).await;
        assert_eq!(receiver.got().len(), 2);
    });
}

#[test]
fn after_its_last_attempt_a_delivery_is_given_up() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let (id, _) = tell(&admin, &receiver, &["businesses.created"]).await;
        receiver.always(Answer::Status(500));
        test.business().await;
        test.settle().await;
        let begun = test.app.platform.clock.now();
        let mut passed = Duration::zero();
        while test.texts("SELECT VALUE state FROM webhook_deliveries").await == ["waiting"] {
            pass(&test, Duration::minutes(30)).await;
            passed = test.app.platform.clock.now() - begun;
            assert!(passed < Duration::days(5), "it goes on for ever");
        }
        assert!(passed > Duration::days(2), "only {passed}");
        assert_eq!(receiver.got().len(), 11);
        let admin = test.staff(Role::Admin).await;
        assert_eq!(endpoint(&admin, &id).await["state"], "active");
        let work = admin.get("/api/admin/jobs?kind=webhooks.deliver").await.assert(200).json;
        assert_eq!(work["items"][0]["state"], "dead");
        test.expect_jobs(&["webhooks.deliver"]);
    });
}

#[test]
fn days_of_nothing_but_failures_disable_an_endpoint_and_tell_of_it() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let (id, _) = tell(&admin, &receiver, &["businesses.created"]).await;
        receiver.always(Answer::Status(500));
        test.business().await;
        test.settle().await;
        for _ in 0..4 {
            pass(&test, Duration::days(1)).await;
        }
        assert_eq!(told(&test).await.len(), 0);
        pass(&test, Duration::days(1)).await;
        assert_eq!(told(&test).await, ["webhook.disabled"]);
        let admin = test.staff(Role::Admin).await;
        let row = endpoint(&admin, &id).await;
        assert_eq!(
            (&row["state"], &row["disabled_reason"]),
            (&json!("disabled"), &json!("Nothing but failures for 5 days."))
        );
        let event = admin.get("/api/admin/events?name=webhook.disabled").await.assert(200).json["items"][0].clone();
        assert_eq!(event["about"], json!({ "table": "webhook_endpoints", "id": id }));
        let payload =
            json!({ "host": "127.0.0.1", "reason": row["disabled_reason"], "failing_since": "2026-05-04T10:00:00Z" });
        assert_eq!(event["payload"], payload);
        test.business().await;
        pass(&test, Duration::days(1)).await;
        let admin = test.staff(Role::Admin).await;
        assert_eq!(states(&admin, &id).await, ["dropped"], "what waited is dropped, what is new is not kept");
        receiver.always(Answer::Status(200));
        let before = receiver.got().len();
        act(&admin, &id, "enable").await;
        test.business().await;
        test.settle().await;
        assert_eq!(receiver.got().len(), before + 1);
        let row = endpoint(&admin, &id).await;
        assert!(row["failing_since"].is_null() && row["disabled_reason"].is_null());
    });
}

#[test]
fn gone_is_gone() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let (id, _) = tell(&admin, &receiver, &["businesses.created", "webhook.*"]).await;
        receiver.always(Answer::Status(410));
        test.business().await;
        test.settle().await;
        assert_eq!(told(&test).await.len(), 1);
        assert_eq!(states(&admin, &id).await, ["failed"]);
        assert_eq!(endpoint(&admin, &id).await["disabled_reason"], "It answered 410: gone for good.");
        pass(&test, Duration::days(1)).await;
        assert_eq!(receiver.got().len(), 1);
        test.expect_jobs(&["webhooks.deliver"]);
    });
}
