//! The way out that needs no sign-in: one click, for whoever has the link.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{list, member, start, wanted};
use crate::support::people::PASSWORD;
use crate::support::{Client, TestApp, run};

/// What the links are made for.
const PURPOSE: &str = "notifications.unsubscribe";
const FORM: &str = "application/x-www-form-urlencoded";

/// The path of the link that came with a notification, made for this purpose.
async fn link(test: &TestApp, person: &Client, purpose: &str) -> String {
    let id: Uuid = list(person).await[0]["id"].as_str().expect("a key").parse().expect("a UUID");
    format!("/api/v1/notifications/unsubscribe?token={}", test.app.identity.keys().link_token(purpose, id))
}

async fn preferences(person: &Client) -> Value {
    person.get("/api/v1/notifications/preferences").await.assert(200).json
}

#[test]
fn one_click_ends_the_emails_of_a_type_and_reading_the_link_does_not() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        let (path, guest) = (link(&test, &person, PURPOSE).await, test.guest());
        for _ in 0..2 {
            let page = guest.get(&path).await.assert(200);
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
            assert!(page.header("content-security-policy").contains("form-action 'self'"));
            assert!(
                page.text.contains("Test Business: you are on the team") && page.text.contains("<form method=\"post\"")
            );
        }
        assert_eq!(wanted(&preferences(&person).await, "membership_added"), (true, true));
        for _ in 0..2 {
            let done = guest.raw(Method::POST, &path, FORM, "List-Unsubscribe=One-Click").await.assert(200);
            assert!(done.text.contains("Done.") && !done.text.contains("<form"), "{}", done.text);
        }
        let after = preferences(&person).await;
        assert_eq!(
            (wanted(&after, "membership_added"), wanted(&after, "membership_ended")),
            ((true, false), (true, true))
        );
    });
}

#[test]
fn all_emails_end_but_those_that_must_be_sent() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        let path = format!("{}&scope=all", link(&test, &person, PURPOSE).await);
        test.guest().post(&path, Value::Null).await.assert(200);
        let after = preferences(&person).await;
        for kind in ["membership_added", "membership_changed", "membership_ended"] {
            assert_eq!(wanted(&after, kind), (true, false), "{kind}");
        }
        assert_eq!(wanted(&after, "account_suspended"), (true, true));
        let wrong = path.replace("scope=all", "scope=none");
        test.guest().post(&wrong, Value::Null).await.assert(400);
    });
}

#[test]
fn a_link_that_is_not_ours_does_nothing() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        let (good, other) = (link(&test, &person, PURPOSE).await, link(&test, &person, "reset_password").await);
        let cut = good[..good.len() - 1].to_owned();
        let path = "/api/v1/notifications/unsubscribe";
        for bad in [other, cut, format!("{path}?token="), format!("{path}?token=x.y")] {
            test.guest().get(&bad).await.assert_error(404, "not_found");
            test.guest().post(&bad, Value::Null).await.assert_error(404, "not_found");
        }
        test.guest().get(path).await.assert(400);
        test.guest().post(path, Value::Null).await.assert(400);
        assert_eq!(wanted(&preferences(&person).await, "membership_added"), (true, true));
        test.system("DELETE notifications").await;
        test.guest().get(&good).await.assert_error(410, "gone");
        test.guest().post(&good, Value::Null).await.assert_error(410, "gone");
    });
}

#[test]
fn a_browser_that_is_signed_in_as_somebody_may_follow_it_too() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        let path = link(&test, &person, PURPOSE).await;
        let other = test.customer().await;
        let email = other.get("/api/v1/auth/me").await.assert(200).json["email"].clone();
        let login = json!({ "email": email, "password": PASSWORD, "use_cookies": true });
        let reply = test.guest().post("/api/v1/auth/login", login).await.assert(200);
        let cookies =
            reply.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()?.split(';').next());
        let browser = test.guest().with("cookie", &cookies.collect::<Vec<_>>().join("; "));
        browser.post("/api/v1/notifications/read_all", json!({})).await.assert_error(403, "csrf_failed");
        browser.raw(Method::POST, &path, FORM, "").await.assert(200);
        assert_eq!(wanted(&preferences(&person).await, "membership_added"), (true, false));
        assert_eq!(wanted(&preferences(&other).await, "membership_added"), (true, true));
    });
}

#[test]
fn the_page_speaks_the_language_of_the_person_and_escapes_what_others_wrote() {
    run(async {
        let test = start().await;
        let (person, _) = member(&test, "groomer").await;
        let path = link(&test, &person, PURPOSE).await;
        person.patch("/api/v1/auth/me", json!({ "locale": "de" })).await.assert(200);
        test.system("UPDATE notifications SET title = '<script>alert(1)</script>'").await;
        let page = test.guest().get(&path).await.assert(200);
        assert!(page.text.contains("<html lang=\"de\">") && page.text.contains("E-Mails abbestellen"));
        assert!(!page.text.contains("<script>"), "{}", page.text);
        test.guest().post(&path, Value::Null).await.assert(200);
    });
}
