//! Confirming an address, and changing it.

use chrono::Duration;
use serde_json::{Value, json};

use super::stage::{ADA, NEW};
use crate::support::client::{Client, Reply};
use crate::support::people::PASSWORD;
use crate::support::{TestApp, run, settings};

const OTHER: &str = "ada@other.example";

async fn me(client: &Client) -> Value {
    client.get("/api/v1/auth/me").await.assert(200).json
}

async fn change(client: &Client, email: &str) -> Reply {
    client.post("/api/v1/auth/email", json!({ "email": email, "current_password": PASSWORD })).await
}

#[test]
fn an_address_is_confirmed_by_the_mail_to_it() {
    run(async {
        let test = TestApp::start().await;
        let ada = test.account(ADA).await;
        assert_eq!(me(&ada).await["email_verified_at"], Value::Null);
        let letter = test.last_to(ADA, "Please confirm your e-mail address").await;
        assert!(letter.text.starts_with("Hello Ada <b>Lovelace</b>,"), "{}", letter.text);
        assert!(letter.raw.contains("&lt;b&gt;Lovelace"), "the HTML half is escaped: {}", letter.raw);
        test.follow("confirm_email", &letter.token()).await.assert(204);
        assert!(me(&ada).await["email_verified_at"].is_string());
        test.is_gone("confirm_email", &letter.token()).await;
        test.assert_events(&["user.registered", "user.email_verified"]).await;
        // Who has confirmed needs no other mail.
        test.auth("confirm_email/request", json!({ "email": ADA })).await.assert(202);
        assert_eq!(test.subjects(ADA).await.len(), 1);
        test.account("bob@test.example").await;
        let late = test.last_to("bob@test.example", "Please confirm your e-mail address").await;
        test.wait(Duration::hours(49));
        test.is_gone("confirm_email", &late.token()).await;
        test.auth("confirm_email/request", json!({ "email": "BOB@test.example" })).await.assert(202);
        let again = test.last_to("bob@test.example", "Please confirm your e-mail address").await;
        test.follow("confirm_email", &again.token()).await.assert(204);
        test.assert_no_token_is_kept().await;
    });
}

#[test]
fn mails_are_in_the_language_of_the_account() {
    run(async {
        let test = TestApp::start().await;
        let body = json!({ "email": ADA, "password": PASSWORD, "name": "Ada", "locale": "de-AT" });
        test.auth("signup", body).await.assert(201);
        let letter = test.letters_to(ADA).await.remove(0);
        assert!(letter.text.contains("Guten Tag Ada") && letter.text.contains("bestätigen"), "{}", letter.text);
    });
}

#[test]
fn a_setting_demands_a_confirmed_address() {
    run(async {
        let mut config = settings();
        config.auth.require_verified_email = true;
        let test = TestApp::with(config).await;
        let body = json!({ "email": ADA, "password": PASSWORD, "name": "Ada" });
        let made = test.auth("signup", body).await.assert(202);
        assert!(made.text.is_empty() && made.headers.get("set-cookie").is_none());
        let login = json!({ "email": ADA, "password": PASSWORD });
        test.auth("login", login.clone()).await.assert_error(403, "email_unconfirmed");
        let wrong = json!({ "email": ADA, "password": "a wrong password" });
        test.auth("login", wrong).await.assert_error(401, "invalid_credentials");
        let letter = test.last_to(ADA, "Please confirm your e-mail address").await;
        test.follow("confirm_email", &letter.token()).await.assert(204);
        test.auth("login", login).await.assert(200);
    });
}

