//! What is for staff alone: jobs that were given up, samples, the catalogue, an e-mail once more.

use chrono::Duration;
use pawbase::app::reactions;
use pawbase::context::{Ctx, Role};
use pawbase::work::{Attempted, Failure, Kind, NewEvent, NewJob, Turn, catalogue, emit, enqueue};
use pawbase_engine::{RecordId, Tx};
use serde_json::{Value, json};

use super::stage::{emails, list, mails, member, prefer, start};
use crate::support::{Client, TestApp, run, settings};

async fn give_up(_: &Turn<'_>) -> Attempted {
    Err(Failure::last("as it was told"))
}

/// A platform whose jobs of these kinds are given up.
async fn failing() -> TestApp {
    let mut config = settings();
    config.auth.access_token_minutes = 1440;
    let kinds = ["test.one", "test.other", "notifications.test", "mail.test", "webhooks.deliver"];
    let reactions = kinds.into_iter().fold(reactions(), |all, kind| all.job(Kind::effect(kind, give_up)));
    let test = TestApp::with_reactions(config, reactions).await;
    test.expect_jobs(&kinds);
    test
}

/// A job of this kind is given up.
async fn die(test: &TestApp, kind: &'static str) {
    let ctx = Ctx::internal(test.app.platform.clone(), "test");
    let asked = test.app.platform.engine.root().transact(|tx: &Tx| {
        let ctx = ctx.clone();
        Box::pin(async move { enqueue(tx, &ctx, NewJob::new(kind, json!({}))?).await })
    });
    let asked: pawbase::kernel::Result<_> = asked.await;
    asked.expect("asked");
    test.settle().await;
}

/// The titles in the bell of somebody of the staff, newest first.
async fn bell(staff: &Client) -> Vec<String> {
    let path = format!("/api/admin/notifications?user={}&in_app=true&sort=-id", staff.user);
    let reply = staff.get(&path).await.assert(200);
    let items = reply.json["items"].as_array().expect("items");
    items.iter().map(|item| item["title"].as_str().expect("a title").to_owned()).collect()
}

#[test]
fn administrators_are_told_of_jobs_that_were_given_up() {
    run(async {
        let test = failing().await;
        let (admin, support, customer) =
            (test.staff(Role::Admin).await, test.staff(Role::Support).await, test.customer().await);
        die(&test, "test.one").await;
        assert_eq!(bell(&admin).await, ["A job was given up: test.one"]);
        assert_eq!((bell(&support).await.len(), list(&customer).await.len()), (0, 0));
        let reply = admin.get("/api/admin/notifications/unread_count").await.assert(200);
        assert_eq!(reply.json, json!({ "unread": 1 }));
        assert_eq!(mails(&test, &admin).await.len(), 1);
        let item = &admin.get("/api/admin/notifications").await.assert(200).json["items"][0];
        assert_eq!((&item["about"]["table"], &item["data"]["error"]), (&json!("jobs"), &json!("as it was told")));
    });
}

#[test]
fn many_jobs_of_a_kind_are_told_once_an_hour() {
    run(async {
        let test = failing().await;
        let admin = test.staff(Role::Admin).await;
        for kind in ["test.one", "test.one", "test.other", "test.one"] {
            die(&test, kind).await;
        }
        assert_eq!(bell(&admin).await, ["A job was given up: test.other", "A job was given up: test.one"]);
        test.clock.advance(Duration::hours(1));
        die(&test, "test.one").await;
        assert_eq!(bell(&admin).await.len(), 3);
    });
}

#[test]
fn administrators_are_told_of_webhooks_that_were_disabled() {
    run(async {
        let test = start().await;
        let (admin, support) = (test.staff(Role::Admin).await, test.staff(Role::Support).await);
        let ctx = Ctx::internal(test.app.platform.clone(), "test");
        for payload in [json!({ "host": "hooks.example.com", "reason": "It answered 410." }), json!({ "reason": "x" })]
        {
            let told = test.app.platform.engine.root().transact(|tx: &Tx| {
                let (ctx, payload, about) = (ctx.clone(), payload.clone(), RecordId::new("webhook_endpoints", "a"));
                Box::pin(
                    async move { emit(tx, &ctx, NewEvent::new(&catalogue::WEBHOOK_DISABLED, about, payload)?).await },
                )
            });
            let told: pawbase::kernel::Result<()> = told.await;
            told.expect("told");
        }
        test.settle().await;
        assert_eq!(bell(&admin).await, ["A webhook was disabled: ?", "A webhook was disabled: hooks.example.com"]);
        assert_eq!((bell(&support).await.len(), mails(&test, &admin).await.len()), (0, 2));
    });
}

