//! New records from files.

use pawbase::context::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::Reply;
use crate::support::{Client, TestApp, run, settings};

async fn csv(client: &Client, path: &str, text: &str) -> Reply {
    client.raw(Method::POST, path, "text/csv", text.to_owned()).await
}

/// How many records a table has.
async fn count(client: &Client, table: &str) -> i64 {
    client.get(&format!("/api/admin/{table}?count=true&limit=1")).await.assert(200).json["total"]
        .as_i64()
        .expect("a count")
}

/// Rows and codes of the errors of an import.
fn errors(json: &Value) -> Vec<(u64, String, String)> {
    let rows = json["errors"].as_array().expect("errors").iter();
    let text = |error: &Value, name: &str| error[name].as_str().expect("a text").to_owned();
    rows.flat_map(|row| {
        let number = row["row"].as_u64().expect("a number");
        let each = row["errors"].as_array().expect("errors").iter();
        each.map(move |error| (number, text(error, "pointer"), text(error, "code"))).collect::<Vec<_>>()
    })
    .collect()
}

/// A shop with a category, and the key of its business.
async fn shop(test: &TestApp) -> (Client, String) {
    let admin = test.staff(Role::Admin).await;
    admin.post("/api/admin/product_categories", json!({ "id": "toys", "name": "Toys" })).await.assert(201);
    (admin, test.business().await)
}

#[test]
fn a_csv_file_becomes_records() {
    run(async {
        let test = TestApp::start().await;
        let (admin, business) = shop(&test).await;
        admin.post("/api/admin/species", json!({ "id": "dog", "name": "Dog" })).await.assert(201);
        let text = format!(
            "\u{feff}business,category,name,sku,price.minor,price.currency,species,tags,weight_g,status\r\n\
             {business},toys,\"Ball, red\",B-1,500,EUR,\"[\"\"dog\"\"]\",\"[\"\"round\"\",\"\"red\"\"]\",120,active\r\n\
             {business},toys,'=Rope,B-2,700,EUR,,,,\r\n"
        );
        let reply = csv(&admin, "/api/admin/products/import", &text).await.assert(200);
        assert_eq!(reply.json, json!({ "dry_run": false, "total": 2, "imported": 2, "failed": 0, "errors": [] }));
        let items = admin.get("/api/admin/products?sort=sku").await.assert(200).json["items"].clone();
        assert_eq!(items[0]["name"], "Ball, red");
        assert_eq!(items[0]["price"], json!({ "minor": 500, "currency": "EUR" }));
        assert_eq!((&items[0]["species"], &items[0]["tags"]), (&json!(["dog"]), &json!(["round", "red"])));
        assert_eq!((&items[0]["weight_g"], &items[0]["status"]), (&json!(120), &json!("active")));
        assert_eq!(
            (&items[1]["name"], &items[1]["status"]),
            (&json!("=Rope"), &json!("draft")),
            "defaults are filled in"
        );
        let rows = admin.get("/api/admin/audit?action=record.imported").await.assert(200).json;
        assert_eq!(rows["items"].as_array().expect("rows").len(), 2, "each record is in the trail");
        assert_eq!(rows["items"][1]["after"]["name"], "Ball, red");
    });
}

#[test]
fn columns_are_mapped_by_position() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let text = "Kürzel;Anmerkung;Bezeichnung\ndog;gut;Hund\ncat;;Katze\n";
        let reply = csv(&admin, "/api/admin/species/import?columns=id,-,name", text).await.assert(200);
        assert_eq!(reply.json["imported"], 2);
        assert_eq!(admin.get("/api/admin/species/cat").await.assert(200).json["name"], "Katze");
        csv(&admin, "/api/admin/species/import", text).await.assert_error(400, "invalid_query");
        for columns in ["id,name", "id,-,name,-", "id,name,name", "id,-,wings"] {
            let path = format!("/api/admin/species/import?columns={columns}");
            csv(&admin, &path, text).await.assert_error(400, "invalid_query");
        }
        for bad in ["dry_run=maybe", "bad_rows=some", "nope=1", "dry_run=true&dry_run=true"] {
            csv(&admin, &format!("/api/admin/species/import?{bad}"), "id,name\n").await.assert(400);
        }
    });
}

