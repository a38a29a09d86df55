//! What our documents promise to every reader, checked without tools from outside.

use std::collections::BTreeSet;

use pawbase::context::Audience;
use serde_json::Value;
use tempfile::TempDir;

use super::document::{Document, Kind, Operation};
use super::shape::{faults, resolve};
use super::stage::Stage;
use crate::support::{Client, TestApp, run, settings};

/// A shop's own tables: one field of each kind, each kind of key, and one that is on its way out.
const SAMPLES: &str = include_str!("../../contract/samples.surql");

pub async fn with_samples() -> (TestApp, TempDir) {
    let folder = TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("samples.surql"), SAMPLES).expect("written");
    let mut config = settings();
    config.server.schemas = folder.path().to_owned();
    (TestApp::with(config).await, folder)
}

pub async fn documents(test: &TestApp) -> [Document; 2] {
    let of = |audience| async move { Document::of(&Stage::guest(test, audience), audience).await };
    [of(Audience::Public).await, of(Audience::Admin).await]
}

#[test]
fn every_operation_says_all_that_a_reader_needs() {
    run(async {
        let (test, _folder) = with_samples().await;
        for document in documents(&test).await {
            let tags: BTreeSet<&str> =
                document.json["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["name"].as_str()).collect();
            for operation in document.operations(&test) {
                let (name, json) = (operation.name(), operation.json);
                for member in ["summary", "description"] {
                    assert!(json[member].as_str().is_some_and(|text| text.len() > 3), "{name}: no {member}");
                }
                assert_eq!(json["tags"].as_array().map(Vec::len), Some(1), "{name}");
                assert!(tags.contains(json["tags"][0].as_str().expect("a tag")), "{name}: a tag without a description");
                assert!(json["security"].is_array(), "{name}: who may call?");
                for parameter in json["parameters"].as_array().into_iter().flatten() {
                    assert!(
                        parameter["description"].as_str().is_some_and(|text| !text.is_empty()),
                        "{name}: {parameter}"
                    );
                    assert!(parameter["schema"].is_object(), "{name}: {parameter}");
                }
                check_examples(&document, &operation);
            }
        }
    });
}

/// Every body, and every answer with one, has an example that fits its schema.
fn check_examples(document: &Document, operation: &Operation<'_>) {
    let body = operation.json.get("requestBody").into_iter();
    let answers = operation.responses().into_values();
    for place in body.chain(answers) {
        for (media_type, media) in place["content"].as_object().into_iter().flatten() {
            let what = format!("{}: {media_type}", operation.name());
            // A sample of a body needs texts that match the shop's own patterns, so it may be missing there only.
            let samples = examples(document, media);
            assert!(!samples.is_empty(), "{what} has no example");
            for sample in samples {
                let wrong = faults(&document.json, &media["schema"], sample);
                assert!(wrong.is_empty(), "{what}: {wrong:?} in {sample}");
            }
        }
    }
}

fn examples<'a>(document: &'a Document, media: &'a Value) -> Vec<&'a Value> {
    let many = media["examples"].as_object().into_iter().flatten();
    many.map(|(_, example)| &resolve(&document.json, example)["value"]).chain(media.get("example")).collect()
}

#[test]
fn a_listener_describes_what_its_own_callers_could_use() {
    run(async {
        let (test, _folder) = with_samples().await;
        let [public, admin] = documents(&test).await;
        let paths = |document: &Document| -> BTreeSet<String> {
            let all = document.json["paths"].as_object().expect("paths").keys();
            // What files hold is at the same place on both.
            all.filter(|path| !path.starts_with("/uploads/")).cloned().collect()
        };
        assert!(paths(&public).iter().all(|path| path.starts_with("/api/v1/")));
        assert!(paths(&admin).iter().all(|path| path.starts_with("/api/admin/")));
        assert!(public.json["paths"]["/api/v1/species"]["post"].is_null(), "only staff may");
        assert!(admin.json["paths"]["/api/admin/species"]["post"].is_object());
        assert!(public.json["paths"]["/api/v1/audit"].is_null() && paths(&admin).contains("/api/admin/audit"));
        assert!(public.json["components"]["schemas"].get("AuditPage").is_none());
        let product = |document: &Document, suffix: &str| {
            document.json["components"]["schemas"][format!("Products{suffix}")].clone()
        };
        assert!(product(&public, "Create")["properties"]["cost"].is_object(), "members of a business write it");
        for document in [&public, &admin] {
            assert!(!document.json.to_string().contains("password_hash"), "nobody's field is in no document");
        }
        let guests = |document: &Document| -> BTreeSet<String> {
            let is_open = |operation: &&Operation<'_>| {
                operation.json["security"]
                    .as_array()
                    .expect("ways")
                    .iter()
                    .any(|way| way.as_object().is_some_and(|way| way.is_empty()))
            };
            document.operations(&test).iter().filter(is_open).map(|operation| operation.id.to_owned()).collect()
        };
        assert!(guests(&public).contains("create_account") && guests(&public).contains("list_products"));
        assert!(!guests(&public).contains("create_pets") && !guests(&public).contains("get_account"));
        let open: BTreeSet<String> = [
            "create_first_admin",
            "create_admin_session",
            "refresh_admin_session",
            "request_admin_password_reset",
            "reset_admin_password",
            "report_admin_sign_in",
        ]
        .map(str::to_owned)
        .into();
        assert_eq!(guests(&admin), open);
    });
}

