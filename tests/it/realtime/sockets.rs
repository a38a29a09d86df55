//! WebSockets: how a browser says who it is, from which pages, and what is no frame.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::stage::Stage;
use crate::support::live::Socket;
use crate::support::{Client, people::PASSWORD, run, settings};

fn token(client: &Client) -> String {
    client.headers()["authorization"].to_str().expect("text").trim_start_matches("Bearer ").to_owned()
}

#[test]
fn a_browser_may_send_its_token_as_a_protocol() {
    run(async {
        let stage = Stage::new().await;
        let customer = stage.test.customer().await;
        let offered = format!("pawbase, pawbase.bearer.{}", token(&customer));
        let socket = Socket::open(&stage.test.guest().with("sec-websocket-protocol", &offered)).await;
        assert_eq!(socket.welcome["user"], customer.user);
        let wrong = stage.test.guest().with("sec-websocket-protocol", "pawbase, pawbase.bearer.nonsense");
        assert_eq!(Socket::attempt(&wrong, false).await.err().expect("refused").0, 401);
        let staff =
            stage.test.guest().with("sec-websocket-protocol", &format!("pawbase.bearer.{}", token(&stage.admin)));
        assert_eq!(
            Socket::attempt(&staff, false).await.err().expect("refused").0,
            401,
            "a token of the other listener"
        );
    });
}

#[test]
fn a_cookie_counts_from_our_own_pages_only() {
    run(async {
        let stage = Stage::new().await;
        let customer = stage.test.customer().await;
        let email = customer.get(&format!("/api/v1/users/{}", customer.user)).await.assert(200).json["email"].clone();
        let body = json!({ "email": email, "password": PASSWORD, "use_cookies": true });
        let reply = stage.test.guest().post("/api/v1/auth/login", body).await.assert(200);
        let cookies: Vec<&str> = reply
            .headers
            .get_all("set-cookie")
            .iter()
            .filter_map(|line| line.to_str().ok()?.split(';').next())
            .collect();
        assert!(!cookies.is_empty(), "{:?}", reply.headers);
        let browser = stage.test.guest().with("cookie", &cookies.join("; "));
        let own = format!("http://{}", stage.test.public);
        assert_eq!(Socket::open(&browser.with("origin", &own)).await.welcome["user"], customer.user);
        for origin in ["https://evil.example", "null"] {
            let evil = browser.with("origin", origin);
            let (status, text) = Socket::attempt(&evil, false).await.err().expect("refused");
            assert_eq!(status, 403, "{text}");
            evil.get("/api/v1/realtime/sse?topic=pets").await.assert_error(403, "forbidden");
        }
        // Who shows a token says itself who it is, from wherever.
        let elsewhere = stage.test.guest().bearer(&token(&customer)).with("origin", "https://other.example");
        assert_eq!(Socket::open(&elsewhere).await.welcome["user"], customer.user);
    });
}

#[test]
fn what_is_no_frame_is_refused_and_binary_ends_the_connection() {
    run(async {
        let stage = Stage::new().await;
        let mut socket = Socket::open(&stage.test.guest()).await;
        for text in
            ["", "{}", "[]", "null", r#"{"type":"dance"}"#, r#"{"type":"ping","more":1}"#, r#"{"type":"subscribe"}"#]
        {
            socket.send_raw(Message::text(text)).await;
            let told = socket.expect("error").await;
            assert_eq!((&told["error"], &told["status"]), (&json!("malformed"), &json!(400)), "{text}");
        }
        socket.send(json!({ "type": "ping" })).await;
        socket.expect("pong").await;
        socket.send_raw(Message::binary(vec![1, 2, 3])).await;
        assert_eq!(socket.closing().await, ("protocol".to_owned(), 4400));
    });
}

#[test]
fn a_socket_is_asked_for_a_sign_of_life_and_ended_without_one() {
    run(async {
        let mut config = settings();
        config.realtime.heartbeat_s = 1;
        let stage = Stage::with(config).await;
        let mut lively = Socket::open(&stage.test.guest()).await;
        assert_eq!(lively.welcome["heartbeat_s"], 1);
        assert!(matches!(lively.next_raw().await, Message::Ping(_)));
        // This one is open and answers nothing, because nobody reads it.
        let silent = Socket::open(&stage.test.guest()).await;
        let waiting = async {
            while stage.test.app.realtime.connection_count() > 1 {
                lively.next_raw().await;
            }
        };
        tokio::time::timeout(crate::support::live::LIMIT, waiting).await.expect("the silent one is ended");
        drop(silent);
        lively.send(json!({ "type": "ping" })).await;
        lively.expect("pong").await;
    });
}
