//! The document of the realtime protocol: it is read by the reference parser, and what is really sent is as it says.

use std::collections::BTreeSet;

use pawbase::context::Audience;
use serde_json::{Value, json};

use super::shape;
use super::stage::Stage;
use super::tools_document::with_samples;
use crate::support::live::{Events, Socket};
use crate::support::{Client, TestApp, run};
use crate::tools::{Tools, passes};

const SWITCH: &str = "PAWBASE_CONTRACT";
const PATH: &str = "/api/asyncapi.json";

#[test]
fn the_documents_pass_the_reference_parser() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    let documents = run(async {
        let (test, _folder) = with_samples().await;
        [test.guest().get(PATH).await.assert(200).text, test.admin_guest().get(PATH).await.assert(200).text]
    });
    for (name, text) in ["public.json", "admin.json"].into_iter().zip(&documents) {
        tools.write(name, text);
    }
    tools.copy("tests/contract/asyncapi.mjs");
    let mut parser = tools.script("asyncapi.mjs");
    parser.args(["public.json", "admin.json"]);
    passes(parser);
}

#[test]
fn each_listener_has_its_own_document_and_sends_it_once() {
    run(async {
        let (test, _folder) = with_samples().await;
        for audience in [Audience::Public, Audience::Admin] {
            let guest = Stage::guest(&test, audience);
            let document = guest.get(PATH).await.assert(200);
            let prefix = super::document::prefix(audience);
            assert_eq!(document.json["channels"]["socket"]["address"], json!(format!("{prefix}/realtime")));
            let tag = document.header("etag").to_owned();
            guest.with("if-none-match", &tag).get(PATH).await.assert(304);
            let topic = document.json["components"]["schemas"]["Topic"]["pattern"].as_str().expect("a pattern");
            let is_topic = |name: &str| regex::Regex::new(topic).expect("a pattern").is_match(name);
            assert!(is_topic("products") && is_topic("samples/x") && !is_topic("passwords"), "{topic}");
            assert_eq!(is_topic("audit"), audience == Audience::Admin);
            assert!(!document.text.contains("password_hash"));
        }
    });
}

/// The document, and the frames that were seen and compared with it.
struct Witness {
    document: Value,
    seen: BTreeSet<String>,
}

impl Witness {
    async fn of(guest: &Client) -> Self {
        Self { document: guest.get(PATH).await.assert(200).json, seen: BTreeSet::new() }
    }

    /// Compares a frame, or the data of an event, with its message in the document.
    #[track_caller]
    fn check(&mut self, message: &str, frame: &Value) {
        let mut payload = self.document["components"]["messages"][message]["payload"].clone();
        assert!(payload.is_object(), "{message} is not documented: {frame}");
        // By topic it is one of the tables: `record` is compared with that one.
        payload.as_object_mut().expect("a schema").remove("oneOf");
        let faults = shape::faults(&self.document, &payload, frame);
        assert!(faults.is_empty(), "{message}: {faults:?}");
        let is_known = |name: &String| payload["properties"].get(name).is_some();
        let unknown: Vec<&String> =
            frame.as_object().expect("an object").keys().filter(|name| !is_known(name)).collect();
        assert!(unknown.is_empty(), "{message}: {unknown:?} are not documented: {frame}");
        if let Some(table) = frame["topic"].as_str().and_then(|topic| topic.split('/').next())
            && frame.get("record").is_some()
        {
            self.check_record(table, &frame["record"]);
        }
        self.seen.insert(message.to_owned());
    }

    #[track_caller]
    fn check_record(&self, table: &str, record: &Value) {
        let tables = self.document["components"]["messages"]["change"]["payload"]["oneOf"].as_array().expect("tables");
        let is_its = |one: &&Value| one["properties"]["topic"]["pattern"] == json!(format!("^{table}(/|$)"));
        let schema = &tables.iter().find(is_its).unwrap_or_else(|| panic!("no {table}"))["properties"]["record"];
        let faults = shape::faults(&self.document, schema, record);
        assert!(faults.is_empty(), "{table}: {faults:?}");
        let known = &shape::resolve(&self.document, schema)["properties"];
        assert!(
            record.as_object().expect("an object").keys().all(|name| known.get(name).is_some()),
            "{table}: {record}"
        );
    }

    /// The next frame of a socket, compared.
    async fn take(&mut self, socket: &mut Socket, kind: &str) -> Value {
        let frame = socket.expect(kind).await;
        self.check(kind, &frame);
        frame
    }

    /// Asserts which messages of a channel were not seen.
    #[track_caller]
    fn assert_unseen(&self, is_meant: impl Fn(&str) -> bool, unseen: &[&str]) {
        let known = self.document["components"]["messages"].as_object().expect("messages").keys();
        let left: Vec<&String> = known.filter(|name| is_meant(name) && !self.seen.contains(*name)).collect();
        assert_eq!(left, unseen);
    }
}

/// Frames about rooms.
const OF_ROOMS: [&str; 6] = ["message", "read", "room_joined", "typing", "user_joined", "user_left"];

async fn with_species() -> TestApp {
    let test = TestApp::start().await;
    test.system("CREATE species:dog SET name = 'Dog'").await;
    test
}

