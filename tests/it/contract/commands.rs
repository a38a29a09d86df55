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
        ("get_unread_count" | "get_notification_preferences", 200) => ask(),
        ("read_notification", 200) => ask().on(&notification(stage, audience).await),
        ("read_all_notifications", 200) => ask().json(json!({})),
        ("list_notification_types", 200) => ask(),
        ("test_notification", 201) => ask().json(json!({ "type": "membership_added" })),
        ("resend_notification", 403) => ask().by(&stage.support),
        ("resend_notification", 204 | 409) => ask().on(&resent(stage, status).await),
        ("get_unsubscribe_page" | "unsubscribe_notifications", 200 | 400 | 404 | 410) => {
            return Some(unsubscribe(stage, ask(), &guest, status).await);
        }
        ("update_notification_preferences", 200) => ask().json(json!({ "timezone": "Europe/Lisbon" })),
        ("upload_file" | "get_file_url" | "read_file", _) => {
            return super::files::answer(stage, ask, operation.id, status).await;
        }
        (id, _) if id.contains("webhook") => return super::webhooks::answer(stage, ask, id, status).await,
        _ => return super::links::answer(stage, operation, faults, status).await,
    };
    Some(ask.send().await)
}

/// A notification of the caller of a listener.
async fn notification(stage: &Stage, audience: Audience) -> String {
    let id = format!("01900000-0000-7000-8000-{:012x}", stage.number());
    let text = format!(
        "CREATE notifications:u'{id}' SET user = users:u'{}', audience = '{}', type = 'membership_added', cause = '{id}',
            title = 'x', body = 'x', data = {{}}, is_urgent = false, in_app = true, created_at = d'2026-05-04T10:00:00Z',
            expires_at = d'2026-08-04T10:00:00Z'",
        stage.caller(audience).user,
        audience.as_str()
    );
    stage.test.system(&text).await;
    id
}

/// A sample of the boss's whose e-mail may be sent again, or may not.
async fn resent(stage: &Stage, status: u16) -> String {
    let is_wanted = status == 204;
    let kind = if is_wanted { "membership_added" } else { "membership_ended" };
    let choice = json!({ "types": [{ "type": kind, "email": is_wanted }] });
    stage.boss.patch("/api/admin/notifications/preferences", choice).await.assert(200);
    stage.boss.post("/api/admin/notifications/test", json!({ "type": kind })).await.assert(201).id()
}

/// An unsubscribe link: good, without a token, not ours, of a notification that is gone.
async fn unsubscribe(stage: &Stage, ask: Ask<'_>, guest: &Client, status: u16) -> Reply {
    let ask = ask.by(guest);
    if status == 400 {
        return ask.send().await;
    }
    let id = if status == 200 { notification(stage, Audience::Public).await } else { uuid::Uuid::nil().to_string() };
    let purpose = if status == 404 { "another" } else { "notifications.unsubscribe" };
    let token = stage.test.app.identity.keys().link_token(purpose, id.parse().expect("a key"));
    ask.query(&format!("token={token}")).send().await
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
pub(super) fn account(stage: &Stage, email: Option<&str>) -> Value {
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
