//! Tables of a shop's own folder, with permissions and rules that Pawbase's own tables do not have.

use pawbase::context::Role;
use serde_json::json;

use crate::support::{Client, TestApp, run, settings};

/// A platform with the shop's own schema file.
pub async fn with_shop(text: &str) -> TestApp {
    with_shop_and(text, |_| {}).await
}

async fn with_shop_and(text: &str, change: impl FnOnce(&mut pawbase::config::Config)) -> TestApp {
    let folder = tempfile::TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("shop.surql"), text).expect("a file");
    let mut config = settings();
    config.server.schemas = folder.path().to_owned();
    change(&mut config);
    TestApp::with(config).await
}

/// How many records of `table` there are, whoever sees them.
async fn count(test: &TestApp, table: &str) -> usize {
    let text = format!("SELECT VALUE id FROM {table}");
    test.app.platform.engine.root().query(&text, ()).await.expect("records").rows(0).len()
}

/// What callers may write and not read, and a table whose records they see only some of the time.
const INBOX: &str = "
DEFINE TABLE inquiries TYPE NORMAL SCHEMAFULL COMMENT 'A contact form.'
    PERMISSIONS FOR create FULL FOR select, update, delete WHERE $access = 'staff';
DEFINE FIELD id ON inquiries TYPE uuid;
DEFINE FIELD words ON inquiries TYPE string ASSERT string::len($value) >= 1;
DEFINE FIELD state ON inquiries TYPE string DEFAULT 'new'
    PERMISSIONS FOR select FULL FOR create WHERE $value = 'new' FOR update WHERE $access = 'staff';

DEFINE TABLE tips TYPE NORMAL SCHEMAFULL
    PERMISSIONS FOR create WHERE words != 'spam' FOR select WHERE $access = 'staff' FOR update, delete FULL;
DEFINE FIELD id ON tips TYPE string;
DEFINE FIELD words ON tips TYPE string;

DEFINE TABLE doors TYPE NORMAL SCHEMAFULL
    PERMISSIONS FOR select WHERE open FOR create, update, delete FULL;
DEFINE FIELD id ON doors TYPE string;
DEFINE FIELD open ON doors TYPE bool;
DEFINE FIELD sign ON doors TYPE option<string> ASSERT $value = NONE OR $value != 'bad';
DEFINE INDEX doors_sign ON doors FIELDS sign UNIQUE;
";

#[test]
fn what_one_may_write_and_not_read_is_made_and_not_shown() {
    run(async {
        let test = with_shop(INBOX).await;
        for caller in [test.guest(), test.customer().await] {
            let made = caller.post("/api/v1/inquiries", json!({ "words": "Do you have hay?" })).await.assert(201);
            assert_eq!(made.json, json!({ "id": made.id() }), "nothing but the key");
            assert_eq!((made.header("location"), made.header("etag")), ("", ""), "nothing is there for the caller");
            let path = format!("/api/v1/inquiries/{}", made.id());
            caller.get(&path).await.assert_error(405, "method_not_allowed");
            let words = json!({ "words": "" });
            caller.post("/api/v1/inquiries", words).await.assert(422).assert_fields(&["/words"]);
            let once = caller.with("idempotency-key", &format!("once-{}", caller.user));
            let first = once.post("/api/v1/inquiries", json!({ "words": "Hello" })).await.assert(201);
            let again = once.post("/api/v1/inquiries", json!({ "words": "Hello" })).await.assert(201);
            assert_eq!(first.json, again.json);
        }
        let admin = test.staff(Role::Admin).await;
        let list = admin.get("/api/admin/inquiries?count=true").await.assert(200);
        assert_eq!(list.json["total"], 4);
        assert_eq!(list.json["items"][0]["state"], "new");
        let made = admin.post("/api/admin/inquiries", json!({ "words": "By telephone" })).await.assert(201);
        assert_eq!(made.json["words"], "By telephone");
        // Whether a value was kept cannot be shown to somebody who does not see it.
        let chosen = json!({ "words": "Hello", "state": "done" });
        test.guest().post("/api/v1/inquiries", chosen).await.assert_error(403, "forbidden").assert_fields(&["/state"]);
        assert_eq!(count(&test, "inquiries").await, 5);
    });
}

