//! Kept answers: never older than the last acknowledged write, never another caller's, and 304 for who has it already.

use pawbase::context::{Audience, Caller, Ctx, Reader, Role};
use pawbase::modules::identity::authenticate;
use serde_json::json;

use crate::support::client::Reply;
use crate::support::{Client, TestApp, run};

const WRITES: u64 = 60;

/// The numbers in what `reader` is told by each way of reading the pet.
async fn told(reader: &Client, id: &str) -> Vec<u64> {
    let weight = |value: &serde_json::Value| value["weight_g"].as_u64().expect("a weight");
    let one = reader.get(&format!("/api/v1/pets/{id}")).await.assert(200);
    let list = reader.get("/api/v1/pets?limit=5").await.assert(200);
    let sorted = reader.get("/api/v1/pets?sort=-name&fields=weight_g").await.assert(200);
    let most = reader.get("/api/v1/pets/aggregate?measures=max(weight_g)").await.assert(200);
    vec![
        weight(&one.json),
        weight(&list.json["items"][0]),
        weight(&sorted.json["items"][0]),
        most.json["groups"][0]["max_weight_g"].as_u64().expect("a measure"),
    ]
}

#[test]
fn no_answer_is_older_than_the_last_acknowledged_write() {
    run(async {
        let test = TestApp::start().await;
        test.system("CREATE species:dog SET name = 'Dog'").await;
        let owners = futures::future::join_all((0..3).map(|_| test.customer())).await;
        let tasks = owners.into_iter().map(|owner| async move {
            let body = json!({ "name": "Rex", "species": "dog", "weight_g": 1 });
            let id = owner.post("/api/v1/pets", body).await.assert(201).id();
            let path = format!("/api/v1/pets/{id}");
            for number in 2..WRITES {
                // Readers that begin before the write leave their answers behind.
                let reading = futures::future::join_all((0..3).map(|_| told(&owner, &id)));
                let writing = owner.patch(&path, json!({ "weight_g": number }));
                let (before, written) = tokio::join!(reading, writing);
                written.assert(200);
                for value in before.into_iter().flatten() {
                    assert!(value == number - 1 || value == number, "{value} while writing {number}");
                }
                assert_eq!(told(&owner, &id).await, [number; 4], "after {number} was acknowledged");
            }
            owner.delete(&path).await.assert(204);
            owner.get(&path).await.assert(404);
            assert_eq!(owner.get("/api/v1/pets?limit=5").await.assert(200).json["items"], json!([]));
        });
        futures::future::join_all(tasks).await;
    });
}

#[test]
fn a_write_by_any_way_is_seen_at_once() {
    run(async {
        let test = TestApp::start().await;
        test.system("CREATE species:dog SET name = 'Dog'").await;
        let guest = test.guest();
        let name = || async { guest.get("/api/v1/species/dog").await.assert(200).json["name"].clone() };
        for number in 0..20 {
            test.system(&format!("UPDATE species:dog SET name = 'Dog {number}'")).await;
            assert_eq!(name().await, format!("Dog {number}"), "a write of the system");
        }
        let customer = test.customer().await;
        let me = || async { customer.get(&format!("/api/v1/users/{}", customer.user)).await.assert(200).json };
        for number in 0..5 {
            customer.patch("/api/v1/auth/me", json!({ "bio": format!("{number}") })).await.assert(200);
            assert_eq!(me().await["bio"], format!("{number}"), "a command");
        }
        let operations = json!([{ "method": "PATCH", "table": "users", "id": customer.user, "body": { "bio": "b" } }]);
        customer.post("/api/v1/batch", json!({ "operations": operations })).await.assert(200);
        assert_eq!(me().await["bio"], "b", "a batch");
    });
}

#[test]
fn one_callers_answer_is_not_anothers() {
    run(async {
        let test = TestApp::start().await;
        test.system("CREATE species:dog SET name = 'Dog'").await;
        let (one, two) = (test.customer().await, test.customer().await);
        one.post("/api/v1/pets", json!({ "name": "Rex", "species": "dog" })).await.assert(201);
        for _ in 0..3 {
            let count = |reply: Reply| reply.assert(200).json["items"].as_array().map(Vec::len);
            assert_eq!(count(one.get("/api/v1/pets").await), Some(1));
            assert_eq!(count(two.get("/api/v1/pets").await), Some(0));
            assert_eq!(count(test.guest().get("/api/v1/pets").await), Some(0));
            assert_eq!(count(two.get("/api/v1/species").await), Some(1));
        }
        let path = format!("/api/v1/users/{}", one.user);
        assert_eq!(one.get(&path).await.assert(200).json["email"].as_str().map(str::is_empty), Some(false));
        let others = two.get(&path).await;
        assert!(others.json.get("email").is_none(), "{}", others.text);
    });
}

