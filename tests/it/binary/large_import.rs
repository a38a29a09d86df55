//! Files that are more than the database takes in one transaction: refused as a whole, and nothing of the store suffers.

use reqwest::Method;
use serde_json::{Value, json};

use super::place::Place;
use crate::support::people::PASSWORD;
use crate::support::run;

/// Rows that do not fit into the smallest memtable at once.
const ROWS: usize = 4000;

#[test]
fn an_import_that_is_too_large_for_a_transaction_is_refused_and_goes_in_parts() {
    run(async {
        let place = Place::new().with("PAWBASE_DATABASE__MEMTABLE_MB", "4");
        place.make_admin("boss@test.example");
        let process = place.serve();
        let boss = process.staff("boss@test.example", PASSWORD).await;
        let row = |number: usize| json!({ "id": format!("s{number}"), "name": format!("Species {}", "x".repeat(80)) });
        let rows = Value::Array((0..ROWS).map(row).collect());
        let count =
            || async { boss.get("/api/admin/species?count=true&limit=1").await.assert(200).json["total"].clone() };
        let refused = boss.post("/api/admin/species/import", rows.clone()).await.assert_error(413, "payload_too_large");
        assert!(refused.json["detail"].as_str().is_some_and(|words| words.contains("memtable_mb")), "{}", refused.text);
        assert_eq!(count().await, 0, "nothing was imported");
        boss.post("/api/admin/species", json!({ "id": "dog", "name": "Dog" })).await.assert(201);
        let skipped = boss.post("/api/admin/species/import?bad_rows=skip", rows).await.assert(200);
        assert_eq!(skipped.json["imported"], ROWS);
        boss.raw(Method::POST, "/api/admin/species/import", "text/csv", "id,name\ncat,Cat\n").await.assert(200);
        process.kill();
        let process = place.serve();
        let boss = process.staff("boss@test.example", PASSWORD).await;
        let total = boss.get("/api/admin/species?count=true&limit=1").await.assert(200).json["total"].clone();
        assert_eq!(total, ROWS + 2, "all that was acknowledged is there after a kill");
    });
}
