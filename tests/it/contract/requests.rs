//! Requests to an operation, and the recipes for what any operation answers.

use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt;
use pawbase::context::Audience;
use serde_json::{Value, json};

use super::document::{Kind, Operation};
use super::stage::Stage;
use crate::support::Client;
use crate::support::client::Reply;

/// A key that no record has.
const NOBODY: &str = "00000000-0000-7000-8000-000000000000";
/// Bytes of a body that is too large here, of an address and of a header that are anywhere.
const BODY: usize = 20_000;
const ADDRESS: usize = 20_000;
const HEADER: usize = 40_000;

/// What is sent as a body.
enum Payload {
    None,
    Json(Value),
    Raw(&'static str, reqwest::Body),
}

/// A request to an operation.
pub struct Ask<'a> {
    operation: &'a Operation<'a>,
    faults: &'a Mutex<Vec<String>>,
    client: Client,
    id: String,
    query: String,
    payload: Payload,
}

impl<'a> Ask<'a> {
    /// By who may do it, on a record that is not there.
    pub fn new(stage: &'a Stage, operation: &'a Operation<'a>, faults: &'a Mutex<Vec<String>>) -> Self {
        let client = stage.caller(operation.document.audience).clone();
        Self { operation, faults, client, id: NOBODY.into(), query: String::new(), payload: Payload::None }
    }

    /// On which listener.
    pub fn audience(&self) -> Audience {
        self.operation.document.audience
    }

    /// By somebody else.
    pub fn by(self, client: &Client) -> Self {
        Self { client: client.clone(), ..self }
    }

    /// With another header.
    pub fn with(self, name: &str, value: &str) -> Self {
        let client = self.client.with(name, value);
        Self { client, ..self }
    }

    /// On this record.
    pub fn on(self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self }
    }

    /// With this query.
    pub fn query(self, query: &str) -> Self {
        Self { query: format!("?{query}"), ..self }
    }

    /// With a JSON body.
    pub fn json(self, body: Value) -> Self {
        Self { payload: Payload::Json(body), ..self }
    }

    /// With another body.
    pub fn raw(self, media_type: &'static str, body: impl Into<reqwest::Body>) -> Self {
        Self { payload: Payload::Raw(media_type, body.into()), ..self }
    }

    /// Sends it, and notes what is wrong with the answer.
    pub async fn send(self) -> Reply {
        let (operation, method) = (self.operation, self.operation.method.clone());
        let user = if self.client.user.is_empty() { NOBODY } else { &self.client.user };
        let path = operation.path.replace("{id}", &self.id).replace("{user}", user).replace("{name}", "a.pdf");
        let path = format!("{path}{}", self.query);
        let reply = match self.payload {
            Payload::None => self.client.send(method, &path, None).await,
            Payload::Json(body) => self.client.send(method, &path, Some(body)).await,
            Payload::Raw(media_type, body) => self.client.raw(method, &path, media_type, body).await,
        };
        let mut faults = self.faults.lock().expect("a lock");
        faults.extend(operation.faults(&reply).into_iter().map(|fault| format!("{}: {fault}", operation.name())));
        reply
    }
}

/// The answer with `status`, by what is the same for all operations; None where there is no such way.
pub async fn any(stage: &Stage, operation: &Operation<'_>, faults: &Mutex<Vec<String>>, status: u16) -> Option<Reply> {
    let audience = operation.document.audience;
    let ask = || Ask::new(stage, operation, faults);
    let takes_body = operation.body().is_some();
    let ask = match status {
        400 if takes_body => ask().raw("application/json", "{"),
        400 if operation.kind != Kind::Command => ask().query("nope=1"),
        401 => ask().by(&Stage::guest(&stage.test, audience).bearer("nonsense")),
        403 if !operation.is_safe() => ask().by(stage.browser(audience)),
        404 if operation.path.contains("{id}") && takes_body => {
            ask().json(Value::Object(stage.body(operation, &[]).await))
        }
        404 if operation.path.contains("{id}") => ask(),
        408 => {
            let never = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
            let begun = futures::stream::once(async { Ok(b"{".to_vec()) }).chain(never);
            let guest = Stage::guest(&stage.hasty, audience);
            ask().by(&guest).with("content-length", "10").raw("application/json", reqwest::Body::wrap_stream(begun))
        }
        413 => ask().raw("application/json", vec![b' '; BODY]),
        414 => ask().query(&"x".repeat(ADDRESS)),
        415 if takes_body => ask().raw("text/plain", "words"),
        422 if takes_body => ask().json(json!({ "no_such_member": 1 })),
        429 => return limited(stage, operation, faults, audience).await,
        431 => ask().with("x-long", &"x".repeat(HEADER)),
        _ => return None,
    };
    Some(ask.send().await)
}

/// Asks the server that takes one request per minute until it refuses.
async fn limited(
    stage: &Stage,
    operation: &Operation<'_>,
    faults: &Mutex<Vec<String>>,
    audience: Audience,
) -> Option<Reply> {
    let guest = Stage::guest(&stage.limited, audience);
    for _ in 0..5 {
        let reply = Ask::new(stage, operation, faults).by(&guest).send().await;
        if reply.status == 429 {
            let wait: u64 = reply.header("retry-after").parse().expect("seconds to wait");
            assert!(Duration::from_secs(wait) > Duration::ZERO);
            return Some(reply);
        }
    }
    None
}