#[test]
fn a_create_that_is_denied_is_told_from_one_that_is_not_seen() {
    run(async {
        let test = with_shop(INBOX).await;
        let customer = test.customer().await;
        let tip = |id: &str, words: &str| json!({ "id": id, "words": words });
        let made = customer.post("/api/v1/tips", tip("one", "Dogs like sausage")).await.assert(201);
        assert_eq!(made.json, json!({ "id": "one" }));
        customer.post("/api/v1/tips", tip("two", "spam")).await.assert_error(403, "forbidden");
        test.guest().post("/api/v1/tips", tip("two", "spam")).await.assert_error(401, "unauthenticated");
        customer.post("/api/v1/tips", tip("one", "Again")).await.assert_error(409, "already_exists");
        assert_eq!(count(&test, "tips").await, 1);
        let operations = |last: &str| {
            let create = |id: &str, words: &str| json!({ "method": "POST", "table": "tips", "body": tip(id, words) });
            json!({ "operations": [create("three", "Cats sleep"), create("four", last)] })
        };
        customer.post("/api/v1/batch", operations("spam")).await.assert_error(403, "forbidden");
        assert_eq!(count(&test, "tips").await, 1, "all or nothing");
        let reply = customer.post("/api/v1/batch", operations("Birds sing")).await.assert(200);
        assert_eq!(reply.json["results"][1], json!({ "status": 201, "body": { "id": "four" }, "etag": null }));
        assert_eq!(count(&test, "tips").await, 3);
    });
}

#[test]
fn what_one_does_not_see_cannot_be_changed_whatever_the_right_to_change_says() {
    run(async {
        let test = with_shop(INBOX).await;
        test.system("CREATE tips:one SET words = 'a'; CREATE doors:shut SET open = false, sign = 'x'").await;
        test.system("CREATE doors:wide SET open = true, sign = 'y'").await;
        let customer = test.customer().await;
        for path in ["/api/v1/tips/one", "/api/v1/doors/shut", "/api/v1/doors/none"] {
            for body in [json!({ "words": "b" }), json!({ "open": true }), json!({ "sign": "y" }), json!({})] {
                customer.patch(path, body).await.assert_error(404, "not_found");
            }
            customer.patch(path, json!({ "nothing": 1 })).await.assert_error(404, "not_found");
            customer.patch(path, json!({ "sign": "bad" })).await.assert_error(404, "not_found");
            customer.with("if-match", "\"x\"").patch(path, json!({})).await.assert_error(404, "not_found");
            customer.delete(path).await.assert_error(404, "not_found");
        }
        let door = "/api/v1/doors/wide";
        customer.patch(door, json!({ "sign": "bad" })).await.assert_error(422, "validation_failed");
        customer.patch(door, json!({ "sign": "x" })).await.assert_error(409, "already_exists");
        customer.patch(door, json!({ "open": false })).await.assert_error(403, "forbidden");
        customer.patch(door, json!({ "sign": "z" })).await.assert(200);
        customer.delete(door).await.assert(204);
        assert_eq!((count(&test, "tips").await, count(&test, "doors").await), (1, 1));
    });
}

/// Fields with rights of their own, stored otherwise than they are sent.
const OFFERS: &str = "
DEFINE TABLE offers TYPE NORMAL SCHEMAFULL PERMISSIONS FOR select, create, update FULL FOR delete NONE;
DEFINE FIELD id ON offers TYPE uuid;
DEFINE FIELD title ON offers TYPE string;
DEFINE FIELD price ON offers TYPE option<object> PERMISSIONS FOR select FULL FOR create, update WHERE $auth != NONE;
DEFINE FIELD price.minor ON offers TYPE int;
DEFINE FIELD price.currency ON offers TYPE string DEFAULT 'EUR';
DEFINE FIELD code ON offers TYPE option<string> VALUE IF $value = NONE THEN NONE ELSE string::uppercase($value) END
    PERMISSIONS FOR select FULL FOR create, update WHERE $auth != NONE;
DEFINE FIELD words ON offers TYPE option<set<string>> PERMISSIONS FOR select FULL FOR create, update WHERE $auth != NONE;
";

