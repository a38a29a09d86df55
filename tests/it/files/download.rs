//! What a file holds over HTTP: ranges, ETags, what may be kept, and headers that keep browsers in check.

use image::ImageFormat;
use pawbase::context::Role;

use crate::support::client::Reply;
use crate::support::files::{PDF, picture};
use crate::support::{Client, TestApp, run, settings};

/// A public text of ten bytes; answers its path.
async fn ten_bytes(owner: &Client) -> String {
    let words = [("purpose", "document"), ("visibility", "public")];
    owner.upload_at("/api/v1", &words, "ten.txt", b"0123456789").await.assert(201).url()
}

fn assert_headers(reply: &Reply, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(reply.header(name), *value, "{name} of {}", reply.what);
    }
}

#[test]
fn ranges_are_sent_as_rfc_9110_says() {
    run(async {
        let test = TestApp::start().await;
        let url = ten_bytes(&test.customer().await).await;
        let guest = test.guest();
        let get = |range: &str| guest.with("range", range);
        for (range, place, body) in [
            ("bytes=0-3", "bytes 0-3/10", "0123"),
            ("bytes=7-", "bytes 7-9/10", "789"),
            ("bytes=-2", "bytes 8-9/10", "89"),
            ("bytes=-99", "bytes 0-9/10", "0123456789"),
            ("bytes=5-99", "bytes 5-9/10", "56789"),
        ] {
            let reply = get(range).get(&url).await.assert(206);
            assert_eq!((reply.header("content-range"), reply.text.as_str()), (place, body), "{range}");
            assert_eq!(reply.header("content-length"), body.len().to_string());
        }
        for range in ["bytes=10-", "bytes=-0"] {
            let reply = get(range).get(&url).await.assert_error(416, "range_not_satisfiable");
            assert_headers(&reply, &[("content-range", "bytes */10"), ("cache-control", "no-store")]);
        }
        // More than one, or none that is understood: the whole.
        for range in ["bytes=0-1,4-5", "bytes=0-1, -1", "lines=0-1", "bytes=3-1", "bytes=x-"] {
            let reply = get(range).get(&url).await.assert(200);
            assert_eq!((reply.text.as_str(), reply.header("content-range")), ("0123456789", ""), "{range}");
        }
    });
}

#[test]
fn a_range_of_another_file_is_the_whole_of_this_one() {
    run(async {
        let test = TestApp::start().await;
        let url = ten_bytes(&test.customer().await).await;
        let guest = test.guest().with("range", "bytes=0-3");
        let etag = guest.get(&url).await.assert(206).header("etag").to_owned();
        guest.with("if-range", &etag).get(&url).await.assert(206);
        for other in ["\"other\"", &format!("W/{etag}"), "Mon, 04 May 2026 10:00:00 GMT"] {
            guest.with("if-range", other).get(&url).await.assert(200);
        }
    });
}

#[test]
fn whoever_has_it_is_told_so() {
    run(async {
        let test = TestApp::start().await;
        let owner = test.customer().await;
        let url = ten_bytes(&owner).await;
        let guest = test.guest();
        let whole = guest.get(&url).await.assert(200);
        let etag = whole.header("etag").to_owned();
        for known in [etag.as_str(), "*", &format!("\"x\", {etag}"), &format!("W/{etag}")] {
            let reply = guest.with("if-none-match", known).get(&url).await.assert(304);
            assert_eq!((reply.text.as_str(), reply.header("etag")), ("", etag.as_str()));
            assert!(reply.header("cache-control").contains("immutable"));
        }
        guest.with("if-none-match", "\"x\"").get(&url).await.assert(200);
        let head = guest.head(&url).await.assert(200);
        assert_headers(&head, &[("content-length", "10"), ("etag", &etag), ("accept-ranges", "bytes")]);
        assert_eq!(head.text, "");
        let part = guest.with("range", "bytes=0-3").head(&url).await.assert(206);
        assert_headers(&part, &[("content-length", "4"), ("content-range", "bytes 0-3/10")]);
    });
}

