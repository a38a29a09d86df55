//! Clients that are told of changes: WebSockets and event streams.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::Client;

/// How long anything may take before a test gives up; not a measure of speed.
pub const LIMIT: Duration = Duration::from_secs(30);

/// An open WebSocket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// What it was told first.
    pub welcome: Value,
}

/// The API of the listener that a client talks to.
fn api(client: &Client, is_admin: bool) -> String {
    let prefix = if is_admin { "/api/admin" } else { "/api/v1" };
    format!("{}{prefix}", client.base())
}

impl Socket {
    /// A socket of `client` on the public listener.
    pub async fn open(client: &Client) -> Self {
        Self::attempt(client, false).await.unwrap_or_else(|(status, text)| panic!("{status}: {text}"))
    }

    /// A socket of `client` on the admin listener.
    pub async fn open_admin(client: &Client) -> Self {
        Self::attempt(client, true).await.unwrap_or_else(|(status, text)| panic!("{status}: {text}"))
    }

    /// The same, or the status and body of the refusal.
    pub async fn attempt(client: &Client, is_admin: bool) -> Result<Self, (u16, String)> {
        let address = format!("{}/realtime", api(client, is_admin)).replacen("http", "ws", 1);
        let mut request = address.into_client_request().expect("an address");
        for (name, value) in client.headers() {
            request.headers_mut().append(
                name.as_str().parse::<tokio_tungstenite::tungstenite::http::HeaderName>().expect("a name"),
                tokio_tungstenite::tungstenite::http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
            );
        }
        match connect_async(request).await {
            Ok((stream, _)) => {
                let mut socket = Self { stream, welcome: Value::Null };
                socket.welcome = socket.expect("welcome").await;
                Ok(socket)
            }
            Err(Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                Err((response.status().as_u16(), String::from_utf8(body).expect("text")))
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: Value) {
        self.send_raw(Message::text(frame.to_string())).await;
    }

    /// Sends anything.
    pub async fn send_raw(&mut self, message: Message) {
        self.stream.send(message).await.expect("sent");
    }

    /// The next frame, or the close frame.
    pub async fn next(&mut self) -> Result<Value, Option<CloseFrame>> {
        tokio::time::timeout(LIMIT, self.frame()).await.expect("a frame in time")
    }

    async fn frame(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("{other:?}"),
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The next message of any kind of the WebSocket protocol.
    pub async fn next_raw(&mut self) -> Message {
        tokio::time::timeout(LIMIT, self.stream.next()).await.expect("in time").expect("open").expect("a message")
    }

    /// The next frame, which must be of this type.
    #[track_caller]
    pub fn expect(&mut self, kind: &str) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let frame = self.next().await.unwrap_or_else(|close| panic!("{place}: {kind} expected, closed: {close:?}"));
            assert_eq!(frame["type"], kind, "{place}: {frame}");
            frame
        }
    }

    /// Subscribes, and waits until it is told so.
    pub async fn subscribe(&mut self, id: &str, topic: &str) -> Value {
        self.subscribe_with(json!({ "id": id, "topic": topic })).await
    }

    /// The same with further members.
    pub async fn subscribe_with(&mut self, mut frame: Value) -> Value {
        frame["type"] = "subscribe".into();
        self.send(frame.clone()).await;
        let told = self.expect("subscribed").await;
        assert_eq!(told["id"], frame["id"]);
        told
    }

    /// The next frame must be a change; what it says.
    #[track_caller]
    pub fn change(&mut self) -> impl Future<Output = Change> {
        let told = self.expect("change");
        async move { Change::of(told.await) }
    }

    /// The reason for which the server closes, and the code.
    pub async fn closing(&mut self) -> (String, u16) {
        let frame = self.expect("closing").await;
        let close = self.next().await.expect_err("closed").expect("a close frame");
        (frame["reason"].as_str().expect("a reason").to_owned(), close.code.into())
    }
}

/// A change that somebody was told of.
#[derive(Debug, Clone)]
pub struct Change {
    pub subscription: Value,
    pub topic: String,
    pub action: String,
    pub seq: String,
    pub record: Value,
}

impl Change {
    /// What a message says.
    pub fn of(message: Value) -> Self {
        let text = |name: &str| message[name].as_str().unwrap_or_else(|| panic!("no {name}: {message}")).to_owned();
        Self {
            subscription: message["id"].clone(),
            topic: text("topic"),
            action: text("action"),
            seq: text("seq"),
            record: message["record"].clone(),
        }
    }

    /// Asserts action and key.
    #[track_caller]
    pub fn assert(self, action: &str, id: &str) -> Self {
        assert_eq!((self.action.as_str(), self.record["id"].as_str()), (action, Some(id)), "{self:?}");
        self
    }

    /// Asserts that nothing but the key is told.
    #[track_caller]
    pub fn assert_bare(self) -> Self {
        assert_eq!(self.record.as_object().expect("an object").len(), 1, "{self:?}");
        self
    }
}

/// An open event stream.
pub struct Events {
    response: reqwest::Response,
    buffer: String,
    /// Where it is in the sequence, as a browser would keep it.
    pub last: Option<String>,
}

/// One event of a stream.
#[derive(Debug)]
pub struct Event {
    pub name: String,
    pub data: Value,
}

impl Events {
    /// A stream of `client` on the public listener that has begun.
    pub async fn open(client: &Client, query: &str) -> Self {
        let mut events = Self::begin(client, query).await;
        events.expect("subscribed").await;
        events
    }

    /// A stream of which nothing was read.
    pub async fn begin(client: &Client, query: &str) -> Self {
        let response = client.stream(&format!("/api/v1/realtime/sse?{query}")).await;
        let status = response.status();
        if status != 200 {
            panic!("{status}: {}", response.text().await.unwrap_or_default());
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, buffer: String::new(), last: None }
    }

    /// The next block of lines: an event, or a comment. None at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.buffer = rest;
                return Some(block);
            }
            let piece = tokio::time::timeout(LIMIT, self.response.chunk()).await.expect("a piece in time").ok()??;
            self.buffer.push_str(std::str::from_utf8(&piece).expect("text"));
        }
    }

    /// The next event; None at the end.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            let (mut name, mut data) = ("message".to_owned(), String::new());
            for line in block.lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => self.last = Some(id.to_owned()),
                    Some(("event", event)) => name = event.to_owned(),
                    Some(("data", text)) => data.push_str(text),
                    _ => {}
                }
            }
            if !data.is_empty() {
                return Some(Event { name, data: serde_json::from_str(&data).expect("JSON") });
            }
        }
    }

    /// Waits for a comment that shows that the connection is there.
    pub async fn heartbeat(&mut self) {
        while self.block().await.expect("not the end") != ":" {}
    }

    /// The next event, which must have this name.
    #[track_caller]
    pub fn expect(&mut self, name: &str) -> impl Future<Output = Value> {
        let place = std::panic::Location::caller();
        async move {
            let event = self.next().await.unwrap_or_else(|| panic!("{place}: {name} expected, ended"));
            assert_eq!(event.name, name, "{place}: {event:?}");
            event.data
        }
    }

    /// The next event must be a change; what it says.
    #[track_caller]
    pub fn change(&mut self) -> impl Future<Output = Change> {
        let told = self.expect("change");
        async move { Change::of(told.await) }
    }
}
