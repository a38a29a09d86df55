//! Beginning conversations, and who sees them.

use futures::future::join_all;
use pawbase::context::Role;
use serde_json::json;

use super::stage::{PATH, ask, group, listing, said, say, seen, start, unread};
use crate::support::run;

#[test]
fn everybody_who_works_in_a_business_sees_what_customers_ask_it() {
    run(async {
        let test = start().await;
        let business = test.business().await;
        let (customer, owner, groomer) =
            (test.customer().await, test.member(&business, "owner").await, test.member(&business, "groomer").await);
        let (stranger, guest) = (test.customer().await, test.guest());
        let begun = ask(&customer, "businesses", &business).await.assert(201);
        assert_eq!((&begun.json["business"], &begun.json["kind"]), (&json!(business), &json!("inquiry")));
        assert_eq!(
            (&begun.json["subject"], &begun.json["members"]),
            (&json!("Test Business"), &json!([customer.user]))
        );
        let (id, path) = (begun.id(), format!("{PATH}/{}", begun.id()));
        said(&customer, &id, "Do you have time on Friday?").await;
        said(&groomer, &id, "At ten.").await;
        for person in [&customer, &owner, &groomer] {
            let record = person.get(&path).await.assert(200).json;
            assert_eq!((&record["members"], &record["about"]["id"]), (&json!([customer.user]), &json!(business)));
            assert_eq!(seen(person, &id).await, ["Do you have time on Friday?", "At ten."]);
        }
        for person in [&stranger, &guest] {
            person.get(&path).await.assert_error(404, "not_found");
            assert!(person.get(PATH).await.assert(200).ids().is_empty());
            assert!(seen(person, &id).await.is_empty());
        }
        say(&stranger, &id, "Me too!").await.assert_error(404, "not_found");
    });
}

