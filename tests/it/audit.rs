//! The audit trail: what is kept of writes through the admin listener and of people's sign-ins, and that nobody changes it.

use pawbase::context::Role;
use pawbase_engine::Vars;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::people::PASSWORD;
use crate::support::{Client, TestApp, run};

/// Rows of the trail with this action, oldest first.
async fn rows(reader: &Client, action: &str) -> Vec<Value> {
    let page = reader.get(&format!("/api/admin/audit?action={action}&sort=id&limit=100")).await.assert(200);
    page.json["items"].as_array().expect("items").clone()
}

/// The one row with this action about `id`.
async fn row_about(reader: &Client, action: &str, id: &str) -> Value {
    let mut found: Vec<Value> =
        rows(reader, action).await.into_iter().filter(|row| row["target"]["id"] == id).collect();
    assert_eq!(found.len(), 1, "{action} of {id}: {found:?}");
    found.remove(0)
}

#[test]
fn each_write_of_staff_is_kept_with_before_and_after() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        admin.post("/api/admin/species", json!({ "id": "dog", "name": "Dog" })).await.assert(201);
        let asked = admin.with("x-request-id", "the-change");
        asked.patch("/api/admin/species/dog", json!({ "name": "Hound" })).await.assert(200);
        admin.delete("/api/admin/species/dog").await.assert(204);
        let made = row_about(&admin, "record.created", "dog").await;
        assert_eq!(made["after"], json!({ "name": "Dog", "position": 0 }));
        assert!(made["before"].is_null() && made["target"] == json!({ "table": "species", "id": "dog" }), "{made}");
        let changed = row_about(&admin, "record.updated", "dog").await;
        assert_eq!((&changed["before"]["name"], &changed["after"]["name"]), (&json!("Dog"), &json!("Hound")));
        assert_eq!((&changed["actor"], &changed["request_id"]), (&json!(admin.user), &json!("the-change")));
        assert_eq!((&changed["ip"], &changed["target_table"]), (&json!("127.0.0.1"), &json!("species")));
        assert_eq!(changed["at"], "2026-05-04T10:00:00Z");
        let gone = row_about(&admin, "record.deleted", "dog").await;
        assert!(gone["before"]["name"] == "Hound" && gone["after"].is_null() && gone["others"].is_null(), "{gone}");
    });
}

#[test]
fn what_is_refused_or_made_by_customers_is_not_kept() {
    run(async {
        let test = TestApp::start().await;
        let (admin, customer) = (test.staff(Role::Admin).await, test.customer().await);
        admin.post("/api/admin/species", json!({ "id": "dog", "name": "" })).await.assert(422);
        let bad = json!({ "operations": [
            { "method": "POST", "table": "species", "body": { "id": "cat", "name": "Cat" } },
            { "method": "POST", "table": "species", "body": { "id": "cat", "name": "Cat" } } ] });
        admin.post("/api/admin/batch", bad).await.assert(409);
        test.staff(Role::Support)
            .await
            .post("/api/admin/species", json!({ "id": "fox", "name": "Fox" }))
            .await
            .assert(403);
        let post = json!({ "title": "Hello", "content": "World" });
        customer.post("/api/v1/posts", post).await.assert(201);
        assert_eq!(rows(&admin, "record.created").await, Vec::<Value>::new());
        let good = json!({ "operations": [
            { "method": "POST", "table": "species", "body": { "id": "cat", "name": "Cat" } },
            { "method": "PATCH", "table": "species", "id": "cat", "body": { "name": "Tom" } } ] });
        admin.post("/api/admin/batch", good).await.assert(200);
        assert_eq!(rows(&admin, "record.created").await.len(), 1);
        assert_eq!(rows(&admin, "record.updated").await.len(), 1);
    });
}

#[test]
fn what_nobody_may_read_never_enters_the_trail() {
    run(async {
        let test = TestApp::start().await;
        let (admin, customer) = (test.staff(Role::Admin).await, test.customer().await);
        let path = format!("/api/admin/users/{}", customer.user);
        admin.patch(&path, json!({ "name": "Renamed" })).await.assert(200);
        let row = row_about(&admin, "record.updated", &customer.user).await;
        let text = row.to_string();
        assert!(text.contains("Renamed") && row["before"]["email"].is_string(), "{text}");
        for secret in ["password_hash", "argon2", "failed_logins", "locked_until"] {
            assert!(!text.contains(secret), "{text}");
        }
    });
}