#[test]
fn json_and_lines_of_json_work_too() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let array = json!([{ "id": "dog", "name": "Dog", "position": 1 }, { "id": "cat", "name": "Cat" }]);
        assert_eq!(admin.post("/api/admin/species/import", array).await.assert(200).json["imported"], 2);
        let lines = "{\"id\":\"fox\",\"name\":\"Fox\"}\n\n{\"id\":\"owl\",\"name\":\"Owl\"}\n";
        let path = "/api/admin/species/import";
        let reply = admin.raw(Method::POST, path, "application/x-ndjson", lines).await.assert(200);
        assert_eq!((&reply.json["total"], &reply.json["imported"]), (&json!(2), &json!(2)));
        assert_eq!(count(&admin, "species").await, 4);
        for broken in ["{}", "[{}", "[{}] x", "nothing"] {
            admin.raw(Method::POST, path, "application/json", broken).await.assert_error(400, "malformed");
        }
        admin.raw(Method::POST, path, "application/xml", "<a/>").await.assert_error(415, "unsupported_media_type");
        admin.raw(Method::POST, "/api/admin/species/import?columns=id", "application/json", "[]").await.assert(400);
        assert_eq!(admin.post(path, json!([])).await.assert(200).json["total"], 0);
    });
}

/// A file with three good rows and each kind of bad row.
fn mixed() -> Value {
    json!([
        { "id": "dog", "name": "Dog" },
        { "id": "cat", "name": "" },
        { "id": "fox", "wings": 2 },
        { "id": "owl", "name": "Owl", "position": "first" },
        { "id": "dog", "name": "Dog again" },
        { "id": "old", "name": "There already" },
        "nothing",
        { "id": "hen", "name": "Hen" },
        { "id": "Bad Key", "name": "Key" },
        { "id": "bee", "name": "Bee" },
    ])
}

fn mixed_errors() -> Vec<(u64, String, String)> {
    [
        (2, "/name", "length"),
        (3, "/wings", "unknown"),
        (3, "/name", "required"),
        (4, "/position", "type"),
        (5, "/id", "unique"),
        (6, "/id", "unique"),
        (7, "", "type"),
        (9, "/id", "format"),
    ]
    .map(|(row, pointer, code)| (row, pointer.to_owned(), code.to_owned()))
    .to_vec()
}

#[test]
fn one_bad_row_and_nothing_is_written() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        admin.post("/api/admin/species", json!({ "id": "old", "name": "Old" })).await.assert(201);
        let reply = admin.post("/api/admin/species/import", mixed()).await.assert_error(422, "validation_failed");
        assert_eq!(
            (&reply.json["total"], &reply.json["imported"], &reply.json["failed"]),
            (&json!(10), &json!(0), &json!(7))
        );
        assert_eq!(errors(&reply.json), mixed_errors());
        assert_eq!(count(&admin, "species").await, 1);
        let rows = admin.get("/api/admin/audit?action=record.imported").await.assert(200);
        assert!(rows.ids().is_empty());
    });
}

#[test]
fn bad_rows_are_skipped_on_demand() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        admin.post("/api/admin/species", json!({ "id": "old", "name": "Old" })).await.assert(201);
        let reply = admin.post("/api/admin/species/import?bad_rows=skip", mixed()).await.assert(200);
        assert_eq!(
            (&reply.json["total"], &reply.json["imported"], &reply.json["failed"]),
            (&json!(10), &json!(3), &json!(7))
        );
        assert_eq!(errors(&reply.json), mixed_errors());
        let ids = admin.get("/api/admin/species?sort=id").await.assert(200).ids();
        assert_eq!(ids, ["bee", "dog", "hen", "old"]);
        assert_eq!(admin.get("/api/admin/species/dog").await.assert(200).json["name"], "Dog", "the first of two");
    });
}