#[test]
fn values_with_rights_of_their_own_are_kept_or_refused() {
    run(async {
        let test = with_shop(OFFERS).await;
        let (guest, customer) = (test.guest(), test.customer().await);
        let body = json!({ "title": "Hay", "price": { "minor": 500 }, "code": "ab", "words": ["b", "a", "b"] });
        let made = customer.post("/api/v1/offers", body.clone()).await.assert(201);
        assert_eq!(made.json["price"], json!({ "minor": 500, "currency": "EUR" }));
        assert_eq!((&made.json["code"], &made.json["words"]), (&json!("AB"), &json!(["a", "b"])));
        let refused = guest.post("/api/v1/offers", body).await.assert_error(403, "forbidden");
        refused.assert_fields(&["/price", "/price/minor", "/code", "/words"]);
        let path = format!("/api/v1/offers/{}", made.id());
        for (code, stored) in [("ab", "AB"), ("xy", "XY"), ("XY", "XY")] {
            let changed = customer.patch(&path, json!({ "code": code })).await.assert(200);
            assert_eq!(changed.json["code"], stored, "{code}");
        }
        guest.patch(&path, json!({ "code": "zz" })).await.assert_error(403, "forbidden").assert_fields(&["/code"]);
        guest.patch(&path, json!({ "title": "Straw" })).await.assert(200);
        guest.patch(&path, json!({ "price": { "minor": 1 } })).await.assert_error(403, "forbidden");
        let changed = customer.patch(&path, json!({ "price": { "minor": 7 }, "words": ["c"] })).await.assert(200);
        assert_eq!(changed.json["price"], json!({ "minor": 7, "currency": "EUR" }));
        let cleared = customer.patch(&path, json!({ "code": null, "price": null })).await.assert(200);
        assert_eq!((cleared.json.get("code"), cleared.json.get("price")), (None, None));
        assert_eq!(cleared.json["title"], "Straw");
    });
}

const SLOTS: &str = "
DEFINE TABLE bays TYPE NORMAL SCHEMAFULL PERMISSIONS FULL;
DEFINE FIELD id ON bays TYPE int;
DEFINE FIELD name ON bays TYPE string;
DEFINE TABLE slots TYPE NORMAL SCHEMAFULL PERMISSIONS FULL;
DEFINE FIELD id ON slots TYPE uuid;
DEFINE FIELD bay ON slots TYPE option<record<bays>>;
DEFINE FIELD others ON slots TYPE option<array<record<bays>>>;
DEFINE FIELD user ON slots TYPE option<record<users>>;
DEFINE FIELD about ON slots TYPE option<record>;
DEFINE FIELD either ON slots TYPE option<record<bays | species>>;
";

#[test]
fn links_are_keys_of_the_kind_that_their_table_has() {
    run(async {
        let test = with_shop(SLOTS).await;
        test.system("CREATE species:dog SET name = 'Dog'; CREATE species:five SET name = 'Five'").await;
        let customer = test.customer().await;
        let bay = customer.post("/api/v1/bays", json!({ "id": 5, "name": "Left" })).await.assert(201);
        assert_eq!((&bay.json["id"], bay.header("location")), (&json!(5), "/api/v1/bays/5"));
        customer.post("/api/v1/bays", json!({ "id": 7, "name": "Right" })).await.assert(201);
        customer.get("/api/v1/bays/5").await.assert(200);
        customer.get("/api/v1/bays/05").await.assert_error(404, "not_found");
        for (link, stored) in [
            (json!({ "bay": 5 }), "bay"),
            (json!({ "bay": 5.0 }), "bay"),
            (json!({ "others": [5, 7] }), "others"),
            (json!({ "user": customer.user }), "user"),
            (json!({ "user": customer.user.to_uppercase() }), "user"),
            (json!({ "about": { "table": "bays", "id": "5" } }), "about"),
            (json!({ "about": { "table": "users", "id": customer.user } }), "about"),
            (json!({ "either": { "table": "species", "id": "five" } }), "either"),
            (json!({ "either": "bays:7" }), "either"),
        ] {
            let made = customer.post("/api/v1/slots", link.clone()).await.assert(201);
            assert!(made.json.get(stored).is_some(), "{link}: {}", made.text);
            assert_eq!(customer.get(&format!("/api/v1/slots/{}", made.id())).await.assert(200).json, made.json);
        }
        for (link, pointer) in [
            (json!({ "bay": 6 }), "/bay"),
            (json!({ "bay": "five" }), "/bay"),
            (json!({ "bay": 5.5 }), "/bay"),
            (json!({ "bay": "5" }), "/bay"),
            (json!({ "about": { "table": "bays", "id": 5 } }), "/about"),
            (json!({ "user": "nobody" }), "/user"),
            (json!({ "user": 5 }), "/user"),
            (json!({ "about": { "table": "nowhere", "id": "x" } }), "/about"),
            (json!({ "about": { "table": "users", "id": "nobody" } }), "/about"),
            (json!({ "either": { "table": "users", "id": customer.user } }), "/either"),
        ] {
            let reply = customer.post("/api/v1/slots", link).await.assert_error(422, "validation_failed");
            assert_eq!(reply.json["errors"][0]["code"], "reference", "{}", reply.text);
            reply.assert_fields(&[pointer]);
        }
        // One statement finds them all, and every place that is wrong is named.
        let many = json!({ "bay": 1, "others": [5, 1, 7, 2, 1], "about": { "table": "species", "id": "emu" } });
        let reply = customer.post("/api/v1/slots", many).await.assert_error(422, "validation_failed");
        reply.assert_fields(&["/bay", "/others/1", "/others/3", "/others/4", "/about"]);
        let found = customer.get("/api/v1/slots?bay=5&expand=bay").await.assert(200);
        assert_eq!(found.json["items"][0]["bay"], 5);
        assert_eq!(found.ids().len(), 2);
        assert_eq!(found.json["items"][0]["expand"]["bay"]["name"], "Left");
        assert_eq!(customer.get("/api/v1/slots?filter=bay%20=%205").await.assert(200).ids().len(), 2);
        customer.get("/api/v1/slots?user=nobody").await.assert_error(400, "invalid_query");
        let first = customer.get("/api/v1/bays?limit=1&sort=id").await.assert(200);
        let next = format!("/api/v1/bays?limit=1&sort=id&cursor={}", first.json["next_cursor"].as_str().expect("more"));
        assert_eq!(customer.get(&next).await.assert(200).json["items"][0]["name"], "Right");
    });
}

