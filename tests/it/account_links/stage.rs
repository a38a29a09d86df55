//! What the flows have in common.

use chrono::Duration;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::{Client, Reply};
use crate::support::mail::Sent;
use crate::support::people::PASSWORD;

pub const ADA: &str = "ada@test.example";
pub const NEW: &str = "another fine password";

impl TestApp {
    /// An account with this address, signed in.
    pub async fn account(&self, email: &str) -> Client {
        let body = json!({ "email": email, "password": PASSWORD, "name": "Ada <b>Lovelace</b>" });
        let reply = self.guest().post("/api/v1/auth/signup", body).await.assert(201);
        self.guest().bearer(reply.json["access_token"].as_str().expect("a token"))
    }

    /// A guest's request below `/api/v1/auth`.
    pub async fn auth(&self, path: &str, body: Value) -> Reply {
        self.guest().post(&format!("/api/v1/auth/{path}"), body).await
    }

    /// Follows a link: what the button on its page does.
    pub async fn follow(&self, path: &str, token: &str) -> Reply {
        self.auth(path, json!({ "token": token })).await
    }

    /// A link that is no good, whatever is wrong with it.
    pub async fn is_gone(&self, path: &str, token: &str) {
        let mut body = json!({ "token": token });
        if path == "reset_password" {
            body["password"] = json!(NEW);
        }
        self.auth(path, body).await.assert_error(410, "gone");
    }

    /// Asks for a new password, and answers the mail that comes of it.
    pub async fn forgotten(&self, email: &str) -> Sent {
        self.auth("forgot_password", json!({ "email": email })).await.assert(202);
        self.last_to(email, "Choose a new password").await
    }

    /// The last mail to an address with this subject.
    #[track_caller]
    pub fn last_to(&self, email: &str, subject: &str) -> impl Future<Output = Sent> {
        let (email, subject) = (email.to_owned(), subject.to_owned());
        async move {
            let letters = self.letters_to(&email).await;
            let found = letters.iter().rfind(|letter| letter.subject == subject);
            found.unwrap_or_else(|| panic!("no such mail to {email}: {letters:#?}")).clone()
        }
    }

    /// The subjects of all mails to an address.
    pub async fn subjects(&self, email: &str) -> Vec<String> {
        self.letters_to(email).await.into_iter().map(|letter| letter.subject).collect()
    }

    /// Signs in with a program of this name.
    pub async fn sign_in_with(&self, email: &str, password: &str, program: &str) -> Reply {
        let guest = self.guest().with("user-agent", program);
        guest.post("/api/v1/auth/login", json!({ "email": email, "password": password })).await
    }

    pub fn wait(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    /// That no text of a row holds a token: nobody who reads the database, or an event, can follow a link.
    pub async fn assert_no_token_is_kept(&self) {
        let tokens: Vec<String> = self
            .letters()
            .await
            .iter()
            .filter(|letter| letter.text.contains("#token="))
            .map(|letter| letter.token().split_once('.').expect("two parts").1.to_owned())
            .collect();
        assert!(!tokens.is_empty());
        for table in ["mails", "jobs", "events", "audit", "account_links"] {
            let rows = format!("{:?}", self.rows(&format!("SELECT * FROM {table}")).await);
            assert!(!tokens.iter().any(|token| rows.contains(token)), "a token in {table}");
        }
    }
}
