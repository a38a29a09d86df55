//! The load tool of `fanout.py`: opens many server-sent event streams at either server, counts what arrives on each of them, and how late.
//!
//! It says `ready` once all of them are subscribed, and writes one line of JSON once all that was announced on its standard input has
//! arrived everywhere, or the time for it is over. A message carries `~<number>:<nanoseconds since 1970>~` somewhere in its record.
//! Deliberately elsewhere: starting the servers and writing (`fanout.py`).

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, mpsc, watch};

type Failed = Box<dyn Error + Send + Sync>;

/// Streams that are being opened at once.
const OPENING: usize = 100;
/// Most messages of a run.
const MESSAGES_MAX: usize = 1 << 16;
/// Mark before and after what a message carries.
const MARK: u8 = b'~';
/// How long is waited for what is still missing.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often is looked whether everything has arrived.
const LOOK: Duration = Duration::from_millis(50);

/// What is asked of the tool.
#[derive(Clone)]
struct Plan {
    address: String,
    is_pocketbase: bool,
    topic: String,
    subscribers: usize,
}

impl Plan {
    fn read() -> Result<Self, Failed> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let [kind, port, topic, subscribers] = words.as_slice() else {
            return Err("usage: fanout_load pawbase|pocketbase PORT TOPIC SUBSCRIBERS".into());
        };
        Ok(Self {
            address: format!("127.0.0.1:{port}"),
            is_pocketbase: kind == "pocketbase",
            topic: topic.clone(),
            subscribers: subscribers.parse()?,
        })
    }
}

/// What one stream has got.
struct Stream {
    /// The number and time that are being read, up to now.
    begun: Option<Vec<u8>>,
    /// Which messages have come, a bit each.
    seen: Vec<u64>,
    latencies_us: Vec<u32>,
    doubled: u64,
}

impl Stream {
    fn new() -> Self {
        Self { begun: None, seen: Vec::new(), latencies_us: Vec::new(), doubled: 0 }
    }

    /// Takes in what has come; answers how many messages that completed.
    fn take_in(&mut self, mut bytes: &[u8], now_ns: u64) -> u64 {
        let mut completed = 0;
        while let Some(at) = bytes.iter().position(|byte| *byte == MARK) {
            let (before, after) = (&bytes[..at], &bytes[at + 1..]);
            match self.begun.take() {
                None => self.begun = Some(Vec::with_capacity(32)),
                Some(mut text) => {
                    text.extend_from_slice(before);
                    completed += u64::from(self.count(&text, now_ns));
                }
            }
            bytes = after;
        }
        if let Some(begun) = &mut self.begun {
            begun.extend_from_slice(bytes);
        }
        completed
    }

