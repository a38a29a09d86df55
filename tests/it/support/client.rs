//! A client of the server: sends JSON, asserts on the answer.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// A caller of one listener.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    headers: HeaderMap,
    /// Key of the user, if signed in.
    pub user: String,
}

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Reply {
    pub what: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The body as it came.
    pub bytes: Vec<u8>,
    /// The same as text.
    pub text: String,
    pub json: Value,
}

impl Client {
    /// A guest at `base`, such as `http://127.0.0.1:3000`.
    pub fn guest(base: String) -> Self {
        let http =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("client");
        Self { http, base, headers: HeaderMap::new(), user: String::new() }
    }

    /// The same caller with another header.
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        client.headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        client
    }

    /// The same caller with one more line of a header.
    pub fn and(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        client.headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
        client
    }

    /// The same connection with a bearer token.
    pub fn bearer(&self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    /// The bearer token, if signed in.
    pub fn token(&self) -> Option<&str> {
        self.headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")
    }

    /// The Authorization header, for requests that are sent by hand.
    pub fn authorization(&self) -> String {
        self.headers["authorization"].to_str().expect("text").to_owned()
    }

    /// The same caller at another listener.
    pub fn at(&self, other: &Self) -> Self {
        Self { base: other.base.clone(), ..self.clone() }
    }

    /// Where the client's listener is, such as `http://127.0.0.1:3000`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What it sends with every request.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// An answer whose body is read as it comes.
    pub async fn stream(&self, path: &str) -> reqwest::Response {
        let request = self.http.get(format!("{}{path}", self.base)).headers(self.headers.clone());
        request.send().await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let mut request =
            self.http.request(method.clone(), format!("{}{path}", self.base)).headers(self.headers.clone());
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        Self::reply(format!("{method} {path}"), request).await
    }

    /// A request with a body that need not be JSON.
    pub async fn raw(&self, method: Method, path: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self.http.request(method.clone(), format!("{}{path}", self.base)).headers(self.headers.clone());
        Self::reply(format!("{method} {path}"), request.header("content-type", media_type).body(body)).await
    }

    async fn reply(what: String, request: reqwest::RequestBuilder) -> Reply {
        let response = request.send().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("a body").to_vec();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { what, status, headers, bytes, text, json }
    }
}

impl Reply {
    /// Asserts the status, and that every failure is a complete problem.
    #[track_caller]
    pub fn assert(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.what, self.text);
        if status >= 400 {
            assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.what);
            for member in ["type", "title", "status", "detail", "error", "message", "success", "request_id"] {
                assert!(!self.json[member].is_null(), "{}: a problem without {member}: {}", self.what, self.text);
            }
            assert_eq!(self.json["request_id"], self.header("x-request-id"));
            assert_eq!(self.json["success"], false);
        }
        self
    }

    /// Asserts the status and the error code.
    #[track_caller]
    pub fn assert_error(self, status: u16, code: &str) -> Self {
        let reply = self.assert(status);
        assert_eq!(reply.json["error"], code, "{}", reply.text);
        reply
    }

    /// Asserts exactly which fields are reported as bad.
    #[track_caller]
    pub fn assert_fields(self, pointers: &[&str]) -> Self {
        let mut found: Vec<&str> =
            self.json["errors"].as_array().into_iter().flatten().filter_map(|e| e["pointer"].as_str()).collect();
        found.sort_unstable();
        let mut expected = pointers.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{}", self.text);
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The key of the record in the answer.
    #[track_caller]
    pub fn id(&self) -> String {
        self.json["id"].as_str().unwrap_or_else(|| panic!("no id: {}", self.text)).to_owned()
    }

    /// The keys of a page's records.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        let items = self.json["items"].as_array().unwrap_or_else(|| panic!("no items: {}", self.text));
        items.iter().map(|item| item["id"].as_str().unwrap_or_default().to_owned()).collect()
    }
}