/// The operations that say they need a sign-in refuse a guest, and the others do not ask for one.
#[test]
fn who_may_call_is_as_documented() {
    run(async {
        let (test, _folder) = with_samples().await;
        for document in documents(&test).await {
            let guest: Client = Stage::guest(&test, document.audience);
            for operation in document.operations(&test) {
                let ways = operation.json["security"].as_array().expect("ways");
                let is_open = ways.iter().any(|way| way.as_object().is_some_and(|way| way.is_empty()));
                let body = operation.json.get("requestBody").map(|body| {
                    let (_, media) = body["content"].as_object().expect("content").iter().next().expect("a media type");
                    examples(&document, media)
                        .first()
                        .map_or_else(|| serde_json::json!({}), |example| (*example).clone())
                });
                let body = if operation.kind == Kind::Batch {
                    Some(serde_json::json!({ "operations": [
                    { "method": "DELETE", "table": "pets", "id": uuid::Uuid::nil() }] }))
                } else {
                    body
                };
                let path = operation.path.replace("{id}", &uuid::Uuid::nil().to_string());
                let reply = guest.send(operation.method.clone(), &path, body).await;
                let is_asked = reply.status == 401 && reply.json["error"] == "unauthenticated";
                let is_hidden = reply.status == 404 && operation.path.contains("{id}");
                assert!(is_asked != is_open || (is_hidden && !is_open), "{}: {}", operation.name(), reply.text);
            }
        }
    });
}

#[test]
fn a_document_is_sent_once_and_a_new_table_changes_it() {
    run(async {
        let (test, _folder) = with_samples().await;
        let plain = TestApp::start().await;
        for audience in [Audience::Public, Audience::Admin] {
            let guest = Stage::guest(&test, audience);
            let first = guest.get("/api/openapi.json").await.assert(200);
            let tag = first.header("etag").to_owned();
            assert!(tag.starts_with('"') && first.header("cache-control").contains("no-cache"));
            let known = guest.with("if-none-match", &format!("\"other\", W/{tag}")).get("/api/openapi.json").await;
            assert_eq!((known.status.as_u16(), known.text.as_str(), known.header("etag")), (304, "", tag.as_str()));
            guest.with("if-none-match", "\"other\"").get("/api/openapi.json").await.assert(200);
            let without = Stage::guest(&plain, audience).get("/api/openapi.json").await.assert(200);
            assert_ne!(without.header("etag"), tag);
            let path = format!("{}/samples", super::document::prefix(audience));
            assert!(first.json["paths"][&path]["post"].is_object() && without.json["paths"].get(&path).is_none());
        }
    });
}

#[test]
fn the_documentation_page_runs_nothing_but_its_own_files() {
    run(async {
        let test = TestApp::start().await;
        for guest in [test.guest(), test.admin_guest()] {
            let page = guest.get("/api/docs").await.assert(200);
            let policy = page.header("content-security-policy");
            assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{policy}");
            assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
            assert!(
                !page.text.contains("//") && !page.text.contains("style=") && !page.text.contains("onload"),
                "{}",
                page.text
            );
            for part in page.text.split(['"']).filter(|part| part.starts_with("/api/docs/assets/")) {
                guest.get(part).await.assert(200);
            }
        }
    });
}

#[test]
fn an_operation_on_its_way_out_says_so_in_the_document_and_in_its_answers() {
    run(async {
        let (test, _folder) = with_samples().await;
        let [public, admin] = documents(&test).await;
        for document in [&public, &admin] {
            for operation in document.operations(&test) {
                let is_ending = operation.table == "tallies";
                assert_eq!(operation.json["deprecated"] == true, is_ending, "{}", operation.name());
                let answers = operation.responses().into_iter().filter(|(status, _)| *status < 300);
                for (_, answer) in answers {
                    assert_eq!(answer["headers"]["Sunset"].is_object(), is_ending, "{}", operation.name());
                }
            }
        }
        let customer = test.customer().await;
        customer.post("/api/v1/tallies", serde_json::json!({ "id": 7 })).await.assert(201);
        for path in ["/api/v1/tallies", "/api/v1/tallies/7", "/api/v1/tallies/aggregate"] {
            let reply = customer.get(path).await.assert(200);
            assert_eq!(reply.header("deprecation"), "@1796083200", "{path}");
            assert_eq!(reply.header("sunset"), "Wed, 01 Dec 2027 00:00:00 GMT", "{path}");
        }
        let other = customer.get("/api/v1/samples").await.assert(200);
        assert_eq!((other.header("deprecation"), other.header("sunset")), ("", ""));
    });
}
