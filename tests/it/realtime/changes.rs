//! Who is told of what: actions, filters, fields, and what is hidden.

use serde_json::json;

use super::stage::Stage;
use crate::support::live::Socket;
use crate::support::run;

#[test]
fn a_record_is_told_of_from_create_to_delete() {
    run(async {
        let stage = Stage::new().await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        socket.subscribe("s1", "products").await;
        let id = stage.product("active").await;
        let made = socket.change().await.assert("created", &id);
        assert_eq!((made.subscription.as_str(), made.topic.as_str()), (Some("s1"), "products"));
        assert_eq!(made.record["price"], json!({ "minor": 500, "currency": "EUR" }));
        let read = stage.test.guest().get(&format!("/api/v1/products/{id}")).await.assert(200).json;
        assert_eq!(made.record, read, "the same as by REST");
        stage.change(&id, json!({ "name": "Big bone" })).await;
        let changed = socket.change().await.assert("updated", &id);
        assert_eq!(changed.record["name"], "Big bone");
        stage.delete(&id).await;
        socket.change().await.assert("deleted", &id).assert_bare();
        socket.send(json!({ "type": "unsubscribe", "id": "s1" })).await;
        assert_eq!(socket.expect("unsubscribed").await["id"], "s1");
        stage.product("active").await;
        socket.send(json!({ "type": "ping" })).await;
        socket.expect("pong").await;
    });
}

#[test]
fn what_is_hidden_is_told_of_to_nobody_who_may_not_see_it() {
    run(async {
        let stage = Stage::new().await;
        let member = stage.test.member(&stage.business, "stock_keeper").await;
        let (mut guest, mut inside) = (Socket::open(&stage.test.guest()).await, Socket::open(&member).await);
        guest.subscribe("g", "products").await;
        inside.subscribe("m", "products").await;
        // A whole life in the dark.
        let hidden = stage.product("draft").await;
        inside.change().await.assert("created", &hidden);
        stage.change(&hidden, json!({ "name": "Secret" })).await;
        inside.change().await.assert("updated", &hidden);
        stage.delete(&hidden).await;
        inside.change().await.assert("deleted", &hidden);
        // Into the light and out of it again.
        let shown = stage.product("draft").await;
        inside.change().await.assert("created", &shown);
        stage.change(&shown, json!({ "status": "active" })).await;
        inside.change().await.assert("updated", &shown);
        guest.change().await.assert("updated", &shown);
        stage.change(&shown, json!({ "status": "inactive" })).await;
        guest.change().await.assert("removed", &shown).assert_bare();
        inside.change().await.assert("updated", &shown);
        stage.delete(&shown).await;
        inside.change().await.assert("deleted", &shown);
        let marker = stage.product("active").await;
        guest.change().await.assert("created", &marker);
    });
}

#[test]
fn messages_have_the_fields_that_their_reader_may_see() {
    run(async {
        let stage = Stage::new().await;
        let member = stage.test.member(&stage.business, "stock_keeper").await;
        let (mut guest, mut inside) = (Socket::open(&stage.test.guest()).await, Socket::open(&member).await);
        guest.subscribe("g", "products").await;
        inside.subscribe("m", "products").await;
        let id = stage.product("active").await;
        let (for_guest, for_member) = (guest.change().await.record, inside.change().await.record);
        assert_eq!(for_member["cost"], json!({ "minor": 200, "currency": "EUR" }));
        assert!(for_guest.get("cost").is_none() && for_guest.get("updated_at").is_none(), "{for_guest}");
        // A change of what one cannot see is none: not even that something happened.
        stage.change(&id, json!({ "cost": { "minor": 250, "currency": "EUR" } })).await;
        assert_eq!(inside.change().await.record["cost"]["minor"], 250);
        stage.change(&id, json!({ "name": "Marker" })).await;
        assert_eq!(guest.change().await.record["name"], "Marker");
        inside.change().await.assert("updated", &id);
        // A field that may not be named in a query may not be named here.
        for frame in [
            json!({ "type": "subscribe", "id": "x", "topic": "users", "filter": "password_hash = 'x'" }),
            json!({ "type": "subscribe", "id": "x", "topic": "users", "fields": "password_hash" }),
        ] {
            guest.send(frame).await;
            let error = guest.expect("error").await;
            assert_eq!(
                (&error["id"], &error["error"], &error["status"]),
                (&json!("x"), &json!("invalid_query"), &json!(400))
            );
        }
    });
}

#[test]
fn a_filter_is_entered_and_left() {
    run(async {
        let stage = Stage::new().await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        socket.subscribe_with(json!({ "id": "cheap", "topic": "products", "filter": "price.minor < 300" })).await;
        let mut witness = stage.witness("products").await;
        let price = |minor: i64| json!({ "price": { "minor": minor, "currency": "EUR" } });
        let id = stage.product("active").await;
        witness.sees(1).await;
        stage.change(&id, price(200)).await;
        socket.change().await.assert("updated", &id);
        stage.change(&id, price(250)).await;
        assert_eq!(socket.change().await.assert("updated", &id).record["price"]["minor"], 250);
        stage.change(&id, price(900)).await;
        socket.change().await.assert("removed", &id).assert_bare();
        stage.change(&id, price(950)).await;
        witness.sees(4).await;
        stage.delete(&id).await;
        let marker = stage.product_with(price(100)).await;
        socket.change().await.assert("created", &marker);
    });
}

