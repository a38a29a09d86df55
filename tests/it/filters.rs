//! Filters and sorts against a plain in-memory evaluation: whatever index the engine picks, the rows must be the same.

use pawbase::context::Role;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::support::{Client, TestApp, run};

/// A condition over pets, as data of the test's own.
#[derive(Debug, Clone)]
enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    Compare(&'static str, &'static str, Value),
}

fn comparison() -> impl Strategy<Value = Expression> {
    let order = prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let equal = prop::sample::select(vec!["=", "!="]);
    let words = prop::sample::select(vec!["Ada", "Ben", "Cleo", "ada", "x'y\"z", "", "Ä"]);
    prop_oneof![
        (order.clone(), 0i64..6).prop_map(|(op, n)| Expression::Compare("weight_g", op, json!(n * 100 + 1))),
        (order.clone(), words.clone()).prop_map(|(op, w)| Expression::Compare("name", op, json!(w))),
        (order, words.clone()).prop_map(|(op, w)| Expression::Compare("color", op, json!(w))),
        (equal.clone(), prop::sample::select(vec!["female", "male", "unknown"]))
            .prop_map(|(op, s)| Expression::Compare("sex", op, json!(s))),
        (equal.clone(), any::<bool>()).prop_map(|(op, flag)| Expression::Compare("is_mixed", op, json!(flag))),
        (equal.clone(), prop::sample::select(vec!["dog", "cat"])).prop_map(|(op, s)| Expression::Compare(
            "species",
            op,
            json!(s)
        )),
        (equal, prop::sample::select(vec!["weight_g", "color", "microchip"]))
            .prop_map(|(op, field)| Expression::Compare(field, op, Value::Null)),
        words.clone().prop_map(|w| Expression::Compare("color", "starts", json!(w))),
        words.prop_map(|w| Expression::Compare("name", "contains", json!(w))),
        prop::collection::vec(0i64..6, 0..4).prop_map(|n| Expression::Compare(
            "weight_g",
            "in",
            json!(n.iter().map(|n| n * 100 + 1).collect::<Vec<_>>())
        )),
    ]
}

fn expression() -> impl Strategy<Value = Expression> {
    comparison().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expression::And),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expression::Or),
            inner.prop_map(|e| Expression::Not(Box::new(e))),
        ]
    })
}

impl Expression {
    fn text(&self) -> String {
        let join = |parts: &[Self], word: &str| {
            let parts: Vec<String> = parts.iter().map(Self::text).collect();
            format!("({})", parts.join(word))
        };
        match self {
            Self::And(parts) => join(parts, " and "),
            Self::Or(parts) => join(parts, " or "),
            Self::Not(inner) => format!("not {}", inner.text()),
            Self::Compare(field, operator, value) => format!("{field} {operator} {value}"),
        }
    }

    /// The semantics that `records::filter` documents.
    fn holds(&self, row: &Value) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.holds(row)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(row)),
            Self::Not(inner) => !inner.holds(row),
            Self::Compare(field, operator, value) => compare(&row[*field], operator, value),
        }
    }
}

