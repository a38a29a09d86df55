//! Sign-in over HTTP: tokens, cookies, sessions, and rights that change between two requests.

use std::time::Duration;

use futures::FutureExt;
use pawbase::context::{Role, changing_rights};
use pawbase::kernel::Error;
use serde_json::{Value, json};

use crate::support::people::PASSWORD;
use crate::support::{Client, START, TestApp, run};

async fn sign_up(test: &TestApp, email: &str) -> Value {
    let body = json!({ "email": email, "password": PASSWORD, "name": "Ada" });
    test.guest().post("/api/v1/auth/signup", body).await.assert(201).json
}

#[test]
fn signing_up_and_in_answers_the_promised_members() {
    run(async {
        let test = TestApp::start().await;
        let answer = sign_up(&test, " Ada@Test.Example ").await;
        assert_eq!(answer["user"]["email"], "ada@test.example");
        assert_eq!(answer["token_type"], "Bearer");
        assert_eq!(answer["expires_in"], 900);
        for member in ["access_token", "refresh_token"] {
            assert!(answer[member].is_string(), "{answer}");
        }
        assert!(!answer.to_string().contains("password"));
        let body = json!({ "email": "ADA@test.example", "password": PASSWORD });
        test.guest().post("/api/v1/auth/login", body).await.assert(200);
        let again = json!({ "email": "ada@TEST.example", "password": PASSWORD, "name": "Eve" });
        test.guest()
            .post("/api/v1/auth/signup", again)
            .await
            .assert_error(409, "already_exists")
            .assert_fields(&["/email"]);
        let bad = json!({ "email": "nobody", "password": "short", "name": "" });
        let reply = test.guest().post("/api/v1/auth/signup", bad).await.assert_error(422, "validation_failed");
        reply.assert_fields(&["/email", "/password", "/name"]);
        let common = json!({ "email": "eve@test.example", "password": "password123", "name": "Eve" });
        test.guest().post("/api/v1/auth/signup", common).await.assert(422).assert_fields(&["/password"]);
        let unknown = json!({ "email": "eve@test.example", "password": PASSWORD, "name": "Eve", "roles": ["admin"] });
        test.guest().post("/api/v1/auth/signup", unknown).await.assert(422).assert_fields(&["/roles"]);
        let empty =
            test.guest().post("/api/v1/auth/signup", json!({ "name": 5 })).await.assert_error(422, "validation_failed");
        empty.assert_fields(&["/email", "/password", "/name"]);
        test.guest().get("/api/v1/auth/signup").await.assert_error(405, "method_not_allowed");
    });
}

#[test]
fn me_shows_and_changes_the_callers_own_account() {
    run(async {
        let test = TestApp::start().await;
        let customer = test.customer().await;
        let me = customer.get("/api/v1/auth/me").await.assert(200);
        assert_eq!(me.json["id"], customer.user);
        let changed = customer.patch("/api/v1/auth/me", json!({ "city": "Lisbon", "timezone": "Europe/Lisbon" })).await;
        assert_eq!(changed.assert(200).json["city"], "Lisbon");
        let bad = json!({ "timezone": "Moon/Crater", "phone": "12" });
        customer.patch("/api/v1/auth/me", bad).await.assert(422).assert_fields(&["/timezone", "/phone"]);
        test.guest().get("/api/v1/auth/me").await.assert_error(401, "unauthenticated");
    });
}

#[test]
fn a_refresh_token_is_good_once_and_its_reuse_ends_the_family() {
    run(async {
        let test = TestApp::start().await;
        let first = sign_up(&test, "ada@test.example").await;
        let refresh = |token: &Value| test.guest().refresh(token.clone());
        let second = refresh(&first["refresh_token"]).await.assert(200).json;
        assert_ne!(first["refresh_token"], second["refresh_token"]);
        refresh(&first["refresh_token"]).await.assert_error(401, "refresh_refused");
        refresh(&second["refresh_token"]).await.assert_error(401, "refresh_refused");
        let client = test.guest().bearer(second["access_token"].as_str().unwrap());
        client.get("/api/v1/auth/me").await.assert(401);
        refresh(&json!("nonsense")).await.assert_error(401, "refresh_refused");
    });
}

impl Client {
    fn refresh(&self, token: Value) -> impl Future<Output = crate::support::client::Reply> + use<> {
        let client = self.clone();
        async move { client.post("/api/v1/auth/refresh", json!({ "refresh_token": token })).await }
    }
}

