//! A WebSocket of one connection: frames in, messages out, one task.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use poem::web::websocket::{CloseCode, Message as Frame, WebSocket, WebSocketConfig, WebSocketStream};
use poem::{FromRequest, IntoResponse, Request, Response};

use super::{BEARER_PROTOCOL, PROTOCOL, protocols};
use crate::config::RealtimeSettings;
use crate::kernel::error::{MALFORMED, TOO_MANY_REQUESTS};
use crate::kernel::{Error, Result};
use crate::realtime::frames::{self, ClientFrame, Closing, Message, Wire};
use crate::realtime::{Draft, Hub, Next, Origin, Seat, Wish};

/// How long a socket that is closed may take to hear of it.
const CLOSING: Duration = Duration::from_secs(5);
/// Messages that are written before they are pushed out together.
const TOGETHER_MAX: usize = 64;
/// Memory of a socket for what it reads, and for what is written and not pushed out.
const BUFFER_BYTES: usize = 8 * 1024;
/// For how many seconds' worth of frames a client may save up.
const BURST_S: f64 = 10.0;

/// Opens a socket.
pub async fn open(hub: &Arc<Hub>, origin: Origin, token: Option<&str>, request: &Request) -> Result<Response> {
    let refused = |error: poem::Error| {
        Error::new(MALFORMED, "This is for WebSockets; event streams are at /realtime/sse.").caused_by(error)
    };
    let upgrade = WebSocket::from_request_without_body(request).await.map_err(refused)?;
    let seat = hub.open(origin, token).await?;
    let hub = Arc::clone(hub);
    let limits = hub.platform.config.realtime.clone();
    let frame_max = usize::try_from(limits.frame_kb * 1024).ok();
    let config = WebSocketConfig::default()
        .max_message_size(frame_max)
        .max_frame_size(frame_max)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES);
    // A browser takes it for a failure when none of what it offers is chosen.
    let offered: Vec<String> = protocols(request.headers())
        .filter(|name| *name == PROTOCOL || name.starts_with(BEARER_PROTOCOL))
        .map(str::to_owned)
        .collect();
    let chosen = offered.iter().find(|name| *name == PROTOCOL).or(offered.first()).cloned();
    let run = move |socket| async move { Session { hub, seat, allowance: Allowance::new(&limits) }.run(socket).await };
    Ok(upgrade.config(config).protocols(chosen).on_upgrade(run).into_response())
}

/// How many frames a client may send now.
struct Allowance {
    per_s: f64,
    left: f64,
    since: Instant,
}

impl Allowance {
    fn new(limits: &RealtimeSettings) -> Self {
        let per_s = f64::from(limits.frames_per_s);
        Self { per_s, left: per_s * BURST_S, since: Instant::now() }
    }

    /// Uses up one; false when there is none.
    fn take(&mut self) -> bool {
        let passed = self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        self.left = (self.left + passed * self.per_s).min(self.per_s * BURST_S);
        let is_there = self.left >= 1.0;
        if is_there {
            self.left -= 1.0;
        }
        is_there
    }
}

/// An open socket.
struct Session {
    hub: Arc<Hub>,
    seat: Seat,
    allowance: Allowance,
}

/// What a client has sent, as far as it matters.
enum Heard {
    Frame(String),
    Sign,
    Nonsense,
    End,
}

impl Session {
    async fn run(mut self, mut socket: WebSocketStream) {
        let connection = Arc::clone(&self.seat.connection);
        self.welcome();
        loop {
            tokio::select! {
                next = connection.queue.next() => match next {
                    Next::Send(message) => if self.send(&mut socket, message).await.is_err() { return },
                    Next::Heartbeat => if socket.send(Frame::Ping(Vec::new())).await.is_err() { return },
                    Next::Close(why) => return close(&mut socket, why).await,
                },
                frame = socket.next() => {
                    connection.hear(self.hub.tick());
                    match heard(frame) {
                        Heard::Frame(text) => self.obey(&text).await,
                        Heard::Sign => {}
                        // At once: what is read after it may look like an end.
                        Heard::Nonsense => {
                            connection.close(Closing::Protocol);
                            return close(&mut socket, Closing::Protocol).await;
                        }
                        Heard::End => return,
                    }
                }
            }
        }
    }

    fn welcome(&self) {
        let connection = &self.seat.connection;
        let heartbeat_s = self.hub.platform.config.realtime.heartbeat_s;
        connection.send(frames::welcome(connection.name, connection.holder().caller.user(), heartbeat_s));
    }

