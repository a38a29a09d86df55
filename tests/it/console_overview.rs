//! What the console learns of the installation: the overview, the description of the tables, and its own files.

use pawbase::context::Role;
use serde_json::{Value, json};

use crate::support::{TestApp, run};

#[test]
fn the_overview_counts_and_shows_the_latest() {
    run(async {
        let test = TestApp::with_demo().await;
        let admin = test.staff(Role::Admin).await;
        test.clock.advance(chrono::Duration::minutes(5));
        let species = json!({ "id": "axolotl", "name": "Axolotl" });
        admin.post("/api/admin/species", species).await.assert(201);
        let body = json!({ "author": admin.user, "title": "Water", "content": "How warm?" });
        let post = admin.post("/api/admin/posts", body).await.assert(201).id();
        let overview = admin.get("/api/admin/overview").await.assert(200).json;
        assert_eq!(overview["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!((&overview["started_at"], &overview["uptime_s"]), (&json!("2026-05-04T10:00:00Z"), &json!(300)));
        assert_eq!(overview["database_bytes"], 0, "in memory");
        let tables = overview["tables"].as_array().expect("tables");
        let rows = |name: &str| tables.iter().find(|table| table["name"] == name).map(|table| table["rows"].clone());
        for name in ["posts", "species", "products", "users"] {
            let total = admin.get(&format!("/api/admin/{name}?count=true&limit=1")).await.assert(200);
            assert_eq!(rows(name), Some(total.json["total"].clone()), "{name}");
        }
        assert_eq!((rows("idempotency_keys"), rows("migrations")), (None, None), "private tables are left out");
        let latest = overview["latest"].as_array().expect("latest");
        assert_eq!(latest.len(), 10);
        let newest = json!({ "table": "posts", "id": post, "label": "Water", "created_at": "2026-05-04T10:05:00Z" });
        assert_eq!(latest[0], newest);
        assert!(latest.windows(2).all(|pair| pair[0]["created_at"].as_str() >= pair[1]["created_at"].as_str()));
        assert!(latest.iter().all(|record| record["table"] != "audit" && record["table"] != "sessions"));
    });
}

#[test]
fn overview_and_schema_are_for_staff_alone() {
    run(async {
        let test = TestApp::start().await;
        let customer = test.customer().await;
        for path in ["overview", "schema"] {
            for role in Role::STAFF {
                test.staff(role).await.get(&format!("/api/admin/{path}")).await.assert(200);
            }
            test.admin_guest().get(&format!("/api/admin/{path}")).await.assert_error(401, "unauthenticated");
            customer.at(&test.admin_guest()).get(&format!("/api/admin/{path}")).await.assert(401);
            customer.get(&format!("/api/v1/{path}")).await.assert(404);
        }
    });
}

/// The table `name` of a description.
fn table<'a>(schema: &'a Value, name: &str) -> &'a Value {
    let found = schema["tables"].as_array().expect("tables").iter().find(|table| table["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

/// The field `path` of a table.
fn field<'a>(table: &'a Value, path: &str) -> &'a Value {
    let found = table["fields"].as_array().expect("fields").iter().find(|field| field["path"] == path);
    found.unwrap_or_else(|| panic!("no {path}"))
}

#[test]
fn the_schema_is_described_for_screens() {
    run(async {
        let test = TestApp::start().await;
        let schema = test.staff(Role::Admin).await.get("/api/admin/schema").await.assert(200).json;
        let products = table(&schema, "products");
        assert_eq!((&products["key"], &products["label_field"]), (&json!("uuid"), &json!("name")));
        assert_eq!((&products["has_text_search"], &products["can_restore"]), (&json!(true), &json!(true)));
        assert_eq!(products["is_writable"], json!({ "create": true, "update": true, "delete": true }));
        for (path, kind, is_list, is_optional) in [
            ("name", "text", false, false),
            ("description", "long_text", false, true),
            ("business", "link", false, false),
            ("species", "link", true, false),
            ("price", "money", false, false),
            ("price.minor", "integer", false, false),
            ("weight_g", "integer", false, true),
            ("tags", "text", true, false),
            ("status", "enum", false, false),
            ("created_at", "datetime", false, false),
        ] {
            let field = field(products, path);
            let found = (field["type"].as_str(), field["is_list"].as_bool(), field["is_optional"].as_bool());
            assert_eq!(found, (Some(kind), Some(is_list), Some(is_optional)), "{path}");
        }
        assert_eq!(field(products, "species")["links"], json!(["species"]));
        assert_eq!(field(products, "status")["values"], json!(["draft", "active", "inactive", "discontinued"]));
        assert_eq!(field(products, "name")["limits"], json!({ "min_length": 1, "max_length": 200 }));
        assert_eq!(field(products, "weight_g")["limits"], json!({ "min": 1.0, "max": 2_000_000.0 }));
        let words = &products["permissions"]["select"]["words"];
        assert_eq!(words, "Everybody, if status is active; or members of the business (business)");
        let businesses = table(&schema, "businesses");
        for (path, kind) in [
            ("email", "email"),
            ("phone", "phone"),
            ("website", "url"),
            ("timezone", "timezone"),
            ("location", "point"),
        ] {
            assert_eq!(field(businesses, path)["type"], kind, "{path}");
        }
        assert_eq!(field(table(&schema, "favorites"), "target")["type"], "links_any");
        assert_eq!(field(table(&schema, "pets"), "birth_date")["type"], "date");
        assert_eq!(table(&schema, "species")["key"], "text");
        assert_eq!(field(table(&schema, "pets"), "owner")["has_default"], false, "staff write in nobody's name");
    });
}

#[test]
fn the_description_hides_what_nobody_reads_and_offers_what_the_caller_may_do() {
    run(async {
        let test = TestApp::start().await;
        let schema = test.staff(Role::Support).await.get("/api/admin/schema").await.assert(200);
        for secret in
            ["password_hash", "failed_logins", "refresh_hash", "used_hashes", "idempotency_keys", "migrations"]
        {
            assert!(!schema.text.contains(secret), "{secret}");
        }
        let nothing = json!({ "create": false, "update": false, "delete": false });
        for table in schema.json["tables"].as_array().expect("tables") {
            assert_eq!(table["is_writable"], nothing, "support changes nothing");
        }
        assert_eq!(table(&schema.json, "users")["can_restore"], false);
        assert_eq!(table(&schema.json, "audit")["can_restore"], false);
        assert_eq!(table(&schema.json, "species")["can_restore"], true);
    });
}

#[test]
fn every_permission_of_our_own_tables_has_words() {
    run(async {
        let test = TestApp::start().await;
        let schema = test.staff(Role::Admin).await.get("/api/admin/schema").await.assert(200).json;
        let mut count = 0;
        for table in schema["tables"].as_array().expect("tables") {
            let fields = table["fields"].as_array().expect("fields").iter().map(|field| &field["permissions"]);
            for permissions in fields.chain([&table["permissions"]]) {
                for permission in permissions.as_object().expect("permissions").values() {
                    count += 1;
                    let words = permission["words"].as_str().expect("words");
                    assert!(!words.is_empty() && !words.contains('$'), "{}: {words}", table["name"]);
                }
            }
        }
        assert!(count > 300, "{count}");
    });
}

#[test]
fn the_console_is_served_from_the_program_itself() {
    run(async {
        let test = TestApp::start().await;
        let guest = test.admin_guest();
        let page = guest.get("/").await.assert(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        let known = guest.with("if-none-match", page.header("etag")).get("/").await;
        assert_eq!((known.status.as_u16(), known.text.as_str()), (304, ""));
        let script = guest.get("/console/main.js").await.assert(200);
        assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
        assert!(!script.header("etag").is_empty() && script.header("etag") != page.header("etag"));
        for missing in [
            "/console/",
            "/console/index.html",
            "/console/nothing.js",
            "/console/../docs/docs.html",
            "/console/tsconfig.json",
            "/console",
        ] {
            guest.get(missing).await.assert(404);
        }
        test.guest().get("/console/main.js").await.assert(404);
        test.guest().get("/").await.assert(404);
    });
}

#[test]
fn the_page_comes_also_to_a_browser_whose_sign_in_has_ended() {
    run(async {
        let test = TestApp::start().await;
        let browser = test.admin_guest().with("cookie", "pawbase_admin_access=ended");
        browser.get("/").await.assert(200);
        browser.get("/console/main.js").await.assert(200);
        browser.get("/api/admin/overview").await.assert(401);
    });
}
