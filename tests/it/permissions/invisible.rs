//! Invisible everywhere: what GET hides changes nothing in any other answer.
//!
//! Strangers ask a great many questions, then everything that is hidden from them changes, and they ask again: every answer
//! must be the same, byte for byte, ETags and cursors included.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pawbase_engine::Vars;
use serde_json::{Value, json};

use super::world::{key_of, system};
use crate::support::{Client, TestApp, run};

/// What the system changes: only what a guest or a customer without pets, posts and memberships cannot see.
const HIDDEN_CHANGES: &str = "
    UPDATE users SET email = 'changed.' + email, phone = '+4930999999', birthday = '1999-09-09', locale = 'fr',
        timezone = 'Pacific/Auckland', status_reason = 'changed', email_verified_at = NONE,
        last_login_at = d'2001-01-01T00:00:00Z', failed_logins = 3, roles = ['customer', 'courier']
        WHERE string::ends_with(email, 'example.org') RETURN NONE;
    UPDATE users SET name = 'Changed', bio = 'Changed', city = 'Changed' WHERE !public_profile OR status != 'active' RETURN NONE;
    UPDATE businesses SET tax_id = string::reverse(tax_id ?? 'none') RETURN NONE;
    UPDATE businesses SET name = 'Changed', city = 'Changed' WHERE status != 'active' RETURN NONE;
    UPDATE products SET cost = { minor: 1000000 - (cost.minor ?? 0), currency: 'CHF' } RETURN NONE;
    UPDATE products SET name = 'Changed', brand = 'Changed', price.minor = 1, status = 'inactive' WHERE status != 'active' RETURN NONE;
    UPDATE services SET name = 'Changed', base_price.minor = 1 WHERE !active RETURN NONE;
    UPDATE listings SET title = 'Changed', price.minor = 1, city = 'Changed', status = 'deceased'
        WHERE status NOT IN ['available', 'reserved'] RETURN NONE;
    UPDATE posts SET title = 'Changed', content = 'Changed', kind = 'event', city = 'Changed', tags = ['changed']
        WHERE status = 'hidden' RETURN NONE;
    UPDATE comments SET content = 'Changed' WHERE status = 'hidden' RETURN NONE;
    UPDATE pets SET name = 'Changed', weight_g = 1, color = 'changed', microchip = NONE RETURN NONE;
    UPDATE addresses SET city = 'Changed', phone = '+4930999999' RETURN NONE;
    UPDATE memberships SET role = 'accountant' WHERE role = 'caretaker' RETURN NONE;
    DELETE favorites RETURN NONE;
    DELETE (SELECT VALUE id FROM products WHERE status = 'inactive' LIMIT 1) RETURN NONE";

/// Every comparison of a field that might tell something about `values`.
fn comparisons(table: &str, field: &str, values: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for value in values {
        for operator in ["eq", "ne", "lt", "lte", "gt", "gte", "in"] {
            found.push(format!("{table}?{field}[{operator}]={value}&count=true&limit=2"));
        }
        let literal = if value.parse::<i64>().is_ok() { (*value).to_owned() } else { format!("%22{value}%22") };
        for text in [
            format!("not {field} = {literal}"),
            format!("not ({field} > {literal})"),
            format!("not {field} != {literal}"),
            format!("{field} <= {literal} or {field} = null"),
            format!("{field} in [{literal}]"),
        ] {
            found.push(format!("{table}?filter={}&count=true&limit=2", text.replace(' ', "%20")));
        }
        found.push(format!("{table}/aggregate?{field}={value}"));
        found.push(format!("{table}/aggregate?{field}[gt]={value}"));
    }
    for text in ["null]=true", "null]=false"] {
        found.push(format!("{table}?{field}[{text}&count=true&limit=2"));
    }
    for order in [field.to_owned(), format!("-{field}"), format!("{field},-id")] {
        found.push(format!("{table}?sort={order}&limit=7"));
        found.push(format!("{table}?sort={order}&limit=3&offset=4"));
    }
    found.push(format!("{table}?fields={field}&limit=3"));
    found.push(format!("{table}/aggregate?group_by={field}"));
    found.push(format!("{table}/aggregate?measures=count({field})"));
    found
}