#[test]
fn a_change_of_address_is_confirmed_by_the_new_one_and_undone_by_the_old_one() {
    run(async {
        let test = TestApp::start().await;
        let ada = test.account(ADA).await;
        let wrong = json!({ "email": OTHER, "current_password": "not it at all" });
        ada.post("/api/v1/auth/email", wrong).await.assert(422).assert_fields(&["/current_password"]);
        change(&ada, "no address").await.assert(422).assert_fields(&["/email"]);
        change(&test.guest(), OTHER).await.assert_error(401, "unauthenticated");
        change(&ada, OTHER).await.assert(202);
        let confirm = test.last_to(OTHER, "Please confirm your new e-mail address").await;
        let notice = test.last_to(ADA, "The address of your account is to change").await;
        assert!(notice.text.contains(OTHER), "{}", notice.text);
        assert_eq!(me(&ada).await["email"], ADA, "until it is confirmed nothing changes");
        test.is_gone("confirm_email", &confirm.token()).await;
        test.follow("email/confirm", &confirm.token()).await.assert(204);
        test.is_gone("email/confirm", &confirm.token()).await;
        let seen = me(&ada).await;
        assert!(seen["email"] == OTHER && seen["email_verified_at"].is_string(), "{seen}");
        test.sign_in(OTHER, PASSWORD).await;
        // The old address waits for whom it belonged to.
        let squatter = json!({ "email": ADA, "password": PASSWORD, "name": "Eve" });
        test.auth("signup", squatter).await.assert_error(409, "already_exists");
        test.follow("email/undo", &notice.token()).await.assert(204);
        test.is_gone("email/undo", &notice.token()).await;
        ada.get("/api/v1/auth/me").await.assert(401);
        for email in [ADA, OTHER] {
            let login = json!({ "email": email, "password": PASSWORD });
            test.auth("login", login).await.assert_error(401, "invalid_credentials");
        }
        let reset = test.last_to(ADA, "Choose a new password").await;
        test.auth("reset_password", json!({ "token": reset.token(), "password": NEW })).await.assert(204);
        assert_eq!(me(&test.sign_in(ADA, NEW).await).await["email"], ADA);
        test.assert_events(&[
            "user.registered",
            "user.email_changed",
            "user.logged_in",
            "user.email_changed",
            "user.taken_back",
            "user.password_changed",
            "user.logged_in",
        ])
        .await;
        test.assert_no_token_is_kept().await;
    });
}

#[test]
fn undoing_ends_every_change_that_is_on_its_way() {
    run(async {
        let test = TestApp::start().await;
        let ada = test.account(ADA).await;
        change(&ada, OTHER).await.assert(202);
        let notice = test.last_to(ADA, "The address of your account is to change").await;
        let first = test.last_to(OTHER, "Please confirm your new e-mail address").await;
        test.follow("email/confirm", &first.token()).await.assert(204);
        // Whoever has stolen the account moves it on.
        change(&ada, "eve@evil.example").await.assert(202);
        let second = test.last_to("eve@evil.example", "Please confirm your new e-mail address").await;
        let thiefs = test.last_to(OTHER, "The address of your account is to change").await;
        let password = json!({ "current_password": PASSWORD, "new_password": NEW });
        ada.post("/api/v1/auth/password", password).await.assert(204);
        test.is_gone("email/confirm", &second.token()).await;
        test.follow("email/undo", &notice.token()).await.assert(204);
        test.is_gone("email/undo", &thiefs.token()).await;
        let reset = test.last_to(ADA, "Choose a new password").await;
        test.auth("reset_password", json!({ "token": reset.token(), "password": "once more a new one" }))
            .await
            .assert(204);
        test.sign_in(ADA, "once more a new one").await;
    });
}

#[test]
fn a_change_tells_nobody_whose_address_is_taken() {
    run(async {
        let test = TestApp::start().await;
        let eve = test.account("eve@test.example").await;
        test.account(ADA).await;
        let mut seen = Vec::new();
        for email in [ADA, "free@test.example"] {
            let before = test.subjects("eve@test.example").await.len();
            let reply = change(&eve, email).await.assert(202);
            let after = test.subjects("eve@test.example").await.len();
            seen.push((reply.text, after - before));
        }
        assert_eq!(seen, [(String::new(), 1), (String::new(), 1)]);
        let told = test.last_to(ADA, "Your address was entered for another account").await;
        assert!(!told.text.contains("eve@"), "nor who it was: {}", told.text);
        test.last_to("free@test.example", "Please confirm your new e-mail address").await;
        change(&eve, ADA).await.assert(202);
        assert_eq!(test.subjects(ADA).await.len(), 2, "told once a day");
        // Taken while the mail was on its way.
        let confirm = test.last_to("free@test.example", "Please confirm your new e-mail address").await;
        test.account("free@test.example").await;
        test.is_gone("email/confirm", &confirm.token()).await;
        assert_eq!(me(&eve).await["email"], "eve@test.example");
    });
}

#[test]
fn links_of_a_change_end_with_their_time() {
    run(async {
        let test = TestApp::start().await;
        let ada = test.account(ADA).await;
        change(&ada, OTHER).await.assert(202);
        let confirm = test.last_to(OTHER, "Please confirm your new e-mail address").await;
        let notice = test.last_to(ADA, "The address of your account is to change").await;
        test.wait(Duration::hours(49));
        test.is_gone("email/confirm", &confirm.token()).await;
        test.wait(Duration::days(6));
        test.is_gone("email/undo", &notice.token()).await;
        test.wait(Duration::days(60));
        test.settle().await;
        assert_eq!(test.rows("SELECT id FROM account_links").await.len(), 0, "old links are forgotten");
    });
}
