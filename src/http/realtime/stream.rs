//! An event stream (SSE) of one connection: its topics stand in the address, and what it is told in the body of the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures::Stream;
use poem::http::header;
use poem::{Body, Request, Response};

use crate::http::records::{pairs, text_header};
use crate::kernel::{Error, Result};
use crate::realtime::frames::{self, Message, Wire};
use crate::realtime::{Hub, Next, Origin, Seat, Wish};

/// Topics of one stream.
const TOPICS_MAX: usize = 50;
/// How much is put into one piece of the body, as long as there is more to be sent.
const PIECE_BYTES: usize = 64 * 1024;
/// The first words: browsers wait this long before they come back.
const RETRY: &str = "retry: 2000\n\n";

/// Opens a stream.
pub async fn open(hub: &Arc<Hub>, origin: Origin, token: Option<&str>, request: &Request) -> Result<Response> {
    let asked = Asked::read(request)?;
    let seat = hub.open(origin, token).await?;
    for topic in &asked.topics {
        let wish = Wish::new(topic, asked.filter.as_deref(), asked.fields.as_deref());
        hub.subscribe(&seat.connection, topic, wish, asked.last.as_deref()).await?;
    }
    hub.at_place(|seq| seat.connection.settle(seq));
    let body =
        Body::from_bytes_stream(Pieces { seat, first: Some(Bytes::from_static(RETRY.as_bytes())), is_over: false });
    Ok(Response::builder()
        .content_type("text/event-stream")
        .header(header::CACHE_CONTROL, "no-store")
        // Proxies that collect answers before they pass them on are asked not to.
        .header("x-accel-buffering", "no")
        .body(body))
}

/// What the address asks for.
struct Asked {
    topics: Vec<String>,
    filter: Option<String>,
    fields: Option<String>,
    last: Option<String>,
}

impl Asked {
    fn read(request: &Request) -> Result<Self> {
        let mut asked = Self { topics: Vec::new(), filter: None, fields: None, last: None };
        for (name, value) in pairs(request) {
            let once = match name.as_str() {
                "topic" => {
                    asked.topics.push(value);
                    continue;
                }
                "filter" => &mut asked.filter,
                "fields" => &mut asked.fields,
                "last_event_id" => &mut asked.last,
                _ => return Err(Error::query(&name, format!("There is no parameter {name:?} here."))),
            };
            if once.replace(value).is_some() {
                return Err(Error::query(&name, format!("{name} is given more than once.")));
            }
        }
        if !(1..=TOPICS_MAX).contains(&asked.topics.len()) {
            return Err(Error::query("topic", format!("There must be 1 to {TOPICS_MAX} topics.")));
        }
        if asked.topics.len() > 1 && (asked.filter.is_some() || asked.fields.is_some()) {
            let name = if asked.filter.is_some() { "filter" } else { "fields" };
            return Err(Error::query(name, format!("{name} goes with one topic only; open a stream for each.")));
        }
        // A browser that comes back says by this header where it was.
        if let Some(last) = text_header(request.headers(), "last-event-id")? {
            asked.last = Some(last);
        }
        asked.last = asked.last.filter(|last| !last.is_empty());
        Ok(asked)
    }
}

/// The body of a stream: what waits for its connection, piece by piece.
struct Pieces {
    seat: Seat,
    first: Option<Bytes>,
    is_over: bool,
}

impl Pieces {
    /// A message, with those that wait behind it.
    fn piece(&self, first: Message) -> Bytes {
        let queue = &self.seat.connection.queue;
        let Some(second) = queue.ready() else { return joined(first) };
        let mut piece = BytesMut::with_capacity(first.len() + second.len());
        for message in [first, second] {
            piece.extend_from_slice(&message.head);
            piece.extend_from_slice(&message.tail);
        }
        while piece.len() < PIECE_BYTES
            && let Some(message) = queue.ready()
        {
            piece.extend_from_slice(&message.head);
            piece.extend_from_slice(&message.tail);
        }
        piece.freeze()
    }
}

fn joined(message: Message) -> Bytes {
    if message.head.is_empty() {
        return message.tail;
    }
    let mut piece = BytesMut::with_capacity(message.len());
    piece.extend_from_slice(&message.head);
    piece.extend_from_slice(&message.tail);
    piece.freeze()
}

impl Stream for Pieces {
    type Item = std::io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(match std::task::ready!(self.seat.connection.queue.poll_next(cx)) {
            Next::Send(message) => self.piece(message),
            Next::Heartbeat => Bytes::from_static(frames::STREAM_HEARTBEAT),
            Next::Close(why) => {
                self.is_over = true;
                frames::closing(Wire::Stream, why).tail
            }
        })))
    }
}
