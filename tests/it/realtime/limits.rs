//! Limits: many subscriptions, too many of anything, and clients that take nothing.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

use super::stage::{Stage, until};
use crate::support::live::{Events, LIMIT, Socket};
use crate::support::{run, settings};

#[test]
fn a_thousand_subscriptions_on_one_socket() {
    run(async {
        const COUNT: usize = 1000;
        let stage = Stage::new().await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        // All at once, without waiting for answers.
        for number in 0..COUNT {
            let filter = format!("position = {number}");
            socket
                .send(json!({ "type": "subscribe", "id": format!("s{number}"), "topic": "species", "filter": filter }))
                .await;
        }
        for number in 0..COUNT {
            assert_eq!(socket.expect("subscribed").await["id"], format!("s{number}"));
        }
        assert_eq!(stage.live_queries("species").await, 1, "one live query for all");
        for number in [0, 500, 999] {
            stage.test.system(&format!("CREATE species:n{number} SET name = 'N', position = {number}")).await;
            let told = socket.change().await.assert("created", &format!("n{number}"));
            assert_eq!(told.subscription, format!("s{number}"));
        }
        // A record that goes from one to another.
        stage.test.system("UPDATE species:n0 SET position = 1").await;
        let mut told = [socket.change().await, socket.change().await];
        told.sort_by(|one, two| one.action.cmp(&two.action));
        assert_eq!((told[0].action.as_str(), &told[0].subscription), ("removed", &json!("s0")));
        assert_eq!((told[1].action.as_str(), &told[1].subscription), ("updated", &json!("s1")));
        drop(socket);
        until("the connection is forgotten", || async { stage.test.app.realtime.connection_count() == 0 }).await;
    });
}

#[test]
fn there_are_limits_to_connections_subscriptions_frames_and_their_size() {
    run(async {
        let mut config = settings();
        config.realtime.connections = 3;
        config.realtime.connections_per_address = 2;
        config.realtime.connections_per_user = 1;
        config.realtime.subscriptions = 2;
        config.realtime.frames_per_s = 1;
        config.realtime.frame_kb = 1;
        let stage = Stage::with(config).await;
        let (guest, customer) = (stage.test.guest(), stage.test.customer().await);
        let mut socket = Socket::open(&guest).await;
        socket.subscribe("a", "species").await;
        socket.subscribe("b", "species").await;
        for (id, error) in [("c", "too_many_requests"), ("a", "already_exists"), ("", "invalid_query")] {
            socket.send(json!({ "type": "subscribe", "id": id, "topic": "species" })).await;
            let told = socket.expect("error").await;
            assert_eq!((&told["id"], &told["error"]), (&json!(id), &json!(error)));
        }
        socket.send(json!({ "type": "unsubscribe", "id": "nobody" })).await;
        assert_eq!(socket.expect("error").await["error"], "invalid_query");
        // Ten seconds' worth may be saved up, six are used.
        let mut refused = 0;
        for _ in 0..20 {
            socket.send(json!({ "type": "ping" })).await;
            refused += usize::from(socket.next().await.expect("told")["error"] == "too_many_requests");
        }
        assert!(refused > 0);
        let _second = Events::open(&guest, "topic=species").await;
        for is_socket in [true, false] {
            let status = if is_socket {
                Socket::attempt(&guest, false).await.err().expect("refused").0
            } else {
                guest
                    .get("/api/v1/realtime/sse?topic=species")
                    .await
                    .assert_error(429, "too_many_requests")
                    .status
                    .into()
            };
            assert_eq!(status, 429);
        }
        let _third = Socket::open(&customer).await;
        assert_eq!(Socket::attempt(&customer, false).await.err().expect("refused").0, 503, "there are three");
        socket.send(json!({ "type": "ping", "x": "y".repeat(2000) })).await;
        let mut ended = socket.next().await;
        while matches!(&ended, Ok(frame) if frame["type"] != "closing") {
            ended = socket.next().await;
        }
        assert_eq!(ended.expect("told")["reason"], "protocol");
        drop(socket);
        until("there is room again", || async { stage.test.app.realtime.connection_count() == 2 }).await;
        assert_eq!(Socket::attempt(&customer, false).await.err().expect("refused").0, 429, "one of a user");
    });
}

