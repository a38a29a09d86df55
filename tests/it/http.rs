//! What every answer has: ids, security headers, limits, CORS, documents.

use serde_json::json;

use crate::support::{TestApp, run, settings};

#[test]
fn every_answer_carries_its_headers() {
    run(async {
        let test = TestApp::start().await;
        let reply = test.guest().with("x-request-id", "mine-1").get("/api/v1/species").await.assert(200);
        assert_eq!(reply.header("x-request-id"), "mine-1");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("x-frame-options"), "DENY");
        assert!(reply.header("content-security-policy").contains("default-src 'none'"));
        let made = test.guest().with("x-request-id", "has space").get("/api/v1/species").await;
        assert_eq!(made.header("x-request-id").len(), 36);
    });
}

#[test]
fn system_pages_answer() {
    run(async {
        let test = TestApp::start().await;
        for path in [
            "/health",
            "/health/db",
            "/ready",
            "/api/openapi.json",
            "/api/docs",
            "/api/docs/errors",
            "/.well-known/jwks.json",
            "/api/docs/assets/swagger-ui-bundle.js",
        ] {
            test.guest().get(path).await.assert(200);
            test.admin_guest().get(path).await.assert(200);
        }
        test.admin_guest().get("/").await.assert(200);
        test.guest().get("/").await.assert(404);
        let document = test.guest().get("/api/openapi.json").await;
        assert_eq!(document.json["openapi"], "3.1.0");
        assert!(document.json["paths"]["/api/v1/pets"]["post"].is_object());
        assert!(document.json["paths"]["/api/v1/auth/login"]["post"].is_object());
        assert!(document.json["paths"]["/api/v1/species"]["post"].is_null(), "only staff may");
        assert!(!document.text.contains("password_hash"), "nobody's field is in no document");
        test.guest().with("if-none-match", document.header("etag")).get("/api/openapi.json").await.assert(304);
        let admin = test.admin_guest().get("/api/openapi.json").await;
        assert!(admin.json["paths"]["/api/admin/species"]["post"].is_object());
    });
}

#[test]
fn limits_are_kept() {
    run(async {
        let mut config = settings();
        config.limits.rate_limit = true;
        config.limits.guest_per_minute = 5;
        config.limits.auth_per_minute = 3;
        let test = TestApp::with(config).await;
        for left in (0..5).rev() {
            let reply = test.guest().get("/api/v1/species").await.assert(200);
            assert_eq!(reply.header("ratelimit-limit"), "5");
            assert_eq!(reply.header("ratelimit-remaining"), left.to_string());
        }
        let refused = test.guest().get("/api/v1/species").await.assert_error(429, "too_many_requests");
        assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
        let login = json!({ "email": "a@test.example", "password": "wrong password" });
        for _ in 0..3 {
            test.guest().post("/api/v1/auth/login", login.clone()).await.assert(401);
        }
        test.guest().post("/api/v1/auth/login", login).await.assert_error(429, "too_many_requests");
        let long = format!("/api/v1/species?name={}", "x".repeat(9000));
        test.admin_guest().get(&long).await.assert_error(414, "uri_too_long");
        test.admin_guest()
            .with("x-big", &"x".repeat(40_000))
            .get("/health")
            .await
            .assert_error(431, "headers_too_large");
    });
}

#[test]
fn only_named_origins_may_call() {
    run(async {
        let mut config = settings();
        config.public.cors_origins = vec!["https://shop.example".into()];
        let test = TestApp::with(config).await;
        let named = test.guest().with("origin", "https://shop.example").get("/api/v1/species").await;
        assert_eq!(named.header("access-control-allow-origin"), "https://shop.example");
        let other = test.guest().with("origin", "https://evil.example").get("/api/v1/species").await;
        assert_eq!(other.header("access-control-allow-origin"), "");
        let preflight =
            test.guest().with("origin", "https://shop.example").with("access-control-request-method", "PATCH");
        let reply = preflight.send(reqwest::Method::OPTIONS, "/api/v1/pets", None).await.assert(204);
        assert!(reply.header("access-control-allow-methods").contains("PATCH"));
        test.guest().with("origin", "caf\u{e9}").get("/api/v1/species").await.assert(200);
    });
}
