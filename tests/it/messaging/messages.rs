//! Messages: sent once, in order, read up to somewhere, and not wanted from everybody.

use std::collections::BTreeSet;

use futures::future::join_all;
use serde_json::json;

use super::stage::{PATH, ask, group, own_row, read, said, say, seen, start, unread};
use crate::support::files::PDF;
use crate::support::run;

#[test]
fn what_was_sent_is_there_and_unread_until_it_was_read() {
    run(async {
        let test = start().await;
        let (one, two) = (test.customer().await, test.customer().await);
        let id = group(&one, &[&two]).await;
        let sent = say(&one, &id, "Hello 🐾").await.assert(201);
        assert_eq!((&sent.json["conversation"], &sent.json["sender"]), (&json!(id), &json!(one.user)));
        assert_eq!((&sent.json["content"], &sent.json["client_id"]), (&json!("Hello 🐾"), &json!(sent.id())));
        let record = two.get(&format!("/api/v1/messages/{}", sent.id())).await.assert(200).json;
        assert_eq!(record, sent.json, "the command answers the record");
        let conversation = two.get(&format!("{PATH}/{id}")).await.assert(200).json;
        assert_eq!((&conversation["last_message"], conversation.get("told")), (&json!(sent.id()), None));
        assert_eq!((unread(&one).await, unread(&two).await), (0, 1), "who wrote it has read it");

        let second = said(&one, &id, "Are you there?").await;
        assert_eq!(read(&two, &id, &sent.id()).await, 1);
        assert_eq!(read(&two, &id, &second).await, 0);
        assert_eq!(read(&two, &id, &sent.id()).await, 0, "it never goes back");
        assert_eq!(own_row(&two, &id).await["last_read"], json!(second));
        assert_eq!(unread(&two).await, 0);
    });
}

#[test]
fn one_reads_up_to_a_message_of_the_conversation() {
    run(async {
        let test = start().await;
        let (one, two) = (test.customer().await, test.customer().await);
        let (here, there) = (group(&one, &[&two]).await, group(&one, &[&two]).await);
        let elsewhere = said(&one, &there, "Hello").await;
        let path = format!("{PATH}/{here}/read");
        for message in [elsewhere.as_str(), "nonsense", &uuid::Uuid::nil().to_string()] {
            two.post(&path, json!({ "message": message })).await.assert(422).assert_fields(&["/message"]);
        }
        let stranger = test.customer().await;
        let path = format!("{PATH}/{there}/read");
        stranger.post(&path, json!({ "message": elsewhere })).await.assert_error(404, "not_found");
    });
}

#[test]
fn a_message_that_is_sent_again_is_there_once() {
    run(async {
        let test = start().await;
        let (one, two) = (test.customer().await, test.customer().await);
        let (id, other) = (group(&one, &[&two]).await, group(&one, &[&two]).await);
        let path = format!("{PATH}/{id}/messages");
        let body = json!({ "content": "Hello", "client_id": "phone-1" });
        let many = join_all((0..6).map(|_| one.post(&path, body.clone()))).await;
        let keys: BTreeSet<String> = many.iter().map(|reply| reply.id()).collect();
        assert_eq!((keys.len(), many.iter().filter(|reply| reply.status == 201).count()), (1, 1));
        assert_eq!(one.post(&path, body.clone()).await.assert(200).json, many[0].json);
        assert_eq!(seen(&two, &id).await, ["Hello"]);
        let another = json!({ "content": "Bye", "client_id": "phone-1" });
        one.post(&path, another).await.assert_error(422, "idempotency_mismatch");
        let elsewhere = format!("{PATH}/{other}/messages");
        one.post(&elsewhere, body.clone()).await.assert_error(422, "idempotency_mismatch");
        two.post(&path, body).await.assert(201);
        assert_eq!(seen(&two, &id).await, ["Hello", "Hello"], "two has names of their own");
    });
}

#[test]
fn keys_ascend_in_the_order_of_the_conversation() {
    run(async {
        let test = start().await;
        let (one, two, three) = (test.customer().await, test.customer().await, test.customer().await);
        let id = group(&one, &[&two, &three]).await;
        let texts: Vec<String> = (0..8).map(|number| number.to_string()).collect();
        let people = [&one, &two, &three];
        let sent = join_all(people.iter().flat_map(|person| texts.iter().map(|text| said(person, &id, text)))).await;
        let newest = sent.iter().max().expect("messages");
        assert_eq!(one.get(&format!("{PATH}/{id}")).await.json["last_message"], json!(newest));
        assert_eq!(seen(&two, &id).await.len(), 24);
    });
}

#[test]
fn a_message_says_something() {
    run(async {
        let test = start().await;
        let (one, two) = (test.customer().await, test.customer().await);
        let id = group(&one, &[&two]).await;
        say(&one, &id, " \n").await.assert(422).assert_fields(&["/content"]);
        say(&one, &id, &"x".repeat(4001)).await.assert(422).assert_fields(&["/content"]);
        let path = format!("{PATH}/{id}/messages");
        let body = json!({ "content": "", "client_id": "", "sender": two.user });
        one.post(&path, body).await.assert(422);
        say(&one, "nonsense", "x").await.assert_error(404, "not_found");
        let row = json!({ "conversation": id, "sender": two.user, "content": "I owe you money." });
        one.post("/api/v1/messages", row).await.assert(405);
        assert!(seen(&one, &id).await.is_empty());
    });
}

