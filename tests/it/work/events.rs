//! What is told, by commands and by records, and that it is told exactly when it has happened.

use pawbase::context::Role;
use pawbase::kernel::Error;
use pawbase::work::Registry;
use pawbase_engine::RecordId;
use serde_json::{Value, json};

use super::stage::{self, in_transaction, tell_in};
use crate::shop_tables::with_shop;
use crate::support::people::PASSWORD;
use crate::support::{Client, TestApp, run};

/// The last event, as an administrator sees it.
async fn last_event(admin: &Client) -> Value {
    admin.get("/api/admin/events?sort=-id&limit=1").await.assert(200).json["items"][0].clone()
}

#[test]
fn identity_tells_what_happens_to_accounts() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::SuperAdmin).await;
        test.assert_events(&["user.registered", "user.logged_in"]).await;
        let customer = test.customer().await;
        test.assert_events(&["user.registered"]).await;
        let event = last_event(&admin).await;
        assert_eq!(event["about"], json!({ "table": "users", "id": customer.user }));
        assert_eq!((&event["actor"], &event["version"]), (&json!(customer.user), &json!(1)));
        assert_eq!(
            (&event["payload"]["name"], &event["at"]),
            (&json!("Test Customer"), &json!("2026-05-04T10:00:00Z"))
        );
        let body = json!({ "current_password": PASSWORD, "new_password": "another fine password" });
        customer.post("/api/v1/auth/password", body).await.assert(204);
        let path = |what: &str| format!("/api/admin/users/{}/{what}", customer.user);
        let roles = json!({ "roles": ["customer", "courier"] });
        admin.send(reqwest::Method::PUT, &path("roles"), Some(roles)).await.assert(200);
        admin.post(&path("suspend"), json!({ "reason": "Because." })).await.assert(200);
        test.assert_events(&["user.password_changed", "user.role_changed", "user.suspended"]).await;
        let event = last_event(&admin).await;
        assert_eq!((&event["payload"], &event["actor"]), (&json!({ "reason": "Because." }), &json!(admin.user)));
        let login = json!({ "email": "nobody@test.example", "password": PASSWORD });
        test.guest().post("/api/v1/auth/login", login).await.assert(401);
        test.assert_events(&[]).await;
    });
}

#[test]
fn records_tell_of_changes_with_what_staff_see() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let business = test.business().await;
        let member = test.member(&business, "owner").await;
        admin.post("/api/admin/product_categories", json!({ "id": "food", "name": "Food" })).await.assert(201);
        test.settle().await;
        let from = test.texts("SELECT VALUE name FROM events").await.len();
        let body = json!({
            "business": business, "category": "food", "name": "Hay", "sku": "HAY", "price": { "minor": 500, "currency": "EUR" },
            "cost": { "minor": 200, "currency": "EUR" }, "status": "active",
        });
        let id = member.post("/api/v1/products", body).await.assert(201).id();
        let path = format!("/api/v1/products/{id}");
        member.patch(&path, json!({ "name": "Best hay" })).await.assert(200);
        test.settle().await;
        let event = last_event(&admin).await;
        assert_eq!((&event["name"], &event["actor"]), (&json!("products.updated"), &json!(member.user)));
        assert_eq!((&event["payload"]["id"], &event["payload"]["changed"]), (&json!(id), &json!(["name"])));
        let record = admin.get(&format!("/api/admin/products/{id}")).await.assert(200).json;
        assert_eq!(event["payload"]["record"], record);
        assert_eq!(record["cost"]["minor"], 200, "what the public does not see");
        member.patch(&path, json!({})).await.assert(200);
        member.patch(&path, json!({ "price": { "minor": -1, "currency": "EUR" } })).await.assert(422);
        test.guest().patch(&path, json!({ "name": "x" })).await.assert(401);
        member.delete(&path).await.assert(204);
        test.settle().await;
        let told = test.texts("SELECT VALUE name FROM events ORDER BY id").await;
        assert_eq!(told[from..], ["products.created", "products.updated", "products.deleted"]);
        assert_eq!(last_event(&admin).await["payload"]["record"]["name"], "Best hay");
    });
}

