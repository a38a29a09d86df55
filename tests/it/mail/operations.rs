//! What staff do with mail.

use pawbase::context::Role;
use pawbase::modules::mail::TEMPLATES;
use pawbase::services::mail::SendFailure;
use serde_json::json;

use super::delivery::{letter, posted};
use crate::support::{TestApp, run, settings};

const ADA: &str = "ada@test.example";

#[test]
fn a_preview_shows_the_mail_and_no_link_that_opens_an_account() {
    run(async {
        let test = TestApp::start().await;
        test.account(ADA).await;
        let went = test.letters_to(ADA).await.remove(0);
        let path = format!("/api/admin/mails/{}/preview", went.id);
        for role in [Role::Support, Role::Admin] {
            let shown = test.staff(role).await.get(&path).await.assert(200).json;
            assert_eq!(shown["subject"], went.subject);
            assert!(shown["text"].as_str().unwrap().contains("#token=hidden"), "{shown}");
            assert!(!shown.to_string().contains(&went.token()), "{shown}");
            assert_eq!((&shown["is_kept"], &shown["has_live_links"]), (&json!(true), &json!(false)));
        }
        let boss = test.staff(Role::SuperAdmin).await;
        let shown = boss.get(&path).await.assert(200).json;
        assert!(shown["text"].as_str().unwrap().contains(&went.token()), "{shown}");
        assert_eq!(shown["has_live_links"], true);
        boss.get("/api/admin/mails/00000000-0000-7000-8000-000000000000/preview").await.assert_error(404, "not_found");
        test.admin_guest().get(&path).await.assert_error(401, "unauthenticated");
    });
}

#[test]
fn the_log_is_for_staff_alone_and_shows_no_data_of_mails() {
    run(async {
        let test = TestApp::start().await;
        let ada = test.account(ADA).await;
        test.settle().await;
        ada.get("/api/v1/mails").await.assert(404);
        let listed = test.staff(Role::Support).await.get("/api/admin/mails").await.assert(200).json;
        let mail = &listed["items"][0];
        assert_eq!(
            (&mail["to"], &mail["state"], &mail["template"]),
            (&json!(ADA), &json!("sent"), &json!("confirm_email"))
        );
        for hidden in ["data", "link", "unsubscribe", "unique_key"] {
            assert!(mail.get(hidden).is_none(), "{mail}");
        }
        let boss = test.staff(Role::SuperAdmin).await;
        boss.delete(&format!("/api/admin/mails/{}", mail["id"].as_str().unwrap())).await.assert(405);
    });
}

#[test]
fn a_mail_is_sent_again_as_another_one() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        test.outbox().fail_with(Some(SendFailure::Refused { message: "550".into(), is_bad_address: true }));
        let id = posted(&test, letter("jane@test.example")).await;
        let path = format!("/api/admin/mails/{id}/resend");
        admin.post(&path, json!({})).await.assert_error(409, "conflict");
        test.settle().await;
        test.outbox().fail_with(None);
        test.staff(Role::Support).await.post(&path, json!({})).await.assert_error(403, "forbidden");
        let again = admin.post(&path, json!({})).await.assert(201).id();
        let went = test.letters().await;
        assert_eq!((went.len(), &went[0].id), (1, &again));
        let row = admin.get(&format!("/api/admin/mails/{again}")).await.assert(200).json;
        assert_eq!((&row["resends"], &row["state"]), (&json!(id.to_string()), &json!("sent")));
        let first = admin.get(&format!("/api/admin/mails/{id}")).await.assert(200).json;
        assert_eq!(first["state"], "failed", "what happened stays as it was");
        assert_ne!(first["message_id"], row["message_id"]);
        let told = test.texts("SELECT VALUE action FROM audit WHERE action = 'mail.resent'").await;
        assert_eq!(told.len(), 1);
    });
}

#[test]
fn staff_try_whether_mail_goes_out() {
    run(async {
        let test = TestApp::start().await;
        let admin = test.staff(Role::Admin).await;
        let me = admin.get("/api/admin/auth/me").await.assert(200).json["email"].as_str().unwrap().to_owned();
        let id = admin.post("/api/admin/mail/test", json!({})).await.assert(202).id();
        let went = test.letters_to(&me).await;
        assert_eq!((went.len(), &went[0].id), (1, &id));
        assert_eq!(went[0].subject, "Mail from Pawbase arrives");
        test.staff(Role::Support).await.post("/api/admin/mail/test", json!({})).await.assert_error(403, "forbidden");
    });
}

#[test]
fn every_kind_of_mail_can_be_looked_at_and_replaced() {
    run(async {
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join("mail/de");
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("test.subject.txt"), "Hallo von {{ shop }}").expect("written");
        let mut config = settings();
        config.server.data = data.path().to_owned();
        let test = TestApp::with(config).await;
        let support = test.staff(Role::Support).await;
        let listed = support.get("/api/admin/mail/templates").await.assert(200).json;
        let items = listed["items"].as_array().unwrap();
        assert_eq!(items.len(), TEMPLATES.len());
        for item in items {
            assert_eq!(item["locales"], json!(["de", "en"]));
            assert_eq!(item["overridden"], if item["code"] == "test" { json!(["de"]) } else { json!([]) }, "{item}");
            let path = format!("/api/admin/mail/templates/{}/preview", item["code"].as_str().unwrap());
            support.get(&path).await.assert(200);
            support.get(&format!("{path}?locale=de-AT")).await.assert(200);
        }
        let shown = support.get("/api/admin/mail/templates/test/preview?locale=de").await.assert(200).json;
        assert_eq!(shown["subject"], "Hallo von Happy Paws");
        support.get("/api/admin/mail/templates/nothing/preview").await.assert_error(404, "not_found");
    });
}

#[test]
fn a_broken_template_of_the_shop_stops_the_start_and_says_where() {
    run(async {
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join("mail/en");
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("test.txt"), "Hello\n{{ nmae }}\n").expect("written");
        let mut config = settings();
        config.server.data = data.path().to_owned();
        let clock = std::sync::Arc::new(pawbase::kernel::time::SystemClock);
        let error = pawbase::app::App::open(config, clock).await.expect_err("refused").to_string();
        assert!(error.contains("mail/en/test.txt") && error.contains("line 2"), "{error}");
    });
}
