//! What is removed: files that nothing links to, what deleted ones held, and what uploads have left.

use chrono::Duration;
use image::ImageFormat;
use pawbase::context::Role;
use serde_json::json;
use uuid::Uuid;

use crate::support::files::{PDF, picture};
use crate::support::{Client, TestApp, run, settings};

/// A platform on which nobody has to sign in anew while days go by.
async fn start() -> TestApp {
    let mut config = settings();
    config.auth.access_token_minutes = 60 * 24 * 30;
    TestApp::with(config).await
}

async fn has_bytes(test: &TestApp, id: &str) -> bool {
    let id: Uuid = id.parse().expect("a key");
    test.app.modules.files.content(id).await.expect("asked").is_some()
}

async fn names(test: &TestApp) -> Vec<String> {
    test.texts("SELECT VALUE name FROM files ORDER BY name").await
}

/// A day later, with everything done that is due then.
async fn a_day_later(test: &TestApp) {
    test.clock.advance(Duration::hours(24));
    test.settle().await;
}

async fn photo(owner: &Client, name: &str) -> String {
    owner.upload("pet_photo", name, &picture(9, 9, ImageFormat::Png)).await.assert(201).id()
}

#[test]
fn files_without_a_record_are_gone_after_a_day() {
    run(async {
        let test = start().await;
        test.system("CREATE species:dog SET name = 'Dog'").await;
        let owner = test.customer().await;
        test.clock.advance(Duration::hours(1));
        let (held, loose) = (photo(&owner, "held.png").await, photo(&owner, "loose.png").await);
        let staff = test.staff(Role::Admin).await;
        staff
            .upload_at("/api/admin", &[("purpose", "asset")], "sign.png", &picture(9, 9, ImageFormat::Png))
            .await
            .assert(201);
        let pet = json!({ "name": "Rex", "species": "dog", "photos": [held] });
        let pet = owner.post("/api/v1/pets", pet).await.assert(201).id();
        // The next sweep is before a day is over.
        test.clock.advance(Duration::hours(18));
        test.settle().await;
        assert_eq!(names(&test).await, ["held.png", "loose.png", "sign.png"]);
        a_day_later(&test).await;
        assert_eq!(names(&test).await, ["held.png", "sign.png"]);
        assert!(has_bytes(&test, &held).await && !has_bytes(&test, &loose).await);
        let told = test.texts("SELECT VALUE payload.record.name FROM events WHERE name = 'files.deleted'").await;
        assert_eq!(told, ["loose.png"]);
        // A record that is gone keeps its files for a day after that was seen, so that it can be brought back.
        owner.delete(&format!("/api/v1/pets/{pet}")).await.assert(204);
        a_day_later(&test).await;
        assert_eq!(names(&test).await, ["held.png", "sign.png"]);
        a_day_later(&test).await;
        assert_eq!(names(&test).await, ["sign.png"]);
        assert!(!has_bytes(&test, &held).await);
    });
}

#[test]
fn a_link_in_time_keeps_a_file() {
    run(async {
        let test = start().await;
        let owner = test.customer().await;
        let id = photo(&owner, "me.png").await;
        test.clock.advance(Duration::hours(20));
        test.settle().await;
        owner.patch("/api/v1/auth/me", json!({ "city": "Berlin" })).await.assert(200);
        let me = format!("/api/v1/users/{}", owner.user);
        owner.patch(&me, json!({ "photo": id })).await.assert(200);
        for _ in 0..3 {
            a_day_later(&test).await;
        }
        assert_eq!(names(&test).await, ["me.png"]);
        // Deleting the file takes it off the record, and out of the store.
        owner.delete(&format!("/api/v1/files/{id}")).await.assert(204);
        assert_eq!(owner.get(&me).await.assert(200).json["photo"], json!(null));
        test.settle().await;
        assert!(!has_bytes(&test, &id).await);
    });
}

#[test]
fn a_deleted_file_leaves_lists_and_takes_its_sizes_along() {
    run(async {
        let test = start().await;
        test.system("CREATE species:dog SET name = 'Dog'").await;
        let (owner, stranger) = (test.customer().await, test.customer().await);
        let words = [("purpose", "pet_photo"), ("visibility", "public")];
        let made = owner.upload_at("/api/v1", &words, "a.png", &picture(900, 900, ImageFormat::Png)).await.assert(201);
        let other = photo(&owner, "b.png").await;
        let body = json!({ "name": "Rex", "species": "dog", "photos": [made.id(), other] });
        let pet = format!("/api/v1/pets/{}", owner.post("/api/v1/pets", body).await.assert(201).id());
        let small = format!("{}?thumb=80x80", made.url());
        test.guest().get(&small).await.assert(200);
        let path = format!("/api/v1/files/{}", made.id());
        stranger.delete(&path).await.assert_error(403, "forbidden");
        owner.delete(&path).await.assert(204);
        assert_eq!(owner.get(&pet).await.assert(200).json["photos"], json!([other]));
        for url in [made.url(), small] {
            test.guest().get(&url).await.assert_error(404, "not_found");
        }
        test.settle().await;
        assert!(!has_bytes(&test, &made.id()).await);
        assert_eq!(test.texts("SELECT VALUE state FROM jobs WHERE kind = 'files.remove'").await, ["done"]);
    });
}

#[test]
fn what_a_killed_process_has_left_is_found_by_its_row() {
    run(async {
        let test = start().await;
        let owner = test.customer().await;
        // As if it had been killed between the store and the database.
        let id: Uuid = "01900000-0000-7000-8000-00000000abcd".parse().expect("a key");
        test.app.modules.files.put(id, PDF.into()).await.expect("kept");
        let row = format!(
            "CREATE file_uploads:u'{id}' SET owner = users:u'{}', size = 10, begun_at = d'2026-05-04T10:00:00Z'",
            owner.user
        );
        test.system(&row).await;
        test.clock.advance(Duration::hours(19));
        test.settle().await;
        assert!(has_bytes(&test, &id.to_string()).await, "it may still be on its way");
        a_day_later(&test).await;
        assert!(!has_bytes(&test, &id.to_string()).await);
        assert_eq!(test.rows("SELECT id FROM file_uploads").await.len(), 0);
    });
}
