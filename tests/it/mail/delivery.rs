//! From a letter that is posted to a mail that went out, or did not.

use chrono::Duration;
use futures::future::BoxFuture;
use pawbase::config::MailTransport;
use pawbase::context::{Ctx, Role};
use pawbase::modules::mail::{Letter, Link, post};
use pawbase::services::mail::SendFailure;
use pawbase_engine::Tx;
use serde_json::json;
use uuid::Uuid;

use crate::support::mail::header;
use crate::support::{TestApp, run, settings};

/// Posts a letter in a transaction of its own.
pub async fn posted(test: &TestApp, letter: Letter) -> Uuid {
    let ctx = Ctx::internal(test.app.platform.clone(), "test");
    let root = test.app.platform.engine.root();
    root.transact(|tx| in_transaction(tx, ctx.clone(), letter.clone())).await.expect("posted")
}

fn in_transaction(tx: &Tx, ctx: Ctx, letter: Letter) -> BoxFuture<'_, pawbase::kernel::Result<Uuid>> {
    Box::pin(async move { post(tx, &ctx, letter).await })
}

/// A letter of a kind that needs no account.
pub fn letter(to: &str) -> Letter {
    Letter::new(to, "notification", json!({ "name": "Jane", "title": "News", "body": "It rains." }))
}

async fn states(test: &TestApp) -> Vec<String> {
    test.texts("SELECT VALUE state + ' ' + <string> attempts FROM mails ORDER BY id").await
}

#[test]
fn a_server_that_is_down_is_left_alone_and_every_mail_goes_out_once_it_is_back() {
    run(async {
        let test = TestApp::start().await;
        test.outbox().fail_with(Some(SendFailure::Later("The mail server cannot be reached.".into())));
        for n in 0..10 {
            posted(&test, letter(&format!("jane{n}@test.example"))).await;
        }
        test.settle().await;
        assert_eq!(test.outbox().attempts(), 5, "after five failures nobody calls");
        assert!(states(&test).await.iter().all(|state| state.starts_with("queued")), "{:?}", states(&test).await);
        let admin = test.staff(Role::Support).await;
        let seen = admin.get("/api/admin/work").await.assert(200).json;
        assert_eq!((&seen["services"][0]["name"], &seen["services"][0]["failures"]), (&json!("mail"), &json!(5)));
        let shown = admin.get("/api/admin/mails?sort=id&limit=1").await.assert(200).json;
        assert_eq!(shown["items"][0]["error"], "The mail server cannot be reached.", "{shown}");
        test.outbox().fail_with(None);
        for _ in 0..5 {
            test.clock.advance(Duration::minutes(2));
            test.settle().await;
        }
        let mut went: Vec<String> = test.letters().await.into_iter().map(|mail| mail.to).collect();
        went.sort();
        let all: Vec<String> = (0..10).map(|n| format!("jane{n}@test.example")).collect();
        assert_eq!(went, all, "each exactly once");
        assert!(states(&test).await.iter().all(|state| state.starts_with("sent")));
        assert_eq!(test.rows("SELECT id FROM mails").await.len(), 10, "one row for each");
    });
}

#[test]
fn a_mail_keeps_its_message_id_over_attempts() {
    run(async {
        let test = TestApp::start().await;
        test.outbox().fail_with(Some(SendFailure::Later("down".into())));
        let id = posted(&test, letter("jane@test.example")).await;
        test.settle().await;
        let before = test.texts("SELECT VALUE message_id FROM mails").await;
        test.outbox().fail_with(None);
        test.clock.advance(Duration::minutes(2));
        let went = test.letters().await.remove(0);
        assert_eq!(header(&went.raw, "Message-ID"), before[0]);
        assert_eq!(before, [format!("<{id}@localhost>")]);
        assert_eq!(header(&went.raw, "Auto-Submitted"), "auto-generated");
        assert_eq!(header(&went.raw, "From"), "Pawbase <pawbase@localhost>");
        assert_eq!(states(&test).await, ["sent 2"]);
    });
}

