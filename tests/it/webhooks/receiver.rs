//! A server that is told of events: it fails, is slow, redirects or talks too much, as the test wants it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use hmac::{Hmac, Mac};
use poem::listener::TcpAcceptor;
use poem::{Body, Response, endpoint};
use serde_json::Value;
use sha2::Sha256;

/// How a request is answered.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16),
    /// Not at all.
    Never,
    Redirect(String),
    /// 503, and when to come again, in seconds.
    Busy(u64),
    /// 200 with a body without end.
    Endless,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Got {
    pub id: String,
    pub timestamp: i64,
    pub signatures: Vec<String>,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Got {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Which signatures a secret has made, by the specification's words and another library than ours.
    pub fn signed_by(&self, secret: &str) -> Vec<bool> {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("a prefix")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key");
        mac.update(format!("{}.{}.{}", self.id, self.timestamp, self.body).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.signatures.iter().map(|signature| *signature == expected).collect()
    }
}

#[derive(Default)]
struct State {
    got: Vec<Got>,
    next: VecDeque<Answer>,
    usual: Option<Answer>,
}

/// The server.
#[derive(Clone)]
pub struct Receiver {
    state: Arc<Mutex<State>>,
    pub address: SocketAddr,
}

impl Receiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let app = endpoint::make(move |mut request: poem::Request| {
            let shared = Arc::clone(&shared);
            async move {
                let body = request.take_body().into_string().await.expect("text");
                let answer = shared.lock().expect("a lock").note(&request, body);
                respond(answer).await
            }
        });
        let acceptor = TcpAcceptor::from_tokio(listener).expect("an acceptor");
        tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(app));
        Self { state, address }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// Answers the next requests so, in this order, before it answers as usual.
    pub fn then(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.lock().expect("a lock").next.extend(answers);
    }

    /// Answers so from now on.
    pub fn always(&self, answer: Answer) {
        self.state.lock().expect("a lock").usual = Some(answer);
    }

    /// What came so far.
    pub fn got(&self) -> Vec<Got> {
        self.state.lock().expect("a lock").got.clone()
    }

    /// The names of the events that came so far.
    pub fn names(&self) -> Vec<String> {
        self.got().iter().map(|got| got.json()["type"].as_str().expect("a name").to_owned()).collect()
    }
}

impl State {
    fn note(&mut self, request: &poem::Request, body: String) -> Answer {
        let header = |name: &str| request.header(name).unwrap_or_default().to_owned();
        let headers = request.headers().iter();
        self.got.push(Got {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp").parse().expect("seconds"),
            signatures: header("webhook-signature").split(' ').map(str::to_owned).collect(),
            headers: headers
                .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
                .collect(),
            body,
        });
        self.next.pop_front().or_else(|| self.usual.clone()).unwrap_or(Answer::Status(204))
    }
}

async fn respond(answer: Answer) -> Response {
    match answer {
        Answer::Status(status) => {
            let text = format!("status\u{7} {status}");
            Response::builder().status(status.try_into().expect("a status")).body(text)
        }
        Answer::Never => std::future::pending().await,
        Answer::Redirect(to) => {
            Response::builder().status(307.try_into().expect("a status")).header("location", to).finish()
        }
        Answer::Busy(seconds) => {
            Response::builder().status(503.try_into().expect("a status")).header("retry-after", seconds).finish()
        }
        Answer::Endless => {
            let parts = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 4096])).boxed();
            Response::builder().body(Body::from_bytes_stream(parts))
        }
    }
}
