//! Telling those who have not read: late, once, and not whoever wants none.

use chrono::Duration;
use pawbase::context::Role;
use serde_json::{Value, json};

use super::stage::{ask, group, own_row, read, said, start};
use crate::support::{Client, TestApp, run};

/// Lets so much time pass that people are told.
async fn wait(test: &TestApp) {
    test.clock.advance(Duration::minutes(3));
    test.settle().await;
}

/// The notifications about messages in somebody's list.
async fn news(person: &Client) -> Vec<Value> {
    let page = person.get("/api/v1/notifications?type=message&sort=id").await.assert(200);
    page.json["items"].as_array().expect("items").clone()
}

#[test]
fn who_has_not_read_is_told_once_until_they_read() {
    run(async {
        let test = start().await;
        let (one, two) = (test.customer().await, test.customer().await);
        let id = group(&one, &[&two]).await;
        said(&one, &id, "Hello").await;
        test.settle().await;
        assert!(news(&two).await.is_empty(), "they may be looking at it");
        said(&one, &id, "Are you there?").await;
        wait(&test).await;
        let told = news(&two).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0]["title"], "Test Customer wrote to you");
        assert_eq!(told[0]["about"], json!({ "table": "conversations", "id": id }));
        assert!(news(&one).await.is_empty(), "who wrote it knows");
        said(&one, &id, "Hello?").await;
        wait(&test).await;
        assert_eq!(news(&two).await.len(), 1, "they have not read since");

        let last = said(&one, &id, "Last try").await;
        read(&two, &id, &last).await;
        wait(&test).await;
        assert_eq!(news(&two).await.len(), 1, "they read it in time");
        said(&one, &id, "One more").await;
        wait(&test).await;
        assert_eq!(news(&two).await.len(), 2);
        let mails = test.letters_to(&email(&test, &two).await).await;
        let mails = mails.iter().filter(|mail| mail.subject.contains("wrote to you")).count();
        assert_eq!(mails, 2, "as many mails as notifications, not as messages");
    });
}

async fn email(test: &TestApp, person: &Client) -> String {
    test.texts(&format!("SELECT VALUE email FROM users:u'{}'", person.user)).await.remove(0)
}

#[test]
fn who_has_muted_it_or_left_is_not_told() {
    run(async {
        let test = start().await;
        let (one, two, three) = (test.customer().await, test.customer().await, test.customer().await);
        let id = group(&one, &[&two, &three]).await;
        let row = own_row(&two, &id).await;
        let path = format!("/api/v1/participants/{}", row["id"].as_str().expect("a key"));
        two.patch(&path, json!({ "muted": true })).await.assert(200);
        said(&one, &id, "Hello").await;
        three.delete(&format!("/api/v1/conversations/{id}/participants/{}", three.user)).await.assert(204);
        wait(&test).await;
        assert!(news(&two).await.is_empty() && news(&three).await.is_empty());
        two.patch(&path, json!({ "muted": false })).await.assert(200);
        said(&one, &id, "Hello again").await;
        wait(&test).await;
        assert_eq!((news(&two).await.len(), news(&three).await.len()), (1, 0));
    });
}

#[test]
fn of_a_business_those_are_told_who_receive_its_customers() {
    run(async {
        let test = start().await;
        let business = test.business().await;
        let (clerk, groomer) = (test.member(&business, "receptionist").await, test.member(&business, "groomer").await);
        let customer = test.customer().await;
        let id = ask(&customer, "businesses", &business).await.assert(201).id();
        said(&customer, &id, "Do you have time on Friday?").await;
        wait(&test).await;
        let told = news(&clerk).await;
        assert_eq!((told.len(), news(&groomer).await.len()), (1, 0));
        assert!(told[0]["body"].as_str().expect("a text").contains("Test Business"));
        said(&groomer, &id, "I have.").await;
        wait(&test).await;
        assert_eq!((news(&customer).await.len(), news(&clerk).await.len()), (1, 1));
        said(&customer, &id, "Lovely!").await;
        wait(&test).await;
        assert_eq!((news(&groomer).await.len(), news(&clerk).await.len()), (1, 1), "the clerk has not read since");

        let admin = test.staff(Role::Admin).await;
        let membership = admin.get(&format!("/api/admin/memberships?user={}", groomer.user)).await.assert(200).ids();
        admin.delete(&format!("/api/admin/memberships/{}", membership[0])).await.assert(204);
        test.system("UPDATE participants SET last_read = NONE WHERE role = 'business'").await;
        said(&customer, &id, "Hello?").await;
        wait(&test).await;
        assert_eq!(news(&groomer).await.len(), 1, "who has left the business is not told");
    });
}
