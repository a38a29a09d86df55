//! What every answer has: ids, security headers, limits, CORS, documents.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pawbase::context::Audience;
use pawbase::http::{gate::Gate, server};
use poem::Endpoint;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, watch};

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
            "/realtime/pawbase.js",
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

#[test]
fn if_match_is_read_as_rfc_9110_has_it() {
    run(async {
        let test = TestApp::start().await;
        test.system("CREATE species:dog SET name = 'Dog'").await;
        let customer = test.customer().await;
        let made = customer.post("/api/v1/pets", json!({ "name": "Rex", "species": "dog" })).await.assert(201);
        let path = format!("/api/v1/pets/{}", made.id());
        let same = json!({ "name": "Rex" });
        let tag = made.header("etag").to_owned();
        let lines = |lines: &[&str]| lines.iter().fold(customer.clone(), |client, line| client.and("if-match", line));
        for wrong in [vec!["\"x\""], vec!["\"x\"", "\"y\""], vec![&format!("W/{tag}")], vec!["x"], vec![""]] {
            lines(&wrong).patch(&path, same.clone()).await.assert_error(412, "stale");
            lines(&wrong).delete(&path).await.assert_error(412, "stale");
        }
        let list = format!("\"x,y\", {tag}");
        for right in [vec!["\"x\"", &tag], vec![&tag, "\"x\""], vec![&list], vec!["*"]] {
            lines(&right).patch(&path, same.clone()).await.assert(200);
        }
        let none = |line: &str| customer.and("if-none-match", "\"x\"").and("if-none-match", line);
        none(&tag).get(&path).await.assert(304);
        none(&format!("W/{tag}")).get(&path).await.assert(304);
        none("\"y\"").get(&path).await.assert(200);
        let missing = format!("/api/v1/pets/{}", uuid::Uuid::nil());
        lines(&["*"]).patch(&missing, same).await.assert_error(404, "not_found");
        lines(&["\"x\"", &tag]).delete(&path).await.assert(204);
    });
}

#[test]
fn a_batch_names_the_operation_that_a_table_does_not_take() {
    run(async {
        let test = TestApp::start().await;
        let customer = test.customer().await;
        for (method, table) in [("POST", "species"), ("PATCH", "favorites"), ("DELETE", "businesses")] {
            let operation = json!({ "method": method, "table": table, "id": uuid::Uuid::nil(), "body": {} });
            let reply = customer.post("/api/v1/batch", json!({ "operations": [operation] })).await;
            reply.assert_error(422, "validation_failed").assert_fields(&["/operations/0/method"]);
        }
    });
}

/// A log that the threads of one runtime write to.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(bytes).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }

    /// The line of the request with this id, once it is written.
    async fn line_of(&self, id: &str) -> Value {
        let found = async {
            loop {
                let mut lines = self.lines().into_iter().map(|line| line["fields"].clone());
                if let Some(line) = lines.find(|line| line["id"] == id && !line["status"].is_null()) {
                    return line;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), found).await.expect("a line")
    }
}

/// Routes that never answer, and say when they are asked.
struct Stuck(mpsc::UnboundedSender<()>);

impl Endpoint for Stuck {
    type Output = poem::Response;

    async fn call(&self, _: poem::Request) -> poem::Result<poem::Response> {
        self.0.send(()).expect("the test waits");
        std::future::pending().await
    }
}

/// A runtime whose threads all log to `log`.
fn logging_runtime(log: &Log) -> tokio::runtime::Runtime {
    let writer = log.clone();
    let layers = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    let dispatch = tracing::Dispatch::new(layers);
    // While there is only one, tracing asks whichever thread logs first whether anybody listens, be it of another test.
    let second = tracing::Dispatch::new(tracing_subscriber::registry());
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(16 * 1024 * 1024)
        .on_thread_start(move || {
            let _kept = &second;
            std::mem::forget(tracing::dispatcher::set_default(&dispatch));
        })
        .enable_all()
        .build()
        .expect("a runtime")
}

#[test]
fn a_request_that_is_aborted_has_a_line_in_the_log() {
    let log = Log::default();
    let runtime = logging_runtime(&log);
    let work = runtime.spawn(async move {
        let test = TestApp::start().await;
        let (asked, mut asking) = mpsc::unbounded_channel();
        let (platform, identity) = (Arc::clone(&test.app.platform), Arc::clone(&test.app.identity));
        let gate = Gate { platform, identity, audience: Audience::Public, rates: None, inner: Stuck(asked) };
        let bound = server::bind("127.0.0.1:0".parse().expect("an address")).await.expect("a port");
        let (address, (_stop, stopping)) = (bound.address, watch::channel(false));
        let limits = server::Limits { connections: 10, stalled: Duration::from_secs(60) };
        tokio::spawn(server::serve(bound, gate, limits, stopping, Duration::from_secs(1)));
        let mut client = tokio::net::TcpStream::connect(address).await.expect("a connection");
        let request = "GET /api/v1/species HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone-1\r\n\r\n";
        client.write_all(request.as_bytes()).await.expect("sent");
        asking.recv().await.expect("the handler has begun");
        assert!(log.lines().iter().all(|line| line["fields"]["id"] != "gone-1"), "not before it is over");
        // Resets the connection; a client who merely sends no more may still read the answer.
        client.set_zero_linger().expect("an option");
        drop(client);
        let line = log.line_of("gone-1").await;
        assert_eq!((&line["message"], &line["status"]), (&json!("aborted"), &json!(499)), "{line}");
        assert_eq!((&line["method"], &line["caller"]), (&json!("GET"), &json!("guest")), "{line}");
        test.guest().with("x-request-id", "stayed-1").get("/api/v1/species").await.assert(200);
        let line = log.line_of("stayed-1").await;
        assert_eq!((&line["message"], &line["status"]), (&json!("request"), &json!(200)), "{line}");
        assert_eq!(line["route"], "/{table}");
    });
    if let Err(failure) = runtime.block_on(work) {
        std::panic::resume_unwind(failure.into_panic());
    }
}
