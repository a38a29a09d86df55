//! Whole lists as files.

use pawbase::context::Role;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, run};

/// Rows of a CSV answer, the header first.
fn rows(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|row| row.expect("a row").iter().map(str::to_owned).collect()).collect()
}

/// Cells of one column.
fn column(rows: &[Vec<String>], name: &str) -> Vec<String> {
    let at = rows[0].iter().position(|one| one == name).unwrap_or_else(|| panic!("no {name} in {:?}", rows[0]));
    rows[1..].iter().map(|row| row[at].clone()).collect()
}

async fn all_ids(client: &Client, path: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}limit=100{cursor}")).await.assert(200);
        ids.extend(page.ids());
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[test]
fn a_whole_list_comes_in_each_form() {
    run(async {
        let test = TestApp::with_demo().await;
        let admin = test.staff(Role::Support).await;
        let ids = all_ids(&admin, "/api/admin/products?").await;
        assert!(ids.len() > 250, "more than a page: {}", ids.len());
        let file = admin.get("/api/admin/products/export").await.assert(200);
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"products-2026-05-04.csv\"");
        assert!(file.text.contains("\r\n"));
        let rows = rows(&file.text);
        assert_eq!(rows[0][0], "id");
        assert_eq!(column(&rows, "id"), ids);
        for path in ["name", "price.minor", "price.currency", "cost.minor", "tags", "species"] {
            assert!(rows[0].contains(&path.to_owned()), "{path}");
        }
        assert!(!rows[0].contains(&"price".to_owned()), "its parts have columns");
        let array = admin.get("/api/admin/products/export?format=json").await.assert(200);
        assert_eq!(array.header("content-type"), "application/json");
        let found: Vec<&str> =
            array.json.as_array().expect("an array").iter().filter_map(|row| row["id"].as_str()).collect();
        assert_eq!(found, ids);
        let lines = admin.get("/api/admin/products/export?format=ndjson").await.assert(200);
        assert_eq!(lines.header("content-type"), "application/x-ndjson");
        let parsed: Vec<Value> = lines.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(json!(parsed), array.json);
        assert_eq!(admin.get("/api/admin/products/export?format=json&name=no+such").await.assert(200).json, json!([]));
    });
}

#[test]
fn filters_order_search_and_fields_count() {
    run(async {
        let test = TestApp::with_demo().await;
        let admin = test.staff(Role::Admin).await;
        for query in [
            "status=active",
            "q=dog",
            "sort=-price.minor",
            "sort=name",
            "sort=brand,-name&status=active",
            "filter=price.minor+%3C+1500",
        ] {
            let file = rows(&admin.get(&format!("/api/admin/products/export?{query}")).await.assert(200).text);
            let ids = all_ids(&admin, &format!("/api/admin/products?{query}&")).await;
            assert!(!ids.is_empty(), "{query}");
            assert_eq!(column(&file, "id"), ids, "{query}");
        }
        let some = rows(&admin.get("/api/admin/products/export?fields=name,price").await.assert(200).text);
        assert_eq!(some[0], ["id", "name", "price.currency", "price.minor"]);
        for bad in [
            "limit=5",
            "cursor=x",
            "offset=1",
            "count=true",
            "expand=business",
            "format=xml",
            "nope=1",
            "format=csv&format=csv",
        ] {
            admin.get(&format!("/api/admin/products/export?{bad}")).await.assert(400);
        }
    });
}

#[test]
fn permissions_are_those_of_lists() {
    run(async {
        let test = TestApp::with_demo().await;
        let guest = test.guest();
        let public = rows(&guest.get("/api/v1/products/export").await.assert(200).text);
        assert_eq!(column(&public, "id"), all_ids(&guest, "/api/v1/products?").await);
        assert!(column(&public, "status").iter().all(|status| status == "active"));
        assert!(column(&public, "cost.minor").iter().all(String::is_empty), "what a guest may not see is empty");
        let owner = test.sign_in("owner1@example.com", pawbase::demo::PASSWORD).await;
        let own = rows(&owner.get("/api/v1/products/export").await.assert(200).text);
        assert!(own.len() > public.len() && column(&own, "cost.minor").iter().any(|cost| !cost.is_empty()));
        let pets = rows(
            &test
                .sign_in("customer1@example.com", pawbase::demo::PASSWORD)
                .await
                .get("/api/v1/pets/export")
                .await
                .assert(200)
                .text,
        );
        assert!(pets.len() > 1 && rows(&guest.get("/api/v1/pets/export").await.assert(200).text).len() == 1);
        let users = test.staff(Role::SuperAdmin).await.get("/api/admin/users/export").await.assert(200);
        assert!(!users.text.contains("password") && !users.text.contains("argon2") && users.text.contains("email"));
        guest.get("/api/v1/audit/export").await.assert(404);
        guest.get("/api/v1/migrations/export").await.assert(404);
        test.admin_guest().get("/api/admin/products/export").await.assert(401);
    });
}

#[test]
fn text_that_could_be_a_formula_is_harmless() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        for (id, name) in [
            ("one", "=HYPERLINK(\"x\")"),
            ("two", "+1"),
            ("three", "@sum"),
            ("four", "Dog, \"big\"\nand old"),
            ("five", "-5"),
        ] {
            admin.post("/api/admin/species", json!({ "id": id, "name": name, "position": -5 })).await.assert(201);
        }
        let file = rows(&admin.get("/api/admin/species/export?sort=name").await.assert(200).text);
        let names = column(&file, "name");
        assert_eq!(names, ["'+1", "'-5", "'=HYPERLINK(\"x\")", "'@sum", "Dog, \"big\"\nand old"]);
        assert!(column(&file, "position").iter().all(|position| position == "-5"), "a number is a number");
    });
}

#[test]
fn a_long_list_is_whole_and_takes_little_memory() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let text = "FOR $n IN 0..20000 { CREATE type::record('species', 's' + <string> $n) SET name = 'Species ' + <string> $n, position = $n % 7 RETURN NONE }";
        test.system(text).await;
        let file = rows(&admin.get("/api/admin/species/export?format=csv").await.assert(200).text);
        let mut ids = column(&file, "id");
        assert_eq!(ids.len(), 20_000);
        assert!(ids.is_sorted());
        ids.dedup();
        assert_eq!(ids.len(), 20_000);
        let sorted = rows(&admin.get("/api/admin/species/export?sort=-position,name").await.assert(200).text);
        let positions: Vec<u8> =
            column(&sorted, "position").iter().map(|text| text.parse().expect("a number")).collect();
        assert!(positions.len() == 20_000 && positions.is_sorted_by(|a, b| a >= b));
    });
}
