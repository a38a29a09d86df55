//! Ways to the answers of what links in mails do, and of mail itself.

use std::sync::Mutex;

use pawbase::context::Audience;
use serde_json::json;

use super::commands::account;
use super::document::Operation;
use super::requests::Ask;
use super::stage::Stage;
use crate::support::client::Reply;
use crate::support::people::PASSWORD;
use crate::support::{TestApp, settings};

/// The answer with `status`; None where there is no such way.
pub async fn answer(
    stage: &Stage,
    operation: &Operation<'_>,
    faults: &Mutex<Vec<String>>,
    status: u16,
) -> Option<Reply> {
    let audience = operation.document.audience;
    let guest = Stage::guest(&stage.test, audience);
    let ask = || Ask::new(stage, operation, faults);
    let bad_link = json!({ "token": "nonsense", "password": "another fine password" });
    let ask = match (operation.id, status) {
        ("create_account", 202) => return Some(to_confirm(ask(), stage).await),
        ("request_email_confirmation" | "request_password_reset" | "request_admin_password_reset", 202) => {
            ask().by(&guest).json(json!({ "email": "nobody@test.example" }))
        }
        ("request_email_change", 202) => {
            let newcomer = stage.newcomer(audience).await;
            ask().by(&newcomer).json(json!({ "email": "new@test.example", "current_password": PASSWORD }))
        }
        ("reset_password" | "reset_admin_password", 410) => ask().by(&guest).json(bad_link),
        ("reset_password" | "reset_admin_password", 204) => {
            let token = mailed(stage, audience, "forgot_password", "Choose a new password").await;
            ask().by(&guest).json(json!({ "token": token, "password": "another fine password" }))
        }
        (
            "confirm_email" | "confirm_email_change" | "undo_email_change" | "report_sign_in" | "report_admin_sign_in",
            410,
        ) => ask().by(&guest).json(json!({ "token": "nonsense" })),
        ("confirm_email", 204) => {
            let token = mailed(stage, audience, "confirm_email/request", "Please confirm your e-mail address").await;
            ask().by(&guest).json(json!({ "token": token }))
        }
        ("confirm_email_change" | "undo_email_change", 204) => {
            ask().by(&guest).json(json!({ "token": changing(stage, operation.id).await }))
        }
        ("report_sign_in" | "report_admin_sign_in", 204) => {
            let email = stage.email(&stage.newcomer(audience).await).await;
            let other = guest.with("user-agent", "Other/1.0");
            let path = format!("{}/auth/login", super::document::prefix(audience));
            other.post(&path, json!({ "email": email, "password": PASSWORD })).await.assert(200);
            ask().by(&guest).json(json!({ "token": last_token(stage, &email, "New sign-in to your account").await }))
        }
        ("preview_mail", 200) => ask().on(&mail(stage, "sent").await),
        ("preview_mail", 422) => ask().on(&mail(stage, "failed").await),
        ("resend_mail", 201) => ask().on(&mail(stage, "sent").await),
        ("resend_mail", 403) => ask().by(&stage.support).on(&mail(stage, "sent").await),
        ("resend_mail", 409) => ask().on(&mail(stage, "queued").await),
        ("test_mail", 202) => ask(),
        ("test_mail", 403) => ask().by(&stage.support),
        ("list_mail_templates", 200) => ask(),
        ("preview_mail_template", 200) => ask().on("test"),
        (id, _) => return super::messaging::answer(stage, ask, id, status).await,
    };
    Some(ask.send().await)
}

/// A sign-up where the address has to be confirmed first.
async fn to_confirm(ask: Ask<'_>, stage: &Stage) -> Reply {
    let mut config = settings();
    config.auth.require_verified_email = true;
    let strict = TestApp::with(config).await;
    ask.by(&strict.guest()).json(account(stage, None)).send().await
}

/// The token of the mail that comes when somebody new asks for it.
async fn mailed(stage: &Stage, audience: Audience, path: &str, subject: &str) -> String {
    let email = stage.email(&stage.newcomer(audience).await).await;
    let path = format!("{}/auth/{path}", super::document::prefix(audience));
    Stage::guest(&stage.test, audience).post(&path, json!({ "email": email })).await.assert(202);
    last_token(stage, &email, subject).await
}

async fn last_token(stage: &Stage, email: &str, subject: &str) -> String {
    let letters = stage.test.letters_to(email).await;
    letters.iter().rfind(|letter| letter.subject == subject).expect("a mail").token()
}

/// The token of a change of address that is on its way.
async fn changing(stage: &Stage, id: &str) -> String {
    let newcomer = stage.newcomer(Audience::Public).await;
    let (old, new) = (stage.email(&newcomer).await, format!("changed{}@test.example", stage.number()));
    let body = json!({ "email": new, "current_password": PASSWORD });
    newcomer.post("/api/v1/auth/email", body).await.assert(202);
    match id {
        "undo_email_change" => last_token(stage, &old, "The address of your account is to change").await,
        _ => last_token(stage, &new, "Please confirm your new e-mail address").await,
    }
}

/// A mail in this state; a failed one lacks what its template needs.
async fn mail(stage: &Stage, state: &str) -> String {
    let id = format!("01900000-0000-7000-8000-{:012x}", stage.number());
    let data = if state == "failed" { "{}" } else { "{ name: 'Jane', title: 'News', body: 'It rains.' }" };
    let text = format!(
        "CREATE mails:u'{id}' SET `to` = 'jane@test.example', template = 'notification', locale = 'en',
            state = '{state}', message_id = '<{id}@test.example>', created_at = d'2026-05-04T10:00:00Z', data = {data}"
    );
    stage.test.system(&text).await;
    id
}
