//! Lists, counts and searches that the vendored database answers from its indexes (vendor/README.md): the same as from the records.

use pawbase::context::Role;
use pawbase_engine::{Number, Session, Value as Stored};
use serde_json::{Value, json};

use crate::support::{Client, TestApp, run};

const CATEGORIES: [&str; 2] = ["food", "toys"];
const STATUSES: [&str; 4] = ["active", "draft", "active", "inactive"];
const WORDS: [&str; 3] = ["Kibble", "Rope", "Kibble and rope"];

/// A shop's products of all categories, statuses and few prices, so that many have the same.
async fn stock(member: &Client, business: &str, count: usize) {
    let operations: Vec<Value> = (0..count)
        .map(|at| {
            let body = json!({
                "business": business, "category": CATEGORIES[at % 2], "name": WORDS[at % 3], "sku": format!("S{at}"),
                "description": if at % 5 == 0 { "Crunchy kibble" } else { "Nothing else" },
                "price": { "minor": 100 * (at * 7 % 5), "currency": "EUR" }, "status": STATUSES[at / 2 % 4],
            });
            json!({ "method": "POST", "table": "products", "body": body })
        })
        .collect();
    member.post("/api/v1/batch", json!({ "operations": operations })).await.assert(200);
}

/// Who reads, with the business whose hidden products they see.
struct Reader {
    client: Client,
    business: Option<String>,
}

impl Reader {
    fn sees(&self, row: &Value) -> bool {
        row["status"] == "active" || self.business.as_ref().is_some_and(|own| row["business"] == own.as_str())
    }

    /// All of a list, page by page, and the total that each page tells.
    async fn list(&self, query: &str) -> (Vec<String>, Vec<i64>) {
        let (mut ids, mut totals, mut cursor) = (Vec::new(), Vec::new(), String::new());
        loop {
            let path = format!("/api/v1/products?limit=7&count=true&{query}{cursor}");
            let page = self.client.get(&path).await.assert(200);
            ids.extend(page.ids());
            totals.push(page.json["total"].as_i64().expect("a total"));
            let Some(next) = page.json["next_cursor"].as_str() else { return (ids, totals) };
            cursor = format!("&cursor={next}");
        }
    }

    async fn assert_list(&self, query: &str, mut expected: Vec<&Value>, is_descending: bool, has_price: bool) {
        expected.retain(|row| self.sees(row));
        let place = |row: &Value| {
            (if has_price { row["price"]["minor"].as_i64() } else { None }, row["id"].as_str().map(str::to_owned))
        };
        expected.sort_by_key(|row| place(row));
        if is_descending {
            expected.reverse();
        }
        let expected: Vec<&str> = expected.iter().filter_map(|row| row["id"].as_str()).collect();
        let (ids, totals) = self.list(query).await;
        assert_eq!(ids, expected, "{query} as {:?}", self.business);
        assert!(totals.iter().all(|total| *total == expected.len() as i64), "{query}: {totals:?}");
        assert!(expected.len() > 7, "{query} has more than a page: {}", expected.len());
        let condition = query.rsplit_once("&sort=").map_or(query, |(condition, _)| condition);
        let counted =
            self.client.get(&format!("/api/v1/products/aggregate?measures=count&{condition}")).await.assert(200);
        assert_eq!(counted.json["groups"][0]["count"], expected.len(), "{condition} as {:?}", self.business);
    }
}

/// All there is, as staff see it.
async fn everything(staff: &Client) -> Vec<Value> {
    let page = staff.get("/api/admin/products?limit=100&sort=id").await.assert(200);
    assert!(page.json["next_cursor"].is_null());
    page.json["items"].as_array().expect("items").clone()
}