const EVENTS: &str = "
DEFINE TABLE visits TYPE NORMAL SCHEMAFULL PERMISSIONS FULL;
DEFINE FIELD id ON visits TYPE uuid;
DEFINE FIELD guests ON visits TYPE int;
DEFINE FIELD nights ON visits TYPE option<int> ASSERT fn::is_short($value ?? 0);
DEFINE FUNCTION fn::is_short($nights: int) { IF $nights > 30 { THROW 'Nobody stays a month' }; RETURN true; };
DEFINE EVENT full ON visits WHEN $event != 'DELETE' AND $after.guests > 5 THEN { THROW 'Only 5 fit, not ' + <string>$after.guests };
DEFINE EVENT broken ON visits WHEN $after.guests = 0 THEN { RETURN 'secret' * 2 };
";

#[test]
fn a_rule_that_an_event_throws_is_told_in_its_words() {
    run(async {
        let test = with_shop(EVENTS).await;
        let guest = test.guest();
        let path = "/api/v1/visits";
        let id = guest.post(path, json!({ "guests": 5 })).await.assert(201).id();
        let reply = guest.post(path, json!({ "guests": 6 })).await.assert_error(422, "rule_violated");
        assert_eq!(reply.json["message"], "Only 5 fit, not 6");
        let one = format!("{path}/{id}");
        let reply = guest.patch(&one, json!({ "guests": 7 })).await.assert_error(422, "rule_violated");
        assert_eq!(reply.json["message"], "Only 5 fit, not 7");
        let reply = guest.patch(&one, json!({ "nights": 31 })).await.assert_error(422, "rule_violated");
        assert_eq!(reply.json["message"], "Nobody stays a month");
        assert_eq!(guest.get(&one).await.assert(200).json["guests"], 5);
        let reply = guest.post(path, json!({ "guests": 0 })).await.assert_error(500, "internal");
        assert!(!reply.text.contains("secret"), "{}", reply.text);
        let operations = json!({ "operations": [{ "method": "POST", "table": "visits", "body": { "guests": 1 } },
            { "method": "POST", "table": "visits", "body": { "guests": 8 } }] });
        let reply = guest.post("/api/v1/batch", operations).await.assert_error(422, "rule_violated");
        assert_eq!(reply.json["message"], "Operation 1: Only 5 fit, not 8");
        assert_eq!(count(&test, "visits").await, 1);
    });
}

