//! A forgotten password.

use chrono::Duration;
use pawbase::context::Role;
use serde_json::json;

use super::stage::{ADA, NEW};
use crate::support::people::PASSWORD;
use crate::support::{TestApp, run};

#[test]
fn a_link_gives_a_new_password_once_and_ends_all_sessions() {
    run(async {
        let test = TestApp::start().await;
        let ada = test.account(ADA).await;
        let first = test.forgotten(ADA).await;
        let second = test.forgotten(ADA).await;
        assert!(first.link().starts_with("http://127.0.0.1:3000/account/reset-password#token="), "{}", first.link());
        let reset = |token: String, password: &str| {
            let body = json!({ "token": token, "password": password });
            test.auth("reset_password", body)
        };
        reset(first.token(), "short").await.assert_error(422, "validation_failed").assert_fields(&["/password"]);
        reset(first.token(), ADA).await.assert(422).assert_fields(&["/password"]);
        ada.get("/api/v1/auth/me").await.assert(200);
        reset(first.token(), NEW).await.assert(204);
        ada.get("/api/v1/auth/me").await.assert(401);
        test.is_gone("reset_password", &first.token()).await;
        test.is_gone("reset_password", &second.token()).await;
        test.auth("login", json!({ "email": ADA, "password": PASSWORD }))
            .await
            .assert_error(401, "invalid_credentials");
        let ada = test.sign_in(ADA, NEW).await;
        let me = ada.get("/api/v1/auth/me").await.assert(200);
        assert!(me.json["email_verified_at"].is_string(), "whoever has the mail has the address: {}", me.text);
        test.last_to(ADA, "Your password was changed").await;
        test.assert_events(&["user.registered", "user.password_changed", "user.logged_in"]).await;
        test.assert_no_token_is_kept().await;
    });
}

#[test]
fn nobody_learns_whether_there_is_an_account() {
    run(async {
        let test = TestApp::start().await;
        test.account(ADA).await;
        let suspended = test.account("suspended@test.example").await;
        let id = suspended.get("/api/v1/auth/me").await.id();
        let reason = json!({ "reason": "spam" });
        test.staff(Role::Admin).await.post(&format!("/api/admin/users/{id}/suspend"), reason).await.assert(200);
        test.settle().await;
        for path in ["forgot_password", "confirm_email/request"] {
            let mut seen = Vec::new();
            for email in [ADA, "nobody@test.example", "suspended@test.example"] {
                let before = test.rows("SELECT id FROM jobs").await.len();
                let reply = test.auth(path, json!({ "email": email })).await.assert(202);
                // The same answer after the same work: one job, whoever it is about.
                let made = test.rows("SELECT id FROM jobs").await.len() - before;
                let mut names: Vec<String> = reply.headers.keys().map(ToString::to_string).collect();
                names.sort();
                seen.push((reply.status, reply.text, names, made));
            }
            assert!(seen.iter().all(|one| *one == seen[0] && one.3 == 1), "{seen:?}");
        }
        assert_eq!(test.letters_to("nobody@test.example").await.len(), 0);
        let told = test.subjects("suspended@test.example").await;
        assert_eq!(told, ["Please confirm your e-mail address", "Your account was suspended"]);
        assert_eq!(test.subjects(ADA).await.len(), 3);
        test.auth("forgot_password", json!({ "email": "no address" })).await.assert(422).assert_fields(&["/email"]);
    });
}

#[test]
fn a_link_ends_with_its_time_and_with_another_password() {
    run(async {
        let test = TestApp::start().await;
        test.account(ADA).await;
        let late = test.forgotten(ADA).await;
        test.wait(Duration::minutes(61));
        test.is_gone("reset_password", &late.token()).await;
        let ended = test.forgotten(ADA).await;
        let change = json!({ "current_password": PASSWORD, "new_password": NEW });
        test.sign_in(ADA, PASSWORD).await.post("/api/v1/auth/password", change).await.assert(204);
        test.is_gone("reset_password", &ended.token()).await;
    });
}

#[test]
fn a_link_is_for_one_purpose_and_one_account() {
    run(async {
        let test = TestApp::start().await;
        test.account(ADA).await;
        test.account("eve@test.example").await;
        let confirmation = test.last_to("eve@test.example", "Please confirm your e-mail address").await.token();
        let token = test.forgotten("eve@test.example").await.token();
        for path in ["confirm_email", "email/confirm", "email/undo", "not_me"] {
            test.is_gone(path, &token).await;
        }
        test.is_gone("reset_password", &confirmation).await;
        // Another account's row with Eve's seal.
        let ada = test.forgotten(ADA).await.token();
        let forged = format!("{}.{}", ada.split_once('.').unwrap().0, token.split_once('.').unwrap().1);
        for bad in [forged.as_str(), "", ".", "nonsense", "ä.ö"] {
            test.is_gone("reset_password", bad).await;
        }
        test.auth("reset_password", json!({ "token": token, "password": NEW })).await.assert(204);
        test.sign_in(ADA, PASSWORD).await;
        test.sign_in("eve@test.example", NEW).await;
    });
}

#[test]
fn a_letter_box_is_not_flooded() {
    run(async {
        let test = TestApp::start().await;
        test.account(ADA).await;
        for _ in 0..8 {
            test.auth("forgot_password", json!({ "email": ADA })).await.assert(202);
            test.settle().await;
        }
        let resets = |subjects: Vec<String>| subjects.iter().filter(|s| *s == "Choose a new password").count();
        assert_eq!(resets(test.subjects(ADA).await), 5);
        test.wait(Duration::minutes(61));
        test.forgotten(ADA).await;
        assert_eq!(resets(test.subjects(ADA).await), 6);
    });
}

#[test]
fn staff_choose_a_new_password_on_their_own_listener() {
    run(async {
        let test = TestApp::start().await;
        test.account(ADA).await;
        let boss = test.staff(Role::SuperAdmin).await;
        let email = boss.get("/api/admin/auth/me").await.assert(200).json["email"].as_str().unwrap().to_owned();
        let admin = test.admin_guest();
        let ask = |email: &str| admin.post("/api/admin/auth/forgot_password", json!({ "email": email }));
        let count = test.subjects(ADA).await.len();
        ask(ADA).await.assert(202);
        ask("nobody@test.example").await.assert(202);
        assert_eq!(test.subjects(ADA).await.len(), count, "a customer has no place there");
        ask(&email).await.assert(202);
        let letter = test.last_to(&email, "Choose a new password").await;
        assert!(letter.link().starts_with("http://127.0.0.1:3001/account/reset-password#token="), "{}", letter.link());
        test.is_gone("reset_password", &letter.token()).await;
        let reset = |password: &str| {
            let body = json!({ "token": letter.token(), "password": password });
            admin.post("/api/admin/auth/reset_password", body)
        };
        reset("ten chars!!").await.assert(422).assert_fields(&["/password"]);
        reset(NEW).await.assert(204);
        reset(NEW).await.assert_error(410, "gone");
        boss.get("/api/admin/auth/me").await.assert(401);
        let boss = test.sign_in_admin(&email, NEW).await;
        let trail = boss.get("/api/admin/audit?action=user.password_reset").await.assert(200);
        assert_eq!(trail.json["items"].as_array().unwrap().len(), 1, "{}", trail.text);
    });
}