#[test]
fn lists_and_searches_are_complete_and_in_order_for_whoever_reads_them() {
    run(async {
        let test = TestApp::start().await;
        test.system(
            "CREATE product_categories:food SET name = 'Food'; CREATE product_categories:toys SET name = 'Toys'",
        )
        .await;
        let staff = test.staff(Role::Admin).await;
        let mut readers = vec![Reader { client: test.guest(), business: None }];
        for _ in 0..2 {
            let business = test.business().await;
            let client = test.member(&business, "owner").await;
            stock(&client, &business, 46).await;
            readers.push(Reader { client, business: Some(business) });
        }
        for round in 0..2 {
            let rows = everything(&staff).await;
            for reader in &readers {
                for (direction, is_descending) in [("", false), ("-", true)] {
                    for category in CATEGORIES {
                        let expected = || rows.iter().filter(|row| row["category"] == category).collect::<Vec<_>>();
                        let by_price = format!("category={category}&sort={direction}price.minor");
                        reader.assert_list(&by_price, expected(), is_descending, true).await;
                        let by_id = format!("category={category}&sort={direction}id");
                        reader.assert_list(&by_id, expected(), is_descending, false).await;
                    }
                    let has_word = |row: &&Value| {
                        ["name", "description"]
                            .iter()
                            .any(|name| row[*name].as_str().unwrap().to_lowercase().contains("kibble"))
                    };
                    let found = || rows.iter().filter(has_word).collect::<Vec<_>>();
                    reader.assert_list(&format!("q=kibble&sort={direction}id"), found(), is_descending, false).await;
                    let found = found().into_iter().filter(|row| row["category"] == "food").collect();
                    let both = format!("q=kibble&category=food&sort={direction}id");
                    reader.assert_list(&both, found, is_descending, false).await;
                }
            }
            // Some change their place, their words or who sees them, and some go.
            if round == 0 {
                for (at, row) in rows.iter().enumerate().step_by(3) {
                    let path = format!("/api/admin/products/{}", row["id"].as_str().expect("an id"));
                    let change = match at % 4 {
                        0 => json!({ "price": { "minor": 250, "currency": "EUR" } }),
                        1 => json!({ "status": if row["status"] == "active" { "draft" } else { "active" } }),
                        2 => json!({ "name": "Kibble again", "category": "toys" }),
                        _ => {
                            staff.delete(&path).await.assert(204);
                            continue;
                        }
                    };
                    staff.patch(&path, change).await.assert(200);
                }
            }
        }
    });
}

/// Permissions, of which an index of `hall, open, kind` tells some and others not.
const PERMISSIONS: [&str; 12] = [
    "open",
    "open = true AND hall = 1",
    "hall IN [1, 3] OR kind = 'b'",
    "kind != 'a'",
    "!open",
    "kind IN $session.none OR open",
    "$this.open",
    "string::len(kind) = 1",
    "note = 'x'",
    "note = NONE OR open",
    "count(tags) > 1",
    "id != stalls:7 AND open",
];
const INDEXES: [&str; 6] =
    ["hall", "hall, open, kind", "hall, kind", "hall, note, open", "hall, tags, open, kind", "open, hall, kind"];

/// None counted is a row that says so, or no row.
async fn count(session: &Session, with: &str, condition: &str) -> i64 {
    let text = format!("SELECT count() FROM stalls {with} WHERE {condition} GROUP ALL");
    let mut answer = session.read(&text, ()).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    match answer.rows(0).as_slice() {
        [Stored::Object(row)] => match row.get("count") {
            Some(Stored::Number(Number::Int(count))) => *count,
            other => panic!("{text}: {other:?}"),
        },
        [] => 0,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_count_by_an_index_is_the_count_of_what_the_caller_sees() {
    run(async {
        let test = TestApp::start().await;
        let engine = &test.app.platform.engine;
        let fields = "DEFINE FIELD hall ON stalls TYPE int; DEFINE FIELD open ON stalls TYPE bool;
            DEFINE FIELD kind ON stalls TYPE 'a' | 'b' | 'cc'; DEFINE FIELD note ON stalls TYPE option<string>;
            DEFINE FIELD tags ON stalls TYPE array<string>;";
        let rows = "FOR $at IN 0..60 { CREATE type::record('stalls', $at) SET hall = $at % 4, open = $at % 3 = 0,
            kind = ['a', 'b', 'cc'][$at % 5 % 3], note = IF $at % 2 = 0 { 'x' } ELSE { NONE },
            tags = array::slice(['p', 'q', 'r'], 0, $at % 4) };";
        for index in INDEXES {
            let mut told = 0;
            for permission in PERMISSIONS {
                let text = format!(
                    "REMOVE TABLE IF EXISTS stalls; DEFINE TABLE stalls TYPE NORMAL SCHEMAFULL PERMISSIONS FOR select WHERE {permission};
                    {fields} DEFINE INDEX stalls_by ON stalls FIELDS {index}; {rows}"
                );
                engine.root().query(&text, ()).await.unwrap_or_else(|error| panic!("{text}: {error}"));
                for condition in
                    ["hall = 1", "hall = 1 AND open = true", "hall = 9", "hall = 2 AND kind = 'b' AND open = false"]
                {
                    for session in [engine.guest(), engine.root()] {
                        let counted = count(session, "", condition).await;
                        let read = count(session, "WITH NOINDEX", condition).await;
                        assert_eq!(counted, read, "{condition} by {index}, if {permission}");
                        told += usize::from(counted > 0);
                    }
                }
            }
            assert!(told > PERMISSIONS.len(), "{index}: {told}");
        }
    });
}