fn compare(actual: &Value, operator: &str, value: &Value) -> bool {
    use std::cmp::Ordering;
    let order = || match (actual, value) {
        (Value::Number(a), Value::Number(b)) => a.as_i64().partial_cmp(&b.as_i64()),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    };
    match operator {
        "=" => actual == value,
        "!=" => actual != value,
        "<" => order() == Some(Ordering::Less),
        "<=" => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
        ">" => order() == Some(Ordering::Greater),
        ">=" => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
        "in" => value.as_array().is_some_and(|items| items.contains(actual)),
        "starts" => actual.as_str().zip(value.as_str()).is_some_and(|(a, v)| a.starts_with(v)),
        "contains" => actual.as_str().zip(value.as_str()).is_some_and(|(a, v)| a.contains(v)),
        other => panic!("{other}"),
    }
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// All records of a path, page by page.
async fn all(client: &Client, path: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("{path}{cursor}")).await.assert(200);
        rows.extend(page.json["items"].as_array().expect("items").clone());
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

async fn with_pets(count: usize) -> (TestApp, Client) {
    let test = TestApp::start().await;
    test.system("CREATE species:dog SET name = 'Dog'; CREATE species:cat SET name = 'Cat'").await;
    let customer = test.customer().await;
    let names = ["Ada", "Ben", "Cleo", "ada", "x'y\"z", "Änne"];
    let sexes = ["female", "male", "unknown"];
    let operations: Vec<Value> = (0..count)
        .map(|n| {
            let mut body = json!({
                "name": names[n % 6], "species": if n % 3 == 0 { "cat" } else { "dog" },
                "sex": sexes[n % 3], "is_mixed": n % 4 == 0,
            });
            if n % 5 != 0 {
                body["weight_g"] = json!((n % 6) * 100 + 1);
            }
            if n % 7 < 4 {
                body["color"] = json!(names[(n / 2) % 6]);
            }
            if n % 2 == 0 {
                body["microchip"] = json!(format!("27609810000{n:04}"));
            }
            json!({ "method": "POST", "table": "pets", "body": body })
        })
        .collect();
    customer.post("/api/v1/batch", json!({ "operations": operations })).await.assert(200);
    (test, customer)
}

#[test]
fn filters_agree_with_an_in_memory_evaluation() {
    run(async {
        let (_test, customer) = with_pets(60).await;
        let rows = all(&customer, "/api/v1/pets?limit=100").await;
        assert_eq!(rows.len(), 60);
        let mut runner = TestRunner::deterministic();
        for _ in 0..200 {
            let expression = expression().new_tree(&mut runner).expect("a tree").current();
            let text = expression.text();
            let page =
                customer.get(&format!("/api/v1/pets?limit=100&sort=id&count=true&filter={}", encode(&text))).await;
            let found = page.assert(200);
            let mut expected: Vec<&str> =
                rows.iter().filter(|row| expression.holds(row)).filter_map(|row| row["id"].as_str()).collect();
            expected.sort_unstable();
            assert_eq!(found.ids(), expected, "{text}");
            assert_eq!(found.json["total"], expected.len(), "{text}");
        }
    });
}

#[test]
fn both_forms_of_a_filter_are_one() {
    run(async {
        let (_test, customer) = with_pets(60).await;
        for (bracket, text) in [
            ("weight_g[gte]=101&weight_g[lt]=301", "weight_g >= 101 and weight_g < 301"),
            ("name=Ada", "name = 'Ada'"),
            ("name[ne]=Ada&sex[in]=female,male", "name != \"Ada\" and sex in [\"female\",\"male\"]"),
            ("color[null]=true", "color = null"),
            ("color[null]=false&color[starts]=A", "not color = null and color starts 'A'"),
            ("name[contains]=e", "name contains 'e'"),
            ("is_mixed=true&species=dog", "is_mixed = true AND species = 'dog'"),
        ] {
            let one = customer.get(&format!("/api/v1/pets?limit=100&{bracket}")).await.assert(200).ids();
            let other =
                customer.get(&format!("/api/v1/pets?limit=100&filter={}", encode(text))).await.assert(200).ids();
            assert_eq!(one, other, "{bracket}");
            assert!(!one.is_empty() && one.len() < 60, "{bracket} is telling");
        }
    });
}

#[test]
fn bad_filters_are_refused_with_their_place() {
    run(async {
        let (_test, customer) = with_pets(2).await;
        for query in [
            "nope=1",
            "weight_g=heavy",
            "weight_g[like]=3",
            "weight_g[starts]=3",
            "password_hash=x",
            "owner.email=x",
            "name[=x",
            "name[eq=x",
            "name]=x",
            "name[eq]x=x",
            "name[eq][ne]=x",
            "[eq]=x",
            "filter=name",
            "filter=name%20=",
            "filter=(name='a'",
            "filter=name='a",
            "filter=name='a'%20or",
            "filter=weight_g='a'",
            "filter=name={}",
            "sort=nope",
            "sort=name,name",
            "sort=name,-name",
            "sort=name&sort=id",
            "fields=name,color,name",
            "fields=name&fields=color",
            "expand=owner,owner",
            "expand=owner&expand=species",
            "measures=count",
            "group_by=species",
            "sort=",
            "limit=0",
            "limit=101",
            "limit=x",
            "offset=-1",
            "offset=10001",
            "count=yes",
            "fields=nope",
            "q=",
            "cursor=xx",
            "cursor=e30",
            "name=a&limit=1&limit=2",
            "is_mixed=1",
        ] {
            let reply = customer.get(&format!("/api/v1/pets?{query}")).await.assert(400);
            assert!(!reply.json["errors"].as_array().expect("errors").is_empty(), "{query}");
        }
        let id = customer.get("/api/v1/pets").await.assert(200).ids().remove(0);
        for query in ["fields=name,name", "fields=name&fields=name", "expand=owner&expand=owner", "name=Ada"] {
            customer.get(&format!("/api/v1/pets/{id}?{query}")).await.assert_error(400, "invalid_query");
        }
        let deep = format!("{}name='a'{}", "(".repeat(30), ")".repeat(30));
        customer.get(&format!("/api/v1/pets?filter={}", encode(&deep))).await.assert_error(400, "invalid_query");
        let costly = vec!["name='a'"; 120].join(" or ");
        customer.get(&format!("/api/v1/pets?filter={}", encode(&costly))).await.assert_error(422, "query_too_costly");
        let two = customer.get("/api/v1/pets?limit=0&sort=nope").await.assert_error(400, "invalid_query");
        two.assert_fields(&["?limit", "?sort"]);
    });
}

/// Sort keys of the products table, indexed and not, alone and together.
const SORTS: [&str; 12] = [
    "id",
    "-id",
    "name",
    "-name",
    "price.minor",
    "-price.minor",
    "barcode",
    "-barcode",
    "weight_g",
    "category,-price.minor",
    "-status,name",
    "updated_at,sku",
];
/// Conditions over indexed and other fields.
const CONDITIONS: [&str; 9] = [
    "",
    "price.minor[gte]=1000",
    "price.minor[lt]=2500&price.minor[gt]=500",
    "category=dog_food_dry",
    "category[in]=dog_food_dry,dog_food_wet,cat_food_dry",
    "weight_g[lte]=2000",
    "barcode[null]=false",
    "name[gte]=M",
    "status=active&price.minor[lte]=1500",
];

fn key(row: &Value, path: &str) -> Value {
    path.split('.').fold(row.clone(), |value, name| value[name].clone())
}

fn order(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => std::cmp::Ordering::Equal,
        (Value::Null, _) => std::cmp::Ordering::Less,
        (_, Value::Null) => std::cmp::Ordering::Greater,
        (Value::Number(a), Value::Number(b)) => a.as_i64().cmp(&b.as_i64()),
        (a, b) => a.as_str().cmp(&b.as_str()),
    }
}

