//! Writes and links about what one cannot see: the same answer as for what is not there.

use serde_json::{Value, json};

use crate::support::{Client, TestApp, run};

/// A key that no record has.
const NOWHERE: &str = "01900000-0000-7000-8000-0000000000ff";

/// Two answers that must not tell the two keys apart.
fn assert_same(mut hidden: Value, mut absent: Value, key: &str) {
    for json in [&mut hidden, &mut absent] {
        json.as_object_mut().expect("an object").remove("request_id");
    }
    assert_eq!(hidden.to_string().replace(key, NOWHERE), absent.to_string());
}

async fn with_species() -> (TestApp, Client, Client) {
    let test = TestApp::start().await;
    test.system("CREATE species:dog SET name = 'Dog'; CREATE product_categories:food SET name = 'Food'").await;
    let (owner, stranger) = (test.customer().await, test.customer().await);
    (test, owner, stranger)
}

async fn pet(owner: &Client) -> String {
    let body = json!({ "name": "Rex", "species": "dog", "microchip": "276098100000001" });
    owner.post("/api/v1/pets", body).await.assert(201).id()
}

#[test]
fn writes_to_hidden_records_are_404_as_for_absent_ones() {
    run(async {
        let (test, owner, stranger) = with_species().await;
        let id = pet(&owner).await;
        let etag = owner.get(&format!("/api/v1/pets/{id}")).await.header("etag").to_owned();
        // Who could never write it is told to sign in, whatever there is.
        for place in [&*id, NOWHERE] {
            let path = format!("/api/v1/pets/{place}");
            test.guest().patch(&path, json!({ "name": "Mine" })).await.assert_error(401, "unauthenticated");
            test.guest().delete(&path).await.assert_error(401, "unauthenticated");
        }
        for caller in [stranger.clone(), stranger.with("if-match", &etag), stranger.with("if-match", "\"x\"")] {
            for body in [json!({ "name": "Mine" }), json!({ "wings": 2 }), json!({}), json!([])] {
                let hidden =
                    caller.patch(&format!("/api/v1/pets/{id}"), body.clone()).await.assert_error(404, "not_found");
                let absent = caller.patch(&format!("/api/v1/pets/{NOWHERE}"), body).await.assert(404);
                assert_same(hidden.json, absent.json, &id);
            }
            let hidden = caller.delete(&format!("/api/v1/pets/{id}")).await.assert_error(404, "not_found");
            let absent = caller.delete(&format!("/api/v1/pets/{NOWHERE}")).await.assert(404);
            assert_same(hidden.json, absent.json, &id);
        }
        owner.get(&format!("/api/v1/pets/{id}")).await.assert(200);
    });
}

#[test]
fn a_batch_points_to_hidden_records_as_to_absent_ones() {
    run(async {
        let (_test, owner, stranger) = with_species().await;
        let id = pet(&owner).await;
        let batch = |second: Value| {
            let first = json!({ "method": "POST", "table": "pets", "body": { "name": "Ada", "species": "dog" } });
            json!({ "operations": [first, second] })
        };
        let patch =
            |id: &str| batch(json!({ "method": "PATCH", "table": "pets", "id": id, "body": { "name": "Mine" } }));
        let delete = |id: &str| batch(json!({ "method": "DELETE", "table": "pets", "id": id }));
        for (hidden, absent) in [(patch(&id), patch(NOWHERE)), (delete(&id), delete(NOWHERE))] {
            let hidden = stranger.post("/api/v1/batch", hidden).await.assert_error(404, "not_found");
            let hidden = hidden.assert_fields(&["/operations/1"]);
            let absent = stranger.post("/api/v1/batch", absent).await.assert(404);
            assert_same(hidden.json, absent.json, &id);
        }
        assert!(stranger.get("/api/v1/pets").await.assert(200).ids().is_empty(), "all or nothing");
        assert_eq!(owner.get(&format!("/api/v1/pets/{id}")).await.assert(200).json["name"], "Rex");
    });
}