#[test]
fn sessions_are_listed_and_ended() {
    run(async {
        let test = TestApp::start().await;
        sign_up(&test, "ada@test.example").await;
        let (one, two) =
            (test.sign_in("ada@test.example", PASSWORD).await, test.sign_in("ada@test.example", PASSWORD).await);
        let listed = one.get("/api/v1/auth/sessions").await.assert(200);
        let text = listed.text.clone();
        assert_eq!(text.matches("\"is_current\":true").count(), 1, "{text}");
        one.delete("/api/v1/auth/sessions").await.assert(204);
        two.get("/api/v1/auth/me").await.assert(401);
        one.get("/api/v1/auth/me").await.assert(200);
        one.post("/api/v1/auth/logout", json!({})).await.assert(204);
        one.get("/api/v1/auth/me").await.assert(401);
    });
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    run(async {
        let test = TestApp::start().await;
        sign_up(&test, "ada@test.example").await;
        let (one, two) =
            (test.sign_in("ada@test.example", PASSWORD).await, test.sign_in("ada@test.example", PASSWORD).await);
        let new = "another fine password";
        let wrong = json!({ "current_password": "not it at all", "new_password": new });
        one.post("/api/v1/auth/password", wrong).await.assert(422).assert_fields(&["/current_password"]);
        one.post("/api/v1/auth/password", json!({ "current_password": PASSWORD, "new_password": new }))
            .await
            .assert(204);
        two.get("/api/v1/auth/me").await.assert(401);
        one.get("/api/v1/auth/me").await.assert(200);
        let old = json!({ "email": "ada@test.example", "password": PASSWORD });
        test.guest().post("/api/v1/auth/login", old).await.assert_error(401, "invalid_credentials");
        test.sign_in("ada@test.example", new).await;
    });
}

#[test]
fn failures_lock_an_account_for_a_while() {
    run(async {
        let test = TestApp::start().await;
        sign_up(&test, "ada@test.example").await;
        let wrong = |email: &str| json!({ "email": email, "password": "wrong password" });
        for email in ["ada@test.example", "nobody@test.example"] {
            for _ in 0..5 {
                let reply = test.guest().post("/api/v1/auth/login", wrong(email)).await;
                reply.assert_error(401, "invalid_credentials");
            }
            let reply = test.guest().post("/api/v1/auth/login", wrong(email)).await.assert_error(429, "account_locked");
            assert!(reply.header("retry-after").parse::<u64>().unwrap() > 60);
        }
        let right = json!({ "email": "ada@test.example", "password": PASSWORD });
        test.guest().post("/api/v1/auth/login", right).await.assert_error(429, "account_locked");
        test.clock.advance(chrono::Duration::minutes(31));
        test.sign_in("ada@test.example", PASSWORD).await;
    });
}

#[test]
fn access_tokens_end_and_are_for_one_listener() {
    run(async {
        let test = TestApp::start().await;
        let customer = test.customer().await;
        let admin = test.staff(Role::SuperAdmin).await;
        let (public, private) = (test.guest(), test.admin_guest());
        public.bearer("nonsense").get("/api/v1/species").await.assert_error(401, "unauthenticated");
        public.with("authorization", "Basic YTpi").get("/api/v1/species").await.assert_error(401, "unauthenticated");
        let login = json!({ "email": "nobody@test.example", "password": PASSWORD });
        private.post("/api/admin/auth/login", login).await.assert_error(401, "invalid_credentials");
        customer.at(&private).get("/api/admin/species").await.assert_error(401, "unauthenticated");
        admin.at(&public).get("/api/v1/species").await.assert_error(401, "unauthenticated");
        private.get("/api/admin/users").await.assert(401);
        test.clock.advance(chrono::Duration::minutes(16));
        customer.get("/api/v1/species").await.assert_error(401, "token_expired");
    });
}

