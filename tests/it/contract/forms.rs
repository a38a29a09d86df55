//! How values are written: the server takes what its document says and nothing else, and answers in the same form. Each case here
//! is one that the API tester found or could find; deliberately elsewhere: the tester itself (`tools.rs`).

use serde_json::{Value, json};

use super::document::Kind;
use super::tools_document::{documents, with_samples};
use crate::support::{Client, TestApp, run};
use pawbase::context::Role;

async fn sample(customer: &Client, members: Value) -> crate::support::client::Reply {
    let mut body = json!({ "label": "A sample" });
    body.as_object_mut().expect("an object").extend(members.as_object().expect("members").clone());
    customer.post("/api/v1/samples", body).await
}

#[test]
fn values_are_answered_in_the_form_in_which_they_may_be_sent() {
    run(async {
        let (test, _folder) = with_samples().await;
        let customer = test.customer().await;
        for (sent, answered) in [
            (json!({ "count_of": 5.0 }), json!({ "count_of": 5 })),
            (json!({ "digits": [1, 2.0] }), json!({ "digits": [1, 2] })),
            (json!({ "amount": "1.50" }), json!({ "amount": "1.50" })),
            (json!({ "amount": 1e-300 }), json!({ "amount": "0" })),
            (json!({ "span": "90m5us" }), json!({ "span": "1h30m5us" })),
            (json!({ "moment": "2026-05-01T12:00:00.9+02:00" }), json!({ "moment": "2026-05-01T10:00:00Z" })),
        ] {
            let made = sample(&customer, sent.clone()).await.assert(201);
            let shown = customer.get(&format!("/api/v1/samples/{}", made.id())).await.assert(200);
            for (name, value) in answered.as_object().expect("members") {
                assert_eq!((&made.json[name], &shown.json[name]), (value, value), "{sent}");
            }
            sample(&customer, answered).await.assert(201);
        }
    });
}

#[test]
fn other_forms_are_refused() {
    run(async {
        let (test, _folder) = with_samples().await;
        let customer = test.customer().await;
        for (name, value) in [
            ("count_of", json!(5.5)),
            ("count_of", json!(1e300)),
            ("count_of", json!("5")),
            ("amount", json!("+1.5")),
            ("amount", json!("1234567890123456789")),
            ("amount", json!(1e300)),
            ("span", json!("1µs")),
            ("span", json!("1h 30m")),
            ("token", json!("01981c6e5b7a7c3e9f000123456789ab")),
            ("label", json!("a\u{0}")),
        ] {
            let reply = sample(&customer, json!({ name: value })).await.assert_error(422, "validation_failed");
            reply.assert_fields(&[&format!("/{name}")]);
        }
        // A year of its own for the zone of the sender, and not for ours.
        let late = sample(&customer, json!({ "moment": "9999-12-31T23:30:00-01:00" })).await.assert(422);
        assert_eq!(late.json["errors"][0]["code"], "rule", "{}", late.text);
        for query in [
            "limit=%2B5",
            "limit=05",
            "count_of=%205",
            "amount=1_000",
            "q=%20",
            "token=01981c6e5b7a7c3e9f000123456789ab",
        ] {
            customer.get(&format!("/api/v1/samples?{query}")).await.assert(400);
        }
        let long = "a".repeat(200);
        customer.get(&format!("/api/v1/samples?q={long}")).await.assert(200);
        customer.get(&format!("/api/v1/samples?q={long}%20")).await.assert(400);
    });
}

#[test]
fn integer_keys_are_numbers_in_json_and_digits_in_text() {
    run(async {
        let (test, _folder) = with_samples().await;
        let customer = test.customer().await;
        customer.post("/api/v1/tallies", json!({ "id": "7" })).await.assert(422).assert_fields(&["/id"]);
        let made = customer.post("/api/v1/tallies", json!({ "id": 7.0 })).await.assert(201);
        assert_eq!(made.json["id"], 7);
        let linked =
            sample(&customer, json!({ "tally": 7, "about": { "table": "tallies", "id": "7" } })).await.assert(201);
        assert_eq!(
            (&linked.json["tally"], &linked.json["about"]),
            (&json!(7), &json!({ "table": "tallies", "id": "7" }))
        );
        sample(&customer, json!({ "tally": "7" })).await.assert(422).assert_fields(&["/tally"]);
        sample(&customer, json!({ "about": { "table": "tallies", "id": 7 } }))
            .await
            .assert(422)
            .assert_fields(&["/about"]);
        for query in ["tally=7", "tally[in]=7,8", "about=tallies:7", "filter=tally=7%20and%20about='tallies:7'"] {
            let page = customer.get(&format!("/api/v1/samples?{query}")).await.assert(200);
            assert_eq!(page.ids(), [linked.id()], "{query}");
        }
    });
}