    /// Notes a message; says whether it is one that had not come yet.
    fn count(&mut self, text: &[u8], now_ns: u64) -> bool {
        let Some((number, sent_ns)) = std::str::from_utf8(text).ok().and_then(|text| text.split_once(':')) else {
            return false;
        };
        let (Ok(number), Ok(sent_ns)) = (number.parse::<usize>(), sent_ns.parse::<u64>()) else { return false };
        if number >= MESSAGES_MAX {
            return false;
        }
        let (word, bit) = (number / 64, 1_u64 << (number % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        if self.seen[word] & bit != 0 {
            self.doubled += 1;
            return false;
        }
        self.seen[word] |= bit;
        self.latencies_us.push(u32::try_from(now_ns.saturating_sub(sent_ns) / 1000).unwrap_or(u32::MAX));
        true
    }
}

#[expect(clippy::disallowed_methods, reason = "it compares the clock with what the writer has stamped")]
fn now_ns() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Opens a stream and subscribes; answers it with what has been read beyond that.
async fn open(plan: &Plan) -> Result<TcpStream, Failed> {
    let mut socket = TcpStream::connect(&plan.address).await?;
    socket.set_nodelay(true)?;
    let path = match plan.is_pocketbase {
        true => "/api/realtime".to_owned(),
        false => format!("/api/v1/realtime/sse?topic={}", plan.topic),
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n\r\n", plan.address);
    socket.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    let mut bytes = [0_u8; 4096];
    loop {
        let count = socket.read(&mut bytes).await?;
        if count == 0 {
            return Err(format!("closed at once: {text}").into());
        }
        text.push_str(&String::from_utf8_lossy(&bytes[..count]));
        if !text.starts_with("HTTP/1.1 200") {
            return Err(format!("refused: {text}").into());
        }
        let is_open = text.contains("\r\n\r\n");
        match client_id(&text) {
            Some(id) if plan.is_pocketbase => {
                subscribe(plan, &id).await?;
                return Ok(socket);
            }
            _ if is_open && !plan.is_pocketbase => return Ok(socket),
            _ => {}
        }
    }
}

/// The name under which PocketBase knows a stream, once it has said it.
fn client_id(text: &str) -> Option<String> {
    let rest = text.split("\"clientId\":\"").nth(1)?;
    rest.split_once('"').map(|(id, _)| id.to_owned())
}

async fn subscribe(plan: &Plan, id: &str) -> Result<(), Failed> {
    let body = format!("{{\"clientId\":\"{id}\",\"subscriptions\":[\"{}\"]}}", plan.topic);
    let request = format!(
        "POST /api/realtime HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        plan.address,
        body.len()
    );
    let mut socket = TcpStream::connect(&plan.address).await?;
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    if answer.starts_with("HTTP/1.1 204") { Ok(()) } else { Err(format!("not subscribed: {answer}").into()) }
}

/// Reads a stream until it ends or everything is over.
async fn listen(mut socket: TcpStream, arrived: Arc<AtomicU64>, mut over: watch::Receiver<bool>) -> (Stream, bool) {
    let mut stream = Stream::new();
    let mut bytes = [0_u8; 8192];
    loop {
        tokio::select! {
            read = socket.read(&mut bytes) => match read {
                Ok(count) if count > 0 => {
                    let completed = stream.take_in(&bytes[..count], now_ns());
                    arrived.fetch_add(completed, Ordering::Relaxed);
                }
                _ => return (stream, true),
            },
            _ = over.changed() => return (stream, false),
        }
    }
}

/// How many messages there were, from standard input: a line with a number once all were written.
async fn announced() -> Result<u64, Failed> {
    let mut line = String::new();
    BufReader::new(tokio::io::stdin()).read_line(&mut line).await?;
    Ok(line.trim().parse()?)
}

fn say(text: &str) -> Result<(), Failed> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// One line of JSON: what arrived, and how late.
fn report(streams: &[(Stream, bool)], messages: u64) -> String {
    let mut latencies: Vec<u32> = streams.iter().flat_map(|(stream, _)| stream.latencies_us.iter().copied()).collect();
    latencies.sort_unstable();
    let at = |share: f64| {
        let index = (latencies.len() as f64 * share) as usize;
        latencies.get(index.min(latencies.len().saturating_sub(1))).copied().unwrap_or_default()
    };
    let whole = streams.iter().filter(|(stream, _)| stream.latencies_us.len() as u64 == messages).count();
    let doubled: u64 = streams.iter().map(|(stream, _)| stream.doubled).sum();
    let ended = streams.iter().filter(|(_, has_ended)| *has_ended).count();
    format!(
        "{{\"messages\":{messages},\"arrived\":{},\"whole\":{whole},\"doubled\":{doubled},\"ended\":{ended},\"p50_us\":{},\"p99_us\":{},\
         \"p999_us\":{},\"max_us\":{}}}",
        latencies.len(),
        at(0.5),
        at(0.99),
        at(0.999),
        latencies.last().copied().unwrap_or_default()
    )
}

async fn run(plan: Plan) -> Result<(), Failed> {
    let (stop, over) = watch::channel(false);
    let arrived = Arc::new(AtomicU64::new(0));
    let room = Arc::new(Semaphore::new(OPENING));
    let (open_tx, mut opened) = mpsc::unbounded_channel();
    let mut listeners = Vec::with_capacity(plan.subscribers);
    for _ in 0..plan.subscribers {
        let (plan, room, arrived, over, told) =
            (plan.clone(), Arc::clone(&room), Arc::clone(&arrived), over.clone(), open_tx.clone());
        listeners.push(tokio::spawn(async move {
            let socket = {
                let _permit = room.acquire().await?;
                open(&plan).await
            };
            let socket = match socket {
                Ok(socket) => socket,
                Err(error) => {
                    told.send(Some(error.to_string()))?;
                    return Err(error);
                }
            };
            told.send(None)?;
            Ok::<_, Failed>(listen(socket, arrived, over).await)
        }));
    }
    for _ in 0..plan.subscribers {
        if let Some(Some(error)) = opened.recv().await {
            return Err(error.into());
        }
    }
    say("ready")?;
    let messages = announced().await?;
    let all = messages * plan.subscribers as u64;
    let mut waited = Duration::ZERO;
    while arrived.load(Ordering::Relaxed) < all && waited < PATIENCE {
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
    }
    stop.send(true)?;
    let mut streams = Vec::with_capacity(plan.subscribers);
    for listener in listeners {
        streams.push(listener.await??);
    }
    say(&report(&streams, messages))
}

fn main() -> Result<(), Failed> {
    let plan = Plan::read()?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(plan))
}
