//! People and businesses for tests.

use pawbase::context::Role;
use pawbase::modules::identity;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::TestApp;
use super::client::Client;

/// The password of everybody in tests.
pub const PASSWORD: &str = "correct horse battery";

static COUNT: AtomicUsize = AtomicUsize::new(1);

fn number() -> usize {
    COUNT.fetch_add(1, Ordering::Relaxed)
}

impl TestApp {
    /// A guest of the public listener.
    pub fn guest(&self) -> Client {
        Client::guest(format!("http://{}", self.public))
    }

    /// A guest of the admin listener.
    pub fn admin_guest(&self) -> Client {
        Client::guest(format!("http://{}", self.admin))
    }

    /// A new customer, signed in.
    pub async fn customer(&self) -> Client {
        let email = format!("customer{}@test.example", number());
        let body = json!({ "email": email, "password": PASSWORD, "name": "Test Customer" });
        let reply = self.guest().post("/api/v1/auth/signup", body).await.assert(201);
        self.signed(&self.guest(), &reply.json)
    }

    /// Signs in on the public listener.
    pub async fn sign_in(&self, email: &str, password: &str) -> Client {
        let reply =
            self.guest().post("/api/v1/auth/login", json!({ "email": email, "password": password })).await.assert(200);
        self.signed(&self.guest(), &reply.json)
    }

    /// Signs in on the admin listener.
    pub async fn sign_in_admin(&self, email: &str, password: &str) -> Client {
        let body = json!({ "email": email, "password": password });
        let reply = self.admin_guest().post("/api/admin/auth/login", body).await.assert(200);
        self.signed(&self.admin_guest(), &reply.json)
    }

    fn signed(&self, guest: &Client, answer: &Value) -> Client {
        let mut client = guest.bearer(answer["access_token"].as_str().expect("a token"));
        client.user = answer["user"]["id"].as_str().expect("a user").to_owned();
        client
    }

    /// A staff account, signed in on the admin listener.
    pub async fn staff(&self, role: Role) -> Client {
        let email = format!("staff{}@test.example", number());
        let app = &self.app;
        identity::create_admin(&app.platform, &app.identity, &email, "Test Staff", PASSWORD, role)
            .await
            .expect("an admin");
        self.sign_in_admin(&email, PASSWORD).await
    }

    /// An active business; answers its key.
    pub async fn business(&self) -> String {
        let admin = self.staff(Role::Admin).await;
        let body = json!({
            "name": "Test Business", "slug": format!("test-business-{}", number()), "kinds": ["shop"], "city": "Berlin",
            "country": "DE", "timezone": "Europe/Berlin", "currency": "EUR", "status": "active", "tax_id": "DE123",
        });
        admin.post("/api/admin/businesses", body).await.assert(201).id()
    }

    /// A new customer who works in `business` as `role`.
    pub async fn member(&self, business: &str, role: &str) -> Client {
        let client = self.customer().await;
        let admin = self.staff(Role::Admin).await;
        let body = json!({ "user": client.user, "business": business, "role": role });
        admin.post("/api/admin/memberships", body).await.assert(201);
        client
    }

    /// A statement as the system itself.
    pub async fn system(&self, text: &str) {
        self.app.platform.engine.root().query(text, ()).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}