#[test]
fn every_shape_of_query_gives_the_same_rows_with_and_without_an_index() {
    run(async {
        let test = TestApp::with_demo().await;
        let guest = test.guest();
        let rows = all(&guest, "/api/v1/products?limit=100&sort=id").await;
        assert!(rows.len() > 200);
        for condition in CONDITIONS {
            // Wrapped in a double negation, a condition can use no index.
            let narrowed = all(&guest, &format!("/api/v1/products?limit=100&sort=id&{condition}")).await;
            assert!(!narrowed.is_empty(), "{condition} is telling");
            for sort in SORTS {
                let mut expected = narrowed.clone();
                let keys: Vec<(&str, bool)> =
                    sort.split(',').map(|k| k.strip_prefix('-').map_or((k, false), |k| (k, true))).collect();
                let last_is_descending = keys.last().expect("a key").1;
                expected.sort_by(|a, b| {
                    let by_keys = keys.iter().map(|(path, is_descending)| {
                        let order = order(&key(a, path), &key(b, path));
                        if *is_descending { order.reverse() } else { order }
                    });
                    let by_id = order(&a["id"], &b["id"]);
                    by_keys
                        .chain([if last_is_descending { by_id.reverse() } else { by_id }])
                        .find(|order| order.is_ne())
                        .unwrap_or(std::cmp::Ordering::Equal)
                });
                let found = all(&guest, &format!("/api/v1/products?limit=37&sort={sort}&{condition}")).await;
                let ids =
                    |rows: &[Value]| rows.iter().map(|r| r["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
                assert_eq!(ids(&found), ids(&expected), "sort={sort} {condition}");
            }
        }
    });
}

#[test]
fn conditions_on_indexed_fields_agree_with_their_unindexed_form() {
    run(async {
        let test = TestApp::with_demo().await;
        let readers = [(test.guest(), "/api/v1"), (test.staff(Role::Admin).await, "/api/admin")];
        for text in [
            "price.minor >= 1000",
            "price.minor < 2500 and price.minor > 500",
            "category = 'dog_food_dry'",
            "category in ['dog_food_dry','cat_food_dry']",
            "name >= 'M'",
            "name starts 'E'",
            "barcode != null",
            "category = 'dog_food_dry' and price.minor <= 3000",
        ] {
            for (reader, root) in &readers {
                // `not not` keeps the meaning; the test evaluates the plain form against it through a condition no index serves.
                let plain = all(reader, &format!("{root}/products?limit=100&sort=id&filter={}", encode(text))).await;
                let unindexed = format!("({text}) and not (sku = \"no such sku\")");
                let hidden = format!("not (not ({unindexed}))");
                let same = reader
                    .get(&format!("{root}/products?limit=100&sort=price.minor&count=true&filter={}", encode(text)))
                    .await;
                assert_eq!(same.json["total"], plain.len(), "{text}");
                let other = all(reader, &format!("{root}/products?limit=100&sort=id&filter={}", encode(&hidden))).await;
                assert_eq!(plain, other, "{text}");
                assert!(!plain.is_empty(), "{text} is telling");
            }
        }
    });
}

#[test]
fn full_text_finds_words_and_respects_rights() {
    run(async {
        let test = TestApp::with_demo().await;
        let guest = test.guest();
        let one = guest.get("/api/v1/products?limit=1").await.assert(200);
        let word = one.json["items"][0]["name"].as_str().expect("a name").split(' ').next().expect("a word").to_owned();
        let found =
            guest.get(&format!("/api/v1/products?q={}&limit=100", encode(&word.to_uppercase()))).await.assert(200);
        assert!(found.ids().contains(&one.json["items"][0]["id"].as_str().unwrap().to_owned()));
        for item in found.json["items"].as_array().unwrap() {
            assert_eq!(item["status"], "active", "drafts stay hidden");
        }
        for sort in ["", "&sort=id", "&sort=name"] {
            let pages = all(&guest, &format!("/api/v1/products?limit=2&q=food{sort}")).await;
            let total = guest.get("/api/v1/products?limit=1&q=food&count=true").await.json["total"].clone();
            assert!(pages.len() > 2 && total == pages.len(), "{sort}: {} of {total}", pages.len());
        }
        guest.get("/api/v1/addresses?q=x").await.assert_error(400, "invalid_query");
        assert!(guest.get("/api/v1/products?q=zzzzzz").await.assert(200).ids().is_empty());
    });
}

/// Conditions and orders in the form that the records engine writes them, over indexed fields of products.
const SHAPES: [&str; 8] = [
    "`price`.`minor` >= 1000",
    "`price`.`minor` < 2500 AND `price`.`minor` > 500",
    "`category` = product_categories:dog_food_dry",
    "`category` IN [product_categories:dog_food_dry, product_categories:cat_food_dry]",
    "(`barcode` != NONE AND `barcode` != NULL)",
    "`name` >= 'M'",
    "(`category` = product_categories:dog_food_dry OR `price`.`minor` < 500)",
    "(`price`.`minor` > 1000 OR (`price`.`minor` = 1000 AND `id` > products:u'019b0000-0000-7000-8000-000000000000'))",
];
const ORDERS: [&str; 7] = [
    "`id` ASC",
    "`id` DESC",
    "`name` ASC, `id` ASC",
    "`price`.`minor` DESC, `id` DESC",
    "`barcode` ASC, `id` ASC",
    "`category` ASC, `price`.`minor` DESC, `id` DESC",
    "`status` DESC, `name` ASC, `id` ASC",
];

#[test]
fn each_query_shape_agrees_with_no_index() {
    run(async {
        let test = TestApp::with_demo().await;
        let root = test.app.platform.engine.root();
        for shape in SHAPES {
            for order in ORDERS {
                for limit in [5, 1000] {
                    let rest = format!("WHERE {shape} ORDER BY {order} LIMIT {limit}");
                    let indexed =
                        root.query(&format!("SELECT * FROM products {rest}"), ()).await.expect("rows").rows(0);
                    let plain = format!("SELECT * FROM products WITH NOINDEX {rest}");
                    let unindexed = root.query(&plain, ()).await.expect("rows").rows(0);
                    assert_eq!(indexed, unindexed, "{rest}");
                    assert!(!indexed.is_empty(), "{rest} is telling");
                }
            }
        }
    });
}

#[test]
fn records_are_found_by_their_keys() {
    run(async {
        let (test, customer) = with_pets(3).await;
        let ids = customer.get("/api/v1/pets?sort=id").await.assert(200).ids();
        for (query, expected) in [
            (format!("id={}", ids[1]), vec![ids[1].clone()]),
            (format!("id[in]={},{}&sort=id", ids[0], ids[2]), vec![ids[0].clone(), ids[2].clone()]),
            (format!("id[gt]={}&sort=id", ids[0]), ids[1..].to_vec()),
            (format!("id[ne]={}&sort=id", ids[0]), ids[1..].to_vec()),
            (format!("filter={}", encode(&format!("id = \"{}\" and not (id = null)", ids[2]))), vec![ids[2].clone()]),
        ] {
            assert_eq!(customer.get(&format!("/api/v1/pets?{query}")).await.assert(200).ids(), expected, "{query}");
        }
        assert_eq!(test.guest().get("/api/v1/species?id=dog").await.assert(200).ids(), ["dog"]);
        let counts =
            customer.get(&format!("/api/v1/pets/aggregate?id[gte]={}&measures=count", ids[1])).await.assert(200);
        assert_eq!(counts.json["groups"][0]["count"], 2);
        customer.get("/api/v1/pets?id=dog").await.assert_error(400, "invalid_query").assert_fields(&["?id"]);
    });
}

#[test]
fn a_total_is_the_same_however_it_is_counted() {
    run(async {
        let test = TestApp::start().await;
        // More than are counted by their keys.
        test.system(
            "CREATE species:dog SET name = 'Dog';
            FOR $n IN 0..2300 { CREATE type::record('breeds', string::concat('b', <string> $n)) SET species = species:dog,
                name = string::concat('Breed ', <string> $n), coat = IF $n < 10 THEN 'wire' ELSE 'long' END }",
        )
        .await;
        let guest = test.guest();
        let total =
            async |query: &str| guest.get(&format!("/api/v1/breeds?count=true&limit=3{query}")).await.assert(200).json;
        for (query, wanted) in [
            ("", 2300),
            ("&species=dog&sort=name", 2300),
            ("&species=dog&sort=-name&offset=5", 2300),
            ("&coat=wire&sort=-name", 10),
            ("&coat=wire&species=dog", 10),
            ("&coat=wire&sort=name&offset=9", 10),
            ("&coat=wire&sort=name&offset=50", 10),
            ("&coat=curly&sort=name", 0),
        ] {
            let first = total(query).await;
            assert_eq!(first["total"], wanted, "{query}");
            if let Some(cursor) = first["next_cursor"].as_str().filter(|_| !query.contains("offset")) {
                let second = total(&format!("{query}&cursor={cursor}")).await;
                assert_eq!(second["total"], wanted, "{query}, second page");
                assert_ne!(first["items"], second["items"], "{query}");
            }
        }
    });
}