#[test]
fn a_mail_that_is_refused_is_tried_no_more_and_told() {
    run(async {
        let test = TestApp::start().await;
        let refusal = SendFailure::Refused { message: "550 no such mailbox".into(), is_bad_address: true };
        test.outbox().fail_with(Some(refusal));
        posted(&test, letter("nobody@test.example")).await;
        test.settle().await;
        test.clock.advance(Duration::days(1));
        test.settle().await;
        assert_eq!(test.outbox().attempts(), 1);
        assert_eq!(states(&test).await, ["failed 1"]);
        test.assert_events(&["mail.failed"]).await;
        let told = format!("{:?}", test.rows("SELECT VALUE payload FROM events").await);
        assert!(told.contains("nobody@test.example") && told.contains("is_bad_address\": Bool(true)"), "{told}");
        // A letter to what is no address, and one that lacks what its template needs.
        test.outbox().fail_with(None);
        posted(&test, letter("no address")).await;
        posted(&test, Letter::new("jane@test.example", "notification", json!({ "name": "Jane" }))).await;
        posted(&test, Letter::new("jane@test.example", "no_such_mail", json!({}))).await;
        test.settle().await;
        assert_eq!(states(&test).await, ["failed 1"; 4]);
        assert_eq!(test.outbox().mails().len(), 0);
    });
}

#[test]
fn a_mail_that_fails_for_too_long_is_given_up() {
    run(async {
        let test = TestApp::start().await;
        test.outbox().fail_with(Some(SendFailure::Later("down".into())));
        posted(&test, letter("jane@test.example")).await;
        for _ in 0..40 {
            test.settle().await;
            test.clock.advance(Duration::hours(7));
        }
        assert_eq!(states(&test).await, ["failed 15"]);
        test.assert_events(&["mail.failed", "job.died"]).await;
        test.expect_jobs(&["mail.send"]);
    });
}

#[test]
fn a_letter_with_a_key_is_posted_once() {
    run(async {
        let test = TestApp::start().await;
        let first = posted(&test, letter("jane@test.example").unique("k")).await;
        assert_eq!(posted(&test, letter("jane@test.example").unique("k")).await, first);
        assert_eq!(test.letters().await.len(), 1);
        assert_eq!(posted(&test, letter("jane@test.example").unique("k")).await, first, "nor after it was sent");
        assert_ne!(posted(&test, letter("jane@test.example").unique("other")).await, first);
        assert_eq!(test.letters().await.len(), 2);
    });
}

#[test]
fn a_mail_with_an_unsubscribe_link_has_the_headers_of_one_click() {
    run(async {
        let test = TestApp::start().await;
        let link = Link::new("/api/v1/notifications/unsubscribe", "test.unsubscribe", Uuid::from_u128(7));
        posted(&test, letter("jane@test.example").unsubscribe(link)).await;
        let went = test.letters().await.remove(0);
        let listed = header(&went.raw, "List-Unsubscribe");
        let place = "<http://127.0.0.1:3000/api/v1/notifications/unsubscribe?token=";
        assert!(listed.starts_with(place) && listed.ends_with('>'), "{listed}");
        assert_eq!(header(&went.raw, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
        assert!(went.text.contains(listed.trim_matches(['<', '>'])), "in the footer, too: {}", went.text);
        let token = listed.trim_end_matches('>').split_once("token=").expect("a token").1.to_owned();
        let keys = test.app.identity.keys();
        assert_eq!(keys.open_link("test.unsubscribe", &token), Some(Uuid::from_u128(7)));
        assert_eq!(keys.open_link("other", &token), None);
    });
}

#[test]
fn while_mail_is_off_nothing_is_sent() {
    run(async {
        let mut config = settings();
        config.mail.transport = MailTransport::Off;
        let test = TestApp::with(config).await;
        test.account("ada@test.example").await;
        test.settle().await;
        assert_eq!(states(&test).await, ["suppressed 0"]);
        assert_eq!(test.outbox().attempts(), 0);
        assert_eq!(test.rows("SELECT id FROM jobs WHERE kind = 'mail.send'").await.len(), 0);
    });
}

#[test]
fn old_mails_are_forgotten() {
    run(async {
        let test = TestApp::start().await;
        posted(&test, letter("jane@test.example")).await;
        assert_eq!(test.letters().await.len(), 1);
        test.clock.advance(Duration::days(91));
        posted(&test, letter("bob@test.example")).await;
        test.settle().await;
        assert_eq!(test.texts("SELECT VALUE `to` FROM mails").await, ["bob@test.example"]);
    });
}