/// A client that asks and then reads nothing, with as little room for what is sent to it as there can be.
async fn deaf(address: std::net::SocketAddr, request: &str) -> tokio::net::TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("an option");
    let mut stream = socket.connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

#[test]
fn who_never_reads_holds_up_nobody_is_told_and_dropped() {
    run(async {
        const LARGE: usize = 60;
        let mut config = settings();
        config.realtime.queue_kb = 256;
        config.limits.stalled_s = 1;
        let stage = Stage::with(config).await;
        let upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
            sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let of = |path: &str, more: &str| format!("GET /api/v1/realtime{path} HTTP/1.1\r\nhost: x\r\n{more}\r\n");
        let stream = deaf(stage.test.public, &of("/sse?topic=posts", "")).await;
        let mut socket = deaf(stage.test.public, &of("", upgrade)).await;
        // A masked text frame; its mask is zero.
        let frame = json!({ "type": "subscribe", "id": "s", "topic": "posts" }).to_string();
        let length = u8::try_from(frame.len()).expect("short");
        let head = [0x81, 0x80 | length, 0, 0, 0, 0];
        socket.write_all(&[&head[..], frame.as_bytes()].concat()).await.expect("sent");
        let mut reading = Socket::open(&stage.test.guest()).await;
        reading.subscribe("s", "posts").await;
        until("both are subscribed", || async { stage.test.app.realtime.subscription_count() == 3 }).await;
        let author = stage.test.customer().await;
        let mut written = 0;
        let mut slowest = Duration::ZERO;
        // Until the buffers of both are full, and for a while after that.
        while stage.test.app.realtime.slow_count() < 2 || written < LARGE {
            let post = json!({ "title": "Long", "content": "x".repeat(9000) });
            let began = std::time::Instant::now();
            author.post("/api/v1/posts", post).await.assert(201);
            slowest = slowest.max(began.elapsed());
            written += 1;
            assert_eq!(reading.change().await.action, "created");
            assert!(written < 3000, "they were never too slow");
        }
        eprintln!("two clients that never read: slowest of {written} writes {} ms", slowest.as_millis());
        until("they are dropped", || async { stage.test.app.realtime.connection_count() == 1 }).await;
        // What reads again finds the rest of what was on its way, and the end.
        for mut stream in [stream, socket] {
            let mut rest = Vec::new();
            let _ = tokio::time::timeout(LIMIT, stream.read_to_end(&mut rest)).await.expect("the end in time");
        }
    });
}

#[test]
fn who_reads_again_in_time_is_told_that_it_was_too_slow() {
    run(async {
        let mut config = settings();
        config.realtime.queue_messages = 10;
        let stage = Stage::with(config).await;
        let request = "GET /api/v1/realtime/sse?topic=posts HTTP/1.1\r\nhost: x\r\n\r\n";
        let mut stream = deaf(stage.test.public, request).await;
        until("it is subscribed", || async { stage.test.app.realtime.subscription_count() == 1 }).await;
        let author = stage.test.customer().await;
        while stage.test.app.realtime.slow_count() == 0 {
            let post = json!({ "title": "Long", "content": "x".repeat(9000) });
            author.post("/api/v1/posts", post).await.assert(201);
        }
        let mut text = Vec::new();
        let mut buffer = [0; 4096];
        while !text.windows(10).any(|part| part == b"\"too_slow\"") {
            let count = tokio::time::timeout(LIMIT, stream.read(&mut buffer)).await.expect("in time").expect("read");
            assert!(count > 0, "ended without a word");
            text.extend_from_slice(&buffer[..count]);
        }
    });
}
