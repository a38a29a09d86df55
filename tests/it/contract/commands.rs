//! Recipes for commands: what each needs to succeed, and its own ways to fail.

use std::sync::Mutex;

use pawbase::context::Audience;
use serde_json::{Value, json};

use super::document::Operation;
use super::requests::Ask;
use super::stage::Stage;
use crate::support::client::Reply;
use crate::support::people::PASSWORD;
use crate::support::{Client, TestApp, settings};

/// The answer with `status`; None where there is no such way.
pub async fn answer(
    stage: &Stage,
    operation: &Operation<'_>,
    faults: &Mutex<Vec<String>>,
    status: u16,
) -> Option<Reply> {
    let audience = operation.document.audience;
    let ask = || Ask::new(stage, operation, faults);
    let guest = Stage::guest(&stage.test, audience);
    let new_password = json!({ "current_password": PASSWORD, "new_password": "another fine password" });
    let ask = match (operation.id, status) {
        ("create_account", 201) => ask().by(&guest).json(account(stage, None)),
        ("create_account", 403) => return Some(closed(ask(), stage).await),
        ("create_account", 409) => {
            let email = stage.email(&stage.person).await;
            ask().by(&guest).json(account(stage, Some(&email)))
        }
        ("create_session" | "create_admin_session", 200 | 401 | 403) => {
            return Some(sign_in(stage, audience, ask().by(&guest), status).await);
        }
        ("refresh_session" | "refresh_admin_session", 200) => {
            let email = stage.email(&stage.newcomer(audience).await).await;
            let path = format!("{}/auth/login", super::document::prefix(audience));
            let login = json!({ "email": email, "password": PASSWORD });
            let token = guest.post(&path, login).await.assert(200).json["refresh_token"].clone();
            ask().by(&guest).json(json!({ "refresh_token": token }))
        }
        ("refresh_session" | "refresh_admin_session", 401) => {
            ask().by(&guest).json(json!({ "refresh_token": "nonsense" }))
        }
        ("get_account" | "get_admin_account" | "get_overview" | "get_schema", 200) => ask(),
        ("update_account" | "update_admin_account", 200) => ask().json(json!({ "city": "Lisbon" })),
        ("update_password" | "update_admin_password", 204) => {
            ask().by(&stage.newcomer(audience).await).json(new_password)
        }
        ("list_own_sessions" | "list_admin_sessions", 200) => ask(),
        ("delete_own_session" | "delete_admin_session", 204) => {
            let newcomer = stage.newcomer(audience).await;
            let listed = newcomer.get(&format!("{}/auth/sessions", super::document::prefix(audience))).await;
            ask().by(&newcomer).on(&listed.assert(200).ids()[0])
        }
        (
            "delete_other_sessions"
            | "delete_other_admin_sessions"
            | "delete_current_session"
            | "delete_current_admin_session",
            204,
        ) => ask().by(&stage.newcomer(audience).await),
        ("create_first_admin", 201 | 403 | 409 | 410) => return Some(set_up(stage, ask(), status).await),
        ("suspend_user" | "reinstate_user" | "replace_user_roles" | "delete_user_sessions", 403) => {
            return Some(act(stage, ask().by(&stage.support), operation.id).await);
        }
        ("suspend_user" | "reinstate_user" | "replace_user_roles", 200) | ("delete_user_sessions", 204) => {
            return Some(act(stage, ask(), operation.id).await);
        }
        ("list_user_sessions", 200) => ask().on(&stage.person.user),
        ("get_work", 200) => ask(),
        ("retry_job" | "drop_job" | "run_job", 403) => ask().by(&stage.support).on(&job(stage, "done").await),
        ("retry_job" | "drop_job" | "run_job", 409) => ask().on(&job(stage, "done").await),
        ("retry_job" | "drop_job", 204) => ask().on(&job(stage, "dead").await),
        ("run_job", 204) => ask().on(&job(stage, "waiting").await),
        ("run_schedule" | "pause_schedule" | "resume_schedule", 403) => ask().by(&stage.support).on("forget_work"),
        ("run_schedule" | "pause_schedule" | "resume_schedule", 200) => ask().on("forget_work"),
        _ => return links(stage, operation, faults, status).await,
    };
    Some(ask.send().await)
}