#[test]
fn nobody_floods_a_conversation() {
    run(async {
        let test = start().await;
        let (one, two) = (test.customer().await, test.customer().await);
        let (id, other) = (group(&one, &[&two]).await, group(&one, &[&two]).await);
        for number in 0..60 {
            said(&one, &id, &number.to_string()).await;
        }
        let refusal = say(&one, &id, "more").await.assert_error(429, "too_many_requests");
        assert_eq!(refusal.header("retry-after"), "60");
        said(&two, &id, "Stop it").await;
        said(&one, &other, "Elsewhere").await;
        test.clock.advance(chrono::Duration::minutes(1));
        said(&one, &id, "Sorry").await;
    });
}

#[test]
fn who_is_blocked_does_not_write() {
    run(async {
        let test = start().await;
        let (one, pest, two) = (test.customer().await, test.customer().await, test.customer().await);
        let (pair, trio) = (group(&pest, &[&one]).await, group(&two, &[&one, &pest]).await);
        said(&pest, &pair, "Buy this!").await;
        let block = one.post("/api/v1/blocks", json!({ "blocked": pest.user })).await.assert(201).id();
        say(&pest, &pair, "Buy that!").await.assert_error(403, "forbidden");
        said(&one, &pair, "No.").await;
        said(&pest, &trio, "Among others one may.").await;
        let body = json!({ "kind": "group", "participants": [one.user] });
        pest.post(PATH, body).await.assert_error(403, "forbidden");
        let group = group(&pest, &[&two]).await;
        let path = format!("{PATH}/{group}/participants");
        pest.post(&path, json!({ "users": [one.user] })).await.assert_error(403, "forbidden");
        assert!(pest.get("/api/v1/blocks").await.assert(200).ids().is_empty(), "who is blocked is not told");
        one.delete(&format!("/api/v1/blocks/{block}")).await.assert(204);
        said(&pest, &pair, "Thank you.").await;
    });
}

#[test]
fn what_is_told_has_no_content() {
    run(async {
        let test = start().await;
        let business = test.business().await;
        let customer = test.customer().await;
        test.settle().await;
        let before = test.texts("SELECT VALUE name FROM events").await.len();
        let id = ask(&customer, "businesses", &business).await.assert(201).id();
        let message = said(&customer, &id, "A secret of ours").await;
        test.settle().await;
        let told = test.rows("SELECT name, about, payload, actor FROM (SELECT * FROM events ORDER BY id)").await;
        let told: Vec<String> = told.iter().skip(before).map(|row| format!("{row:?}")).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("conversation.created") && told[0].contains(&business), "{}", told[0]);
        assert!(told[1].contains("message.sent") && told[1].contains(&message), "{}", told[1]);
        let elsewhere = test.rows("SELECT * FROM events, jobs, notifications, audit").await;
        assert!(!format!("{elsewhere:?}").contains("secret"), "content is in messages only");
    });
}

#[test]
fn whoever_sees_a_message_may_read_its_files() {
    run(async {
        let test = start().await;
        let (one, two, stranger) = (test.customer().await, test.customer().await, test.customer().await);
        let id = group(&one, &[&two]).await;
        let file = one.upload("message_attachment", "papers.pdf", PDF).await.assert(201).id();
        let address = format!("/api/v1/files/{file}/url");
        two.get(&address).await.assert_error(404, "not_found");
        let path = format!("{PATH}/{id}/messages");
        let body = json!({ "content": "", "files": [file], "client_id": "phone-1" });
        let sent = one.post(&path, body.clone()).await.assert(201);
        assert_eq!(sent.json["files"], json!([file]));
        assert_eq!(two.get(&format!("/api/v1/messages/{}", sent.id())).await.assert(200).json, sent.json);
        let url = two.get(&address).await.assert(200).json["url"].as_str().expect("an address").to_owned();
        assert_eq!(two.get(&url).await.assert(200).bytes, PDF);
        stranger.get(&address).await.assert_error(404, "not_found");
        assert_eq!(one.post(&path, body).await.assert(200).json, sent.json, "sent again it is the same");

        let theirs = json!({ "content": "Mine now", "files": [file] });
        two.post(&path, theirs).await.assert(422).assert_fields(&["/files/0"]);
        let many = json!({ "content": "x", "files": vec![file.clone(); 11] });
        one.post(&path, many).await.assert(422).assert_fields(&["/files"]);
        let none = json!({ "content": "x", "files": ["nonsense", uuid::Uuid::nil()] });
        one.post(&path, none).await.assert(422).assert_fields(&["/files/0"]);
        two.delete(&format!("{PATH}/{id}/participants/{}", two.user)).await.assert(204);
        two.get(&address).await.assert_error(404, "not_found");
    });
}