    /// Writes a message and those that wait behind it, and pushes them out.
    async fn send(&self, socket: &mut WebSocketStream, first: Message) -> std::io::Result<()> {
        let mut next = Some(first);
        for _ in 0..TOGETHER_MAX {
            let Some(message) = next else { break };
            socket.feed(text(&message)).await?;
            next = self.seat.connection.queue.ready();
        }
        if let Some(message) = next {
            socket.feed(text(&message)).await?;
        }
        socket.flush().await
    }

    async fn obey(&mut self, text: &str) {
        let connection = &self.seat.connection;
        if !self.allowance.take() {
            let most = self.hub.platform.config.realtime.frames_per_s;
            let error = Error::new(TOO_MANY_REQUESTS, format!("At most {most} frames per second.")).retry_after(1);
            return connection.tell_error(None, &error);
        }
        match serde_json::from_str::<ClientFrame>(text) {
            Ok(frame) => self.act(frame).await,
            Err(error) => {
                connection.tell_error(None, &Error::new(MALFORMED, format!("This is not a frame: {error}.")));
            }
        }
    }

    async fn act(&self, frame: ClientFrame) {
        let connection = &self.seat.connection;
        match frame {
            ClientFrame::Authenticate { token } => match self.hub.authenticate(connection, &token).await {
                Ok(_) => self.welcome(),
                Err(error) => connection.tell_error(None, &error),
            },
            ClientFrame::Subscribe { id, topic, filter, fields, last } => {
                let wish = Wish::new(&topic, filter.as_deref(), fields.as_deref());
                if let Err(error) = self.hub.subscribe(connection, &id, wish, last.as_deref()).await {
                    connection.tell_error(Some(&id), &error);
                }
            }
            ClientFrame::Unsubscribe { id } => match self.hub.unsubscribe(connection, &id) {
                Ok(()) => connection.send(frames::told(Wire::Socket, "unsubscribed", serde_json::json!({ "id": id }))),
                Err(error) => connection.tell_error(Some(&id), &error),
            },
            ClientFrame::Ping {} => connection.send(frames::told(Wire::Socket, "pong", serde_json::json!({}))),
            ClientFrame::JoinRoom { room } => self.in_room(&room, None, self.hub.join_room(connection, &room).await),
            ClientFrame::LeaveRoom { room } => self.in_room(&room, None, self.hub.leave_room(connection, &room)),
            ClientFrame::SendMessage { room, content, client_id, files } => {
                let draft = Draft { content, client_id: client_id.clone(), files };
                let outcome = self.hub.send_message(connection, &room, draft).await;
                self.in_room(&room, client_id.as_deref(), outcome);
            }
            ClientFrame::Typing { room } => self.in_room(&room, None, self.hub.type_in_room(connection, &room)),
            ClientFrame::Read { room, message } => {
                // Whoever may not mark this as read may be in the room all the same, so it is not said to be about the room.
                if let Err(error) = self.hub.read_message(connection, &room, message).await {
                    connection.tell_error(None, &error);
                }
            }
        }
    }

    /// Tells of a failure in a room.
    fn in_room(&self, room: &str, client_id: Option<&str>, outcome: Result<()>) {
        if let Err(error) = outcome {
            self.seat.connection.send(frames::room_error(room, client_id, &error));
        }
    }
}

fn text(message: &Message) -> Frame {
    let mut text = String::with_capacity(message.len());
    // Both are made of text.
    text.push_str(std::str::from_utf8(&message.head).unwrap_or_default());
    text.push_str(std::str::from_utf8(&message.tail).unwrap_or_default());
    Frame::Text(text)
}

fn heard(frame: Option<std::io::Result<Frame>>) -> Heard {
    match frame {
        Some(Ok(Frame::Text(text))) => Heard::Frame(text),
        Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => Heard::Sign,
        Some(Ok(Frame::Binary(_))) => Heard::Nonsense,
        // Too large a frame, or none at all; a connection that broke off cannot be told, which does no harm.
        Some(Err(_)) => Heard::Nonsense,
        Some(Ok(Frame::Close(_))) | None => Heard::End,
    }
}

/// Says why, and closes.
async fn close(socket: &mut WebSocketStream, why: Closing) {
    let saying = async {
        let words = text(&frames::closing(Wire::Socket, why));
        socket.send(words).await?;
        socket.send(Frame::Close(Some((CloseCode::from(why.code()), why.as_str().to_owned())))).await?;
        // Until the other side has closed too, or there is nobody any more.
        while let Some(Ok(_)) = socket.next().await {}
        Ok::<_, std::io::Error>(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(CLOSING, saying).await {
        tracing::debug!(%error, "a socket did not hear why it was closed");
    }
}