#[test]
fn guests_in_different_places_do_not_share_idempotency_keys() {
    run(async {
        let test = with_shop_and(EVENTS, |config| {
            config.server.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
        })
        .await;
        let from = |address: &str| test.guest().with("x-forwarded-for", address).with("idempotency-key", "same");
        let post = async |caller: Client, guests: u8| caller.post("/api/v1/visits", json!({ "guests": guests })).await;
        let first = post(from("192.0.2.1"), 1).await.assert(201);
        assert_eq!(post(from("192.0.2.1"), 1).await.assert(201).id(), first.id(), "a repeat");
        post(from("192.0.2.1"), 2).await.assert_error(422, "idempotency_mismatch");
        let elsewhere = post(from("192.0.2.2"), 1).await.assert(201);
        assert_ne!(elsewhere.id(), first.id(), "somebody else");
        post(from("192.0.2.3"), 3).await.assert(201);
        // A household has the whole network of an IPv6 address.
        let home = post(from("2001:db8:1:2::1"), 1).await.assert(201);
        assert_eq!(post(from("2001:db8:1:2::2"), 1).await.assert(201).id(), home.id());
        assert_ne!(post(from("2001:db8:1:3::1"), 1).await.assert(201).id(), home.id());
        assert_eq!(count(&test, "visits").await, 5);
    });
}

const TILL: &str = "
DEFINE TABLE sums TYPE NORMAL SCHEMAFULL PERMISSIONS FULL;
DEFINE FIELD id ON sums TYPE uuid;
DEFINE FIELD kind ON sums TYPE string;
DEFINE FIELD whole ON sums TYPE option<int>;
DEFINE FIELD exact ON sums TYPE option<decimal>;
DEFINE FIELD rough ON sums TYPE option<float>;
DEFINE FIELD at ON sums TYPE option<datetime>;
";

#[test]
fn measures_of_nothing_and_of_too_much_are_defined() {
    run(async {
        let test = with_shop(TILL).await;
        let guest = test.guest();
        let all =
            "measures=count,count(whole),sum(whole),sum(exact),avg(whole),avg(exact),min(whole),max(exact),min(at)";
        let nothing = json!({ "by": {}, "count": 0, "count_whole": 0, "sum_whole": 0, "sum_exact": "0",
            "avg_whole": null, "avg_exact": null, "min_whole": null, "max_exact": null, "min_at": null });
        let one = async |query: &str| {
            let reply = guest.get(&format!("/api/v1/sums/aggregate?{query}")).await.assert(200);
            reply.json["groups"][0].clone()
        };
        assert_eq!(one(all).await, nothing, "of no rows");
        guest.post("/api/v1/sums", json!({ "kind": "empty" })).await.assert(201);
        let mut empty = nothing;
        empty["count"] = json!(1);
        assert_eq!(one(all).await, empty, "of absent values");
        assert_eq!(one("measures=sum(rough)").await["sum_rough"].as_f64(), Some(0.0));

        let most = i64::MAX;
        for body in [
            json!({ "kind": "whole", "whole": most }),
            json!({ "kind": "whole", "whole": 1 }),
            json!({ "kind": "back", "whole": most }),
            json!({ "kind": "back", "whole": 1 }),
            json!({ "kind": "back", "whole": -1 }),
            json!({ "kind": "money", "exact": "1234567890123.25" }),
            json!({ "kind": "money", "exact": "-0.05" }),
            json!({ "kind": "rough", "rough": 1.7e308 }),
            json!({ "kind": "rough", "rough": 1.7e308 }),
        ] {
            guest.post("/api/v1/sums", body).await.assert(201);
        }
        // Larger than may be sent, as an expression of a schema could make it.
        let large = "CREATE sums SET id = rand::uuid::v7(), kind = 'exact', exact = 79228162514264337593543950335dec;";
        test.system(&large.repeat(2)).await;
        for query in
            ["kind=whole&measures=sum(whole)", "kind=exact&measures=sum(exact)", "kind=rough&measures=sum(rough)"]
        {
            let reply = guest.get(&format!("/api/v1/sums/aggregate?{query}")).await;
            reply.assert_error(422, "rule_violated").assert_fields(&["?measures"]);
        }
        assert_eq!(
            one("kind=back&measures=sum(whole)").await["sum_whole"],
            most,
            "what does not fit on the way may fit in the end"
        );
        assert_eq!(one("kind=money&measures=sum(exact)").await["sum_exact"], "1234567890123.2");
        let mean = one("kind=whole&measures=avg(whole)").await["avg_whole"].as_f64().expect("a number");
        assert!((mean / 4.611_686_018_427_388e18 - 1.0).abs() < 1e-9, "{mean}");
        assert_eq!(one("kind=exact&measures=max(exact)").await["max_exact"], "79228162514264337593543950335");
    });
}