#[test]
fn what_goes_with_a_record_is_kept_too() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let business = test.business().await;
        let member = test.member(&business, "manager").await;
        let listed = admin.get(&format!("/api/admin/memberships?user={}", member.user)).await.assert(200).ids();
        admin.delete(&format!("/api/admin/businesses/{business}")).await.assert(204);
        let gone = row_about(&admin, "record.deleted", &business).await;
        assert_eq!(gone["others"], 1);
        let with = row_about(&admin, "record.deleted", &listed[0]).await;
        assert_eq!((&with["target"]["table"], &with["before"]["role"]), (&json!("memberships"), &json!("manager")));
        assert_eq!(with["reason"], "With its record of businesses.");
    });
}

#[test]
fn sign_ins_of_staff_and_what_is_done_to_accounts_are_kept() {
    run(async {
        let test = TestApp::start().await;
        let (boss, customer) = (test.staff(Role::SuperAdmin).await, test.customer().await);
        let admin = test.staff(Role::Admin).await;
        let email = boss.get(&format!("/api/admin/users/{}", admin.user)).await.assert(200).json["email"].clone();
        let email = email.as_str().expect("an address");
        let row = row_about(&boss, "user.logged_in", &admin.user).await;
        assert_eq!((&row["actor"], &row["ip"]), (&json!(admin.user), &json!("127.0.0.1")));
        let login = json!({ "email": email, "password": "a wrong password" });
        test.admin_guest().post("/api/admin/auth/login", login.clone()).await.assert(401);
        test.guest().post("/api/v1/auth/login", login).await.assert(401);
        let failed = rows(&boss, "user.login_failed").await;
        assert_eq!(failed.len(), 2);
        assert!(failed.iter().all(|row| row["target"]["id"] == admin.user && row["actor"].is_null()), "{failed:?}");
        let second = test.sign_in_admin(email, PASSWORD).await;
        let change = json!({ "current_password": PASSWORD, "new_password": "another fine password" });
        second.post("/api/admin/auth/password", change).await.assert(204);
        row_about(&boss, "user.password_changed", &admin.user).await;
        second.patch("/api/admin/auth/me", json!({ "city": "Lisbon" })).await.assert(200);
        row_about(&boss, "user.profile_changed", &admin.user).await;
        second.post("/api/admin/auth/logout", Value::Null).await.assert(204);
        row_about(&boss, "user.logged_out", &admin.user).await;
        let path = format!("/api/admin/users/{}", customer.user);
        boss.post(&format!("{path}/suspend"), json!({ "reason": "spam" })).await.assert(200);
        let row = row_about(&boss, "user.suspended", &customer.user).await;
        assert_eq!((&row["reason"], &row["after"]["status"]), (&json!("spam"), &json!("suspended")));
        boss.post(&format!("{path}/reinstate"), Value::Null).await.assert(200);
        row_about(&boss, "user.reinstated", &customer.user).await;
        boss.send(Method::PUT, &format!("{path}/roles"), Some(json!({ "roles": ["customer", "courier"] })))
            .await
            .assert(200);
        let row = row_about(&boss, "user.roles_replaced", &customer.user).await;
        assert_eq!(
            (&row["before"]["roles"], &row["after"]["roles"]),
            (&json!(["customer"]), &json!(["customer", "courier"]))
        );
        boss.delete(&format!("{path}/sessions")).await.assert(204);
        row_about(&boss, "user.signed_out", &customer.user).await;
        assert!(rows(&boss, "user.logged_in").await.iter().all(|row| row["target"]["id"] != customer.user));
    });
}

#[test]
fn sessions_that_are_ended_are_kept() {
    run(async {
        let test = TestApp::start().await;
        let boss = test.staff(Role::SuperAdmin).await;
        let me = boss.get("/api/admin/auth/me").await.assert(200).json;
        let login = json!({ "email": me["email"], "password": PASSWORD });
        let other = test.admin_guest().post("/api/admin/auth/login", login.clone()).await.assert(200).json;
        let token = json!({ "refresh_token": other["refresh_token"] });
        test.admin_guest().post("/api/admin/auth/refresh", token.clone()).await.assert(200);
        test.admin_guest().post("/api/admin/auth/refresh", token).await.assert(401);
        let row = row_about(&boss, "user.session_ended", &boss.user).await;
        assert!(row["actor"].is_null() && row["reason"].is_string(), "{row}");
        test.admin_guest().post("/api/admin/auth/login", login).await.assert(200);
        boss.delete("/api/admin/auth/sessions").await.assert(204);
        row_about(&boss, "user.other_sessions_ended", &boss.user).await;
    });
}

