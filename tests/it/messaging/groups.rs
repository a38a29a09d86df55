//! Groups: who comes and goes.

use serde_json::json;

use super::stage::{PATH, group, own_row, said, say, seen, start, unread};
use crate::support::run;

#[test]
fn who_comes_in_sees_all_and_who_leaves_sees_nothing() {
    run(async {
        let test = start().await;
        let (one, two, three) = (test.customer().await, test.customer().await, test.customer().await);
        let id = group(&one, &[&two]).await;
        said(&two, &id, "Shall we walk?").await;
        three.get(&format!("{PATH}/{id}")).await.assert_error(404, "not_found");
        let people = format!("{PATH}/{id}/participants");
        let joined = one.post(&people, json!({ "users": [three.user, two.user] })).await.assert(200);
        assert_eq!(joined.json["members"], json!([one.user, two.user, three.user]), "two was in it already");
        assert_eq!((seen(&three, &id).await.len(), unread(&three).await), (1, 1));
        assert_eq!(own_row(&three, &id).await["role"], "member");

        three.delete(&format!("{people}/{}", three.user)).await.assert(204);
        three.get(&format!("{PATH}/{id}")).await.assert_error(404, "not_found");
        assert!(seen(&three, &id).await.is_empty());
        say(&three, &id, "Wait").await.assert_error(404, "not_found");
        assert_eq!(unread(&three).await, 0);
        one.delete(&format!("{people}/{}", three.user)).await.assert_error(404, "not_found");

        one.post(&people, json!({ "users": [three.user] })).await.assert(200);
        assert_eq!(seen(&three, &id).await.len(), 1, "back again");
        assert_eq!(own_row(&three, &id).await.get("left_at"), None);
    });
}

#[test]
fn owners_remove_others_and_the_last_one_leaves_the_group_to_the_next() {
    run(async {
        let test = start().await;
        let (one, two, three, four) =
            (test.customer().await, test.customer().await, test.customer().await, test.customer().await);
        let id = group(&one, &[&two, &three]).await;
        let people = format!("{PATH}/{id}/participants");
        two.post(&people, json!({ "users": [four.user] })).await.assert_error(403, "forbidden");
        two.delete(&format!("{people}/{}", three.user)).await.assert_error(403, "forbidden");
        four.delete(&format!("{people}/{}", three.user)).await.assert_error(404, "not_found");
        one.delete(&format!("{people}/nonsense")).await.assert_error(404, "not_found");
        one.delete(&format!("{people}/{}", one.user)).await.assert(204);
        assert_eq!(own_row(&two, &id).await["role"], "owner", "who has been there longest");
        two.delete(&format!("{people}/{}", three.user)).await.assert(204);
        assert!(seen(&three, &id).await.is_empty());
        two.delete(&format!("{people}/{}", two.user)).await.assert(204);
        two.get(&format!("{PATH}/{id}")).await.assert_error(404, "not_found");
    });
}

#[test]
fn people_who_are_not_to_be_seen_are_not_written_to() {
    run(async {
        let test = start().await;
        let (one, shy, two) = (test.customer().await, test.customer().await, test.customer().await);
        shy.patch("/api/v1/auth/me", json!({ "public_profile": false })).await.assert(200);
        let body = json!({ "kind": "group", "participants": [two.user, shy.user] });
        one.post(PATH, body).await.assert(422).assert_fields(&["/participants"]);
        let id = group(&one, &[&two]).await;
        let path = format!("{PATH}/{id}/participants");
        one.post(&path, json!({ "users": [shy.user] })).await.assert(422).assert_fields(&["/users"]);
        assert_eq!(one.get(&format!("{PATH}/{id}")).await.json["members"].as_array().map(Vec::len), Some(2));
    });
}

#[test]
fn people_come_and_go_in_groups_only() {
    run(async {
        let test = start().await;
        let (one, two) = (test.customer().await, test.customer().await);
        let id = one.post(PATH, json!({ "kind": "support" })).await.assert(201).id();
        let path = format!("{PATH}/{id}/participants");
        one.post(&path, json!({ "users": [two.user] })).await.assert_error(409, "conflict");
        one.delete(&format!("{path}/{}", one.user)).await.assert_error(409, "conflict");
    });
}

#[test]
fn people_change_nothing_of_their_row_but_whether_it_is_muted() {
    run(async {
        let test = start().await;
        let (one, two) = (test.customer().await, test.customer().await);
        let id = group(&one, &[&two]).await;
        let row = own_row(&two, &id).await;
        let path = format!("/api/v1/participants/{}", row["id"].as_str().expect("a key"));
        assert_eq!(two.patch(&path, json!({ "muted": true })).await.assert(200).json["muted"], true);
        two.patch(&path, json!({ "role": "owner" })).await.assert(422).assert_fields(&["/role"]);
        one.patch(&path, json!({ "muted": false })).await.assert_error(403, "forbidden");
        assert_eq!(one.get(&path).await.assert(200).json.get("muted"), None, "it is their own business");
        assert_eq!(two.get(&path).await.assert(200).json["muted"], true);
        two.delete(&path).await.assert(405);
        let sample = json!({ "conversation": id, "user": one.user });
        two.post("/api/v1/participants", sample).await.assert(405);
    });
}
