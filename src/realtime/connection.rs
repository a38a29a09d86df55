//! One open connection: who it is for, what waits for it, what it has subscribed to.
//!
//! Deliberately elsewhere: sockets and streams (http), who gets what (feed), all connections (hub).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use uuid::Uuid;

use super::frames::{self, Closing, Message, Wire};
use super::queue::{Put, Queue};
use super::rooms::is_internal;
use super::seq::Seq;
use crate::context::{Audience, Caller, Ctx, Platform};
use crate::kernel::Error;
use crate::kernel::time::Instant;

/// Who a connection is for at present.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The caller.
    pub caller: Caller,
    /// The access token by which it is known; None for guests.
    pub token: Option<Arc<str>>,
    /// The generation of rights from before the caller was found out.
    pub generation: u64,
}

impl Holder {
    /// Nobody in particular.
    pub fn guest() -> Self {
        Self { caller: Caller::Guest, token: None, generation: 0 }
    }

    /// When it has to show a fresh token.
    pub fn expires_at(&self) -> Option<Instant> {
        match &self.caller {
            Caller::Guest => None,
            Caller::Signed(principal) => Some(principal.expires_at),
        }
    }
}

/// Where a new connection comes from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Which listener.
    pub audience: Audience,
    /// Its way of being sent messages.
    pub wire: Wire,
    /// The request that opened it.
    pub request_id: String,
    /// Address of the client.
    pub ip: Option<IpAddr>,
    /// The client program's own words about itself.
    pub user_agent: Option<String>,
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    /// Its number among those of this process.
    pub number: u64,
    /// Its name, for the client.
    pub name: Uuid,
    /// Where it comes from.
    pub origin: Origin,
    platform: Arc<Platform>,
    holder: Mutex<Holder>,
    /// What waits to be sent.
    pub queue: Queue,
    /// The tables of its subscriptions, by the client's names for them.
    subscriptions: Mutex<BTreeMap<Box<str>, Box<str>>>,
    /// Whether its subscriptions are complete, so that places in the sequence may be told to an event stream.
    is_settled: std::sync::atomic::AtomicBool,
    /// The tick of the hub's clock at which something was last heard of it.
    heard: AtomicU64,
    /// Counts the connections that were too slow.
    slow: Arc<AtomicU64>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connection {
    /// A connection of `holder`; `slow` counts those that were too slow.
    pub fn new(platform: Arc<Platform>, number: u64, origin: Origin, holder: Holder, slow: Arc<AtomicU64>) -> Self {
        let limits = &platform.config.realtime;
        let bytes_max = usize::try_from(limits.queue_kb * 1024).unwrap_or(usize::MAX);
        let queue = Queue::new(limits.queue_messages, bytes_max);
        let name = platform.ids.next(platform.clock.now());
        Self {
            number,
            name,
            is_settled: std::sync::atomic::AtomicBool::new(origin.wire == Wire::Socket),
            origin,
            platform,
            holder: Mutex::new(holder),
            queue,
            subscriptions: Mutex::default(),
            heard: AtomicU64::new(0),
            slow,
        }
    }

    /// Who it is for at present.
    pub fn holder(&self) -> Holder {
        locked(&self.holder).clone()
    }

    /// Makes it somebody's.
    pub fn hold(&self, holder: Holder) {
        *locked(&self.holder) = holder;
    }

    /// What a request of its present holder would have.
    pub fn ctx(&self) -> Ctx {
        Ctx {
            platform: Arc::clone(&self.platform),
            caller: self.holder().caller,
            audience: self.origin.audience,
            request_id: self.origin.request_id.clone(),
            ip: self.origin.ip,
            user_agent: self.origin.user_agent.clone(),
        }
    }

    /// Puts a message in; one too many ends the connection.
    pub fn send(&self, message: Message) {
        if self.queue.put(message) == Put::TooMany {
            self.slow.fetch_add(1, Ordering::Relaxed);
            tracing::info!(connection = %self.name, "a subscriber was too slow");
        }
    }

    /// Puts in a message about a change, made once for all: `id` is where an event stream is then in the sequence.
    pub fn send_change(&self, head: &Bytes, id: &Bytes, tail: &Bytes) {
        let head = match self.origin.wire {
            Wire::Socket => head.clone(),
            Wire::Stream if self.is_settled.load(Ordering::SeqCst) => id.clone(),
            Wire::Stream => Bytes::new(),
        };
        self.send(Message { head, tail: tail.clone() });
    }

    /// Tells a WebSocket that subscription `id` begins at `seq`. An event stream is told of all at once when it is settled.
    pub fn tell_subscribed(&self, id: &str, seq: Seq) {
        if self.origin.wire == Wire::Socket {
            self.send(frames::told(
                Wire::Socket,
                "subscribed",
                serde_json::json!({ "id": id, "seq": seq.to_string() }),
            ));
        }
    }

    /// Tells that subscription `id` has to be read anew, and goes on from `seq`. In an event stream `id` is the topic.
    pub fn tell_reset(&self, id: &str, seq: Seq) {
        let wire = self.origin.wire;
        let name = if wire == Wire::Socket { "id" } else { "topic" };
        self.send(frames::told(wire, "reset", serde_json::json!({ name: id, "seq": seq.to_string() })));
    }

    /// Tells of a failure; `id` is the subscription that it is about.
    pub fn tell_error(&self, id: Option<&str>, error: &Error) {
        self.send(frames::error(self.origin.wire, id, error));
    }

    /// Tells an event stream that all its topics are followed, and from now on where it is in the sequence.
    pub fn settle(&self, seq: Seq) {
        let told = frames::told(Wire::Stream, "subscribed", serde_json::json!({ "seq": seq.to_string() }));
        self.is_settled.store(true, Ordering::SeqCst);
        self.send(Message { head: frames::stream_id(seq), tail: told.tail });
    }

    /// Ends it.
    pub fn close(&self, why: Closing) {
        self.queue.close(why);
    }

    /// Notes a subscription to `table` under the client's name for it.
    pub fn note_subscription(&self, id: &str, table: &str) {
        locked(&self.subscriptions).insert(id.into(), table.into());
    }

    /// Forgets a subscription, and says to which table it was.
    pub fn forget_subscription(&self, id: &str) -> Option<Box<str>> {
        locked(&self.subscriptions).remove(id)
    }

    /// Whether there is a subscription of this name.
    pub fn has_subscription(&self, id: &str) -> bool {
        locked(&self.subscriptions).contains_key(id)
    }

    /// How many subscriptions of the client's own there are.
    pub fn subscription_count(&self) -> usize {
        locked(&self.subscriptions).keys().filter(|name| !is_internal(name)).count()
    }

    /// The tables of its subscriptions, each once.
    pub fn tables(&self) -> Vec<Box<str>> {
        let mut tables: Vec<Box<str>> = locked(&self.subscriptions).values().cloned().collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }

    /// Notes that something was heard of it at `tick`.
    pub fn hear(&self, tick: u64) {
        self.heard.store(tick, Ordering::Relaxed);
    }

    /// The tick at which something was last heard.
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }
}
