//! Uploads: what is taken, what is refused, and that nothing is left of what is refused or breaks off.

use std::path::Path;
use std::time::Duration;

use image::ImageFormat;
use pawbase::context::Role;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::files::{PDF, form, form_head, form_type, picture};
use crate::support::{Client, TestApp, run, settings};

const MB: usize = 1024 * 1024;

/// A platform that keeps files in a folder.
async fn with_folder(change: impl FnOnce(&mut pawbase::config::Config)) -> (TestApp, TempDir) {
    let folder = TempDir::new().expect("a folder");
    let mut config = settings();
    config.files.folder = folder.path().to_owned();
    change(&mut config);
    (TestApp::with(config).await, folder)
}

/// Every file below a folder, relative to it.
fn kept(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("below").display().to_string());
            }
        }
    }
    found
}

/// Nothing is left of an upload: neither rows nor bytes.
async fn assert_nothing(test: &TestApp, folder: &Path) {
    for table in ["files", "file_uploads"] {
        assert_eq!(test.rows(&format!("SELECT id FROM {table}")).await.len(), 0, "{table}");
    }
    assert_eq!(kept(folder), Vec::<String>::new());
}

#[test]
fn an_upload_is_kept_as_it_came_and_told() {
    run(async {
        let (test, folder) = with_folder(|_| {}).await;
        let owner = test.customer().await;
        test.settle().await;
        let made = owner.upload("document", "Impfpass Rex.pdf", PDF).await.assert(201);
        let id = made.id();
        assert_eq!(
            made.json,
            json!({
                "id": id, "owner": owner.user, "purpose": "document", "name": "Impfpass Rex.pdf", "mime": "application/pdf",
                "size": PDF.len(), "sha256": made.json["sha256"], "visibility": "private",
                "url": format!("/uploads/{id}/Impfpass-Rex.pdf"), "created_at": "2026-05-04T10:00:00Z",
            })
        );
        let record = owner.get(&format!("/api/v1/files/{id}")).await.assert(200);
        assert_eq!(record.json, made.json, "the record is the same");
        assert_eq!(owner.get("/api/v1/files?purpose=document").await.assert(200).ids(), std::slice::from_ref(&id));
        assert_eq!(owner.get(&made.url()).await.assert(200).bytes, PDF);
        assert_eq!(kept(folder.path()), [format!("{}/{id}/original", &id[34..])]);
        test.settle().await;
        let told =
            test.texts("SELECT VALUE name + ' ' + payload.record.name FROM events WHERE name = 'files.created'").await;
        assert_eq!(told, ["files.created Impfpass Rex.pdf"]);
        assert_eq!(test.rows("SELECT id FROM file_uploads").await.len(), 0);
    });
}

#[test]
fn records_of_files_are_made_by_uploads_alone() {
    run(async {
        let (test, _folder) = with_folder(|_| {}).await;
        let owner = test.customer().await;
        let id = owner.upload("document", "a.pdf", PDF).await.assert(201).id();
        owner.post("/api/v1/files", json!({ "name": "x" })).await.assert_error(415, "unsupported_media_type");
        let path = format!("/api/v1/files/{id}");
        owner.patch(&path, json!({ "visibility": "public" })).await.assert_error(405, "method_not_allowed");
        let batch = json!({ "operations": [{ "method": "POST", "table": "files", "body": {} }] });
        owner.post("/api/v1/batch", batch).await.assert(422).assert_fields(&["/operations/0/method"]);
        let allow = owner.send(reqwest::Method::PUT, "/api/v1/files", Some(json!({}))).await.assert(405);
        assert!(
            ["GET", "POST"].iter().all(|method| allow.header("allow").contains(method)),
            "{}",
            allow.header("allow")
        );
    });
}