#[test]
fn a_dry_run_tells_all_and_writes_nothing() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        admin.post("/api/admin/species", json!({ "id": "old", "name": "Old" })).await.assert(201);
        for bad_rows in ["refuse", "skip"] {
            let path = format!("/api/admin/species/import?dry_run=true&bad_rows={bad_rows}");
            let reply = admin.post(&path, mixed()).await.assert(200);
            assert_eq!(
                (&reply.json["dry_run"], &reply.json["imported"], &reply.json["failed"]),
                (&json!(true), &json!(3), &json!(7))
            );
            assert_eq!(errors(&reply.json), mixed_errors());
        }
        assert_eq!(count(&admin, "species").await, 1);
        assert!(admin.get("/api/admin/audit?action=record.imported").await.assert(200).ids().is_empty());
    });
}

#[test]
fn what_only_the_database_finds_is_told_by_row() {
    run(async {
        let test = TestApp::start().await;
        let (admin, business) = shop(&test).await;
        let product = |sku: &str, extra: Value| {
            let mut row = json!({ "business": business, "category": "toys", "name": "Ball", "sku": sku,
                "price": { "minor": 500, "currency": "EUR" } });
            row.as_object_mut().expect("an object").extend(extra.as_object().expect("an object").clone());
            row
        };
        admin.post("/api/admin/products", product("taken", json!({}))).await.assert(201);
        let website = |text: &str| {
            json!({ "name": "Shop", "slug": text, "kinds": ["shop"], "city": "Bonn", "country": "DE",
            "timezone": "Europe/Berlin", "currency": "EUR", "email": text })
        };
        let rows = json!([
            product("new-1", json!({})),
            product("taken", json!({})),
            product("new-2", json!({ "category": "nothing" })),
            product("new-3", json!({})),
            product("new-1", json!({})),
        ]);
        let reply = admin.post("/api/admin/products/import", rows.clone()).await.assert(422);
        let expected: Vec<(u64, String, String)> = [
            (2, "/business", "unique"),
            (2, "/sku", "unique"),
            (3, "/category", "reference"),
            (5, "/business", "unique"),
            (5, "/sku", "unique"),
        ]
        .map(|(row, pointer, code)| (row, pointer.to_owned(), code.to_owned()))
        .to_vec();
        assert_eq!(errors(&reply.json), expected);
        assert_eq!(count(&admin, "products").await, 1);
        let reply = admin.post("/api/admin/products/import?bad_rows=skip", rows).await.assert(200);
        assert_eq!((&reply.json["imported"], errors(&reply.json)), (&json!(2), expected));
        // An assertion that our own limits do not know.
        let rows = json!([website("one"), website("two@test.example")]);
        let reply = admin.post("/api/admin/businesses/import", rows).await.assert(422);
        assert_eq!(errors(&reply.json).iter().map(|(row, ..)| *row).collect::<Vec<_>>(), [1, 2], "{}", reply.text);
    });
}

#[test]
fn keys_and_times_may_be_brought_along() {
    run(async {
        let test = TestApp::with_demo().await;
        let admin = test.staff(Role::Admin).await;
        for (form, media_type) in
            [("csv", "text/csv"), ("json", "application/json"), ("ndjson", "application/x-ndjson")]
        {
            let file = admin.get(&format!("/api/admin/posts/export?format={form}")).await.assert(200).text;
            let before = admin.get("/api/admin/posts?limit=100").await.assert(200).json;
            let total = count(&admin, "posts").await;
            let again = admin
                .raw(Method::POST, "/api/admin/posts/import?dry_run=true", media_type, file.clone())
                .await
                .assert(200);
            assert_eq!(again.json["failed"], total, "all are there: {form}");
            test.system("DELETE comments; DELETE posts;").await;
            let reply = admin.raw(Method::POST, "/api/admin/posts/import", media_type, file).await.assert(200);
            assert_eq!(reply.json["imported"], total, "{form}");
            let after = admin.get("/api/admin/posts?limit=100").await.assert(200).json;
            let without = |page: &Value| {
                let items = page["items"].as_array().expect("items").clone().into_iter();
                items
                    .map(|mut item| {
                        item.as_object_mut().expect("an object").remove("updated_at");
                        item
                    })
                    .collect::<Vec<_>>()
            };
            assert_eq!(without(&before), without(&after), "{form}");
        }
    });
}

