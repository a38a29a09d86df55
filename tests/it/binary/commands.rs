//! The commands that answer and end: version, settings, the document, administrators.

use serde_json::{Value, json};

use super::place::Place;
use crate::support::run;

#[test]
fn version_and_settings_are_printed() {
    let place = Place::new().with("PAWBASE_DATABASE__PASSWORD", "hunter2hunter2");
    let version = place.run(&["version"]).assert_ok().out;
    assert_eq!(version.trim(), format!("pawbase {}", env!("CARGO_PKG_VERSION")));
    place.write("config.toml", "[limits]\npage_max = 50\npage_default = 10\n");
    let printed = place.run(&["config", "print"]).assert_ok();
    assert!(!printed.out.contains("hunter2") && !printed.err.contains("hunter2"), "{printed:#?}");
    for line in ["page_max = 50", "page_default = 10", "rate_limit = false", "password = \"***\""] {
        assert!(printed.out.lines().any(|found| found == line), "{line} in {}", printed.out);
    }
    assert!(!place.data().exists(), "nothing is made");
}

#[test]
fn wrong_settings_stop_every_start_in_one_line() {
    let place = Place::new();
    let refused = |content: &str, arguments: &[&str], parts: &[&str]| {
        place.write("config.toml", content);
        let line = place.run(arguments).assert_refused().to_owned();
        for part in parts {
            assert!(line.contains(part), "{part} in {line}");
        }
    };
    refused("[limits]\n\npage_maxx = 5\n", &["serve"], &["config.toml:3", "limits.page_maxx", "unknown"]);
    refused("[limit]\n", &["config", "print"], &["config.toml:1", "limit", "unknown"]);
    refused("[limits]\npage_max = \"ten\"\n", &["schema", "apply"], &["config.toml:2", "limits.page_max"]);
    refused("[limits]\npage_max = 0\n", &["serve"], &["config.toml:2", "limits.page_max"]);
    refused("[limits\n", &["serve"], &["config.toml:1"]);
    refused("", &["--config", "missing.toml", "serve"], &["missing.toml"]);
    for (name, value) in
        [("PAWBASE_LIMITS__PAGE_MAX", "many"), ("PAWBASE_LIMITS__NOPE", "1"), ("PAWBASE_LOG__FORMAT", "xml")]
    {
        let line = Place::new().with(name, value).run(&["serve"]).assert_refused().to_owned();
        assert!(line.contains(name), "{line}");
    }
    assert!(!place.data().exists(), "refused before anything is made");
}

#[test]
fn the_document_is_printed() {
    let place = Place::new();
    for (arguments, path) in [(&["openapi"][..], "/api/v1/pets"), (&["openapi", "--admin"][..], "/api/admin/pets")] {
        let printed = place.run(arguments).assert_ok().out;
        let document: Value = serde_json::from_str(&printed).expect("JSON and nothing else");
        assert_eq!(document["openapi"], "3.1.0");
        assert!(document["paths"][path]["get"].is_object(), "{path}");
    }
}

#[test]
fn administrators_are_managed_from_the_machine() {
    run(async {
        let place = Place::new();
        let first = "a very long secret";
        for weak in ["password", "password1234", "x@example.com"] {
            let refused = place.run_with_password(&["admin", "create", "x@example.com"], weak);
            assert!(refused.assert_refused().contains("/password"), "{weak}: {}", refused.err);
        }
        assert!(
            place.run(&["admin", "create", "x@example.com"]).assert_refused().contains("password"),
            "none is given"
        );
        assert!(place.run_with_password(&["admin", "create", "no-address"], first).assert_refused().contains("/email"));
        let boss = place.run_with_password(&["admin", "create", "--role", "boss", "x@example.com"], first);
        assert!(boss.assert_refused().contains("super_admin"));
        place.run_with_password(&["admin", "create", "X@example.com"], first).assert_ok();
        place.run_with_password(&["admin", "create", "x@example.com"], first).assert_refused();
        place.run_with_password(&["admin", "create", "y@example.com", "--role", "support"], first).assert_ok();
        let list = || place.run(&["admin", "list"]).assert_ok().out;
        assert_eq!(list().lines().count(), 2, "{}", list());
        let line = |email: &str, role: &str, status: &str| {
            let words = [email, role, status];
            list().lines().any(|line| line.split_whitespace().eq(words))
        };
        assert!(line("x@example.com", "super_admin", "active") && line("y@example.com", "support", "active"));

        let process = place.serve();
        process.staff("x@example.com", first).await;
        process.stop().assert_ok();
        let weak = place.run_with_password(&["admin", "reset-password", "x@example.com"], "short");
        assert!(weak.assert_refused().contains("/password"));
        place.run_with_password(&["admin", "reset-password", "z@example.com"], first).assert_refused();
        place.run_with_password(&["admin", "reset-password", "x@example.com"], "another long secret").assert_ok();
        place.run(&["admin", "disable", "y@example.com"]).assert_ok();
        assert!(place.run(&["admin", "disable", "x@example.com"]).assert_refused().contains("last super_admin"));
        assert!(line("y@example.com", "support", "suspended"));

        let process = place.serve();
        let login = |email: &str, password: &str| json!({ "email": email, "password": password });
        let guest = process.admin_guest();
        guest.post("/api/admin/auth/login", login("x@example.com", first)).await.assert(401);
        guest.post("/api/admin/auth/login", login("y@example.com", first)).await.assert(403);
        process.staff("x@example.com", "another long secret").await;
        process.stop().assert_ok();
    });
}