#[test]
fn what_a_file_is_is_found_in_it() {
    run(async {
        let (test, folder) = with_folder(|_| {}).await;
        let owner = test.customer().await;
        let png = picture(8, 8, ImageFormat::Png);
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
        let html = b"<!DOCTYPE html><script>alert(1)</script>";
        let two_in_one = [&b"<script>alert(1)</script>"[..], PDF].concat();
        for (purpose, name, bytes) in [
            ("pet_photo", "rex.png", &html[..]),
            ("pet_photo", "rex.png", svg),
            ("document", "note.txt", svg),
            ("document", "note.txt", html),
            ("document", "scan.pdf", &two_in_one),
            ("pet_photo", "rex.jpg", PDF),
            ("pet_photo", "rex.png", &png[..40]),
            ("pet_photo", "rex.png", b"\x89PNG\r\n\x1a\n and no more"),
            ("attachment", "run.exe", b"MZ\x90\0\x03\0\0\0\x04\0\0\0"),
            ("document", "empty.txt", b""),
        ] {
            let refused = owner.upload(purpose, name, bytes).await.assert_error(422, "validation_failed");
            refused.assert_fields(&["/file"]);
        }
        assert_nothing(&test, folder.path()).await;
        let taken = owner.upload("pet_photo", "page.html", &png).await.assert(201);
        assert_eq!((&taken.json["mime"], &taken.json["width"]), (&json!("image/png"), &json!(8)));
        assert!(taken.url().ends_with("/page.png"), "{}", taken.url());
        let words = "Grüße".as_bytes();
        let text = owner.upload("document", "note.html", words).await.assert(201);
        let sent = owner.get(&text.url()).await.assert(200);
        assert_eq!(sent.header("content-type"), "text/plain; charset=utf-8");
        assert!(sent.header("content-disposition").starts_with("attachment; filename=\"note.txt\""));
    });
}

#[test]
fn names_from_outside_name_no_place() {
    run(async {
        let (test, folder) = with_folder(|_| {}).await;
        let owner = test.customer().await;
        for (name, shown) in [
            ("../../../etc/passwd", "passwd"),
            ("..%2F..%2Fetc%2Fpasswd", "..%2F..%2Fetc%2Fpasswd"),
            ("C:\\\\windows\\\\system32\\\\evil.dll", "evil.dll"),
            ("/", "file"),
        ] {
            let made = owner.upload("document", name, PDF).await.assert(201);
            let id = made.id();
            assert_eq!(made.json["name"], shown.trim_start_matches('.'), "{name}");
            assert!(kept(folder.path()).contains(&format!("{}/{id}/original", &id[34..])), "{name}");
            owner.get(&made.url()).await.assert(200);
        }
        assert_eq!(kept(folder.path()).len(), 4);
        for path in [
            "/uploads/../../etc/passwd",
            "/uploads/%2e%2e/x",
            "/uploads/..%2f..%2fetc/passwd",
            "/uploads/",
            "/uploads/x/y/z",
        ] {
            owner.get(path).await.assert_error(404, "not_found");
        }
    });
}

#[test]
fn forms_are_checked_before_the_file_is_read() {
    run(async {
        let (test, folder) = with_folder(|_| {}).await;
        let owner = test.customer().await;
        test.guest().upload("document", "a.pdf", PDF).await.assert_error(401, "unauthenticated");
        for (words, fields) in [
            (&[][..], &["/purpose"][..]),
            (
                &[("purpose", "nope"), ("visibility", "nope"), ("business", "nope")],
                &["/purpose", "/visibility", "/business"],
            ),
            (&[("purpose", "asset")], &["/purpose"]),
            (&[("purpose", "document"), ("owner", "me")], &["/owner"]),
            (&[("purpose", "document"), ("purpose", "document")], &["/purpose"]),
            (&[("purpose", "document"), ("business", "01900000-0000-7000-8000-000000000001")], &["/business"]),
        ] {
            owner
                .upload_at("/api/v1", words, "a.pdf", PDF)
                .await
                .assert_error(422, "validation_failed")
                .assert_fields(fields);
        }
        let post = |media_type: String, body: Vec<u8>| {
            let owner = owner.clone();
            async move { owner.raw(reqwest::Method::POST, "/api/v1/files", &media_type, body).await }
        };
        post("multipart/form-data".into(), form(&[], "a", PDF)).await.assert_error(400, "malformed");
        post(form_type(), b"no form".to_vec()).await.assert_error(400, "malformed");
        post("text/plain".into(), b"words".to_vec()).await.assert_error(415, "unsupported_media_type");
        assert_nothing(&test, folder.path()).await;
    });
}

