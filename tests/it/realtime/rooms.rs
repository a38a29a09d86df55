//! Rooms: who may join, who is there, who types, and messages from wherever they were sent.

use serde_json::{Value, json};

use super::stage::{Stage, until};
use crate::support::live::Socket;
use crate::support::{Client, run};

const CONVERSATIONS: &str = "/api/v1/conversations";

/// A stage whose messages nobody is told of later.
async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.test.expect_jobs(&["messaging.tell"]);
    stage
}

/// A group of `owner` with others; its key.
async fn group(owner: &Client, others: &[&Client]) -> String {
    let keys: Vec<&str> = others.iter().map(|other| other.user.as_str()).collect();
    owner.post(CONVERSATIONS, json!({ "kind": "group", "participants": keys })).await.assert(201).id()
}

async fn join(socket: &mut Socket, room: &str) -> Vec<Value> {
    socket.send(json!({ "type": "join_room", "room": room })).await;
    let told = socket.expect("room_joined").await;
    assert_eq!(told["room"], room);
    told["members"].as_array().expect("members").clone()
}

/// What follows a message: that it is there, and that its sender has read it; they are told by two tables, in either order.
async fn message_and_read(socket: &mut Socket) -> [Value; 2] {
    let mut told = [socket.next().await.expect("a frame"), socket.next().await.expect("a frame")];
    told.sort_by_key(|frame| frame["type"] != "message");
    assert_eq!((&told[0]["type"], &told[1]["type"]), (&json!("message"), &json!("read")), "{told:?}");
    told
}

fn person(client: &Client) -> Value {
    json!({ "id": client.user })
}

#[test]
fn people_in_a_conversation_see_each_other_type_and_what_they_write() {
    run(async {
        let stage = stage().await;
        let (ada, bob) = (stage.test.customer().await, stage.test.customer().await);
        let id = group(&ada, &[&bob]).await;
        let room = format!("conversation:{id}");
        let (mut one, mut two) = (Socket::open(&ada).await, Socket::open(&bob).await);
        assert_eq!(join(&mut one, &room).await, [person(&ada)]);
        let mut members = join(&mut two, &room).await;
        members.sort_by_key(|member| member["id"] != ada.user.as_str());
        assert_eq!(members, [person(&ada), person(&bob)]);
        assert_eq!(one.expect("user_joined").await["user"], person(&bob));
        two.send(json!({ "type": "typing", "room": room })).await;
        assert_eq!(one.expect("typing").await["user"], person(&bob));
        two.send(json!({ "type": "send_message", "room": room, "content": "Hello", "client_id": "c1" })).await;
        for socket in [&mut one, &mut two] {
            // Who sends has read it.
            let [told, read] = message_and_read(socket).await;
            assert_eq!((&told["room"], &told["message"]["content"]), (&json!(room), &json!("Hello")));
            assert_eq!((&told["message"]["sender"], &told["message"]["client_id"]), (&json!(bob.user), &json!("c1")));
            assert_eq!((&read["user"], &read["message"]), (&person(&bob), &told["message"]["id"]));
        }
        // Sent again under its name it is one message, and its sender is told once more that it is there.
        two.send(json!({ "type": "send_message", "room": room, "content": "Hello", "client_id": "c1" })).await;
        assert_eq!(two.expect("message").await["message"]["client_id"], "c1");
        // What is sent by REST arrives too, and what is read.
        let sent =
            ada.post(&format!("{CONVERSATIONS}/{id}/messages"), json!({ "content": "By post" })).await.assert(201);
        for socket in [&mut one, &mut two] {
            let [told, read] = message_and_read(socket).await;
            assert_eq!((&told["message"]["id"], &read["user"]), (&json!(sent.id()), &person(&ada)));
        }
        two.send(json!({ "type": "read", "room": room, "message": sent.id() })).await;
        for socket in [&mut one, &mut two] {
            let read = socket.expect("read").await;
            assert_eq!((&read["user"], &read["message"]), (&person(&bob), &json!(sent.id())));
        }
        two.send(json!({ "type": "leave_room", "room": room })).await;
        assert_eq!(one.expect("user_left").await["user"], person(&bob));
        one.send(json!({ "type": "send_message", "room": room, "content": "Alone" })).await;
        message_and_read(&mut one).await;
        two.send(json!({ "type": "ping" })).await;
        two.expect("pong").await;
    });
}