#[test]
fn suspension_and_roles_count_from_the_next_request() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let customer = test.customer().await;
        customer.get("/api/v1/auth/me").await.assert(200);
        let path = format!("/api/admin/users/{}", customer.user);
        admin.post(&format!("{path}/suspend"), json!({ "reason": "spam" })).await.assert(200);
        customer.get("/api/v1/auth/me").await.assert(401);
        admin.post(&format!("{path}/reinstate"), json!({})).await.assert(200);
        let post = customer_post(&test).await;
        let moderator = test.customer().await;
        let hide = json!({ "status": "hidden" });
        moderator.patch(&post, hide.clone()).await.assert_error(403, "forbidden");
        let roles = json!({ "roles": ["customer", "moderator"] });
        let put = reqwest::Method::PUT;
        let at = format!("/api/admin/users/{}/roles", moderator.user);
        admin.send(put.clone(), &at, Some(roles)).await.assert(200);
        moderator.patch(&post, hide).await.assert(200);
        let staff = json!({ "roles": ["customer", "admin"] });
        admin.send(put.clone(), &at, Some(staff.clone())).await.assert_error(403, "forbidden");
        test.staff(Role::SuperAdmin).await.send(put, &at, Some(staff)).await.assert(200);
        let audit = admin.get("/api/admin/audit?count=true").await.assert(200);
        assert!(audit.json["total"].as_i64().unwrap() >= 4, "{}", audit.text);
        let support = test.staff(Role::Support).await;
        support.post(&format!("{path}/suspend"), json!({ "reason": "x" })).await.assert_error(403, "forbidden");
    });
}

async fn customer_post(test: &TestApp) -> String {
    let body = json!({ "title": "A title", "content": "Text" });
    format!("/api/v1/posts/{}", test.customer().await.post("/api/v1/posts", body).await.assert(201).id())
}

#[test]
fn a_membership_counts_from_the_next_request() {
    run(async {
        let test = TestApp::start().await;
        test.system("CREATE product_categories:food SET name = 'Food'").await;
        let business = test.business().await;
        let admin = test.staff(Role::Admin).await;
        let person = test.customer().await;
        let body = json!({ "business": business, "category": "food", "name": "Kibble", "sku": "K1",
            "price": { "minor": 100, "currency": "EUR" } });
        person.post("/api/v1/products", body.clone()).await.assert_error(403, "forbidden");
        let membership = json!({ "user": person.user, "business": business, "role": "stock_keeper" });
        let id = admin.post("/api/admin/memberships", membership).await.assert(201).id();
        let product = person.post("/api/v1/products", body).await.assert(201);
        assert_eq!(product.json["status"], "draft");
        let path = format!("/api/v1/products/{}", product.id());
        person.patch(&path, json!({ "name": "Better kibble" })).await.assert(200);
        admin.delete(&format!("/api/admin/memberships/{id}")).await.assert(204);
        person.patch(&path, json!({ "name": "Worse kibble" })).await.assert_error(404, "not_found");
    });
}

#[test]
fn cookies_need_the_csrf_token_for_changes() {
    run(async {
        let test = TestApp::start().await;
        let body = json!({ "email": "ada@test.example", "password": PASSWORD, "name": "Ada", "use_cookies": true });
        let reply = test.guest().post("/api/v1/auth/signup", body).await.assert(201);
        assert!(reply.json.get("access_token").is_none_or(Value::is_null), "{}", reply.text);
        let set: Vec<String> =
            reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect();
        let value = |name: &str| {
            let cookie =
                set.iter().find(|c| c.starts_with(&format!("{name}="))).unwrap_or_else(|| panic!("{name} in {set:?}"));
            cookie.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
        };
        for name in ["pawbase_access", "pawbase_refresh"] {
            assert!(
                set.iter().any(|c| c.starts_with(name) && c.contains("HttpOnly") && c.contains("SameSite")),
                "{set:?}"
            );
        }
        let browser = test.guest().with("cookie", &format!("pawbase_access={}", value("pawbase_access")));
        browser.get("/api/v1/auth/me").await.assert(200);
        let change = json!({ "city": "Rome" });
        browser.patch("/api/v1/auth/me", change.clone()).await.assert_error(403, "csrf_failed");
        browser
            .with("x-csrf-token", "0000")
            .patch("/api/v1/auth/me", change.clone())
            .await
            .assert_error(403, "csrf_failed");
        browser.with("x-csrf-token", &value("pawbase_csrf")).patch("/api/v1/auth/me", change).await.assert(200);
    });
}

#[test]
fn many_changes_of_one_profile_at_once_all_succeed() {
    run(async {
        let test = TestApp::start().await;
        for (client, path) in
            [(test.customer().await, "/api/v1/auth/me"), (test.staff(Role::Support).await, "/api/admin/auth/me")]
        {
            let changes = (0..200).map(|number| {
                let client = client.clone();
                async move { client.patch(path, json!({ "city": format!("City {number}") })).await.assert(200) }
            });
            futures::future::join_all(changes).await;
            let city = client.get(path).await.assert(200).json["city"].clone();
            assert!(city.as_str().is_some_and(|city| city.starts_with("City ")), "{city}");
        }
    });
}

