//! The way by e-mail: once, when it may, to whom it may.

use chrono::Duration;
use pawbase::context::Role;
use pawbase::services::mail::SendFailure;
use serde_json::{Value, json};

use super::stage::{emails, join, list, mails, member, prefer, start, types, wanted};
use crate::support::mail::header;
use crate::support::run;

const TITLE: &str = "notification: Test Business: you are on the team";

#[test]
fn news_come_by_email_too_and_once() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        assert_eq!(mails(&test, &person).await, [TITLE]);
        assert_eq!(emails(&test, &person).await, ["sent 1"]);
        let admin = test.staff(Role::Support).await;
        let report = admin.get("/api/admin/notification_deliveries?channel=email&expand=mail").await.assert(200);
        assert_eq!(report.json["items"][0]["expand"]["mail"]["user"], person.user);

        // As after a crash whose job had to be begun anew by hand.
        test.system("UPDATE jobs SET state = 'dead' WHERE kind = 'notifications.membership_created'").await;
        let job = test
            .texts("SELECT VALUE <string> record::id(id) FROM jobs WHERE kind = 'notifications.membership_created'")
            .await;
        let boss = test.staff(Role::Admin).await;
        boss.post(&format!("/api/admin/jobs/{}/retry", job[0]), Value::Null).await.assert(204);
        test.settle().await;
        assert_eq!(mails(&test, &person).await, [TITLE]);
    });
}

#[test]
fn the_letter_has_the_words_and_a_way_out() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        let letters = test.letters().await;
        let letter = letters.iter().find(|letter| letter.subject.contains("on the team")).expect("the letter");
        assert_eq!(letter.subject, "Test Business: you are on the team");
        assert!(letter.text.contains("You now work at Test Business. Your role: groomer."), "{}", letter.text);
        assert_eq!(header(&letter.raw, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
        let link = header(&letter.raw, "List-Unsubscribe");
        let path = link.trim_matches(['<', '>']).split_once("/api/").expect("a link of ours").1;
        test.guest().post(&format!("/api/{path}"), Value::Null).await.assert(200);
        let after = person.get("/api/v1/notifications/preferences").await.assert(200).json;
        assert_eq!(wanted(&after, "membership_added"), (true, false));

        let admin = test.staff(Role::Admin).await;
        let suspend = format!("/api/admin/users/{}/suspend", person.user);
        admin.post(&suspend, json!({ "reason": "Rude." })).await.assert(200);
        let letters = test.letters().await;
        let letter = letters.iter().find(|letter| letter.subject == "Your account was suspended").expect("the letter");
        assert_eq!(header(&letter.raw, "List-Unsubscribe"), "", "what must be sent has no way out");
    });
}

#[test]
fn a_mail_that_is_given_up_is_noted_and_a_bad_address_is_suppressed() {
    run(async {
        let test = start().await;
        let (person, admin) = (test.customer().await, test.staff(Role::Admin).await);
        test.settle().await;
        let message = "No such mailbox.".to_owned();
        test.outbox().fail_with(Some(SendFailure::Refused { message, is_bad_address: true }));
        join(&admin, &person, &test.business().await, "groomer").await;
        test.settle().await;
        assert_eq!(emails(&test, &person).await, ["failed 1 No such mailbox."]);
        let me = person.get("/api/v1/auth/me").await.assert(200).json;
        let found = admin.get("/api/admin/suppressions").await.assert(200).json;
        let (found, email) = (&found["items"][0], &me["email"]);
        assert_eq!((&found["address"], &found["reason"]), (email, &json!("bounce")));
        test.outbox().fail_with(None);
        join(&admin, &person, &test.business().await, "groomer").await;
        test.settle().await;
        assert_eq!(emails(&test, &person).await[1], "suppressed 0 The address is suppressed.");
    });
}

