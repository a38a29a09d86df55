//! What an account's owner is told of: sign-ins from elsewhere and locks.

use chrono::Duration;
use pawbase::context::Role;
use serde_json::json;

use super::stage::{ADA, NEW};
use crate::support::people::PASSWORD;
use crate::support::{TestApp, run};

#[test]
fn a_sign_in_from_elsewhere_is_told_and_can_be_ended() {
    run(async {
        let test = TestApp::start().await;
        let ada = test.account(ADA).await;
        test.sign_in(ADA, PASSWORD).await;
        assert_eq!(test.subjects(ADA).await.len(), 1, "the program of the sign-up is known");
        let thief = test.sign_in_with(ADA, PASSWORD, "Evil/1.0 <x>").await.assert(200);
        let thief = test.guest().bearer(thief.json["access_token"].as_str().unwrap());
        let letter = test.last_to(ADA, "New sign-in to your account").await;
        for part in ["2026-05-04 10:00 (UTC)", "127.0.0.1", "Evil/1.0 <x>"] {
            assert!(letter.text.contains(part), "{part}: {}", letter.text);
        }
        test.sign_in_with(ADA, PASSWORD, "Evil/1.0 <x>").await.assert(200);
        assert_eq!(test.subjects(ADA).await.len(), 2, "told once");
        // A new password by whoever got in does not end the way back.
        let change = json!({ "current_password": PASSWORD, "new_password": "a stolen password" });
        thief.post("/api/v1/auth/password", change).await.assert(204);
        test.follow("not_me", &letter.token()).await.assert(204);
        test.is_gone("not_me", &letter.token()).await;
        for client in [&ada, &thief] {
            client.get("/api/v1/auth/me").await.assert(401);
        }
        for password in [PASSWORD, "a stolen password"] {
            test.auth("login", json!({ "email": ADA, "password": password })).await.assert(401);
        }
        let reset = test.last_to(ADA, "Choose a new password").await;
        test.auth("reset_password", json!({ "token": reset.token(), "password": NEW })).await.assert(204);
        test.sign_in(ADA, NEW).await;
        test.assert_no_token_is_kept().await;
    });
}

#[test]
fn a_link_from_before_a_stolen_address_brings_the_account_back() {
    run(async {
        let test = TestApp::start().await;
        test.account(ADA).await;
        let thief = test.sign_in_with(ADA, PASSWORD, "Evil/1.0").await.assert(200);
        let thief = test.guest().bearer(thief.json["access_token"].as_str().unwrap());
        let letter = test.last_to(ADA, "New sign-in to your account").await;
        let wanted = json!({ "email": "eve@evil.example", "current_password": PASSWORD });
        thief.post("/api/v1/auth/email", wanted).await.assert(202);
        let confirm = test.last_to("eve@evil.example", "Please confirm your new e-mail address").await;
        test.follow("email/confirm", &confirm.token()).await.assert(204);
        test.follow("not_me", &letter.token()).await.assert(204);
        let reset = test.last_to(ADA, "Choose a new password").await;
        assert_eq!(test.subjects("eve@evil.example").await.len(), 1, "the thief gets no link");
        test.auth("reset_password", json!({ "token": reset.token(), "password": NEW })).await.assert(204);
        test.sign_in(ADA, NEW).await;
    });
}

#[test]
fn a_link_against_a_sign_in_ends_with_its_time() {
    run(async {
        let test = TestApp::start().await;
        test.account(ADA).await;
        test.sign_in_with(ADA, PASSWORD, "Other/1.0").await.assert(200);
        let letter = test.last_to(ADA, "New sign-in to your account").await;
        test.wait(Duration::days(8));
        test.is_gone("not_me", &letter.token()).await;
        test.sign_in(ADA, PASSWORD).await;
    });
}

#[test]
fn the_first_sign_in_of_staff_is_nothing_new_and_another_one_is() {
    run(async {
        let test = TestApp::start().await;
        let boss = test.staff(Role::SuperAdmin).await;
        let email = boss.get("/api/admin/auth/me").await.json["email"].as_str().unwrap().to_owned();
        assert_eq!(test.letters_to(&email).await.len(), 0);
        let guest = test.admin_guest().with("user-agent", "Other/1.0");
        guest.post("/api/admin/auth/login", json!({ "email": email, "password": PASSWORD })).await.assert(200);
        let letter = test.last_to(&email, "New sign-in to your account").await;
        assert!(letter.link().starts_with("http://127.0.0.1:3001/account/not-me#"), "{}", letter.link());
        test.is_gone("not_me", &letter.token()).await;
        let body = json!({ "token": letter.token() });
        test.admin_guest().post("/api/admin/auth/not_me", body).await.assert(204);
        boss.get("/api/admin/auth/me").await.assert(401);
        test.last_to(&email, "Choose a new password").await;
    });
}

#[test]
fn a_lock_is_told_once_and_a_new_password_ends_it() {
    run(async {
        let test = TestApp::start().await;
        test.account(ADA).await;
        let wrong = || test.auth("login", json!({ "email": ADA, "password": "a wrong password" }));
        for _ in 0..5 {
            wrong().await.assert(401);
        }
        for _ in 0..3 {
            wrong().await.assert_error(429, "account_locked");
        }
        let letter = test.last_to(ADA, "Your account is locked for a while").await;
        assert!(letter.text.contains("2026-05-04 10:30 (UTC)"), "{}", letter.text);
        assert_eq!(test.subjects(ADA).await.len(), 2, "once for each lock");
        test.assert_events(&["user.registered", "user.locked"]).await;
        test.auth("reset_password", json!({ "token": letter.token(), "password": NEW })).await.assert(204);
        test.sign_in(ADA, NEW).await;
    });
}