#[test]
fn frames_of_a_socket_are_as_documented() {
    run(async {
        let test = with_species().await;
        let person = test.customer().await;
        let mut witness = Witness::of(&test.guest()).await;
        let mut socket = Socket::open(&person).await;
        let welcome = socket.welcome.clone();
        witness.check("welcome", &welcome);
        socket.send(json!({ "type": "subscribe", "id": "mine", "topic": "pets" })).await;
        witness.take(&mut socket, "subscribed").await;
        let pet = person.post("/api/v1/pets", json!({ "name": "Rex", "species": "dog" })).await.assert(201).id();
        assert_eq!(witness.take(&mut socket, "change").await["action"], "created");
        person.patch(&format!("/api/v1/pets/{pet}"), json!({ "name": "Max" })).await.assert(200);
        assert_eq!(witness.take(&mut socket, "change").await["action"], "updated");
        person.delete(&format!("/api/v1/pets/{pet}")).await.assert(204);
        assert_eq!(witness.take(&mut socket, "change").await["action"], "deleted");
        socket.send(json!({ "type": "subscribe", "id": "again", "topic": "pets", "last": "0000000000000000-1" })).await;
        witness.take(&mut socket, "subscribed").await;
        witness.take(&mut socket, "reset").await;
        socket.send(json!({ "type": "subscribe", "id": "bad", "topic": "pets", "filter": "nonsense = 1" })).await;
        witness.take(&mut socket, "error").await;
        socket.send(json!({ "type": "unsubscribe", "id": "mine" })).await;
        witness.take(&mut socket, "unsubscribed").await;
        socket.send(json!({ "type": "ping" })).await;
        witness.take(&mut socket, "pong").await;
        person.post("/api/v1/auth/logout", json!({})).await.assert(204);
        witness.take(&mut socket, "closing").await;
        let is_meant =
            |name: &str| !name.starts_with("client_") && !name.starts_with("stream_") && !OF_ROOMS.contains(&name);
        witness.assert_unseen(is_meant, &[]);
    });
}

#[test]
fn frames_of_rooms_are_as_documented() {
    run(async {
        let test = with_species().await;
        test.expect_jobs(&["messaging.tell"]);
        let (one, two) = (test.customer().await, test.customer().await);
        let mut witness = Witness::of(&test.guest()).await;
        let group = json!({ "kind": "group", "participants": [two.user] });
        let id = one.post("/api/v1/conversations", group).await.assert(201).id();
        let room = format!("conversation:{id}");
        let (mut here, mut there) = (Socket::open(&one).await, Socket::open(&two).await);
        for socket in [&mut here, &mut there] {
            socket.send(json!({ "type": "join_room", "room": room })).await;
            witness.take(socket, "room_joined").await;
        }
        witness.take(&mut here, "user_joined").await;
        there.send(json!({ "type": "typing", "room": room })).await;
        witness.take(&mut here, "typing").await;
        there.send(json!({ "type": "send_message", "room": room, "content": "Hello", "client_id": "phone-1" })).await;
        // The message and that its sender has read it, each by the changes of its own table.
        for _ in 0..2 {
            let frame = here.next().await.expect("a frame");
            let kind = frame["type"].as_str().expect("a type").to_owned();
            witness.check(&kind, &frame);
            if kind == "message" {
                witness.check_record("messages", &frame["message"]);
            }
        }
        let bad = json!({ "type": "send_message", "room": room, "content": " ", "client_id": "phone-2" });
        here.send(bad).await;
        let error = witness.take(&mut here, "error").await;
        assert_eq!((&error["room"], &error["client_id"]), (&json!(room), &json!("phone-2")));
        there.send(json!({ "type": "leave_room", "room": room })).await;
        witness.take(&mut here, "user_left").await;
        witness.assert_unseen(|name| OF_ROOMS.contains(&name), &[]);
    });
}

#[test]
fn events_of_a_stream_are_as_documented() {
    run(async {
        let test = with_species().await;
        let person = test.customer().await;
        let mut witness = Witness::of(&test.guest()).await;
        let mut events = Events::begin(&person, "topic=pets&last_event_id=0000000000000000-1").await;
        for name in ["reset", "subscribed"] {
            let data = events.expect(name).await;
            witness.check(&format!("stream_{name}"), &data);
        }
        person.post("/api/v1/pets", json!({ "name": "Rex", "species": "dog" })).await.assert(201);
        let change = events.expect("change").await;
        witness.check("stream_change", &change);
        person.post("/api/v1/auth/logout", json!({})).await.assert(204);
        let closing = events.expect("closing").await;
        witness.check("stream_closing", &closing);
        // A stream is told of an error when a subscription ends, as by a right that is gone.
        witness.assert_unseen(|name| name.starts_with("stream_"), &["stream_error"]);
    });
}

#[test]
fn what_clients_may_send_is_what_the_server_takes() {
    run(async {
        let test = with_species().await;
        let person = test.customer().await;
        let witness = Witness::of(&test.guest()).await;
        let messages = witness.document["components"]["messages"].as_object().expect("messages");
        let mut socket = Socket::open(&person).await;
        for (name, message) in messages.iter().filter(|(name, _)| name.starts_with("client_")) {
            let sample = &message["examples"][0]["payload"];
            socket.send(sample.clone()).await;
            // It may be refused, but not as a frame that is none.
            let answer = socket.next().await.unwrap_or_else(|close| panic!("{name}: {close:?}"));
            assert_ne!(answer["error"], "malformed", "{name}: {answer}");
            let mut wrong = sample.clone();
            wrong["no_such_member"] = json!(1);
            socket.send(wrong).await;
            assert_eq!(socket.expect("error").await["error"], "malformed", "{name}");
        }
    });
}