#[test]
fn who_has_the_answer_gets_304_until_it_changes() {
    run(async {
        let test = TestApp::start().await;
        test.system("CREATE species:dog SET name = 'Dog'; CREATE species:cat SET name = 'Cat'").await;
        for path in ["/api/v1/species", "/api/v1/species/dog", "/api/v1/species/aggregate"] {
            let etag = test.guest().get(path).await.assert(200).header("etag").to_owned();
            let knowing = test.guest().with("if-none-match", &etag);
            let same = knowing.get(path).await.assert(304);
            assert_eq!((same.header("etag"), &*same.text), (&*etag, ""));
            test.system("UPDATE species:cat SET name = rand::string(8)").await;
            let is_same = path.ends_with("dog") || path.ends_with("aggregate");
            knowing.get(path).await.assert(if is_same { 304 } else { 200 });
        }
    });
}

#[test]
fn nothing_in_the_embedded_tables_forbids_to_keep_answers() {
    run(async {
        let test = TestApp::start().await;
        let tables = test.app.platform.schema.tables.values();
        let others: Vec<_> = tables.filter(|table| !table.is_timeless()).map(|table| &table.name).collect();
        assert!(others.is_empty(), "{others:?}");
    });
}

#[test]
fn callers_share_answers_only_while_permissions_learn_the_same_of_them() {
    run(async {
        let test = TestApp::start().await;
        test.system("CREATE product_categories:food SET name = 'Food'").await;
        let (ours, theirs) = (test.business().await, test.business().await);
        let [member, colleague, stranger] = [
            test.member(&ours, "stock_keeper").await,
            test.member(&ours, "groomer").await,
            test.member(&theirs, "owner").await,
        ];
        let draft = json!({ "business": ours, "category": "food", "name": "Kibble", "sku": "K1", "cost": price(100), "price": price(200) });
        let id = member.post("/api/v1/products", draft).await.assert(201).id();
        let path = format!("/api/v1/products/{id}");
        let list = "/api/v1/products?category=food&sort=-price.minor&count=true";
        let sees = async |reader: &Client| {
            let total = reader.get(list).await.assert(200).json["total"].clone();
            (reader.get(&path).await.status.as_u16(), total.as_i64().expect("a total"))
        };
        let (one, other) = (test.customer().await, test.customer().await);
        // Twice: the second time from what the first ones left behind.
        for _ in 0..2 {
            for reader in [&one, &other, &stranger, &test.guest()] {
                assert_eq!(sees(reader).await, (404, 0));
            }
            for reader in [&member, &colleague] {
                assert_eq!(sees(reader).await, (200, 1));
                assert_eq!(reader.get(&path).await.assert(200).json["cost"]["minor"], 100);
            }
        }
        // Who joins sees what members see, who leaves does not, with no product written in between.
        let admin = test.staff(Role::Admin).await;
        let body = json!({ "user": one.user, "business": ours, "role": "groomer" });
        let membership = admin.post("/api/admin/memberships", body).await.assert(201).id();
        assert_eq!((sees(&one).await, sees(&other).await), ((200, 1), (404, 0)));
        admin.delete(&format!("/api/admin/memberships/{membership}")).await.assert(204);
        assert_eq!((sees(&one).await, sees(&colleague).await), ((404, 0), (200, 1)));
    });
}

#[test]
fn who_reads_alike_is_one_reader() {
    run(async {
        let test = TestApp::start().await;
        let business = test.business().await;
        let platform = &test.app.platform;
        let reader = async |client: &Client, table: &str| {
            let token = client.token().expect("signed in");
            let caller =
                authenticate(&test.app.identity, platform, Audience::Public, token).await.expect("a principal");
            let ctx = Ctx {
                caller: Caller::Signed(caller),
                audience: Audience::Public,
                ..Ctx::internal(platform.clone(), "test")
            };
            Reader::of(&ctx, &platform.schema.tables[table].asks_readers())
        };
        let (one, two) = (test.customer().await, test.customer().await);
        let (member, colleague) = (test.member(&business, "owner").await, test.member(&business, "groomer").await);
        assert_eq!(reader(&one, "products").await, reader(&two, "products").await);
        assert_eq!(reader(&member, "products").await, reader(&colleague, "products").await);
        assert_ne!(reader(&one, "products").await, reader(&member, "products").await);
        // Pets are their owner's.
        assert_ne!(reader(&one, "pets").await, reader(&two, "pets").await);
    });
}

fn price(minor: i64) -> serde_json::Value {
    json!({ "minor": minor, "currency": "EUR" })
}