#[test]
fn readable_keys_are_counted_in_characters_and_hold_no_nul() {
    run(async {
        let (test, _folder) = with_samples().await;
        let customer = test.customer().await;
        let long = "ä".repeat(64);
        customer.post("/api/v1/labels", json!({ "id": long })).await.assert(201);
        assert_eq!(customer.get(&format!("/api/v1/labels/{long}")).await.assert(200).id(), long);
        for id in [format!("{long}ä"), "a\u{0}".to_owned(), String::new()] {
            customer.post("/api/v1/labels", json!({ "id": id })).await.assert(422).assert_fields(&["/id"]);
        }
        for id in ["\u{14}", "a/b?c#d", "50 %", "é"] {
            let made = customer.post("/api/v1/labels", json!({ "id": id })).await.assert(201);
            assert_eq!(customer.get(made.header("location")).await.assert(200).id(), id, "{}", made.header("location"));
        }
        customer.get("/api/v1/labels/a%00").await.assert_error(404, "not_found");
        customer.get("/api/v1/labels?id=a%00").await.assert(400);
        customer.patch("/api/v1/labels/a%00", json!({ "name": "x" })).await.assert_error(404, "not_found");
    });
}

#[test]
fn links_to_several_tables_name_the_table_also_when_it_is_their_own() {
    run(async {
        let (test, _folder) = with_samples().await;
        let customer = test.customer().await;
        customer.post("/api/v1/labels", json!({ "id": "end" })).await.assert(201);
        let mut next = json!({ "table": "labels", "id": "end" });
        for id in 1..=4 {
            let made = customer.post("/api/v1/tallies", json!({ "id": id, "next": next })).await.assert(201);
            assert_eq!(made.json["next"], next);
            next = json!({ "table": "tallies", "id": id.to_string() });
        }
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = customer.get(&format!("/api/v1/tallies?sort=next&limit=1{cursor}")).await.assert(200);
            seen.extend(page.json["items"].as_array().expect("items").iter().map(|item| item["id"].clone()));
            match page.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        seen.sort_by_key(|id| id.as_i64());
        assert_eq!(seen, [1, 2, 3, 4]);
    });
}

#[test]
fn staff_name_the_owner_whom_a_default_of_the_caller_would_fill_in() {
    run(async {
        let (test, _folder) = with_samples().await;
        let customer = test.customer().await;
        let admin = test.staff(Role::Admin).await;
        admin.post("/api/admin/species", json!({ "id": "dog", "name": "Dog" })).await.assert(201);
        let pet = json!({ "name": "Rex", "species": "dog" });
        assert_eq!(customer.post("/api/v1/pets", pet.clone()).await.assert(201).json["owner"], customer.user);
        let refused = admin.post("/api/admin/pets", pet).await.assert_error(422, "validation_failed");
        refused.assert_fields(&["/owner"]);
        let owned = json!({ "name": "Rex", "species": "dog", "owner": customer.user });
        admin.post("/api/admin/pets", owned).await.assert(201);
        let [public, staff] = documents(&test).await.map(|document| {
            let needed = &document.json["components"]["schemas"]["PetsCreate"]["required"];
            needed.as_array().expect("names").contains(&json!("owner"))
        });
        assert!(!public && staff);
    });
}

#[test]
fn entity_tags_may_be_separated_by_tabs() {
    run(async {
        let test = TestApp::start().await;
        let page = test.guest().get("/api/v1/products").await.assert(200);
        let known = test.guest().with("if-none-match", &format!("\"x\",\t{}", page.header("etag")));
        known.get("/api/v1/products").await.assert(304);
    });
}

/// A link of an answer names an operation that is there, and its key is in the sample of the answer.
#[test]
fn links_of_answers_lead_somewhere() {
    run(async {
        let (test, _folder) = with_samples().await;
        for document in documents(&test).await {
            let operations = document.operations(&test);
            let is_known = |id: &Value| operations.iter().any(|operation| *id == operation.id);
            let mut count = 0;
            for operation in operations.iter().filter(|one| matches!(one.kind, Kind::List | Kind::Create)) {
                let answer = operation.responses().into_iter().find(|(status, _)| *status < 300).expect("a success").1;
                let name =
                    answer["content"]["application/json"]["examples"]["sample"]["$ref"].as_str().expect("a sample");
                let sample = document.json.pointer(&format!("{}/value", &name[1..])).expect("the sample");
                for (verb, link) in answer["links"].as_object().into_iter().flatten() {
                    assert!(is_known(&link["operationId"]), "{}: {verb}", operation.name());
                    let place = link["parameters"]["id"].as_str().and_then(|text| text.strip_prefix("$response.body#"));
                    let key = sample.pointer(place.expect("a place in the answer")).expect("a key");
                    assert!(key.is_string() || key.is_i64(), "{}: {verb}: {key}", operation.name());
                    count += 1;
                }
            }
            assert!(count > 30, "only {count} links");
        }
    });
}