#[test]
fn a_job_that_tells_people_is_not_told_when_it_is_given_up() {
    run(async {
        let test = failing().await;
        let admin = test.staff(Role::Admin).await;
        die(&test, "notifications.test").await;
        die(&test, "mail.test").await;
        die(&test, "webhooks.deliver").await;
        assert_eq!(bell(&admin).await, [""; 0]);
        let told = test.texts("SELECT VALUE payload.kind FROM events WHERE name = 'job.died' ORDER BY id").await;
        assert_eq!(told, ["notifications.test", "mail.test", "webhooks.deliver"], "it is an event like any other");
    });
}

#[test]
fn a_reaction_to_the_death_of_a_job_tells_of_no_death_of_its_own() {
    run(async {
        let kinds = Kind::effect("test.one", give_up);
        let reactions = pawbase::work::Registry::new().job(kinds).on("job.died", "test.react", give_up);
        let test = TestApp::with_reactions(settings(), reactions).await;
        test.expect_jobs(&["test.one", "test.react"]);
        die(&test, "test.one").await;
        let dead = test.texts("SELECT VALUE kind FROM jobs WHERE state = 'dead' ORDER BY id").await;
        assert_eq!(dead, ["test.one", "test.react"]);
        assert_eq!(test.texts("SELECT VALUE name FROM events WHERE name = 'job.died'").await, ["job.died"]);
    });
}

#[test]
fn who_is_staff_no_longer_sees_nothing_of_it() {
    run(async {
        let test = failing().await;
        let (boss, admin) = (test.staff(Role::SuperAdmin).await, test.staff(Role::Admin).await);
        die(&test, "test.one").await;
        assert_eq!(bell(&admin).await.len(), 1);
        let email = boss.get(&format!("/api/admin/users/{}", admin.user)).await.assert(200).json["email"].clone();
        let roles = json!({ "roles": ["customer"] });
        let path = format!("/api/admin/users/{}/roles", admin.user);
        boss.send(reqwest::Method::PUT, &path, Some(roles)).await.assert(200);
        let person = test.sign_in(email.as_str().expect("an address"), crate::support::people::PASSWORD).await;
        assert_eq!(list(&person).await.len(), 0);
        let id = boss.get(&format!("/api/admin/notifications?user={}", admin.user)).await.assert(200).ids()[0].clone();
        person.get(&format!("/api/v1/notifications/{id}")).await.assert_error(404, "not_found");
        person.post(&format!("/api/v1/notifications/{id}/read"), Value::Null).await.assert_error(404, "not_found");
        boss.post(&format!("/api/admin/notifications/{id}/resend"), Value::Null).await.assert_error(409, "conflict");
    });
}

#[test]
fn staff_see_the_types_and_send_samples_to_themselves() {
    run(async {
        let test = start().await;
        let (support, customer) = (test.staff(Role::Support).await, test.customer().await);
        let types = support.get("/api/admin/notifications/types").await.assert(200).json;
        let types = types["items"].as_array().expect("items");
        for kind in types {
            let body = json!({ "type": kind["type"] });
            support.post("/api/admin/notifications/test", body).await.assert(201);
        }
        support.post("/api/admin/notifications/test", json!({ "type": "job_died" })).await.assert(201);
        assert_eq!(bell(&support).await.len(), types.len() + 1, "a sample comes each time");
        assert_eq!(mails(&test, &support).await.len(), types.len() + 1);
        let bad = support.post("/api/admin/notifications/test", json!({ "type": "nonsense" })).await.assert(422);
        bad.assert_fields(&["/type"]);
        customer.post("/api/v1/notifications/test", json!({ "type": "job_died" })).await.assert(405);
        customer.get("/api/v1/notifications/types").await.assert_error(404, "not_found");
        let noted = test.texts("SELECT VALUE action FROM audit WHERE action = 'notification.sample_sent'").await;
        assert_eq!(noted.len(), types.len() + 1);
    });
}

#[test]
fn administrators_send_an_email_once_more_where_the_rules_allow_it() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        let (admin, support) = (test.staff(Role::Admin).await, test.staff(Role::Support).await);
        let path = format!("/api/admin/notifications/{}/resend", list(&person).await[0]["id"].as_str().expect("a key"));
        support.post(&path, Value::Null).await.assert_error(403, "forbidden");
        prefer(&person, json!({ "quiet_hours": { "from": "00:00", "until": "23:59" } })).await;
        admin.post(&path, Value::Null).await.assert(204);
        assert_eq!((mails(&test, &person).await.len(), emails(&test, &person).await), (2, vec!["sent 2".to_owned()]));
        prefer(&person, json!({ "types": [{ "type": "membership_added", "email": false }] })).await;
        let refused = admin.post(&path, Value::Null).await.assert_error(409, "conflict");
        assert_eq!(refused.json["detail"], "The person does not want it.");
        assert_eq!(mails(&test, &person).await.len(), 2);
        let nobody = "/api/admin/notifications/00000000-0000-7000-8000-000000000000/resend";
        admin.post(nobody, Value::Null).await.assert_error(404, "not_found");
        assert_eq!(test.texts("SELECT VALUE action FROM audit WHERE action = 'notification.resent'").await.len(), 1);
    });
}
