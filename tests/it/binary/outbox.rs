//! Mails of the real binary, kept as files.

use std::time::Duration;

use pawbase::demo::PASSWORD;
use serde_json::json;

use super::place::Place;
use crate::support::mail::{half, header};
use crate::support::run;

#[test]
fn a_demo_sends_nothing_by_itself_and_what_is_asked_for_is_a_file() {
    run(async {
        let place = Place::new();
        let process = place.serve_with(&["--demo"]);
        process.ready().await;
        let outbox = place.data().join("outbox");
        let login = json!({ "email": "customer1@example.com", "password": PASSWORD });
        process.guest().post("/api/v1/auth/login", login).await.assert(200);
        let asked = json!({ "email": "customer1@example.com" });
        process.guest().post("/api/v1/auth/forgot_password", asked).await.assert(202);
        let files = || {
            let entries = std::fs::read_dir(&outbox).into_iter().flatten();
            let paths = entries.map(|entry| entry.expect("an entry").path());
            paths.filter(|path| path.extension().is_some_and(|ending| ending == "eml")).collect::<Vec<_>>()
        };
        let arrives = async {
            while files().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), arrives).await.expect("a mail");
        process.stop().assert_ok();
        let files = files();
        assert_eq!(files.len(), 1, "the demo's 200 accounts and its sign-ins make none: {files:?}");
        let raw = std::fs::read_to_string(&files[0]).expect("a mail");
        assert_eq!(header(&raw, "To"), "customer1@example.com");
        assert!(half(&raw, "text/plain").contains("/account/reset-password#token="), "{raw}");
    });
}