#[test]
fn public_files_are_for_every_site_and_run_nowhere() {
    run(async {
        let test = TestApp::start().await;
        let owner = test.customer().await;
        let photo = owner.upload("listing_photo", "rex.jpg", &picture(40, 20, ImageFormat::Jpeg)).await.assert(201);
        let reply = test.guest().with("origin", "https://elsewhere.example").get(&photo.url()).await.assert(200);
        assert_headers(
            &reply,
            &[
                ("content-type", "image/jpeg"),
                ("cache-control", "public, max-age=31536000, immutable"),
                ("access-control-allow-origin", "*"),
                ("access-control-allow-credentials", ""),
                ("x-content-type-options", "nosniff"),
                ("cross-origin-resource-policy", "cross-origin"),
                ("vary", "origin"),
                ("content-disposition", "inline; filename=\"rex.jpg\"; filename*=UTF-8''rex%2Ejpg"),
            ],
        );
        assert!(
            reply.header("content-security-policy").ends_with("sandbox"),
            "{}",
            reply.header("content-security-policy")
        );
        // The name in the address is for people.
        let other = photo.url().replace("rex.jpg", "anything.html");
        assert_eq!(test.guest().get(&other).await.assert(200).header("content-type"), "image/jpeg");
        for method in [reqwest::Method::POST, reqwest::Method::DELETE] {
            let refused = test.guest().send(method, &photo.url(), None).await.assert_error(405, "method_not_allowed");
            assert_eq!(refused.header("allow"), "OPTIONS, GET, HEAD");
        }
        let words = [("purpose", "document"), ("visibility", "public")];
        let pdf = owner.upload_at("/api/v1", &words, "a.pdf", PDF).await.assert(201);
        let reply = test.guest().get(&pdf.url()).await.assert(200);
        assert!(!reply.header("content-security-policy").contains("sandbox"), "no browser shows a PDF in a sandbox");
        assert!(reply.header("content-disposition").starts_with("inline"));
    });
}

#[test]
fn private_files_are_kept_by_nobody_else() {
    run(async {
        let test = TestApp::start().await;
        let owner = test.customer().await;
        let photo = owner.upload("pet_photo", "rex.jpg", &picture(40, 20, ImageFormat::Jpeg)).await.assert(201);
        let reply = owner.with("origin", "https://elsewhere.example").get(&photo.url()).await.assert(200);
        assert_headers(
            &reply,
            &[
                ("cache-control", "private, no-cache"),
                ("access-control-allow-origin", ""),
                ("cross-origin-resource-policy", "same-origin"),
            ],
        );
        assert!(reply.headers.get_all("vary").iter().any(|value| value == "authorization, cookie"));
        test.guest().get(&photo.url()).await.assert_error(404, "not_found");
    });
}

#[test]
fn the_admin_listener_gives_staff_everything_and_guests_nothing() {
    run(async {
        let test = TestApp::start().await;
        let owner = test.customer().await;
        let (public, private) =
            (ten_bytes(&owner).await, owner.upload("document", "a.pdf", PDF).await.assert(201).url());
        for staff in [test.staff(Role::Support).await, test.staff(Role::Admin).await] {
            assert_eq!(staff.get(&public).await.assert(200).text, "0123456789");
            assert_eq!(staff.get(&private).await.assert(200).bytes, PDF);
        }
        for url in [&public, &private] {
            test.admin_guest().get(url).await.assert_error(401, "unauthenticated");
            owner.at(&test.admin_guest()).get(url).await.assert(401);
        }
    });
}

#[test]
fn a_page_with_many_pictures_is_no_flood() {
    run(async {
        let mut config = settings();
        config.limits.rate_limit = true;
        config.limits.guest_per_minute = 2;
        config.limits.download_per_minute = 20;
        let test = TestApp::with(config).await;
        let url = ten_bytes(&test.customer().await).await;
        let guest = test.guest();
        for _ in 0..20 {
            guest.get(&url).await.assert(200);
        }
        guest.get(&url).await.assert_error(429, "too_many_requests");
        guest.get("/api/v1/species").await.assert(200);
    });
}