#[test]
fn only_who_may_write_imports() {
    run(async {
        let test = TestApp::start().await;
        let rows = json!([{ "id": "dog", "name": "Dog" }]);
        let path = "/api/admin/species/import";
        test.staff(Role::Support).await.post(path, rows.clone()).await.assert_error(403, "forbidden");
        test.admin_guest().post(path, rows.clone()).await.assert(401);
        let customer = test.customer().await;
        customer.at(&test.admin_guest()).post(path, rows.clone()).await.assert(401);
        customer.post("/api/v1/species/import", rows.clone()).await.assert(405);
        let admin = test.staff(Role::Admin).await;
        for closed in ["users", "sessions", "audit", "idempotency_keys", "nothing"] {
            admin.post(&format!("/api/admin/{closed}/import"), json!([])).await.assert(404);
        }
        assert_eq!(count(&admin, "species").await, 0);
        test.staff(Role::SuperAdmin).await.post(path, rows).await.assert(200);
    });
}

#[test]
fn files_have_limits() {
    run(async {
        let mut config = settings();
        (config.limits.import_mb, config.limits.import_rows_max, config.limits.body_kb) = (1, 100, 1);
        let test = TestApp::with(config).await;
        let admin = test.staff(Role::Admin).await;
        let rows = |count: usize| (0..count).map(|n| json!({ "id": format!("s{n}"), "name": "S" })).collect::<Vec<_>>();
        admin.post("/api/admin/species/import", json!(rows(100))).await.assert(200);
        admin.post("/api/admin/species/import", json!(rows(101))).await.assert_error(413, "payload_too_large");
        let large = format!("id,name\nx,{}\n", "x".repeat(1024 * 1024));
        csv(&admin, "/api/admin/species/import", &large).await.assert_error(413, "payload_too_large");
        let lines: String = "{}\n".repeat(101);
        admin.raw(Method::POST, "/api/admin/species/import", "application/x-ndjson", lines).await.assert(413);
    });
}

#[test]
fn progress_is_told_line_by_line() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await.with("accept", "application/x-ndjson");
        let rows: Vec<Value> = (0..1000).map(|n| json!({ "id": format!("s{n}"), "name": "S" })).collect();
        let reply = admin.post("/api/admin/species/import", json!(rows)).await.assert(200);
        assert_eq!(reply.header("content-type"), "application/x-ndjson");
        let lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let (last, progress) = lines.split_last().expect("lines");
        assert_eq!((&last["imported"], &last["failed"]), (&json!(1000), &json!(0)));
        assert!(!progress.is_empty() && progress.iter().all(|line| line["total"] == 1000));
        let done: Vec<u64> = progress.iter().map(|line| line["progress"].as_u64().expect("a number")).collect();
        assert!(done.is_sorted() && done.last() <= Some(&1000), "{done:?}");
        let again = admin.post("/api/admin/species/import", json!(rows)).await.assert(200);
        let last: Value = serde_json::from_str(again.text.lines().last().expect("a line")).expect("JSON");
        assert_eq!((&last["status"], &last["failed"], &last["imported"]), (&json!(422), &json!(1000), &json!(0)));
        assert_eq!(last["errors"].as_array().expect("errors").len(), 1000);
    });
}

#[test]
fn five_hundred_products_come_at_once_and_are_found() {
    run(async {
        let test = TestApp::start().await;
        let (admin, business) = shop(&test).await;
        let mut text = "business,category,name,sku,description,price.minor,price.currency\n".to_owned();
        for n in 0..500 {
            text.push_str(&format!(
                "{business},toys,Ball number {n},SKU-{n},A ball for large and small dogs,{n},EUR\n"
            ));
        }
        csv(&admin, "/api/admin/products/import", &text).await.assert(200);
        assert_eq!(count(&admin, "products").await, 500);
        let found = admin.get("/api/admin/products?q=number+321&limit=5").await.assert(200).json;
        assert_eq!(found["items"][0]["name"], "Ball number 321");
    });
}

#[test]
fn memberships_that_are_imported_count_at_once() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let (business, person) = (test.business().await, test.customer().await);
        let path = format!("/api/v1/businesses/{business}");
        person.patch(&path, json!({ "city": "Bonn" })).await.assert(403);
        let rows = json!([{ "user": person.user, "business": business, "role": "owner" }]);
        admin.post("/api/admin/memberships/import", rows).await.assert(200);
        person.patch(&path, json!({ "city": "Bonn" })).await.assert(200);
    });
}