/// Waits until rights have changed since `generation`.
async fn changed_since(test: &TestApp, generation: u64) {
    let changed = async {
        while test.app.platform.principals.generation() == generation {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), changed).await.expect("a change of rights");
}

#[test]
fn a_change_of_rights_counts_also_when_its_client_hangs_up() {
    run(async {
        let test = TestApp::start().await;
        let platform = &test.app.platform;
        let before = platform.principals.generation();
        let (commit, committed) = tokio::sync::oneshot::channel::<()>();
        let mut change =
            Box::pin(changing_rights(platform, async move { committed.await.map_err(|_| Error::not_found()) }));
        assert!(change.as_mut().now_or_never().is_none());
        drop(change);
        assert_eq!(platform.principals.generation(), before, "not before the commit");
        commit.send(()).expect("the work goes on");
        changed_since(&test, before).await;

        let before = platform.principals.generation();
        let refused = changing_rights(platform, async { Err::<(), _>(Error::forbidden()) }).await;
        assert_eq!(refused.expect_err("refused").entry().code, "forbidden");
        assert_eq!(platform.principals.generation(), before, "nothing has changed");
    });
}

#[test]
fn only_writes_that_succeed_change_rights() {
    run(async {
        let test = TestApp::start().await;
        let (business, person, admin) = (test.business().await, test.customer().await, test.staff(Role::Admin).await);
        let generation = || test.app.platform.principals.generation();
        let before = generation();
        let membership = json!({ "user": person.user, "business": business, "role": "owner" });
        person.post("/api/v1/memberships", membership.clone()).await.assert(403);
        person.patch(&format!("/api/v1/users/{}", person.user), json!({ "name": "" })).await.assert(422);
        admin.post("/api/admin/memberships", json!({})).await.assert(422);
        let suspend = format!("/api/admin/users/{}/suspend", person.user);
        admin.post(&suspend, json!({ "reason": " " })).await.assert(422);
        person.post("/api/v1/pets", json!({})).await.assert(422);
        assert_eq!(generation(), before);
        admin.post("/api/admin/memberships", membership).await.assert(201);
        assert_ne!(generation(), before);
    });
}

/// The one place that raises the generation for requests is the helper: a call beside it would be skipped by a client that
/// hangs up between the commit and the call.
#[test]
fn requests_change_rights_through_the_helper_alone() {
    let mut folders: Vec<_> = ["src/modules", "src/records", "src/http"].map(std::path::PathBuf::from).into();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut read, mut wrong) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                read += 1;
                let text = std::fs::read_to_string(&path).expect("text");
                wrong.extend(text.contains("rights_changed(").then_some(path));
            }
        }
    }
    assert!(read > 40 && wrong.is_empty(), "{wrong:?}");
}

#[test]
fn the_use_of_the_setup_link_is_in_the_audit_trail() {
    run(async {
        let test = TestApp::start().await;
        let app = &test.app;
        let token = app.identity.setup_token(&app.platform).await.expect("asked").expect("a token");
        let body = json!({ "token": token, "email": "boss@test.example", "name": "Boss", "password": PASSWORD });
        let guest = test.admin_guest().with("x-request-id", "setup-1");
        let wrong = json!({ "token": "nonsense", "email": "eve@test.example", "name": "Eve", "password": PASSWORD });
        guest.post("/api/admin/auth/setup", wrong).await.assert(403);
        let answer = guest.post("/api/admin/auth/setup", body).await.assert(201).json;
        let admin = test.admin_guest().bearer(answer["access_token"].as_str().expect("a token"));
        let rows = admin.get("/api/admin/audit").await.assert(200).json["items"].clone();
        let user = &answer["user"]["id"];
        assert_eq!(rows.as_array().map(Vec::len), Some(1), "{rows}");
        assert_eq!(rows[0]["action"], "user.set_up");
        assert_eq!(rows[0]["actor"], *user);
        assert_eq!(rows[0]["target"], json!({ "table": "users", "id": user }));
        assert_eq!(rows[0]["at"], START);
        assert_eq!(rows[0]["request_id"], "setup-1");
    });
}
