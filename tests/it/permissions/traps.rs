//! What the engine does without a word, and we must not: dropping values it does not allow, with or without their defaults.

use pawbase_engine::Vars;
use serde_json::{Value, json};

use super::world::{key_of, keys, system};
use crate::support::{Client, TestApp, run};

async fn with_demo() -> (TestApp, Client, Client) {
    let test = TestApp::with_demo().await;
    let author = test.customer().await;
    let moderator = test.sign_in("moderator1@example.com", pawbase::demo::PASSWORD).await;
    (test, author, moderator)
}

fn post() -> Value {
    json!({ "title": "A trap", "content": "Which words are these?" })
}

fn listing() -> Value {
    json!({ "title": "A puppy", "species": "dog", "price": { "minor": 100, "currency": "EUR" } })
}

#[test]
fn fields_that_callers_may_not_set_freely_have_their_defaults() {
    run(async {
        let (test, author, _) = with_demo().await;
        let made = author.post("/api/v1/posts", post()).await.assert(201);
        assert_eq!(made.json["status"], "published");
        assert_eq!(made.json["author"], author.user);
        assert_eq!(made.json["tags"], json!([]));
        let comment = json!({ "post": made.id(), "content": "These." });
        let comment = author.post("/api/v1/comments", comment).await.assert(201);
        assert_eq!(comment.json["status"], "published");
        let made = author.post("/api/v1/listings", listing()).await.assert(201);
        assert_eq!(made.json["status"], "draft");
        assert_eq!(made.json["seller"], author.user);
        let stored = keys(&test, "listings", "title = 'A puppy' AND status = 'draft' AND seller != NONE").await;
        assert_eq!(stored, [made.id()], "the default is stored, not only shown");
    });
}

#[test]
fn the_default_itself_may_be_sent() {
    run(async {
        let (_test, author, _) = with_demo().await;
        let mut body = post();
        body["status"] = json!("published");
        author.post("/api/v1/posts", body).await.assert(201);
        let mut body = listing();
        body["status"] = json!("draft");
        author.post("/api/v1/listings", body).await.assert(201);
    });
}

#[test]
fn a_status_that_is_not_the_callers_to_set_is_refused_and_nothing_written() {
    run(async {
        let (test, author, moderator) = with_demo().await;
        let visible = author.post("/api/v1/posts", post()).await.assert(201).id();
        let cases = [
            ("posts", post(), "hidden"),
            ("comments", json!({ "post": visible, "content": "A trap" }), "hidden"),
            ("listings", listing(), "available"),
        ];
        for (table, mut body, status) in cases {
            body["status"] = json!(status);
            let count = keys(&test, table, "true").await.len();
            for caller in [&author, &moderator] {
                let reply = caller.post(&format!("/api/v1/{table}"), body.clone()).await;
                reply.assert_error(403, "forbidden").assert_fields(&["/status"]);
            }
            let operation = json!({ "method": "POST", "table": table, "body": body });
            let reply = author.post("/api/v1/batch", json!({ "operations": [operation] })).await;
            reply.assert_error(403, "forbidden").assert_fields(&["/operations/0/body/status"]);
            assert_eq!(keys(&test, table, "true").await.len(), count, "{table}");
        }
    });
}

#[test]
fn only_moderators_hide() {
    run(async {
        let (test, author, moderator) = with_demo().await;
        let post = author.post("/api/v1/posts", post()).await.assert(201).id();
        let comment =
            author.post("/api/v1/comments", json!({ "post": post, "content": "A trap" })).await.assert(201).id();
        for path in [format!("/api/v1/posts/{post}"), format!("/api/v1/comments/{comment}")] {
            let both = json!({ "status": "hidden", "content": "Changed" });
            author.patch(&path, both).await.assert_error(403, "forbidden").assert_fields(&["/status"]);
            let now = author.get(&path).await.assert(200);
            assert_eq!(now.json["status"], "published");
            assert_ne!(now.json["content"], "Changed", "all or nothing");
            moderator.patch(&path, json!({ "status": "hidden" })).await.assert(200);
            assert_eq!(author.get(&path).await.assert(200).json["status"], "hidden");
            author.patch(&path, json!({ "status": "published" })).await.assert_error(403, "forbidden");
            test.guest().get(&path).await.assert_error(404, "not_found");
        }
        let listing = author.post("/api/v1/listings", listing()).await.assert(201).id();
        let path = format!("/api/v1/listings/{listing}");
        author.patch(&path, json!({ "status": "available" })).await.assert(422).assert_fields(&["/status"]);
        assert_eq!(author.get(&path).await.assert(200).json["status"], "draft");
    });
}

#[test]
fn a_repeated_value_is_no_way_around_a_permission() {
    run(async {
        let (_test, author, _) = with_demo().await;
        let post = author.post("/api/v1/posts", post()).await.assert(201).id();
        let path = format!("/api/v1/posts/{post}");
        let reply = author.patch(&path, json!({ "status": "published", "content": "Better" })).await;
        assert!([200, 403].contains(&reply.status.as_u16()), "{}", reply.text);
        assert_eq!(author.get(&path).await.json["status"], "published");
    });
}

#[test]
fn nobody_writes_what_is_for_commands_only() {
    run(async {
        let (test, author, _) = with_demo().await;
        let admin = test.sign_in_admin("admin@example.com", pawbase::demo::PASSWORD).await;
        let path = format!("users/{}", author.user);
        for (field, value) in [
            ("email", json!("new@example.net")),
            ("roles", json!(["super_admin"])),
            ("status", json!("suspended")),
            ("password_hash", json!("x")),
            ("failed_logins", json!(0)),
        ] {
            let body = json!({ "name": "Changed", field: value });
            let pointer = format!("/{field}");
            author.patch(&format!("/api/v1/{path}"), body.clone()).await.assert(422).assert_fields(&[&pointer]);
            admin.patch(&format!("/api/admin/{path}"), body).await.assert(422).assert_fields(&[&pointer]);
        }
        assert_eq!(author.get(&format!("/api/v1/{path}")).await.assert(200).json["name"], "Test Customer");
        let audit = system(
            &test,
            "CREATE audit:u'01900000-0000-7000-8000-00000000abcd' SET at = time::now(), action = 'test.made'",
            Vars::new(),
        )
        .await;
        assert_eq!(audit.len(), 1);
        let id = key_of(&test, "audit", "action = 'test.made'").await;
        admin.delete(&format!("/api/admin/audit/{id}")).await.assert_error(405, "method_not_allowed");
        admin.patch(&format!("/api/admin/audit/{id}"), json!({})).await.assert_error(405, "method_not_allowed");
        admin.post("/api/admin/users", json!({ "name": "x" })).await.assert_error(405, "method_not_allowed");
    });
}