#[test]
fn a_link_to_a_hidden_record_is_as_one_to_nothing() {
    run(async {
        let (test, owner, stranger) = with_species().await;
        let business = test.business().await;
        let manager = test.member(&business, "manager").await;
        let moderator =
            owner.post("/api/v1/posts", json!({ "title": "A post", "content": "Words" })).await.assert(201).id();
        test.system(&format!("UPDATE posts:u'{moderator}' SET status = 'hidden'")).await;
        let product = json!({
            "business": business, "category": "food", "name": "Draft", "sku": "D-1", "price": { "minor": 1, "currency": "EUR" },
        });
        let product = manager.post("/api/v1/products", product).await.assert(201).id();
        owner.patch(&format!("/api/v1/users/{}", owner.user), json!({ "public_profile": false })).await.assert(200);
        let comment: fn(&str) -> Value = |id| json!({ "post": id, "content": "Words" });
        let favorite: fn(&str) -> Value = |id| json!({ "target": { "table": "products", "id": id } });
        let pet: fn(&str) -> Value = |id| json!({ "name": "Rex", "species": "dog", "owner": id });
        type Body = fn(&str) -> Value;
        let cases: [(&str, &str, Body, &str); 3] = [
            ("comments", &moderator, comment, "/post"),
            ("favorites", &product, favorite, "/target"),
            ("pets", &owner.user, pet, "/owner"),
        ];
        for (table, id, body, pointer) in cases {
            let path = format!("/api/v1/{table}");
            let hidden = stranger.post(&path, body(id)).await.assert_error(422, "validation_failed");
            let hidden = hidden.assert_fields(&[pointer]);
            assert_eq!(hidden.json["errors"][0]["code"], "reference");
            let absent = stranger.post(&path, body(NOWHERE)).await.assert(422);
            assert_same(hidden.json, absent.json, id);
        }
        let own = stranger.post("/api/v1/pets", json!({ "name": "Rex", "species": "dog" })).await.assert(201).id();
        let path = format!("/api/v1/pets/{own}");
        let hidden = stranger.patch(&path, json!({ "owner": owner.user })).await.assert(422).assert_fields(&["/owner"]);
        let absent = stranger.patch(&path, json!({ "owner": NOWHERE })).await.assert(422);
        assert_same(hidden.json, absent.json, &owner.user);
    });
}

#[test]
fn a_link_that_became_hidden_does_not_expand() {
    run(async {
        let (test, _, stranger) = with_species().await;
        let business = test.business().await;
        let manager = test.member(&business, "manager").await;
        let body = json!({
            "business": business, "category": "food", "name": "Secretive", "sku": "D-1", "status": "active",
            "cost": { "minor": 31_337, "currency": "EUR" }, "price": { "minor": 1, "currency": "EUR" },
        });
        let product = manager.post("/api/v1/products", body).await.assert(201).id();
        let favorite = json!({ "target": { "table": "products", "id": product } });
        stranger.post("/api/v1/favorites", favorite).await.assert(201);
        let seen = stranger.get("/api/v1/favorites?expand=target,target.business").await.assert(200);
        assert_eq!(seen.json["items"][0]["expand"]["target"]["name"], "Secretive");
        for hidden in ["31337", "DE123", "tax_id", "cost"] {
            assert!(!seen.text.contains(hidden), "{hidden} in {}", seen.text);
        }
        manager.patch(&format!("/api/v1/products/{product}"), json!({ "status": "draft" })).await.assert(200);
        let seen = stranger.get("/api/v1/favorites?expand=target,target.business").await.assert(200);
        assert!(!seen.text.contains("Secretive"), "{}", seen.text);
        let one = format!("/api/v1/favorites/{}?expand=target", seen.ids()[0]);
        assert!(!stranger.get(&one).await.assert(200).text.contains("Secretive"));
    });
}

#[test]
fn a_clash_of_unique_values_tells_nothing_more() {
    run(async {
        let (_test, owner, stranger) = with_species().await;
        let id = pet(&owner).await;
        let body = json!({ "name": "Max", "species": "dog", "microchip": "276098100000001" });
        let reply = stranger
            .post("/api/v1/pets", body)
            .await
            .assert_error(409, "already_exists")
            .assert_fields(&["/microchip"]);
        for hidden in ["276098100000001", &id, &owner.user, "Rex", "pets_microchip"] {
            assert!(!reply.text.contains(hidden), "{hidden} in {}", reply.text);
        }
        let own = stranger.post("/api/v1/pets", json!({ "name": "Max", "species": "dog" })).await.assert(201).id();
        let chip = json!({ "microchip": "276098100000001" });
        let reply = stranger.patch(&format!("/api/v1/pets/{own}"), chip).await.assert_error(409, "already_exists");
        assert!(!reply.text.contains("276098100000001") && !reply.text.contains(&id), "{}", reply.text);
    });
}

#[test]
fn refusals_do_not_repeat_what_is_stored() {
    run(async {
        let (test, owner, stranger) = with_species().await;
        let path = format!("/api/v1/users/{}", owner.user);
        owner.patch(&path, json!({ "phone": "+49301234567" })).await.assert(200);
        for caller in [&stranger, &test.guest()] {
            for body in [json!({ "name": "Mine" }), json!({ "phone": "+49301234567" }), json!({ "phone": null })] {
                let reply = caller.patch(&path, body).await;
                assert!([401, 403].contains(&reply.status.as_u16()), "{}", reply.text);
                assert!(!reply.text.contains("1234567") && !reply.text.contains("test.example"), "{}", reply.text);
            }
        }
        assert_eq!(owner.get(&path).await.assert(200).json["phone"], "+49301234567");
    });
}
