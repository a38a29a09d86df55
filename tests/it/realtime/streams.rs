//! Event streams: what an address may ask for, and what a browser needs.

use serde_json::json;

use super::stage::{Stage, until};
use crate::support::live::Events;
use crate::support::{run, settings};

#[test]
fn a_stream_tells_of_changes_as_events() {
    run(async {
        let mut config = settings();
        // That a client is gone shows when something is sent to it.
        config.realtime.heartbeat_s = 1;
        let stage = Stage::with(config).await;
        let mut events = Events::open(&stage.test.guest(), "topic=products&filter=price.minor%3C600&fields=name").await;
        let id = stage.product("active").await;
        let told = events.change().await.assert("created", &id);
        assert_eq!(told.record, json!({ "id": id, "name": "Bone" }));
        assert_eq!(events.last, Some(told.seq));
        stage.change(&id, json!({ "status": "inactive" })).await;
        events.change().await.assert("removed", &id).assert_bare();
        drop(events);
        until("it is forgotten", || async { stage.test.app.realtime.connection_count() == 0 }).await;
    });
}

#[test]
fn what_an_address_may_not_ask_for_is_refused_before_the_stream_begins() {
    run(async {
        let stage = Stage::new().await;
        let guest = stage.test.guest();
        for (query, status, error) in [
            ("", 400, "invalid_query"),
            ("topic=products&topic=species&filter=x", 400, "invalid_query"),
            ("topic=products&filter=nothing%3D1", 400, "invalid_query"),
            ("topic=products&filter=cost.minor%20%3C", 400, "invalid_query"),
            ("topic=products&fields=nothing", 400, "invalid_query"),
            ("topic=products&fields=name&fields=name", 400, "invalid_query"),
            ("topic=products&sort=name", 400, "invalid_query"),
            ("topic=products&topic=products", 409, "already_exists"),
            ("topic=jobs", 404, "not_found"),
            ("topic=products/17", 404, "not_found"),
        ] {
            guest.get(&format!("/api/v1/realtime/sse?{query}")).await.assert_error(status, error);
        }
        guest.post("/api/v1/realtime/sse?topic=products", json!({})).await.assert_error(405, "method_not_allowed");
        guest.get("/api/v1/realtime").await.assert_error(400, "malformed");
        stage
            .test
            .admin_guest()
            .get("/api/admin/realtime/sse?topic=products")
            .await
            .assert_error(401, "unauthenticated");
        guest.bearer("nonsense").get("/api/v1/realtime/sse?topic=products").await.assert_error(401, "unauthenticated");
        until("nothing is left of them", || async { stage.test.app.realtime.connection_count() == 0 }).await;
    });
}

#[test]
fn a_quiet_stream_shows_that_it_is_there() {
    run(async {
        let mut config = settings();
        config.realtime.heartbeat_s = 1;
        let stage = Stage::with(config).await;
        let mut events = Events::open(&stage.test.guest(), "topic=products").await;
        events.heartbeat().await;
        events.heartbeat().await;
    });
}