#[test]
fn the_first_administrator_is_kept() {
    run(async {
        let test = TestApp::start().await;
        let token = test.app.identity.setup_token(&test.app.platform).await.expect("asked").expect("a token");
        let body = json!({ "token": token, "email": "first@test.example", "name": "First", "password": PASSWORD });
        let reply = test.admin_guest().post("/api/admin/auth/setup", body).await.assert(201).json;
        let first = test.admin_guest().bearer(reply["access_token"].as_str().expect("a token"));
        let id = reply["user"]["id"].as_str().expect("a key");
        let row = row_about(&first, "user.set_up", id).await;
        assert_eq!((&row["actor"], &row["ip"]), (&json!(id), &json!("127.0.0.1")));
    });
}

#[test]
fn the_trail_is_read_by_staff_and_searched_by_who_what_when_and_where() {
    run(async {
        let test = TestApp::start().await;
        let (admin, support) = (test.staff(Role::Admin).await, test.staff(Role::Support).await);
        admin.post("/api/admin/species", json!({ "id": "dog", "name": "Dog" })).await.assert(201);
        for (query, is_found) in [
            (format!("actor={}", admin.user), true),
            (format!("actor={}", support.user), false),
            ("target_table=species".to_owned(), true),
            ("target_table=breeds".to_owned(), false),
            ("target=species:dog".to_owned(), true),
            ("at[gte]=2026-05-04T10:00:00Z".to_owned(), true),
            ("at[gt]=2026-05-04T10:00:00Z".to_owned(), false),
        ] {
            let page = support.get(&format!("/api/admin/audit?action=record.created&{query}")).await.assert(200);
            assert_eq!(page.ids().len(), usize::from(is_found), "{query}");
        }
        let expanded = support.get("/api/admin/audit?action=record.created&expand=actor").await.assert(200).json;
        assert!(expanded["items"][0]["expand"]["actor"]["email"].is_string(), "{expanded}");
        test.customer().await.get("/api/v1/audit").await.assert(404);
        test.guest().get("/api/v1/audit").await.assert(404);
        test.admin_guest().get("/api/admin/audit").await.assert(401);
    });
}

#[test]
fn nobody_changes_or_deletes_a_row_of_the_trail() {
    run(async {
        let test = TestApp::start().await;
        let boss = test.staff(Role::SuperAdmin).await;
        boss.post("/api/admin/species", json!({ "id": "dog", "name": "Dog" })).await.assert(201);
        let id = rows(&boss, "record.created").await[0]["id"].as_str().expect("a key").to_owned();
        let path = format!("/api/admin/audit/{id}");
        for role in Role::STAFF {
            let staff = test.staff(role).await;
            staff.patch(&path, json!({ "action": "nothing" })).await.assert_error(405, "method_not_allowed");
            staff.delete(&path).await.assert_error(405, "method_not_allowed");
            staff.post("/api/admin/audit", json!({ "action": "invented" })).await.assert(405);
            staff.raw(Method::POST, "/api/admin/audit/import", "application/json", "[]").await.assert(404);
            staff.post(&format!("{path}/restore"), Value::Null).await.assert(404);
            for operation in [
                json!({ "method": "DELETE", "table": "audit", "id": id }),
                json!({ "method": "PATCH", "table": "audit", "id": id, "body": { "action": "nothing" } }),
            ] {
                staff.post("/api/admin/batch", json!({ "operations": [operation] })).await.assert(422);
            }
            // The database refuses it too, whatever our own layer does.
            let platform = &test.app.platform;
            let user = staff.user.parse().expect("a key");
            let token =
                platform.engine_tokens.issue(user, pawbase::context::Audience::Admin, &[role]).expect("a token");
            let session = platform.engine.authenticate(&token).await.expect("a session");
            for text in [
                "UPDATE audit SET action = 'nothing'",
                "UPSERT audit SET action = 'nothing' WHERE true",
                "DELETE audit",
            ] {
                let outcome = session.query(text, Vars::new()).await;
                assert!(
                    outcome.is_err() || outcome.is_ok_and(|mut answer| answer.rows(0).is_empty()),
                    "{role:?}: {text}"
                );
            }
        }
        test.customer().await.delete(&format!("/api/v1/audit/{id}")).await.assert(404);
        let kept = rows(&boss, "record.created").await;
        assert_eq!((kept.len(), &kept[0]["id"]), (1, &json!(id)));
    });
}
