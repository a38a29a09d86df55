//! The demo from the command line: accounts, clearing, loading, and who may reach it.

use pawbase::demo::{ACCOUNTS, PASSWORD};
use serde_json::json;

use super::place::Place;
use crate::support::run;

#[test]
fn every_account_printed_by_serve_demo_can_sign_in() {
    run(async {
        let place = Place::new();
        let process = place.serve_with(&["--demo"]);
        process.ready().await;
        assert_eq!(ACCOUNTS.len(), 7);
        for (email, what) in ACCOUNTS {
            let is_staff = email.starts_with("admin@") || email.starts_with("support@");
            let (guest, path) = if is_staff {
                (process.admin_guest(), "/api/admin/auth/login")
            } else {
                (process.guest(), "/api/v1/auth/login")
            };
            assert!(process.announced(&format!("    {email}")).is_some(), "{email} is printed");
            let reply = guest.post(path, json!({ "email": email, "password": PASSWORD })).await.assert(200);
            assert_eq!(reply.json["user"]["email"], *email, "{what}");
        }
        let ended = process.stop().assert_ok();
        assert!(ended.out.contains("all with the password pawbase-demo"), "{}", ended.out);
        assert!(!ended.out.contains("Setup"), "there is an administrator: {}", ended.out);

        // A second start finds the data and still tells the accounts.
        let process = place.serve_with(&["--demo"]);
        process.ready().await;
        assert!(process.announced("    courier1@example.com").is_some());
        process.stop().assert_ok();
    });
}

#[test]
fn a_demo_does_not_listen_beyond_this_machine() {
    let place = Place::new();
    for arguments in [["--public", "0.0.0.0:0"], ["--admin", "[::]:0"]] {
        let refused = place.run(&[&["serve", "--demo"], &arguments[..]].concat());
        assert!(refused.assert_refused().contains("known password"), "{}", refused.err);
    }
    assert!(!place.data().exists(), "refused before anything is made");
}

#[test]
fn demo_data_is_loaded_into_an_empty_database_and_cleared_again() {
    run(async {
        let place = Place::new();
        place.run(&["demo", "load"]).assert_ok();
        let refused = place.run(&["demo", "load"]);
        assert!(refused.assert_refused().contains("empty"), "{}", refused.err);
        let files = || {
            place
                .snapshot()
                .into_iter()
                .filter(|(path, content)| path.starts_with(place.data().join("files")) && content.is_some())
                .count()
        };
        assert!(files() > 30, "pictures are there: {}", files());
        place.run(&["demo", "clear"]).assert_ok();
        assert_eq!(files(), 0, "and gone");
        let process = place.serve();
        for table in
            ["species", "breeds", "businesses", "products", "services", "listings", "posts", "product_categories"]
        {
            let path = format!("/api/v1/{table}?limit=1&count=true");
            assert_eq!(process.guest().get(&path).await.assert(200).json["total"], 0, "{table}");
        }
        let body = json!({ "email": "customer1@example.com", "password": PASSWORD });
        process.guest().post("/api/v1/auth/login", body.clone()).await.assert(401);
        process.stop().assert_ok();

        place.run(&["demo", "load"]).assert_ok();
        let process = place.serve();
        assert_eq!(process.guest().get("/api/v1/species?count=true").await.assert(200).json["total"], 10);
        process.guest().post("/api/v1/auth/login", body).await.assert(200);
        process.stop().assert_ok();
    });
}
