//! What every path answers to the methods it does not have, to OPTIONS and to HEAD.

use std::collections::{BTreeMap, BTreeSet};

use pawbase::context::{Audience, Role};
use reqwest::Method;

use super::document::Document;
use super::stage::Stage;
use crate::support::client::Reply;
use crate::support::{Client, TestApp, run};

/// Methods that clients send.
const METHODS: [&str; 8] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"];
/// Pages of both listeners.
const PAGES: [&str; 10] = [
    "/health",
    "/health/db",
    "/ready",
    "/api/openapi.json",
    "/api/docs",
    "/api/docs/errors",
    "/api/docs/events",
    "/api/docs/assets/swagger-ui-bundle.js",
    "/api/docs/assets/pages.css",
    "/.well-known/jwks.json",
];

async fn send(client: &Client, method: &str, path: &str) -> Reply {
    client.send(method.parse::<Method>().expect("a method"), path, None).await
}

fn named(allow: &str) -> BTreeSet<String> {
    allow.split(", ").map(str::to_owned).collect()
}

/// Checks every method of a path that has `methods`.
async fn check(client: &Client, path: &str, methods: &BTreeSet<String>) {
    let options = send(client, "OPTIONS", path).await.assert(204);
    assert_eq!(named(options.header("allow")), *methods, "{path}");
    assert!(options.text.is_empty());
    for method in METHODS.iter().filter(|method| !methods.contains(**method)) {
        let reply = send(client, method, path).await;
        assert_eq!(reply.status, 405, "{method} {path}");
        assert!(*method == "HEAD" || reply.json["error"] == "method_not_allowed", "{method} {path}: {}", reply.text);
        assert_eq!(named(reply.header("allow")), *methods, "{method} {path}");
    }
    if methods.contains("GET") {
        let (get, head) = (send(client, "GET", path).await, send(client, "HEAD", path).await);
        assert_eq!((get.status, head.text.as_str()), (head.status, ""), "{path}");
        assert_eq!(get.header("content-type"), head.header("content-type"), "{path}");
    }
}

#[test]
fn pages_answer_get_head_and_options_alone() {
    run(async {
        let test = TestApp::start().await;
        let methods = named("OPTIONS, GET, HEAD");
        for guest in [test.guest(), test.admin_guest()] {
            for path in PAGES {
                check(&guest, path, &methods).await;
            }
        }
        check(&test.admin_guest(), "/", &methods).await;
        for path in ["/", "/api/docs/assets/nothing.js", "/api/v1", "/api/v1/", "/healthy"] {
            for method in ["GET", "POST", "OPTIONS"] {
                send(&test.guest(), method, path).await.assert(404);
            }
        }
    });
}

#[test]
fn documented_paths_answer_their_documented_methods_alone() {
    run(async {
        let test = TestApp::start().await;
        for (audience, client) in
            [(Audience::Public, test.customer().await), (Audience::Admin, test.staff(Role::SuperAdmin).await)]
        {
            let document = Document::of(&Stage::guest(&test, audience), audience).await;
            let mut paths: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
            for operation in document.operations(&test) {
                let methods = paths.entry(operation.path).or_insert_with(|| named("OPTIONS"));
                methods.insert(operation.method.to_string());
                if operation.method == Method::GET {
                    methods.insert("HEAD".to_owned());
                }
            }
            assert!(paths.len() > 40);
            for (path, methods) in &paths {
                check(&client, &path.replace("{id}", &uuid::Uuid::nil().to_string()), methods).await;
            }
        }
    });
}
