//! Going on after a break: what was missed is told, or that it has to be read anew.

use serde_json::json;

use super::stage::{Stage, until};
use crate::support::live::{Events, Socket};
use crate::support::{run, settings};

#[test]
fn a_socket_that_comes_back_is_told_what_it_missed_once_per_record() {
    run(async {
        let stage = Stage::new().await;
        let old = stage.product("active").await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        socket.subscribe("s", "products").await;
        let mut witness = stage.witness("products").await;
        stage.change(&old, json!({ "name": "Seen" })).await;
        let last = socket.change().await.seq;
        drop(socket);
        stage.change(&old, json!({ "name": "Missed" })).await;
        let made = stage.product("active").await;
        let hidden = stage.product("draft").await;
        stage.change(&old, json!({ "name": "Missed again" })).await;
        let (brief, gone) = (stage.product("active").await, stage.product("active").await);
        witness.sees(7).await;
        stage.delete(&brief).await;
        stage.change(&gone, json!({ "status": "inactive" })).await;
        witness.sees(2).await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        socket.subscribe_with(json!({ "id": "s", "topic": "products", "last": last })).await;
        socket.change().await.assert("created", &made);
        assert_eq!(socket.change().await.assert("updated", &old).record["name"], "Missed again");
        // What came and went meanwhile, and what was never to be seen, is not told of.
        let marker = stage.product("active").await;
        let told = socket.change().await.assert("created", &marker);
        assert!(![hidden, brief, gone].contains(&marker));
        drop(socket);
        stage.delete(&marker).await;
        stage.change(&made, json!({ "status": "inactive" })).await;
        witness.sees(3).await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        socket.subscribe_with(json!({ "id": "s", "topic": "products", "last": told.seq })).await;
        socket.change().await.assert("deleted", &marker).assert_bare();
        socket.change().await.assert("removed", &made).assert_bare();
    });
}

#[test]
fn rights_are_those_of_the_return() {
    run(async {
        let stage = Stage::new().await;
        let member = stage.test.member(&stage.business, "stock_keeper").await;
        let mut socket = Socket::open(&member).await;
        let last = socket.subscribe("s", "products").await["seq"].clone();
        let id = stage.product("draft").await;
        // Whoever was told of it, everybody was who is told at all.
        socket.change().await.assert("created", &id);
        drop(socket);
        let mut guest = Socket::open(&stage.test.guest()).await;
        guest.subscribe_with(json!({ "id": "s", "topic": "products", "last": last })).await;
        let marker = stage.product("active").await;
        assert!(guest.change().await.assert("created", &marker).record.get("cost").is_none());
    });
}

#[test]
fn what_is_not_known_any_more_has_to_be_read_anew() {
    run(async {
        let mut config = settings();
        config.realtime.replay = 3;
        config.realtime.linger_s = 0;
        let stage = Stage::with(config).await;
        let mut keeping = Socket::open(&stage.test.guest()).await;
        let first = keeping.subscribe("s", "species").await["seq"].clone();
        for number in 0..4 {
            stage.test.system(&format!("CREATE species:a{number} SET name = 'A'")).await;
            keeping.change().await.assert("created", &format!("a{number}"));
        }
        let mut socket = Socket::open(&stage.test.guest()).await;
        for (name, last) in [("old", first.clone()), ("foreign", json!("00000000000000ff-1")), ("nonsense", json!("x"))]
        {
            socket.subscribe_with(json!({ "id": name, "topic": "species", "last": last })).await;
            assert_eq!(socket.expect("reset").await["id"], name);
        }
        // Once nobody follows the table, nobody knows what happens to it.
        let now = socket.subscribe("now", "species").await["seq"].clone();
        drop((socket, keeping));
        until("the feed ends", || async { stage.test.app.realtime.feed_count() == 0 }).await;
        until("its live query too", || async { stage.live_queries("species").await == 0 }).await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        socket.subscribe_with(json!({ "id": "s", "topic": "species", "last": now })).await;
        assert_eq!(socket.expect("reset").await["id"], "s");
    });
}

#[test]
fn after_a_restart_everything_is_read_anew() {
    run(async {
        let before = Stage::new().await;
        let mut socket = Socket::open(&before.test.guest()).await;
        let last = socket.subscribe("s", "species").await["seq"].clone();
        let mut events = Events::open(&before.test.guest(), "topic=species").await;
        let kept = events.last.clone().expect("a place");
        before.test.app.realtime.stop().await;
        assert_eq!(socket.closing().await, ("shutdown".to_owned(), 1001));
        assert_eq!(events.expect("closing").await["reason"], "shutdown");
        assert_eq!(before.live_queries("species").await, 0, "none is left in the engine");
        let (status, _) = Socket::attempt(&before.test.guest(), false).await.err().expect("refused");
        assert_eq!(status, 503);
        let after = Stage::new().await;
        let mut socket = Socket::open(&after.test.guest()).await;
        socket.subscribe_with(json!({ "id": "s", "topic": "species", "last": last })).await;
        assert_eq!(socket.expect("reset").await["id"], "s");
        let back = after.test.guest().with("last-event-id", &kept);
        let mut events = Events::begin(&back, "topic=species").await;
        assert_eq!(events.expect("reset").await["topic"], "species");
        events.expect("subscribed").await;
    });
}

#[test]
fn a_stream_of_several_topics_goes_on_without_a_gap() {
    run(async {
        let stage = Stage::new().await;
        let guest = stage.test.guest();
        let mut events = Events::open(&guest, "topic=products&topic=species").await;
        let id = stage.product("active").await;
        events.change().await.assert("created", &id);
        stage.test.system("CREATE species:cat SET name = 'Cat'").await;
        assert_eq!(events.change().await.assert("created", "cat").topic, "species");
        let last = events.last.clone().expect("a place");
        drop(events);
        let (mut first, mut second) = (stage.witness("species").await, stage.witness("products").await);
        stage.test.system("CREATE species:owl SET name = 'Owl'").await;
        stage.change(&id, json!({ "name": "Missed" })).await;
        first.sees(1).await;
        second.sees(1).await;
        let mut events = Events::begin(&guest.with("last-event-id", &last), "topic=products&topic=species").await;
        events.change().await.assert("updated", &id);
        events.change().await.assert("created", "owl");
        assert_eq!(events.last, None, "no place before all topics are complete");
        events.expect("subscribed").await;
        let last = events.last.clone().expect("a place");
        let query = format!("topic=products&topic=species&last_event_id={last}");
        let mut events = Events::open(&guest, &query).await;
        stage.test.system("CREATE species:fox SET name = 'Fox'").await;
        events.change().await.assert("created", "fox");
    });
}
