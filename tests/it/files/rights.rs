//! Who may read what a private file holds: who sees its record, who has a signed address, and who sees a record that holds it.

use chrono::Duration;
use image::ImageFormat;
use pawbase::context::Role;
use serde_json::json;

use crate::shop_tables::with_shop;
use crate::support::client::Reply;
use crate::support::files::{PDF, picture};
use crate::support::{Client, TestApp, run};

async fn address(caller: &Client, id: &str) -> Reply {
    caller.get(&format!("/api/v1/files/{id}/url")).await
}

#[test]
fn a_signed_address_works_for_anybody_until_its_time() {
    run(async {
        let test = TestApp::start().await;
        let (owner, stranger) = (test.customer().await, test.customer().await);
        let made = owner.upload("document", "a.pdf", PDF).await.assert(201);
        for other in [&stranger, &test.guest()] {
            address(other, &made.id()).await.assert_error(404, "not_found");
        }
        let given = address(&owner, &made.id()).await.assert(200);
        let url = given.json["url"].as_str().expect("an address").to_owned();
        assert_eq!(given.json["expires_at"], "2026-05-04T11:00:00Z");
        for guest in [test.guest(), test.admin_guest()] {
            let reply = guest.get(&url).await.assert(200);
            assert_eq!((reply.bytes.as_slice(), reply.header("cache-control")), (PDF, "private, max-age=3600"));
            assert_eq!(reply.header("access-control-allow-origin"), "*");
        }
        assert_eq!(address(&owner, &made.id()).await.json, given.json, "the same for a while, for the browser's sake");
        test.clock.advance(Duration::minutes(59));
        test.guest().get(&url).await.assert(200);
        test.clock.advance(Duration::minutes(1));
        test.guest().get(&url).await.assert_error(404, "not_found");
    });
}

#[test]
fn nothing_of_a_signed_address_can_be_changed() {
    run(async {
        let test = TestApp::start().await;
        let owner = test.customer().await;
        let (made, other) = (
            owner.upload("document", "a.pdf", PDF).await.assert(201),
            owner.upload("document", "b.pdf", PDF).await.assert(201),
        );
        let given = address(&owner, &made.id()).await.assert(200);
        let url = given.json["url"].as_str().expect("an address").to_owned();
        let query = url.split_once('?').expect("a query").1.to_owned();
        let (expires, signature) = query.split_once("&signature=").expect("a signature");
        let later =
            format!("expires={}", expires.trim_start_matches("expires=").parse::<i64>().expect("a number") + 3600);
        for forged in [
            format!("{}?{query}", other.url()),
            format!("{}?{later}&signature={signature}", made.url()),
            format!("{}?{expires}", made.url()),
            format!("{}?signature={signature}", made.url()),
            format!("{}?{expires}&signature=", made.url()),
            format!("{}?{expires}&signature={}", made.url(), signature.chars().rev().collect::<String>()),
        ] {
            test.guest().get(&forged).await.assert_error(404, "not_found");
        }
        // Another name or size is the same file.
        test.guest().get(&url.replace("a.pdf", "anything")).await.assert(200);
    });
}

#[test]
fn a_public_file_needs_no_signature() {
    run(async {
        let test = TestApp::start().await;
        let owner = test.customer().await;
        let made = owner.upload("product_photo", "a.png", &picture(9, 9, ImageFormat::Png)).await.assert(201);
        let given = address(&test.guest(), &made.id()).await.assert(200);
        assert_eq!(given.json, json!({ "url": made.url() }));
        let listed = test.guest().get("/api/v1/files").await.assert(200);
        assert_eq!(listed.ids(), [made.id()]);
        assert_eq!(listed.json["items"][0]["owner"], json!(null), "nobody else learns who uploaded it");
        let asked = test.guest().get(&format!("/api/v1/files?owner={}", owner.user)).await.assert(200);
        assert!(asked.ids().is_empty(), "nor by asking");
    });
}

