//! Cursors: under any mix of inserts and deletes no row comes twice, and none is missed that was there throughout.

use std::collections::{BTreeSet, HashSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::support::{Client, TestApp, run};

#[derive(Debug, Clone)]
enum Change {
    Insert(i64),
    Delete(usize),
}

async fn insert(customer: &Client, weight: i64) -> String {
    let mut body = json!({ "name": format!("Pet {}", weight % 3), "species": "dog" });
    // A third has no weight: absent values have a place in the order too.
    if weight % 3 != 0 {
        body["weight_g"] = json!(weight);
    }
    customer.post("/api/v1/pets", body).await.assert(201).id()
}

#[test]
fn pages_stay_correct_while_rows_come_and_go() {
    run(async {
        let test = TestApp::start().await;
        test.system("CREATE species:dog SET name = 'Dog'").await;
        let mut runner = TestRunner::deterministic();
        let change = prop_oneof![(1i64..8).prop_map(Change::Insert), (0usize..100).prop_map(Change::Delete)];
        let plans =
            (prop::collection::vec(1i64..8, 5..25), prop::collection::vec(prop::collection::vec(change, 0..4), 12));
        for round in 0..24 {
            let customer = test.customer().await;
            let (start, changes) = plans.new_tree(&mut runner).expect("a plan").current();
            let mut alive = Vec::new();
            for weight in start {
                alive.push(insert(&customer, weight).await);
            }
            let sort = ["id", "-id", "weight_g", "-weight_g", "name,-weight_g", "-name"][round % 6];
            let mut throughout: BTreeSet<String> = alive.iter().cloned().collect();
            let mut seen = HashSet::new();
            let mut cursor = String::new();
            let mut changes = changes.into_iter();
            loop {
                let page = customer.get(&format!("/api/v1/pets?limit=3&sort={sort}{cursor}")).await.assert(200);
                for id in page.ids() {
                    assert!(seen.insert(id.clone()), "sort={sort}: {id} came twice");
                }
                let Some(next) = page.json["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
                for change in changes.next().unwrap_or_default() {
                    match change {
                        Change::Insert(weight) => alive.push(insert(&customer, weight).await),
                        Change::Delete(at) if !alive.is_empty() => {
                            let id = alive.remove(at % alive.len());
                            customer.delete(&format!("/api/v1/pets/{id}")).await.assert(204);
                            throughout.remove(&id);
                        }
                        Change::Delete(_) => {}
                    }
                }
            }
            let missed: Vec<_> = throughout.iter().filter(|id| !seen.contains(*id)).collect();
            assert!(missed.is_empty(), "sort={sort}: missed {missed:?}");
        }
    });
}

#[test]
fn a_cursor_is_for_its_own_list() {
    run(async {
        let test = TestApp::start().await;
        test.system("CREATE species:dog SET name = 'Dog'").await;
        let customer = test.customer().await;
        for weight in 1..6 {
            insert(&customer, weight).await;
        }
        let page = customer.get("/api/v1/pets?limit=2&sort=name").await.assert(200);
        let cursor = page.json["next_cursor"].as_str().expect("more").to_owned();
        for query in ["sort=-name", "sort=id", "sort=name&name=Pet%201"] {
            customer
                .get(&format!("/api/v1/pets?limit=2&{query}&cursor={cursor}"))
                .await
                .assert_error(400, "invalid_cursor");
        }
        customer
            .get(&format!("/api/v1/pets?sort=name&offset=1&cursor={cursor}"))
            .await
            .assert_error(400, "invalid_query");
        let rest = customer.get(&format!("/api/v1/pets?limit=50&sort=name&cursor={cursor}")).await.assert(200);
        assert_eq!(rest.ids().len(), 3, "another limit goes on with the same cursor");
        let by_offset = customer.get("/api/v1/pets?limit=50&sort=name&offset=2").await.assert(200);
        assert_eq!(rest.ids(), by_offset.ids());
    });
}

/// Keys of posts: a burst within a millisecond, then ever longer gaps, another burst, and keys that are no times at all.
fn keys_with_bursts_and_gaps() -> Vec<uuid::Uuid> {
    let key = |ms: u128, rest: u128| uuid::Uuid::from_u128((ms << 80) | (7 << 76) | (2 << 62) | rest);
    let start = 1_700_000_000_000_u128;
    let burst = (0..300).map(|rest| key(start, rest * 977));
    let gaps = (0..36).map(|exponent| key(start + (1 << exponent), 5));
    let second = (0..200).map(|rest| key(start + (1 << 36), rest));
    let others =
        (1..40).map(|at: u128| uuid::Uuid::from_u128(at.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)));
    burst.chain(gaps).chain(second).chain(others).collect()
}

#[test]
fn pages_in_the_order_of_keys_are_whole_whatever_the_keys_are() {
    run(async {
        let test = TestApp::start().await;
        let author = test.customer().await;
        let me = author.get("/api/v1/auth/me").await.assert(200).id();
        let keys = keys_with_bursts_and_gaps();
        for (at, key) in keys.iter().enumerate() {
            // One in 50 is a tip and from Graz, one in 7 is not published and seen by nobody but its author.
            let (kind, city) = if at.is_multiple_of(50) { ("tip", "Graz") } else { ("question", "Linz") };
            let status = if at % 7 == 3 { "hidden" } else { "published" };
            test.system(&format!(
                "CREATE posts:u'{key}' SET author = users:u'{me}', kind = '{kind}', title = 'Title', content = 'Text', city = '{city}', status = '{status}'"
            ))
            .await;
        }
        let guest = test.guest();
        for (sort, condition) in [
            ("id", ""),
            ("-id", ""),
            ("id", "&kind=tip"),
            ("-id", "&kind=tip"),
            ("-id", "&city=Graz"),
            ("id", "&city=Graz"),
            ("-id", "&city=Linz"),
        ] {
            let seen_by = |at: &usize| {
                let is_tip = at.is_multiple_of(50);
                at % 7 != 3 && (condition.is_empty() || is_tip == (condition != "&city=Linz"))
            };
            let mut wanted: Vec<String> = (0..keys.len()).filter(seen_by).map(|at| keys[at].to_string()).collect();
            wanted.sort_unstable();
            if sort == "-id" {
                wanted.reverse();
            }
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let path = format!("/api/v1/posts?limit=7&fields=id&sort={sort}{condition}{cursor}");
                let page = guest.get(&path).await.assert(200);
                found.extend(page.ids());
                let Some(next) = page.json["next_cursor"].as_str() else { break };
                cursor = format!("&cursor={next}");
            }
            assert_eq!(found, wanted, "sort={sort}{condition}");
        }
    });
}