#[test]
fn businesses_have_files_of_their_members() {
    run(async {
        let (test, _folder) = with_folder(|_| {}).await;
        let business = test.business().await;
        let (groomer, owner) = (test.member(&business, "groomer").await, test.member(&business, "owner").await);
        let stranger = test.customer().await;
        let words = [("purpose", "document"), ("business", business.as_str())];
        let made = groomer.upload_at("/api/v1", &words, "a.pdf", PDF).await.assert(201);
        let path = format!("/api/v1/files/{}", made.id());
        owner.get(&path).await.assert(200);
        stranger.get(&path).await.assert_error(404, "not_found");
        let refused = stranger.upload_at("/api/v1", &words, "a.pdf", PDF).await.assert_error(422, "validation_failed");
        refused.assert_fields(&["/business"]);
        let (admin, support) = (test.staff(Role::Admin).await, test.staff(Role::Support).await);
        support.upload_at("/api/admin", &words, "a.pdf", PDF).await.assert_error(403, "forbidden");
        let by_staff = admin.upload_at("/api/admin", &words, "a.pdf", PDF).await.assert(201);
        owner.get(&by_staff.url()).await.assert(200);
        let noted = test.texts("SELECT VALUE after.name FROM audit WHERE action = 'file.uploaded'").await;
        assert_eq!(noted, ["a.pdf"]);
        owner.delete(&path).await.assert(204);
        test.settle().await;
        groomer.get(&made.url()).await.assert_error(404, "not_found");
    });
}

#[test]
fn nobody_has_more_than_the_quota_also_not_by_two_uploads_at_once() {
    run(async {
        let (test, folder) = with_folder(|config| config.files.quota_mb = 1).await;
        let (owner, other) = (test.customer().await, test.customer().await);
        let text = |length: usize| vec![b'x'; length];
        let (one, two) = (text(600 * 1024), text(600 * 1024));
        let at_once =
            futures::future::join_all([&one, &two].map(|bytes| owner.upload("document", "a.txt", bytes))).await;
        let mut statuses: Vec<u16> = at_once.iter().map(|reply| reply.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422]);
        assert_eq!(kept(folder.path()).len(), 1);
        other.upload("document", "a.txt", &one).await.assert(201);
        owner.upload("document", "b.txt", &text(300 * 1024)).await.assert(201);
        owner.upload("document", "c.txt", &text(200 * 1024)).await.assert_error(422, "validation_failed");
        // Deleting makes room.
        let first = at_once.into_iter().find(|reply| reply.status == 201).expect("one of them");
        owner.delete(&format!("/api/v1/files/{}", first.id())).await.assert(204);
        owner.upload("document", "c.txt", &text(200 * 1024)).await.assert(201);
        let staff = test.staff(Role::Admin).await;
        for _ in 0..2 {
            staff.upload_at("/api/admin", &[("purpose", "document")], "a.txt", &one).await.assert(201);
        }
    });
}

/// An upload that is sent by hand.
struct Sender(TcpStream);