#[test]
fn who_sees_a_record_that_holds_a_file_may_read_it() {
    run(async {
        let test = TestApp::start().await;
        test.system("CREATE species:dog SET name = 'Dog'").await;
        let (owner, stranger) = (test.customer().await, test.customer().await);
        let id = owner.upload("pet_photo", "rex.png", &picture(9, 9, ImageFormat::Png)).await.assert(201).id();
        let pet = json!({ "name": "Rex", "species": "dog", "photos": [id] });
        owner.post("/api/v1/pets", pet.clone()).await.assert(201);
        // A pet is its owner's secret.
        address(&stranger, &id).await.assert_error(404, "not_found");
        // What one cannot see one cannot hold either, to see it then.
        stranger.post("/api/v1/pets", pet).await.assert_error(422, "validation_failed").assert_fields(&["/photos/0"]);
        // A listing is for everybody once it is offered.
        let body = json!({ "title": "A fine dog", "species": "dog", "price": { "minor": 0, "currency": "EUR" }, "photos": [id] });
        let listing = owner.post("/api/v1/listings", body).await.assert(201).id();
        address(&test.guest(), &id).await.assert_error(404, "not_found");
        test.system(&format!("UPDATE listings:u'{listing}' SET status = 'available'")).await;
        for caller in [&stranger, &test.guest()] {
            let given = address(caller, &id).await.assert(200);
            test.guest().get(given.json["url"].as_str().expect("an address")).await.assert(200);
            // The file's own record stays hidden.
            caller.get(&format!("/api/v1/files/{id}")).await.assert_error(404, "not_found");
        }
        owner.patch(&format!("/api/v1/listings/{listing}"), json!({ "photos": [] })).await.assert(200);
        address(&stranger, &id).await.assert_error(404, "not_found");
        let support = test.staff(Role::Support).await;
        support.get(&format!("/api/admin/files/{id}/url")).await.assert(200);
        test.admin_guest().get(&format!("/api/admin/files/{id}/url")).await.assert_error(401, "unauthenticated");
    });
}

/// Tables of a shop: a field that not everybody sees, a link that the engine does not watch, and links inside a list of objects.
const SHOP: &str = "
DEFINE TABLE visits TYPE NORMAL SCHEMAFULL COMMENT 'A visit.'
    PERMISSIONS FOR select, create, update FULL FOR delete NONE;
DEFINE FIELD id ON visits TYPE uuid;
DEFINE FIELD owner ON visits TYPE record<users> DEFAULT $auth;
DEFINE FIELD report ON visits TYPE option<record<files>> COMMENT 'The report.' REFERENCE ON DELETE UNSET
    PERMISSIONS FOR select WHERE owner = $auth FOR create, update FULL;
DEFINE FIELD sketch ON visits TYPE option<record<files>> COMMENT 'Not watched by the engine.';
DEFINE FIELD steps ON visits TYPE array<object> DEFAULT [];
DEFINE FIELD steps.*.photo ON visits TYPE option<record<files>>;
DEFINE FIELD steps.*.more ON visits TYPE option<array<record<files>>>;
";

#[test]
fn a_shops_own_tables_hold_files_like_ours() {
    run(async {
        let test = with_shop(SHOP).await;
        let (owner, stranger) = (test.customer().await, test.customer().await);
        let mut ids = Vec::new();
        for name in ["report", "sketch", "photo", "more", "none"] {
            ids.push(owner.upload("attachment", &format!("{name}.pdf"), PDF).await.assert(201).id());
        }
        let steps = json!([{ "photo": ids[2] }, { "more": [ids[3]] }]);
        owner.post("/api/v1/visits", json!({ "report": ids[0], "sketch": ids[1], "steps": steps })).await.assert(201);
        for (at, status) in [(0, 404), (1, 200), (2, 200), (3, 200), (4, 404)] {
            address(&stranger, &ids[at]).await.assert(status);
            address(&owner, &ids[at]).await.assert(200);
        }
        let document = owner.get("/api/openapi.json").await.assert(200).json;
        let schemas = document["components"]["schemas"].as_object().expect("schemas");
        let says_so = schemas.values().filter(|schema| schema["properties"]["report"]["x-link"] == "files").count();
        assert!(says_so >= 3, "to read, create and change: {says_so}");
        // Nor does the sweep take what they hold.
        test.clock.advance(Duration::hours(72));
        test.settle().await;
        test.clock.advance(Duration::hours(72));
        test.settle().await;
        let left = test.texts("SELECT VALUE name FROM files ORDER BY name").await;
        assert_eq!(left, ["more.pdf", "photo.pdf", "report.pdf", "sketch.pdf"]);
    });
}