#[test]
fn who_asks_again_gets_the_same_conversation() {
    run(async {
        let test = start().await;
        let (seller, buyer, other) = (test.customer().await, test.customer().await, test.customer().await);
        let id = listing(&test, &seller, "available").await;
        let first = ask(&buyer, "listings", &id).await.assert(201);
        assert_eq!(first.json["members"], json!([buyer.user, seller.user]));
        assert_eq!((&first.json["subject"], first.json.get("business")), (&json!("Beagle puppy"), None));
        let again = ask(&buyer, "listings", &id).await.assert(200);
        assert_eq!(again.id(), first.id());
        assert_ne!(ask(&other, "listings", &id).await.assert(201).id(), first.id(), "another buyer has another");
        let many = join_all((0..6).map(|_| ask(&seller, "listings", &id))).await;
        assert!(many.iter().all(|reply| reply.status == 422), "nobody asks themselves");
        let business = test.business().await;
        let many = join_all((0..6).map(|_| ask(&buyer, "businesses", &business))).await;
        let ids: Vec<String> = many.iter().map(|reply| reply.id()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(many.iter().filter(|reply| reply.status == 201).count(), 1);
    });
}

#[test]
fn one_asks_about_what_one_sees() {
    run(async {
        let test = start().await;
        let (seller, buyer) = (test.customer().await, test.customer().await);
        let draft = listing(&test, &seller, "draft").await;
        ask(&buyer, "listings", &draft).await.assert_error(422, "validation_failed").assert_fields(&["/about"]);
        ask(&buyer, "listings", "nonsense").await.assert(422).assert_fields(&["/about"]);
        ask(&buyer, "users", &seller.user).await.assert(422).assert_fields(&["/about/table"]);
        ask(&test.guest(), "listings", &draft).await.assert_error(401, "unauthenticated");
        let business = test.business().await;
        let owner = test.member(&business, "owner").await;
        ask(&owner, "businesses", &business).await.assert_error(422, "rule_violated");
    });
}

#[test]
fn all_bad_fields_are_told_at_once() {
    run(async {
        let test = start().await;
        let person = test.customer().await;
        let about = json!({ "table": "pets", "id": "x" });
        for (body, fields) in [
            (json!({ "kind": "order" }), vec!["/kind"]),
            (json!({ "kind": "party", "subject": " ", "about": about }), vec!["/kind", "/subject", "/about"]),
            (json!({ "kind": "inquiry", "participants": [] }), vec!["/about", "/participants"]),
            (json!({ "kind": "group" }), vec!["/participants"]),
            (json!({ "kind": "group", "participants": [person.user] }), vec!["/participants"]),
            (json!({ "kind": "group", "participants": ["x", "y"] }), vec!["/participants/0", "/participants/1"]),
            (json!({ "kind": "support", "participants": [uuid::Uuid::nil()] }), vec!["/participants"]),
            (json!({ "kind": "group", "participants": [uuid::Uuid::nil()] }), vec!["/participants"]),
        ] {
            person.post(PATH, body).await.assert_error(422, "validation_failed").assert_fields(&fields);
        }
    });
}

#[test]
fn who_does_not_work_there_any_more_sees_nothing_of_it() {
    run(async {
        let test = start().await;
        let business = test.business().await;
        let (customer, clerk) = (test.customer().await, test.member(&business, "receptionist").await);
        let id = ask(&customer, "businesses", &business).await.assert(201).id();
        said(&customer, &id, "Hello?").await;
        said(&clerk, &id, "Yes?").await;
        said(&customer, &id, "Do you have time?").await;
        assert_eq!(unread(&clerk).await, 1);
        let admin = test.staff(Role::Admin).await;
        let membership = admin.get(&format!("/api/admin/memberships?user={}", clerk.user)).await.assert(200).ids();
        let path = format!("/api/admin/memberships/{}", membership[0]);
        admin.patch(&path, json!({ "status": "disabled" })).await.assert(200);
        clerk.get(&format!("{PATH}/{id}")).await.assert_error(404, "not_found");
        assert!(seen(&clerk, &id).await.is_empty());
        say(&clerk, &id, "Still here").await.assert_error(404, "not_found");
        assert_eq!(unread(&clerk).await, 0);
        assert!(clerk.get("/api/v1/participants").await.assert(200).ids().is_empty());
        assert_eq!(seen(&customer, &id).await.len(), 3, "what was said stays");
    });
}

#[test]
fn support_is_answered_by_staff_and_seen_by_nobody_else() {
    run(async {
        let test = start().await;
        let (customer, other, support) =
            (test.customer().await, test.customer().await, test.staff(Role::Support).await);
        let id = customer.post(PATH, json!({ "kind": "support", "subject": "My order" })).await.assert(201).id();
        said(&customer, &id, "Where is it?").await;
        other.get(&format!("{PATH}/{id}")).await.assert_error(404, "not_found");
        let path = format!("/api/admin/conversations/{id}/messages");
        support.post(&path, json!({ "content": "On its way." })).await.assert(201);
        assert_eq!(seen(&customer, &id).await, ["Where is it?", "On its way."]);
        assert_eq!(unread(&customer).await, 1);
        said(&customer, &id, "Thank you!").await;
        let count = support.get("/api/admin/conversations/unread_count").await.assert(200);
        assert_eq!(count.json["unread"], 1);

        let group = group(&customer, &[&other]).await;
        let path = format!("/api/admin/conversations/{group}/messages");
        support.post(&path, json!({ "content": "Hi" })).await.assert_error(403, "forbidden");
        let begun = json!({ "kind": "support", "participants": [other.user] });
        let begun = support.post("/api/admin/conversations", begun).await.assert(201);
        assert_eq!(begun.json["members"], json!([other.user]), "staff are not among the members");
        assert_eq!(other.get(&format!("{PATH}/{}", begun.id())).await.assert(200).json["kind"], "support");
    });
}

#[test]
fn nobody_begins_conversations_without_end() {
    run(async {
        let test = start().await;
        let person = test.customer().await;
        for _ in 0..30 {
            person.post(PATH, json!({ "kind": "support" })).await.assert(201);
        }
        let refusal = person.post(PATH, json!({ "kind": "support" })).await.assert_error(429, "too_many_requests");
        assert!(!refusal.header("retry-after").is_empty());
        test.clock.advance(chrono::Duration::hours(1));
        person.post(PATH, json!({ "kind": "support" })).await.assert(201);
    });
}

#[test]
fn the_list_of_ones_own_conversations_is_found_by_an_index() {
    run(async {
        let test = start().await;
        let (one, two) = (test.customer().await, test.customer().await);
        let id = group(&one, &[&two]).await;
        said(&one, &id, "Hello").await;
        let path = format!("/api/v1/participants?user={}&sort=-id&expand=conversation", two.user);
        let page = two.get(&path).await.assert(200).json;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "one's own rows alone");
        assert_eq!(page["items"][0]["expand"]["conversation"]["id"], json!(id));
        let plan = format!("SELECT id FROM participants WHERE user = users:u'{}' ORDER BY id EXPLAIN", two.user);
        let plan = format!("{:?}", test.rows(&plan).await);
        assert!(plan.contains("participants_user"), "{plan}");
    });
}
