//! The admin listener: all tables, with the rights of staff.

use pawbase::context::Role;
use serde_json::json;

use super::stage::Stage;
use crate::support::live::Socket;
use crate::support::run;

#[test]
fn staff_are_told_of_everything_that_is_not_nobodys() {
    run(async {
        let stage = Stage::new().await;
        let support = stage.test.staff(Role::Support).await;
        let mut socket = Socket::open_admin(&support).await;
        for topic in ["products", "users", "audit"] {
            socket.subscribe(topic, topic).await;
        }
        let id = stage.product("draft").await;
        let mut told = [socket.change().await, socket.change().await];
        told.sort_by(|one, two| one.topic.cmp(&two.topic));
        assert_eq!((told[0].topic.as_str(), told[0].action.as_str()), ("audit", "created"));
        assert_eq!(told[1].record["cost"]["minor"], 200);
        assert_eq!(told[1].record["id"], id);
        let customer = stage.test.customer().await;
        let told = socket.change().await.assert("created", &customer.user);
        assert!(told.record.get("password_hash").is_none(), "{:?}", told.record);
        for topic in ["outbox", "job_queue", "nothing"] {
            socket.send(json!({ "type": "subscribe", "id": "x", "topic": topic })).await;
            assert_eq!(socket.expect("error").await["error"], "not_found", "{topic}");
        }
    });
}

#[test]
fn who_is_not_staff_is_told_nothing_there() {
    run(async {
        let stage = Stage::new().await;
        let mut socket = Socket::open_admin(&stage.test.admin_guest()).await;
        socket.send(json!({ "type": "subscribe", "id": "s", "topic": "species" })).await;
        assert_eq!(socket.expect("error").await["error"], "unauthenticated");
        let customer = stage.test.customer().await;
        let token =
            customer.headers()["authorization"].to_str().expect("text").trim_start_matches("Bearer ").to_owned();
        socket.send(json!({ "type": "authenticate", "token": token })).await;
        assert_eq!(socket.expect("error").await["error"], "unauthenticated");
        let token =
            stage.admin.headers()["authorization"].to_str().expect("text").trim_start_matches("Bearer ").to_owned();
        socket.send(json!({ "type": "authenticate", "token": token })).await;
        socket.expect("welcome").await;
        socket.subscribe("s", "species").await;
    });
}

#[test]
fn who_is_staff_no_longer_is_out_at_once() {
    run(async {
        let stage = Stage::new().await;
        let support = stage.test.staff(Role::Support).await;
        let mut socket = Socket::open_admin(&support).await;
        socket.subscribe("s", "products").await;
        let path = format!("/api/admin/users/{}/roles", support.user);
        stage.admin.send(reqwest::Method::PUT, &path, Some(json!({ "roles": ["customer"] }))).await.assert(200);
        let (reason, code) = socket.closing().await;
        assert!(["signed_out", "rights"].contains(&reason.as_str()) && [4401, 4403].contains(&code), "{reason} {code}");
    });
}
