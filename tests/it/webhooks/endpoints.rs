//! Who may do what with endpoints and sources, what is shown of them, and the rotation of secrets.

use chrono::Duration;
use pawbase::context::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::receiver::Receiver;
use super::stage::{act, endpoint, open, pass, tell};
use crate::support::run;

#[test]
fn endpoints_are_checked_as_a_whole() {
    run(async {
        let (_test, admin) = open().await;
        let body = json!({ "url": "shop", "events": ["pets", "*"], "description": "x".repeat(501) });
        let refused = admin.post("/api/admin/webhooks/endpoints", body).await.assert_error(422, "validation_failed");
        refused.assert_fields(&["/url", "/events/0", "/description"]);
        let receiver = Receiver::start().await;
        let (id, _) = tell(&admin, &receiver, &["*", "*"]).await;
        let path = format!("/api/admin/webhooks/endpoints/{id}");
        admin.patch(&path, json!({ "events": [] })).await.assert(422).assert_fields(&["/events"]);
        let changed = admin.patch(&path, json!({ "description": "News" })).await.assert(200).json;
        assert_eq!((&changed["description"], &changed["events"]), (&json!("News"), &json!(["*"])));
        let cleared = admin.patch(&path, json!({ "description": null })).await.assert(200).json;
        assert!(cleared.get("description").is_none());
        for (what, status) in [("resume", 409), ("enable", 409), ("pause", 200), ("pause", 409), ("resume", 200)] {
            admin.post(&format!("{path}/{what}"), Value::Null).await.assert(status);
        }
    });
}

#[test]
fn there_are_a_hundred_endpoints_at_most() {
    run(async {
        let (_test, admin) = open().await;
        let body = json!({ "url": "https://shop.example/", "events": ["pets.*"] });
        for _ in 0..100 {
            admin.post("/api/admin/webhooks/endpoints", body.clone()).await.assert(201);
        }
        admin.post("/api/admin/webhooks/endpoints", body).await.assert_error(422, "rule_violated");
    });
}

#[test]
fn while_a_secret_is_replaced_both_sign() {
    run(async {
        let (test, admin) = open().await;
        let receiver = Receiver::start().await;
        let (id, old) = tell(&admin, &receiver, &["businesses.created"]).await;
        let rotated = act(&admin, &id, "rotate").await;
        let new = rotated["secret"].as_str().expect("a secret");
        assert_eq!(rotated["old_secret_until"], "2026-05-05T10:00:00Z");
        test.business().await;
        test.settle().await;
        pass(&test, Duration::hours(24)).await;
        test.business().await;
        test.settle().await;
        let got = receiver.got();
        assert_eq!((got[0].signed_by(new), got[0].signed_by(&old)), (vec![true, false], vec![false, true]));
        assert_eq!((got[1].signed_by(new), got[1].signed_by(&old)), (vec![true], vec![false]));
    });
}

#[test]
fn a_secret_is_shown_once_and_stands_nowhere_else() {
    run(async {
        let (test, admin) = open().await;
        let boss = test.staff(Role::SuperAdmin).await;
        let receiver = Receiver::start().await;
        let (id, secret) = tell(&admin, &receiver, &["*"]).await;
        let rotated = act(&admin, &id, "rotate").await["secret"].as_str().expect("a secret").to_owned();
        let body = json!({ "id": "payments", "name": "Payments", "scheme": "standard" });
        let made = admin.post("/api/admin/webhooks/sources", body).await.assert(201).json;
        let inbound = made["secret"].as_str().expect("a secret").to_owned();
        test.business().await;
        test.settle().await;
        for table in [
            "webhook_endpoints",
            "webhook_deliveries",
            "webhook_attempts",
            "webhook_sources",
            "audit",
            "jobs",
            "events",
        ] {
            let text = boss.get(&format!("/api/admin/{table}?limit=100")).await.assert(200).text;
            assert!(text.contains("\"id\""), "{table} is empty");
            for secret in [&secret, &rotated, &inbound] {
                assert!(!text.contains(secret.as_str()), "{table}");
            }
        }
        for field in ["secret", "old_secret"] {
            boss.get(&format!("/api/admin/webhook_endpoints?fields={field}")).await.assert(400);
            boss.get(&format!("/api/admin/webhook_endpoints?{field}=x")).await.assert(400);
        }
    });
}

#[test]
fn support_reads_and_administrators_act() {
    run(async {
        let (test, admin) = open().await;
        let support = test.staff(Role::Support).await;
        let receiver = Receiver::start().await;
        let (id, _) = tell(&admin, &receiver, &["pets.*"]).await;
        let endpoints = "/api/admin/webhooks/endpoints";
        let body = json!({ "url": receiver.url(), "events": ["*"] });
        let source = json!({ "id": "payments", "name": "Payments", "scheme": "standard" });
        let mut acts = vec![
            (Method::POST, endpoints.to_owned(), body),
            (Method::PATCH, format!("{endpoints}/{id}"), json!({})),
            (Method::POST, format!("{endpoints}/{id}/replay"), json!({ "since": "2026-05-04T10:00:00Z" })),
            (Method::POST, format!("/api/admin/webhooks/deliveries/{id}/replay"), Value::Null),
            (Method::POST, "/api/admin/webhooks/sources".to_owned(), source),
            (Method::PATCH, "/api/admin/webhooks/sources/payments".to_owned(), json!({})),
            (Method::DELETE, "/api/admin/webhooks/sources/payments".to_owned(), Value::Null),
            (Method::DELETE, format!("{endpoints}/{id}"), Value::Null),
        ];
        for what in ["rotate", "pause", "resume", "enable", "test"] {
            acts.push((Method::POST, format!("{endpoints}/{id}/{what}"), Value::Null));
        }
        let before = admin.get("/api/admin/audit?action[starts]=webhook").await.assert(200).ids().len();
        for (method, path, body) in acts {
            let body = (!body.is_null()).then_some(body);
            support.send(method.clone(), &path, body.clone()).await.assert_error(403, "forbidden");
            test.admin_guest().send(method.clone(), &path, body.clone()).await.assert(401);
            test.customer().await.send(method, &path.replace("/api/admin", "/api/v1"), body).await.assert(404);
        }
        assert_eq!(endpoint(&support, &id).await["state"], "active");
        let after = admin.get("/api/admin/audit?action[starts]=webhook").await.assert(200).ids().len();
        assert_eq!((before, after), (1, 1), "the making alone is in the trail");
    });
}
