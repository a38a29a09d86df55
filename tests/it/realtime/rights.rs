//! Rights are those of the present: lost in the middle, signed out, suspended, expired.

use chrono::Duration;
use serde_json::json;

use super::stage::Stage;
use crate::support::live::{Events, Socket};
use crate::support::{people::PASSWORD, run};

#[test]
fn a_member_who_is_dismissed_sees_as_much_as_anybody_from_then_on() {
    run(async {
        let stage = Stage::new().await;
        let member = stage.test.member(&stage.business, "stock_keeper").await;
        let mut socket = Socket::open(&member).await;
        socket.subscribe("s", "products").await;
        let id = stage.product("draft").await;
        socket.change().await.assert("created", &id);
        let filter = format!("/api/admin/memberships?user={}", member.user);
        let membership = stage.admin.get(&filter).await.assert(200).ids().remove(0);
        stage.admin.delete(&format!("/api/admin/memberships/{membership}")).await.assert(204);
        // What it was shown by a right that is gone has to be read anew.
        assert_eq!(socket.expect("reset").await["id"], "s");
        stage.change(&id, json!({ "name": "Secret" })).await;
        let marker = stage.product("active").await;
        let told = socket.change().await.assert("created", &marker);
        assert!(told.record.get("cost").is_none());
        stage.test.expect_jobs(&["notifications.send"]);
    });
}

#[test]
fn a_new_member_sees_more_at_once() {
    run(async {
        let stage = Stage::new().await;
        let customer = stage.test.customer().await;
        let mut socket = Socket::open(&customer).await;
        socket.subscribe("s", "products").await;
        let body = json!({ "user": customer.user, "business": stage.business, "role": "stock_keeper" });
        stage.admin.post("/api/admin/memberships", body).await.assert(201);
        assert_eq!(socket.expect("reset").await["id"], "s");
        let id = stage.product("draft").await;
        assert_eq!(socket.change().await.assert("created", &id).record["cost"]["minor"], 200);
    });
}

#[test]
fn signing_out_ends_the_connections_of_that_sign_in() {
    run(async {
        let stage = Stage::new().await;
        let one = stage.test.customer().await;
        let email = one.get(&format!("/api/v1/users/{}", one.user)).await.assert(200).json["email"].clone();
        let other = stage.test.sign_in(email.as_str().expect("an address"), PASSWORD).await;
        let mut first = Socket::open(&one).await;
        let mut stream = Events::open(&one, "topic=pets").await;
        let mut second = Socket::open(&other).await;
        second.subscribe("s", "pets").await;
        one.post("/api/v1/auth/logout", json!({})).await.assert(204);
        assert_eq!(first.closing().await, ("signed_out".to_owned(), 4401));
        assert_eq!(stream.expect("closing").await["reason"], "signed_out");
        assert!(stream.next().await.is_none());
        let id = other.post("/api/v1/pets", json!({ "name": "Rex", "species": "dog" })).await.assert(201).id();
        second.change().await.assert("created", &id);
        let (status, text) = Socket::attempt(&one, false).await.err().expect("refused");
        assert_eq!(status, 401, "{text}");
    });
}

#[test]
fn suspension_ends_everything_of_the_account() {
    run(async {
        let stage = Stage::new().await;
        let customer = stage.test.customer().await;
        let mut socket = Socket::open(&customer).await;
        socket.subscribe("s", "pets").await;
        let mut stream = Events::open(&customer, "topic=pets").await;
        let path = format!("/api/admin/users/{}/suspend", customer.user);
        stage.admin.post(&path, json!({ "reason": "Spam" })).await.assert(200);
        assert_eq!(socket.closing().await, ("suspended".to_owned(), 4403));
        assert_eq!(stream.expect("closing").await["reason"], "suspended");
    });
}

#[test]
fn a_token_that_is_over_ends_the_connection_unless_there_is_a_fresh_one() {
    run(async {
        let stage = Stage::new().await;
        let customer = stage.test.customer().await;
        let email = customer.get(&format!("/api/v1/users/{}", customer.user)).await.assert(200).json["email"].clone();
        let (mut old, mut renewed) = (Socket::open(&customer).await, Socket::open(&customer).await);
        renewed.subscribe("s", "pets").await;
        stage.test.clock.advance(Duration::minutes(10));
        let fresh = stage.test.sign_in(email.as_str().expect("an address"), PASSWORD).await;
        let bearer = fresh.headers()["authorization"].to_str().expect("text").to_owned();
        let token = bearer.strip_prefix("Bearer ").expect("a token");
        renewed.send(json!({ "type": "authenticate", "token": token })).await;
        assert_eq!(renewed.expect("welcome").await["user"], customer.user);
        stage.test.clock.advance(Duration::minutes(6));
        assert_eq!(old.closing().await, ("expired".to_owned(), 4401));
        let id = fresh.post("/api/v1/pets", json!({ "name": "Rex", "species": "dog" })).await.assert(201).id();
        renewed.change().await.assert("created", &id);
    });
}

#[test]
fn a_guest_becomes_somebody_and_nobody_becomes_somebody_else() {
    run(async {
        let stage = Stage::new().await;
        let (one, other) = (stage.test.customer().await, stage.test.customer().await);
        let token = |client: &crate::support::Client| {
            client.headers()["authorization"].to_str().expect("text").trim_start_matches("Bearer ").to_owned()
        };
        let mut socket = Socket::open(&stage.test.guest()).await;
        assert_eq!(socket.welcome["user"], json!(null));
        socket.subscribe("s", "pets").await;
        let pet = json!({ "name": "Rex", "species": "dog" });
        one.post("/api/v1/pets", pet.clone()).await.assert(201);
        socket.send(json!({ "type": "authenticate", "token": "nonsense" })).await;
        assert_eq!(socket.expect("error").await["error"], "unauthenticated");
        socket.send(json!({ "type": "authenticate", "token": token(&one) })).await;
        // The subscription goes on by other rights, so what was read has to be read anew.
        let mut told = [socket.next().await.expect("told"), socket.next().await.expect("told")];
        told.sort_by_key(|frame| frame["type"].as_str().map(str::to_owned));
        assert_eq!((&told[0]["type"], &told[0]["id"]), (&json!("reset"), &json!("s")));
        assert_eq!((&told[1]["type"], &told[1]["user"]), (&json!("welcome"), &json!(one.user)));
        let id = one.post("/api/v1/pets", pet).await.assert(201).id();
        socket.change().await.assert("created", &id);
        socket.send(json!({ "type": "authenticate", "token": token(&other) })).await;
        assert_eq!(socket.expect("error").await["error"], "forbidden");
    });
}

#[test]
fn what_is_private_is_told_to_its_owner_alone() {
    run(async {
        let stage = Stage::new().await;
        let (one, other) = (stage.test.customer().await, stage.test.customer().await);
        let (mut first, mut second) = (Socket::open(&one).await, Socket::open(&other).await);
        first.subscribe("s", "pets").await;
        second.subscribe("s", "pets").await;
        let pet = json!({ "name": "Rex", "species": "dog" });
        let mine = one.post("/api/v1/pets", pet.clone()).await.assert(201).id();
        first.change().await.assert("created", &mine);
        one.patch(&format!("/api/v1/pets/{mine}"), json!({ "name": "Max" })).await.assert(200);
        first.change().await.assert("updated", &mine);
        one.delete(&format!("/api/v1/pets/{mine}")).await.assert(204);
        first.change().await.assert("deleted", &mine);
        let yours = other.post("/api/v1/pets", pet).await.assert(201).id();
        second.change().await.assert("created", &yours);
    });
}
