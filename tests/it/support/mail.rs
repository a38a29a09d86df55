//! Mails in tests: the database is in memory, and so are they.

use pawbase::services::mail::{Memory, Outgoing};
use regex::Regex;

use super::TestApp;

/// A mail that went out.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Its key in `mails`.
    pub id: String,
    pub to: String,
    pub subject: String,
    /// The plain half.
    pub text: String,
    /// The whole mail, as it went out.
    pub raw: String,
}

impl Sent {
    fn of(mail: &Outgoing) -> Self {
        let raw = String::from_utf8(mail.bytes.clone()).expect("text");
        let to = mail.envelope.to().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let text = half(&raw, "text/plain");
        Self { id: mail.id.to_string(), to, subject: header(&raw, "Subject"), text, raw }
    }

    /// Where its link leads.
    #[track_caller]
    pub fn link(&self) -> String {
        let pattern = Regex::new(r"https?://\S+#token=\S+").expect("a pattern");
        pattern.find(&self.text).unwrap_or_else(|| panic!("no link: {}", self.text)).as_str().to_owned()
    }

    /// The token of its link.
    #[track_caller]
    pub fn token(&self) -> String {
        self.link().split_once("#token=").expect("a token").1.to_owned()
    }
}

/// A header of a mail, unfolded.
pub fn header(raw: &str, name: &str) -> String {
    let head = raw.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ");
    let prefix = format!("{name}: ");
    head.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_default().to_owned()
}

/// A half of a mail, decoded.
pub fn half(raw: &str, media_type: &str) -> String {
    let part = raw.split(&format!("Content-Type: {media_type}")).nth(1).expect("the half");
    let (head, rest) = part.split_once("\r\n\r\n").expect("a body");
    let boundary = raw.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a boundary");
    let body = rest.split(&format!("\r\n--{boundary}")).next().unwrap_or_default();
    if head.contains("quoted-printable") { unquoted(body) } else { body.replace("\r\n", "\n") }
}

/// Text of RFC 2045's quoted-printable.
fn unquoted(text: &str) -> String {
    let joined = text.replace("=\r\n", "").replace("\r\n", "\n");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'=').then(|| after.get(..2)).flatten();
        match code.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).expect("text")
}

impl TestApp {
    /// Where mails are kept.
    pub fn outbox(&self) -> &Memory {
        self.app.modules.mailer.memory().expect("mails in memory")
    }

    /// Does what is due, and answers all mails that went out so far.
    pub async fn letters(&self) -> Vec<Sent> {
        self.settle().await;
        self.outbox().mails().iter().map(Sent::of).collect()
    }

    /// Does what is due, and answers the mails to `address` so far.
    pub async fn letters_to(&self, address: &str) -> Vec<Sent> {
        self.letters().await.into_iter().filter(|letter| letter.to == address).collect()
    }
}
