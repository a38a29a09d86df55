//! Bringing deleted records back.

use pawbase::context::Role;
use serde_json::{Value, json};

use crate::support::{TestApp, run};

#[test]
fn a_deleted_record_comes_back_as_it_was() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let (business, path) = (test.business().await, "/api/admin/products");
        admin.post("/api/admin/product_categories", json!({ "id": "toys", "name": "Toys" })).await.assert(201);
        let body = json!({ "business": business, "category": "toys", "name": "Ball", "sku": "B-1", "tags": ["round"],
            "price": { "minor": 500, "currency": "EUR" }, "cost": { "minor": 200, "currency": "EUR" } });
        let made = admin.post(path, body).await.assert(201);
        let record = format!("{path}/{}", made.id());
        test.clock.advance(chrono::Duration::minutes(10));
        admin.delete(&record).await.assert(204);
        admin.get(&record).await.assert(404);
        let back = admin.post(&format!("{record}/restore"), Value::Null).await.assert(201);
        assert_eq!(back.header("location"), record);
        let without = |json: &Value| {
            let mut json = json.clone();
            json.as_object_mut().expect("an object").remove("updated_at");
            json
        };
        assert_eq!(without(&back.json), without(&made.json), "with its key and the time when it was made");
        assert_eq!(admin.get(&record).await.assert(200).json, back.json);
        let rows = admin.get("/api/admin/audit?action=record.restored").await.assert(200).json;
        assert_eq!(rows["items"][0]["target"], json!({ "table": "products", "id": made.id() }));
        admin.post(&format!("{record}/restore"), Value::Null).await.assert_error(409, "already_exists");
    });
}

#[test]
fn the_last_deletion_counts() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        for name in ["First", "Second"] {
            admin.post("/api/admin/species", json!({ "id": "dog", "name": name })).await.assert(201);
            admin.delete("/api/admin/species/dog").await.assert(204);
        }
        let back = admin.post("/api/admin/species/dog/restore", Value::Null).await.assert(201);
        assert_eq!(back.json["name"], "Second");
    });
}

#[test]
fn what_cannot_come_back_says_why() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let customer = test.customer().await;
        for species in ["dog", "cat"] {
            admin.post("/api/admin/species", json!({ "id": species, "name": species })).await.assert(201);
        }
        admin.post("/api/admin/species/fox/restore", Value::Null).await.assert_error(404, "not_found");
        admin.post("/api/admin/nothing/fox/restore", Value::Null).await.assert(404);
        let users = format!("/api/admin/users/{}/restore", customer.user);
        admin.post(&users, Value::Null).await.assert(404);
        // Something it links to is gone.
        let pet = json!({ "owner": customer.user, "name": "Rex", "species": "dog", "microchip": "276098102345678" });
        let pet = admin.post("/api/admin/pets", pet).await.assert(201).id();
        admin.delete(&format!("/api/admin/pets/{pet}")).await.assert(204);
        admin.delete("/api/admin/species/dog").await.assert(204);
        let restore = format!("/api/admin/pets/{pet}/restore");
        admin.post(&restore, Value::Null).await.assert_error(422, "validation_failed").assert_fields(&["/species"]);
        // A unique value is taken.
        admin.post("/api/admin/species/dog/restore", Value::Null).await.assert(201);
        let other = json!({ "owner": customer.user, "name": "Max", "species": "dog", "microchip": "276098102345678" });
        admin.post("/api/admin/pets", other).await.assert(201);
        admin.post(&restore, Value::Null).await.assert_error(409, "already_exists").assert_fields(&["/microchip"]);
        // Others went with it.
        let business = test.business().await;
        test.member(&business, "manager").await;
        admin.delete(&format!("/api/admin/businesses/{business}")).await.assert(204);
        let reply = admin.post(&format!("/api/admin/businesses/{business}/restore"), Value::Null).await;
        let words = reply.assert_error(422, "rule_violated").json["detail"].to_string();
        assert!(words.contains("1 other record"), "{words}");
    });
}

#[test]
fn only_who_may_write_brings_back() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let customer = test.customer().await;
        let body = json!({ "author": customer.user, "title": "Hello", "content": "World" });
        let post = admin.post("/api/admin/posts", body).await.assert(201).id();
        admin.delete(&format!("/api/admin/posts/{post}")).await.assert(204);
        let path = format!("/api/admin/posts/{post}/restore");
        test.staff(Role::Support).await.post(&path, Value::Null).await.assert_error(403, "forbidden");
        test.admin_guest().post(&path, Value::Null).await.assert(401);
        customer.at(&test.admin_guest()).post(&path, Value::Null).await.assert(401);
        customer.post(&format!("/api/v1/posts/{post}/restore"), Value::Null).await.assert(404);
        admin.get(&format!("/api/admin/posts/{post}")).await.assert(404);
        test.staff(Role::SuperAdmin).await.post(&path, Value::Null).await.assert(201);
    });
}

#[test]
fn a_membership_that_comes_back_counts_at_once() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let business = test.business().await;
        let owner = test.member(&business, "owner").await;
        let path = format!("/api/v1/businesses/{business}");
        let membership =
            admin.get(&format!("/api/admin/memberships?user={}", owner.user)).await.assert(200).ids().remove(0);
        owner.patch(&path, json!({ "city": "Bonn" })).await.assert(200);
        admin.delete(&format!("/api/admin/memberships/{membership}")).await.assert(204);
        owner.patch(&path, json!({ "city": "Ulm" })).await.assert(403);
        admin.post(&format!("/api/admin/memberships/{membership}/restore"), Value::Null).await.assert(201);
        owner.patch(&path, json!({ "city": "Ulm" })).await.assert(200);
    });
}