#[test]
fn a_person_with_two_devices_is_there_once() {
    run(async {
        let stage = stage().await;
        let (ada, bob) = (stage.test.customer().await, stage.test.customer().await);
        let room = format!("conversation:{}", group(&ada, &[&bob]).await);
        let mut watching = Socket::open(&ada).await;
        join(&mut watching, &room).await;
        let (mut phone, mut desk) = (Socket::open(&bob).await, Socket::open(&bob).await);
        assert_eq!(join(&mut phone, &room).await.len(), 2);
        assert_eq!(join(&mut desk, &room).await.len(), 2);
        drop(phone);
        until("the phone is gone", || async { stage.test.app.realtime.connection_count() == 2 }).await;
        drop(desk);
        assert_eq!(watching.expect("user_joined").await["user"], person(&bob));
        assert_eq!(watching.expect("user_left").await["user"], person(&bob));
        drop(watching);
        until("nobody is there", || async { stage.test.app.realtime.rooms.count() == 0 }).await;
    });
}

#[test]
fn a_room_is_for_those_who_have_a_right_to_it() {
    run(async {
        let stage = stage().await;
        let (ada, eve) = (stage.test.customer().await, stage.test.customer().await);
        let member = stage.test.member(&stage.business, "receptionist").await;
        let id = group(&ada, &[&member]).await;
        let conversation = format!("conversation:{id}");
        let (business, own) = (format!("business:{}", stage.business), format!("user:{}", ada.user));
        let mut stranger = Socket::open(&eve).await;
        let unknown = "conversation:019b8d38-edc8-7000-8000-000000000000";
        for room in [
            &*conversation,
            &business,
            &own,
            unknown,
            "conversation:x",
            "order:019b8d38-edc8-7000-8000-000000000000",
            "",
            "pets",
        ] {
            stranger.send(json!({ "type": "join_room", "room": room })).await;
            let error = stranger.expect("error").await;
            assert_eq!((&error["room"], &error["error"]), (&json!(room), &json!("not_found")));
        }
        for frame in [
            json!({ "type": "typing", "room": conversation }),
            json!({ "type": "send_message", "room": conversation, "content": "x", "client_id": "c" }),
            json!({ "type": "leave_room", "room": conversation }),
        ] {
            stranger.send(frame.clone()).await;
            let error = stranger.expect("error").await;
            assert_eq!((&error["error"], &error["client_id"]), (&json!("conflict"), &frame["client_id"]), "{frame}");
        }
        let mut guest = Socket::open(&stage.test.guest()).await;
        guest.send(json!({ "type": "join_room", "room": conversation })).await;
        assert_eq!(guest.expect("error").await["error"], "unauthenticated");
        let mut inside = Socket::open(&member).await;
        for room in [&conversation, &business] {
            join(&mut inside, room).await;
        }
        inside.send(json!({ "type": "send_message", "room": business, "content": "x" })).await;
        assert_eq!(inside.expect("error").await["error"], "conflict", "it has no conversation");
        inside.send(json!({ "type": "send_message", "room": conversation, "content": "", "client_id": "c" })).await;
        let error = inside.expect("error").await;
        assert_eq!((&error["error"], &error["client_id"]), (&json!("validation_failed"), &json!("c")));
        join(&mut Socket::open(&ada).await, &own).await;
        join(&mut Socket::open_admin(&stage.admin).await, &business).await;
    });
}

#[test]
fn who_is_put_out_of_a_conversation_or_a_business_is_out_of_its_room() {
    run(async {
        let stage = stage().await;
        let (ada, bob) = (stage.test.customer().await, stage.test.customer().await);
        let id = group(&ada, &[&bob]).await;
        let room = format!("conversation:{id}");
        let (mut one, mut two) = (Socket::open(&ada).await, Socket::open(&bob).await);
        join(&mut one, &room).await;
        join(&mut two, &room).await;
        one.expect("user_joined").await;
        ada.delete(&format!("{CONVERSATIONS}/{id}/participants/{}", bob.user)).await;
        let error = two.expect("error").await;
        assert_eq!((&error["room"], &error["error"]), (&json!(room), &json!("not_found")));
        assert_eq!(one.expect("user_left").await["user"], person(&bob));
        one.send(json!({ "type": "send_message", "room": room, "content": "Secret" })).await;
        message_and_read(&mut one).await;
        two.send(json!({ "type": "ping" })).await;
        two.expect("pong").await;
        let member = stage.test.member(&stage.business, "receptionist").await;
        let mut inside = Socket::open(&member).await;
        let business = format!("business:{}", stage.business);
        join(&mut inside, &business).await;
        let filter = format!("/api/admin/memberships?user={}", member.user);
        let membership = stage.admin.get(&filter).await.assert(200).ids().remove(0);
        stage.admin.delete(&format!("/api/admin/memberships/{membership}")).await.assert(204);
        assert_eq!(inside.expect("error").await["room"], business);
        stage.test.expect_jobs(&["notifications.send"]);
    });
}