/// Crates whose secret is seen while they are open; in the first table a stamp that is always there is seen with it.
const CRATES: &str = "
DEFINE TABLE crates TYPE NORMAL SCHEMAFULL COMMENT 'Crates. @events' PERMISSIONS FOR select, create, update, delete FULL;
DEFINE FIELD id ON crates TYPE string;
DEFINE FIELD label ON crates TYPE string;
DEFINE FIELD stamp ON crates TYPE string DEFAULT 'stamped' PERMISSIONS FOR select WHERE label = 'open' FOR create, update FULL;
DEFINE FIELD secret ON crates TYPE option<string> PERMISSIONS FOR select WHERE label = 'open' FOR create, update FULL;
DEFINE TABLE boxes TYPE NORMAL SCHEMAFULL COMMENT 'Boxes. @events' PERMISSIONS FOR select, create, update, delete FULL;
DEFINE FIELD id ON boxes TYPE string;
DEFINE FIELD label ON boxes TYPE string;
DEFINE FIELD secret ON boxes TYPE option<string> PERMISSIONS FOR select WHERE label = 'open' FOR create, update FULL;
";

#[test]
fn what_the_caller_does_not_see_is_told_all_the_same() {
    run(async {
        let test = with_shop(CRATES).await;
        let customer = test.customer().await;
        let mut told = Vec::new();
        for (table, label) in [("crates", "open"), ("crates", "shut"), ("boxes", "open"), ("boxes", "shut")] {
            let path = format!("/api/v1/{table}/{label}");
            let body = json!({ "id": label, "label": label, "secret": "gold" });
            let made = customer.post(&format!("/api/v1/{table}"), body).await.assert(201).json;
            assert_eq!(made["secret"].is_null(), label == "shut", "{table} {label}");
            customer.patch(&path, json!({ "secret": "silver" })).await.assert(200);
            customer.delete(&path).await.assert(204);
            customer.delete(&path).await.assert(404);
            let steps = [("created", "gold"), ("updated", "silver"), ("deleted", "silver")];
            told.extend(steps.map(|(what, secret)| format!("{table}.{what} {label} {secret}")));
        }
        test.settle().await;
        let text = "SELECT VALUE name + ' ' + payload.record.label + ' ' + payload.record.secret FROM events
            WHERE name = /^(crates|boxes)/ ORDER BY id";
        assert_eq!(test.texts(text).await, told);
    });
}

#[test]
fn a_batch_that_fails_tells_nothing_and_one_that_works_tells_all() {
    run(async {
        let test = TestApp::start().await;
        test.staff(Role::Admin)
            .await
            .post("/api/admin/species", json!({ "id": "dog", "name": "Dog" }))
            .await
            .assert(201);
        let customer = test.customer().await;
        test.settle().await;
        let pet = |name: &str| json!({ "method": "POST", "table": "pets", "body": { "name": name, "species": "dog" } });
        let batch = |names: [&str; 2]| json!({ "operations": names.map(pet) });
        customer.post("/api/v1/batch", batch(["Rex", ""])).await.assert(422);
        customer.post("/api/v1/batch", batch(["Rex", "Bello"])).await.assert(200);
        let key = customer.with("idempotency-key", "once");
        for _ in 0..2 {
            key.post("/api/v1/pets", json!({ "name": "Once", "species": "dog" })).await.assert(201);
        }
        test.settle().await;
        let text = "SELECT VALUE payload.record.name FROM events WHERE name = 'pets.created' ORDER BY id";
        assert_eq!(test.texts(text).await, ["Rex", "Bello", "Once"]);
    });
}

#[test]
fn what_is_rolled_back_is_not_told() {
    run(async {
        let test = stage::with(Registry::new().on("*", "test.write", stage::write)).await;
        let ctx = pawbase::context::Ctx::internal(test.app.platform.clone(), "test");
        let outcome = in_transaction(&test, move |tx| {
            let ctx = ctx.clone();
            Box::pin(async move {
                tell_in(tx, &ctx, RecordId::new("things", "a"), json!({ "word": "never" })).await?;
                Err::<(), _>(Error::forbidden())
            })
        });
        assert!(outcome.await.is_err());
        assert_eq!(test.settle().await, pawbase::work::Settled::default());
        stage::tell(&test, "a", json!({ "word": "told" })).await;
        assert_eq!(test.settle().await.done, 1);
        assert_eq!(stage::words(&test).await, ["told"]);
    });
}

#[test]
fn callers_see_neither_events_nor_jobs() {
    run(async {
        let test = TestApp::start().await;
        let customer = test.customer().await;
        test.settle().await;
        for table in ["events", "jobs", "schedules", "outbox", "job_queue", "lanes"] {
            customer.get(&format!("/api/v1/{table}")).await.assert(404);
            customer.post(&format!("/api/v1/{table}"), json!({})).await.assert(404);
        }
    });
}
