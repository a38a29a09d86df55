//! Starting: what is announced, the setup link, speed, keys, a second process, a read-only folder.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::place::{Place, SmallDisk};
use crate::support::run;

#[test]
fn a_fresh_folder_announces_itself_and_its_setup_link_works_once() {
    run(async {
        let place = Place::new();
        let process = place.serve();
        process.ready().await;
        let docs = process.announced("  Docs    ").expect("docs");
        assert_eq!(docs, format!("{}/api/docs", process.public));
        process.guest().get("/api/docs").await.assert(200);
        process.admin_guest().get("/").await.assert(200);
        let link = process.announced("  Setup   ").expect("a setup link");
        let token = link.strip_prefix(&format!("{}/#setup=", process.admin)).expect("a token").to_owned();
        let admin = process.admin_guest();
        let body = |token: &str| json!({ "token": token, "email": "boss@test.example", "name": "Boss", "password": "a very long secret" });
        admin.post("/api/admin/auth/setup", body("wrong")).await.assert_error(403, "forbidden");
        let made = admin.post("/api/admin/auth/setup", body(&token)).await.assert(201);
        assert_eq!(made.json["user"]["roles"], json!(["super_admin"]));
        admin.post("/api/admin/auth/setup", body(&token)).await.assert_error(410, "gone");
        process.stop().assert_ok();

        let process = place.serve();
        process.ready().await;
        process.staff("boss@test.example", "a very long secret").await.get("/api/admin/auth/me").await.assert(200);
        process.admin_guest().post("/api/admin/auth/setup", body(&token)).await.assert_error(410, "gone");
        let ended = process.stop().assert_ok();
        assert!(!ended.out.contains("Setup"), "{}", ended.out);
    });
}

#[test]
fn an_existing_database_is_ready_at_once() {
    run(async {
        let place = Place::new();
        place.run(&["demo", "load"]).assert_ok();
        let mut measured = Vec::new();
        for _ in 0..5 {
            let process = place.serve();
            measured.push(process.ready().await);
            process.stop().assert_ok();
        }
        eprintln!("ready on an existing database after {measured:?} ms");
        // The bar is 1 s on an idle machine, which the printed numbers show; here only what no busy machine excuses.
        assert!(measured.iter().all(|ms| *ms < 10_000), "{measured:?}");
    });
}

#[test]
fn keys_and_data_are_for_their_owner_alone() {
    let place = Place::new();
    place.run(&["schema", "apply"]).assert_ok();
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let keys = place.data().join("keys");
    assert_eq!(mode(place.data()), 0o700);
    assert_eq!(mode(&keys), 0o700);
    let files: Vec<_> = std::fs::read_dir(&keys).expect("keys").map(|entry| entry.expect("a key").path()).collect();
    assert_eq!(files.len(), 6, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_second_process_on_the_same_folder_is_refused() {
    run(async {
        let place = Place::new();
        let mut first = place.serve();
        let customer = first.customer("one@test.example").await;
        let refused = place.try_serve(&[]).err().expect("refused");
        let line = refused.assert_refused();
        assert!(line.contains("in use by another process"), "{line}");
        assert!(line.contains(place.data().to_str().expect("a path")), "{line}");
        for arguments in [["admin", "list"], ["demo", "load"], ["schema", "diff"]] {
            let line = place.run(&arguments).assert_refused().to_owned();
            assert!(line.contains("in use by another process"), "{arguments:?}: {line}");
        }
        assert!(first.is_running());
        customer.get("/api/v1/auth/me").await.assert(200);
        first.customer("two@test.example").await;
        first.stop().assert_ok();
        place.serve().stop().assert_ok();
    });
}

#[test]
fn a_read_only_folder_is_refused_and_left_alone() {
    run(async {
        let Some(disk) = SmallDisk::new(64) else { return };
        let process = disk.place.serve();
        process.customer("one@test.example").await;
        process.stop().assert_ok();
        let before = disk.place.snapshot();
        disk.remount("ro");
        let refused = disk.place.try_serve(&[]).err().expect("refused");
        let line = refused.assert_refused();
        assert!(line.contains(disk.place.data().to_str().expect("a path")), "{line}");
        assert!(line.contains("Read-only"), "{line}");
        assert!(disk.place.snapshot() == before, "something changed");
        disk.remount("rw");
        let process = disk.place.serve();
        process.ready().await;
        process.stop().assert_ok();
    });
}