impl Sender {
    async fn begin(test: &TestApp, owner: &Client, length: usize) -> Self {
        let mut stream = TcpStream::connect(test.public).await.expect("connected");
        let token = owner.authorization();
        let head = format!(
            "POST /api/v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Type: {}\r\nContent-Length: {length}\r\n\r\n",
            form_type()
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        Self(stream)
    }

    /// The first line of the answer.
    async fn status(&mut self) -> String {
        let mut bytes = vec![0; 4096];
        let count = tokio::time::timeout(Duration::from_secs(20), self.0.read(&mut bytes)).await.expect("in time");
        let text = String::from_utf8_lossy(&bytes[..count.expect("an answer")]).into_owned();
        text.lines().next().unwrap_or_default().to_owned()
    }
}

#[test]
fn a_refused_file_is_not_read_to_its_end() {
    run(async {
        let (test, folder) = with_folder(|config| config.files.max_mb = 1).await;
        let owner = test.customer().await;
        // It promises a gigabyte; what is over the limit is enough for the answer.
        let mut sender = Sender::begin(&test, &owner, 1024 * MB).await;
        sender.0.write_all(&form_head(&[("purpose", "document")], "a.txt")).await.expect("sent");
        let mut sent = 0;
        while sent < 3 * MB && sender.0.write_all(&[b'x'; 4096]).await.is_ok() {
            sent += 4096;
        }
        assert_eq!(sender.status().await, "HTTP/1.1 413 Payload Too Large");
        // Nor is one whose words are bad.
        let mut sender = Sender::begin(&test, &owner, 1024 * MB).await;
        sender.0.write_all(&form_head(&[("purpose", "nope")], "a.txt")).await.expect("sent");
        assert_eq!(sender.status().await, "HTTP/1.1 422 Unprocessable Entity");
        drop(sender);
        until(|| kept(folder.path()).is_empty()).await;
        assert_nothing(&test, folder.path()).await;
        // Exactly at the limit it is taken.
        owner.upload("document", "a.txt", &vec![b'x'; MB]).await.assert(201);
        owner.upload("document", "a.txt", &vec![b'x'; MB + 1]).await.assert_error(413, "payload_too_large");
    });
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    run(async {
        let (test, folder) = with_folder(|_| {}).await;
        let owner = test.customer().await;
        let mut sender = Sender::begin(&test, &owner, 10 * MB).await;
        sender.0.write_all(&form_head(&[("purpose", "document")], "a.txt")).await.expect("sent");
        sender.0.write_all(&vec![b'x'; MB]).await.expect("sent");
        let incoming = folder.path().join("incoming");
        let is_there =
            || kept(&incoming).iter().any(|name| incoming.join(name).metadata().is_ok_and(|file| file.len() > 0));
        until(is_there).await;
        drop(sender);
        until(|| kept(folder.path()).is_empty()).await;
        assert_nothing(&test, folder.path()).await;
    });
}

#[test]
fn one_person_has_a_few_uploads_at_once() {
    run(async {
        let (test, folder) = with_folder(|_| {}).await;
        let (owner, other) = (test.customer().await, test.customer().await);
        let mut senders = Vec::new();
        for _ in 0..8 {
            let mut sender = Sender::begin(&test, &owner, MB).await;
            sender.0.write_all(&form_head(&[("purpose", "document")], "a.txt")).await.expect("sent");
            sender.0.write_all(b"so far").await.expect("sent");
            senders.push(sender);
        }
        until(|| kept(folder.path()).len() == 8).await;
        let refused = owner.upload("document", "a.pdf", PDF).await.assert_error(429, "too_many_requests");
        assert_eq!(refused.header("retry-after"), "1");
        other.upload("document", "a.pdf", PDF).await.assert(201);
        drop(senders);
        until(|| kept(folder.path()).len() == 1).await;
        owner.upload("document", "a.pdf", PDF).await.assert(201);
    });
}

#[test]
fn an_upload_that_takes_too_long_is_told_so() {
    run(async {
        let (test, folder) = with_folder(|config| config.files.upload_timeout_s = 0).await;
        let owner = test.customer().await;
        let mut sender = Sender::begin(&test, &owner, MB).await;
        sender.0.write_all(&form_head(&[("purpose", "document")], "a.txt")).await.expect("sent");
        assert_eq!(sender.status().await, "HTTP/1.1 408 Request Timeout");
        until(|| kept(folder.path()).is_empty()).await;
    });
}

/// Waits for a condition.
async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it comes true");
}