#[test]
fn a_filter_on_a_hidden_field_does_not_tell_what_is_in_it() {
    run(async {
        let stage = Stage::new().await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        socket.subscribe_with(json!({ "id": "o", "topic": "products", "filter": "cost.minor = 777" })).await;
        let mut witness = stage.witness("products").await;
        let id = stage.product("active").await;
        witness.sees(1).await;
        stage.change(&id, json!({ "cost": { "minor": 777, "currency": "EUR" } })).await;
        witness.sees(1).await;
        stage.change(&id, json!({ "cost": { "minor": 1, "currency": "EUR" } })).await;
        witness.sees(1).await;
        stage.delete(&id).await;
        witness.sees(1).await;
        socket.subscribe("all", "products").await;
        let marker = stage.product_with(json!({ "cost": { "minor": 777, "currency": "EUR" } })).await;
        let told = socket.change().await.assert("created", &marker);
        assert_eq!(told.subscription, "all", "the first that was told of anything");
    });
}

#[test]
fn fields_are_chosen_and_changes_of_others_are_not_told() {
    run(async {
        let stage = Stage::new().await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        socket.subscribe_with(json!({ "id": "f", "topic": "products", "fields": "name,price.minor" })).await;
        let id = stage.product("active").await;
        let made = socket.change().await.assert("created", &id);
        assert_eq!(made.record, json!({ "id": id, "name": "Bone", "price": { "minor": 500 } }));
        stage.change(&id, json!({ "brand": "Acme" })).await;
        stage.change(&id, json!({ "name": "Marker" })).await;
        assert_eq!(socket.change().await.record["name"], "Marker");
    });
}

#[test]
fn one_record_is_a_topic_of_its_own() {
    run(async {
        let stage = Stage::new().await;
        let (one, other) = (stage.product("active").await, stage.product("active").await);
        let mut socket = Socket::open(&stage.test.guest()).await;
        socket.subscribe("one", &format!("products/{one}")).await;
        stage.change(&other, json!({ "name": "Other" })).await;
        stage.change(&one, json!({ "name": "One" })).await;
        let told = socket.change().await.assert("updated", &one);
        assert_eq!(told.topic, format!("products/{one}"));
        for topic in ["products/", "products/x", "jobs", "nothing", "", "products/1/2", "outbox"] {
            socket.send(json!({ "type": "subscribe", "id": "x", "topic": topic })).await;
            assert_eq!(socket.expect("error").await["error"], "not_found", "{topic}");
        }
    });
}

#[test]
fn a_transaction_that_comes_to_nothing_is_not_told_of() {
    run(async {
        let stage = Stage::new().await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        socket.subscribe("s", "species").await;
        let text = "BEGIN; CREATE species:cat SET name = 'Cat'; THROW 'no'; COMMIT;";
        assert!(stage.test.app.platform.engine.root().query(text, ()).await.is_err());
        let operations = json!([
            { "method": "POST", "table": "species", "body": { "id": "fox", "name": "Fox" } },
            { "method": "POST", "table": "species", "body": { "id": "dog", "name": "Taken" } },
        ]);
        stage.admin.post("/api/admin/batch", json!({ "operations": operations })).await.assert(409);
        stage.test.system("CREATE species:owl SET name = 'Owl'").await;
        socket.change().await.assert("created", "owl");
    });
}

#[test]
fn everybody_is_told_everything_in_order_while_many_write() {
    run(async {
        const WRITERS: usize = 4;
        const WRITES: usize = 25;
        let stage = Stage::new().await;
        let mut sockets = Vec::new();
        for number in 0..5 {
            let client = if number % 2 == 0 { stage.test.guest() } else { stage.test.customer().await };
            let mut socket = Socket::open(&client).await;
            socket.subscribe("s", "species").await;
            sockets.push(socket);
        }
        let writers = (0..WRITERS).map(|writer| {
            let stage = &stage;
            async move {
                for number in 0..WRITES {
                    stage
                        .test
                        .system(&format!("CREATE species:w{writer}_{number} SET name = 'x', position = {number}"))
                        .await;
                }
            }
        });
        futures::future::join_all(writers).await;
        let mut orders = Vec::new();
        for socket in &mut sockets {
            let mut told = Vec::new();
            for _ in 0..WRITERS * WRITES {
                let change = socket.change().await;
                told.push((change.seq, change.record["id"].as_str().expect("an id").to_owned()));
            }
            orders.push(told);
        }
        assert!(orders.windows(2).all(|pair| pair[0] == pair[1]), "one order for all");
        let mut ids: Vec<_> = orders[0].iter().map(|(_, id)| id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), WRITERS * WRITES);
    });
}
