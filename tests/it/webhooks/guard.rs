//! Addresses of this house are not called, by whatever way.

use pawbase::context::Role;
use serde_json::json;

use super::receiver::{Answer, Receiver};
use super::stage::{attempts, deliveries, open, tell};
use crate::support::{Client, TestApp, run, settings};

/// A platform that may call public addresses alone.
async fn strict() -> (TestApp, Client) {
    let mut config = settings();
    config.webhooks.allow_http = true;
    let test = TestApp::with(config).await;
    let admin = test.staff(Role::Admin).await;
    (test, admin)
}

#[test]
fn an_address_of_this_house_is_no_endpoint() {
    run(async {
        let (_test, admin) = strict().await;
        for url in [
            "http://127.0.0.1:8000/",
            "http://2130706433/",
            "http://10.0.0.5/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/",
            "http://[::ffff:192.168.0.1]/",
            "ftp://shop.example/",
        ] {
            let body = json!({ "url": url, "events": ["*"] });
            let refused = admin.post("/api/admin/webhooks/endpoints", body).await.assert(422);
            refused.assert_fields(&["/url"]);
        }
    });
}

#[test]
fn a_name_that_leads_into_this_house_is_not_called() {
    run(async {
        let (test, admin) = strict().await;
        let receiver = Receiver::start().await;
        let url = format!("http://localhost:{}/hooks", receiver.address.port());
        let body = json!({ "url": url, "events": ["businesses.created"] });
        let made = admin.post("/api/admin/webhooks/endpoints", body).await.assert(201).json;
        let id = made["endpoint"]["id"].as_str().expect("a key");
        test.business().await;
        test.settle().await;
        assert!(receiver.got().is_empty());
        let delivery = deliveries(&admin, id).await.remove(0);
        assert_eq!(delivery["error"], "It may not be called: the name leads to no public address.");
        test.expect_jobs(&["webhooks.deliver"]);
    });
}

#[test]
fn an_address_that_came_into_the_database_otherwise_is_not_called_either() {
    run(async {
        let (test, admin) = strict().await;
        let receiver = Receiver::start().await;
        let body = json!({ "url": "http://shop.example/", "events": ["businesses.created"] });
        let made = admin.post("/api/admin/webhooks/endpoints", body).await.assert(201).json;
        let id = made["endpoint"]["id"].as_str().expect("a key");
        test.system(&format!("UPDATE webhook_endpoints:u'{id}' SET url = '{}'", receiver.url())).await;
        test.business().await;
        test.settle().await;
        assert!(receiver.got().is_empty());
        assert_eq!(deliveries(&admin, id).await[0]["error"], "It may not be called: the address is not public.");
        test.expect_jobs(&["webhooks.deliver"]);
    });
}

#[test]
fn a_redirect_is_a_failure_and_nobody_follows_it() {
    run(async {
        let (test, admin) = open().await;
        let (receiver, inner) = (Receiver::start().await, Receiver::start().await);
        let (id, _) = tell(&admin, &receiver, &["businesses.created"]).await;
        receiver.always(Answer::Redirect(inner.url()));
        test.business().await;
        test.settle().await;
        assert_eq!((receiver.got().len(), inner.got().len()), (1, 0));
        let delivery = deliveries(&admin, &id).await.remove(0);
        assert_eq!((&delivery["state"], &delivery["last_status"]), (&json!("waiting"), &json!(307)));
        test.expect_jobs(&["webhooks.deliver"]);
    });
}

#[test]
fn of_a_long_answer_the_beginning_is_read() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let (id, _) = tell(&admin, &receiver, &["businesses.created"]).await;
        receiver.always(Answer::Endless);
        test.business().await;
        test.settle().await;
        let delivery = deliveries(&admin, &id).await.remove(0);
        assert_eq!(delivery["state"], "delivered");
        assert_eq!(delivery["response_start"].as_str().expect("text"), "x".repeat(1000));
        let attempt = attempts(&admin, &delivery).await.remove(0);
        assert!(attempt["ms"].as_u64().expect("a time") < 1000, "it did not wait for the end");
    });
}