/// Recipes for what links in mails do, and for mail itself.
async fn links(stage: &Stage, operation: &Operation<'_>, faults: &Mutex<Vec<String>>, status: u16) -> Option<Reply> {
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
        _ => return None,
    };
    Some(ask.send().await)
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

/// A sign-up where the address has to be confirmed first.
async fn to_confirm(ask: Ask<'_>, stage: &Stage) -> Reply {
    let mut config = settings();
    config.auth.require_verified_email = true;
    let strict = TestApp::with(config).await;
    ask.by(&strict.guest()).json(account(stage, None)).send().await
}

/// A job in this state, of a kind that nobody does.
pub(super) async fn job(stage: &Stage, state: &str) -> String {
    let id = format!("01900000-0000-7000-8000-{:012x}", stage.number());
    let text = format!(
        "CREATE jobs:u'{id}' SET kind = 'contract', state = '{state}', run_at = d'2026-05-04T10:00:00Z',
            created_at = d'2026-05-04T10:00:00Z', queue_at_ms = 0"
    );
    stage.test.system(&text).await;
    stage.test.expect_jobs(&["contract"]);
    id
}

/// A sign-up with this address, or a new one.
fn account(stage: &Stage, email: Option<&str>) -> Value {
    let new = format!("contract{}@test.example", stage.number());
    json!({ "email": email.unwrap_or(&new), "password": PASSWORD, "name": "Contract" })
}

/// A sign-up where nobody may sign up.
async fn closed(ask: Ask<'_>, stage: &Stage) -> Reply {
    let mut config = settings();
    config.auth.signup = false;
    let closed = TestApp::with(config).await;
    ask.by(&closed.guest()).json(account(stage, None)).send().await
}

/// A sign-in that is good, wrong, or of somebody suspended.
async fn sign_in(stage: &Stage, audience: Audience, ask: Ask<'_>, status: u16) -> Reply {
    let newcomer = stage.newcomer(audience).await;
    let email = stage.email(&newcomer).await;
    let password = if status == 401 { "a wrong password" } else { PASSWORD };
    if status == 403 {
        let path = format!("/api/admin/users/{}/suspend", newcomer.user);
        stage.boss.post(&path, json!({ "reason": "contract" })).await.assert(200);
    }
    ask.json(json!({ "email": email, "password": password })).send().await
}

/// A use of the setup link: good, with a wrong token, with an address that is taken, too late.
async fn set_up(stage: &Stage, ask: Ask<'_>, status: u16) -> Reply {
    let unset = TestApp::start().await;
    let token = unset.app.identity.setup_token(&unset.app.platform).await.expect("asked").expect("a token");
    let mut body = account(stage, None);
    body["token"] = json!(if status == 403 { "nonsense" } else { &token });
    if status == 409 {
        unset.guest().post("/api/v1/auth/signup", account(stage, body["email"].as_str())).await.assert(201);
    }
    let guest = if status == 410 { stage.test.admin_guest() } else { unset.admin_guest() };
    ask.by(&guest).json(body).send().await
}

/// What administrators do to a new customer.
async fn act(stage: &Stage, ask: Ask<'_>, id: &str) -> Reply {
    let customer: Client = stage.test.customer().await;
    let ask = ask.on(&customer.user);
    let ask = match id {
        "suspend_user" => ask.json(json!({ "reason": "contract" })),
        "replace_user_roles" => ask.json(json!({ "roles": ["customer", "courier"] })),
        _ => ask,
    };
    ask.send().await
}