/// Questions about fields that a row hides.
fn about_fields() -> Vec<String> {
    let mut found = comparisons("products", "cost.minor", &["1", "500", "1500", "999000"]);
    found.extend(comparisons("products", "cost.currency", &["EUR", "CHF"]));
    for function in ["sum", "avg", "min", "max"] {
        found.push(format!("products/aggregate?measures={function}(cost.minor)"));
        found.push(format!("products/aggregate?measures={function}(cost.minor)&group_by=category"));
    }
    found.push("products/aggregate?group_by=category,cost.currency&measures=count,count(cost.minor)".into());
    found.push("products?fields=cost&limit=3".into());
    for (field, values) in [
        ("email", ["customer1@example.com", "m"]),
        ("phone", ["%2B4930999999", "%2B5"]),
        ("birthday", ["1999-09-09", "1980-01-01"]),
        ("locale", ["fr", "en"]),
        ("timezone", ["Pacific/Auckland", "Europe/Berlin"]),
        ("status", ["active", "suspended"]),
        ("status_reason", ["changed", "a"]),
        ("last_login_at", ["2001-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]),
        ("updated_at", ["2026-11-01T00:00:00Z", "2001-01-01T00:00:00Z"]),
    ] {
        found.extend(comparisons("users", field, &values));
    }
    for operator in ["contains", "starts"] {
        found.push(format!("users?email[{operator}]=changed&count=true"));
        found.push(format!("users?phone[{operator}]=%2B49&count=true"));
    }
    found.push("users?roles[contains]=courier&count=true".into());
    found.push("users/aggregate?measures=min(last_login_at),max(last_login_at)".into());
    found.extend(comparisons("businesses", "tax_id", &["DE123", "a"]));
    found
}

/// Questions about records that are hidden whole.
fn about_records() -> Vec<String> {
    let mut found: Vec<String> = [
        "products?filter=status%20!=%20%22active%22&count=true",
        "products?status[ne]=active&count=true",
        "products?filter=not%20status%20=%20%22active%22&count=true",
        "products?price.minor=1&count=true",
        "services?active=false&count=true",
        "posts?status=hidden&count=true",
        "comments?status[ne]=published&count=true",
        "listings?status=draft&count=true",
        "users?public_profile=false&count=true",
        "businesses?status[ne]=active&count=true",
        "comments?expand=author,post,post.author&limit=100",
        "listings?expand=seller,business,breed&limit=100",
        "posts?expand=author&limit=100",
        "products?expand=business,category&limit=100",
        "products?q=changed&count=true",
        "posts?q=changed&count=true",
        "users?q=changed&count=true",
        "businesses?q=changed&count=true",
        "listings?q=changed&count=true",
        "services?q=changed&count=true",
        "products/aggregate?q=changed",
        "products?status=inactive&count=true",
    ]
    .map(str::to_owned)
    .to_vec();
    let tables = "users memberships businesses species breeds pets product_categories products listings services addresses \
                  posts comments favorites audit sessions";
    for table in tables.split(' ') {
        found.push(format!("{table}?count=true&limit=5"));
        found.push(format!("{table}?count=true&limit=5&sort=id"));
        found.push(format!("{table}/aggregate"));
    }
    for (table, fields) in [
        ("products", "status category brand business price.currency"),
        ("posts", "status kind city author species"),
        ("comments", "status author post"),
        ("listings", "status city species seller"),
        ("services", "active type"),
        ("users", "public_profile city name"),
        ("businesses", "status city"),
        ("memberships", "role business"),
        ("pets", "species name"),
    ] {
        for field in fields.split(' ') {
            found.push(format!("{table}/aggregate?group_by={field}"));
            found.push(format!("{table}?sort={field}&limit=9"));
            found.push(format!("{table}?sort=-{field}&limit=9"));
        }
    }
    for measure in ["sum(price.minor)", "min(price.minor)", "max(price.minor)", "avg(price.minor)"] {
        found.push(format!("products/aggregate?measures={measure}"));
        found.push(format!("listings/aggregate?measures={measure}"));
    }
    found
}

/// An answer without what may differ between two times of asking.
fn comparable(mut json: Value) -> Value {
    strip(&mut json);
    if let Some(groups) = json["groups"].as_array_mut() {
        groups.sort_by_key(Value::to_string);
    }
    json
}

fn strip(json: &mut Value) {
    match json {
        Value::Object(map) => {
            map.remove("request_id");
            map.remove("updated_at");
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

async fn answers(caller: &Client, questions: &[String]) -> Vec<(u16, Value)> {
    let mut found = Vec::with_capacity(questions.len());
    for question in questions {
        let reply = caller.get(&format!("/api/v1/{question}")).await;
        assert!(reply.status.as_u16() < 500, "{}: {}", reply.what, reply.text);
        found.push((reply.status.as_u16(), comparable(reply.json)));
    }
    found
}

#[test]
fn what_is_hidden_changes_no_answer() {
    run(async {
        let test = TestApp::with_demo().await;
        let questions = [about_fields(), about_records()].concat();
        let member = test.sign_in("manager1@example.com", pawbase::demo::PASSWORD).await;
        let strangers = [("guest", test.guest()), ("customer", test.customer().await)];
        let everybody =
            || futures::future::join_all(strangers.iter().map(|(_, stranger)| answers(stranger, &questions)));
        let some: Vec<String> = questions.iter().step_by(5).cloned().collect();
        let before = everybody().await;
        let seen_by_member = answers(&member, &some).await;
        system(&test, HIDDEN_CHANGES, Vars::new()).await;
        let mut leaks = String::new();
        for (((name, _), before), after) in strangers.iter().zip(before).zip(everybody().await) {
            for ((question, before), after) in questions.iter().zip(before).zip(after) {
                if before != after {
                    leaks.push_str(&format!(
                        "{name}: {question}\n  was {:.300?}\n  is  {:.300?}\n",
                        before.1.to_string(),
                        after.1.to_string()
                    ));
                }
            }
        }
        assert!(leaks.is_empty(), "answers that tell of what is hidden:\n{leaks}");
        let after = answers(&member, &some).await;
        let differing = seen_by_member.iter().zip(&after).filter(|(before, after)| before != after).count();
        assert!(differing > 5, "the questions are about something: a member sees {differing} changes");
    });
}

#[test]
fn the_questions_are_understood() {
    run(async {
        let test = TestApp::with_demo().await;
        let guest = test.guest();
        let questions = about_fields();
        let answers = answers(&guest, &questions).await;
        let refused: Vec<&String> = questions
            .iter()
            .zip(&answers)
            .filter(|(_, (status, _))| *status != 200)
            .map(|(question, _)| question)
            .collect();
        assert!(refused.is_empty(), "{refused:#?}");
        for nobody in
            ["users?sort=password_hash", "users?failed_logins=3", "users?fields=locked_until", "users?expand=email"]
        {
            guest.get(&format!("/api/v1/{nobody}")).await.assert_error(400, "invalid_query");
        }
        let unknown =
            guest.get("/api/v1/users?sort=nothing").await.assert(400).json["errors"][0]["message"].to_string();
        let hidden =
            guest.get("/api/v1/users?sort=password_hash").await.assert(400).json["errors"][0]["message"].to_string();
        assert_eq!(hidden.replace("password_hash", "nothing"), unknown, "a field of nobody is like no field");
    });
}

#[test]
fn hidden_values_give_no_order() {
    run(async {
        let test = TestApp::with_demo().await;
        let guest = test.guest();
        for (table, field) in
            [("users", "email"), ("users", "birthday"), ("products", "cost.minor"), ("businesses", "tax_id")]
        {
            let up = guest.get(&format!("/api/v1/{table}?sort={field}&limit=100")).await.assert(200).ids();
            let by_id = guest.get(&format!("/api/v1/{table}?sort=id&limit=100")).await.assert(200).ids();
            assert_eq!(up, by_id, "{table} by {field}");
            let down = guest.get(&format!("/api/v1/{table}?sort=-{field}&limit=100")).await.assert(200).ids();
            let by_id = guest.get(&format!("/api/v1/{table}?sort=-id&limit=100")).await.assert(200).ids();
            assert_eq!(down, by_id, "{table} by -{field}");
        }
    });
}

#[test]
fn cursors_hold_nothing_hidden() {
    run(async {
        let test = TestApp::with_demo().await;
        let guest = test.guest();
        for (table, sort) in [
            ("users", "email"),
            ("users", "-phone,name"),
            ("users", "last_login_at"),
            ("products", "cost.minor"),
            ("products", "-cost.minor,price.minor"),
        ] {
            let mut cursor = String::new();
            for _ in 0..5 {
                let page = guest.get(&format!("/api/v1/{table}?limit=5&sort={sort}{cursor}")).await.assert(200);
                assert_eq!(page.ids().len(), 5);
                let next = page.json["next_cursor"].as_str().expect("a next page").to_owned();
                let held: Value =
                    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&next).expect("base64")).expect("json");
                let hidden_first = &held["v"][0];
                assert!(hidden_first.is_null(), "{sort}: {held}");
                cursor = format!("&cursor={next}");
            }
        }
    });
}

#[test]
fn hidden_numbers_are_in_no_aggregate() {
    run(async {
        let test = TestApp::with_demo().await;
        let path = "/api/v1/products/aggregate?measures=count,count(cost.minor),sum(cost.minor),avg(cost.minor),min(cost.minor),max(cost.minor)";
        let reply = test.guest().get(path).await.assert(200);
        let group = &reply.json["groups"][0];
        assert!(group["count"].as_i64() > Some(200), "{group}");
        for name in ["count_cost_minor", "sum_cost_minor", "avg_cost_minor", "min_cost_minor", "max_cost_minor"] {
            let value = &group[name];
            assert!(value.is_null() || value.as_f64() == Some(0.0), "{name} is {value}");
        }
        let own = test.sign_in("accountant1@example.com", pawbase::demo::PASSWORD).await;
        let group = own.get(path).await.assert(200).json["groups"][0].clone();
        assert!(group["sum_cost_minor"].as_i64() > Some(0), "{group}");
        assert!(group["count_cost_minor"].as_i64() < group["count"].as_i64(), "only of the own business: {group}");
        let all = test.sign_in_admin("support@example.com", pawbase::demo::PASSWORD).await;
        let all = all.get(&path.replace("/v1/", "/admin/")).await.assert(200).json["groups"][0].clone();
        assert!(all["sum_cost_minor"].as_i64() > group["sum_cost_minor"].as_i64());
    });
}

#[test]
fn an_etag_is_of_what_one_sees() {
    run(async {
        let test = TestApp::start().await;
        let (owner, stranger) = (test.customer().await, test.customer().await);
        let path = format!("/api/v1/users/{}", owner.user);
        let (seen, own) = (stranger.get(&path).await.assert(200), owner.get(&path).await.assert(200));
        owner.patch(&path, json!({ "phone": "+49301234567", "birthday": "1990-01-02" })).await.assert(200);
        let (seen_later, own_later) = (stranger.get(&path).await.assert(200), owner.get(&path).await.assert(200));
        assert_eq!(seen.header("etag"), seen_later.header("etag"));
        assert_eq!(seen.text, seen_later.text);
        assert_ne!(own.header("etag"), own_later.header("etag"));
        stranger.with("if-none-match", seen.header("etag")).get(&path).await.assert(304);
        owner.patch(&path, json!({ "bio": "New" })).await.assert(200);
        assert_ne!(stranger.get(&path).await.assert(200).header("etag"), seen.header("etag"));
    });
}

#[test]
fn full_text_does_not_find_drafts() {
    run(async {
        let test = TestApp::with_demo().await;
        let (guest, manager) = (test.guest(), test.sign_in("manager1@example.com", pawbase::demo::PASSWORD).await);
        let (business, category) = (
            key_of(&test, "businesses", "name = 'Spreepfoten'").await,
            key_of(&test, "product_categories", "true").await,
        );
        let body = json!({
            "business": business, "category": category, "name": "Zyzzyva", "sku": "Z-1", "status": "draft",
            "description": "Quokkawords", "price": { "minor": 1, "currency": "EUR" },
        });
        let id = manager.post("/api/v1/products", body).await.assert(201).id();
        for query in ["q=zyzzyva", "q=quokkawords", "name=Zyzzyva", "sku[starts]=Z-", "name[contains]=yzzyv"] {
            let path = format!("/api/v1/products?count=true&{query}");
            let found = manager.get(&path).await.assert(200);
            assert_eq!(found.json["total"], 1, "{query}");
            let found = guest.get(&path).await.assert(200);
            assert_eq!(found.json, json!({ "items": [], "next_cursor": null, "total": 0 }), "{query}");
        }
        manager.patch(&format!("/api/v1/products/{id}"), json!({ "status": "active" })).await.assert(200);
        assert_eq!(guest.get("/api/v1/products?q=zyzzyva").await.assert(200).ids(), [id]);
    });
}