#[test]
fn in_quiet_hours_it_waits_until_they_end() {
    run(async {
        let test = start().await;
        let (business, person, admin) = (test.business().await, test.customer().await, test.staff(Role::Admin).await);
        // It is noon in Berlin.
        prefer(&person, json!({ "timezone": "Europe/Berlin", "quiet_hours": { "from": "11:30", "until": "13:30" } }))
            .await;
        join(&admin, &person, &business, "groomer").await;
        test.settle().await;
        assert_eq!(types(&person).await, ["membership_added"], "the list is silent anyway");
        assert_eq!(emails(&test, &person).await, ["queued 0 Quiet hours."]);
        test.clock.advance(Duration::minutes(89));
        test.settle().await;
        assert_eq!(mails(&test, &person).await, [""; 0], "a minute too early");
        test.clock.advance(Duration::minutes(1));
        test.settle().await;
        assert_eq!(
            (mails(&test, &person).await, emails(&test, &person).await),
            (vec![TITLE.to_owned()], vec!["sent 1".to_owned()])
        );
    });
}

#[test]
fn what_has_waited_is_decided_anew() {
    run(async {
        let test = start().await;
        let admin = test.staff(Role::Admin).await;
        let quiet = json!({ "quiet_hours": { "from": "09:00", "until": "11:00" } });
        let mut people = Vec::new();
        for _ in 0..4 {
            let person = test.customer().await;
            prefer(&person, quiet.clone()).await;
            join(&admin, &person, &test.business().await, "groomer").await;
            people.push(person);
        }
        test.settle().await;
        prefer(&people[0], json!({ "types": [{ "type": "membership_added", "email": false }] })).await;
        let id = list(&people[1]).await[0]["id"].as_str().expect("a key").to_owned();
        people[1].post(&format!("/api/v1/notifications/{id}/read"), Value::Null).await.assert(200);
        prefer(&people[2], json!({ "quiet_hours": { "from": "09:00", "until": "11:30" } })).await;
        let suspended = format!("/api/admin/users/{}/suspend", people[3].user);
        admin.post(&suspended, json!({ "reason": "Rude." })).await.assert(200);
        test.clock.advance(Duration::hours(1));
        test.settle().await;
        assert_eq!(emails(&test, &people[0]).await, ["suppressed 0 The person does not want it."]);
        assert_eq!(emails(&test, &people[1]).await, ["suppressed 0 The person has read it already."]);
        assert_eq!(emails(&test, &people[2]).await, ["queued 0 Quiet hours."]);
        // The suspension itself is urgent and must be known.
        assert_eq!(emails(&test, &people[3]).await, ["suppressed 0 The account is suspended.", "sent 1"]);
        test.clock.advance(Duration::minutes(30));
        test.settle().await;
        assert_eq!(emails(&test, &people[2]).await, ["sent 1"]);
    });
}

#[test]
fn suppressed_addresses_get_what_must_be_sent_unless_it_would_not_arrive() {
    run(async {
        let test = start().await;
        let admin = test.staff(Role::Admin).await;
        let mut people = Vec::new();
        for reason in ["unsubscribe", "bounce"] {
            let person = test.customer().await;
            let me = person.get("/api/v1/auth/me").await.assert(200).json;
            let body = json!({ "address": me["email"], "reason": reason });
            admin.post("/api/admin/suppressions", body).await.assert(201);
            join(&admin, &person, &test.business().await, "groomer").await;
            let path = format!("/api/admin/users/{}/suspend", person.user);
            admin.post(&path, json!({ "reason": "Rude." })).await.assert(200);
            people.push(person);
        }
        test.settle().await;
        let suppressed = "suppressed 0 The address is suppressed.";
        assert_eq!(emails(&test, &people[0]).await, [suppressed, "sent 1"]);
        assert_eq!(emails(&test, &people[1]).await, [suppressed, suppressed]);
    });
}

#[test]
fn addresses_are_suppressed_by_administrators_in_lower_case() {
    run(async {
        let test = start().await;
        let (admin, support, person) =
            (test.staff(Role::Admin).await, test.staff(Role::Support).await, test.customer().await);
        let body = json!({ "address": "Ada@example.com", "reason": "bounce" });
        admin.post("/api/admin/suppressions", body).await.assert(422).assert_fields(&["/address"]);
        let body = json!({ "address": "ada@example.com", "reason": "bounce" });
        support.post("/api/admin/suppressions", body.clone()).await.assert_error(403, "forbidden");
        person.post("/api/v1/suppressions", body.clone()).await.assert_error(404, "not_found");
        let id = admin.post("/api/admin/suppressions", body.clone()).await.assert(201).id();
        admin.post("/api/admin/suppressions", body).await.assert_error(409, "already_exists");
        admin.delete(&format!("/api/admin/suppressions/{id}")).await.assert(204);
    });
}
