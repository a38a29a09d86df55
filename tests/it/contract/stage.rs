//! The servers and people that recipes work with.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use pawbase::context::{Audience, Role};
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::document::{Document, Operation, prefix};
use super::{commands, files, messaging, webhooks};
use crate::support::people::PASSWORD;
use crate::support::{Client, TestApp, settings};

/// Rows that a file may have here.
pub const ROWS_MAX: usize = 20;
/// What a filter may cost at most here.
pub const COST_MAX: usize = 20;

/// A platform with somebody who may do everything that the listener has.
pub struct Stage {
    pub test: TestApp,
    pub public: Document,
    pub admin: Document,
    /// A customer, courier and moderator who owns the business.
    pub person: Client,
    /// A super_admin.
    pub boss: Client,
    /// Both again, as browsers without the CSRF token.
    pub browsers: [Client; 2],
    pub support: Client,
    pub business: String,
    /// Another server, which takes one request per minute.
    pub limited: TestApp,
    /// Another server, which does not wait for a body.
    pub hasty: TestApp,
    /// Another server, which does not wait for a file, and an administrator there.
    pub _impatient: TestApp,
    pub impatient_boss: Client,
    /// Numbers for values that must differ.
    pub count: AtomicUsize,
    /// Makes texts that match a pattern.
    pub texts: Mutex<TestRunner>,
}

impl Stage {
    pub async fn open() -> Self {
        let mut config = settings();
        config.limits.body_kb = 16;
        config.limits.filter_cost_max = COST_MAX;
        config.limits.import_rows_max = ROWS_MAX;
        config.files.max_mb = 1;
        // So that tests of endpoints end at once.
        config.webhooks.allow_private = vec!["127.0.0.0/8".parse().expect("a network")];
        let test = TestApp::with(config).await;
        let (public, admin) = (
            Document::of(&test.guest(), Audience::Public).await,
            Document::of(&test.admin_guest(), Audience::Admin).await,
        );
        let (boss, support) = (test.staff(Role::SuperAdmin).await, test.staff(Role::Support).await);
        let business = test.business().await;
        let person = test.member(&business, "owner").await;
        let roles = json!({ "roles": ["customer", "courier", "moderator"] });
        let path = format!("/api/admin/users/{}/roles", person.user);
        boss.send(reqwest::Method::PUT, &path, Some(roles)).await.assert(200);
        let browsers = [browser(&test, Audience::Public, &person).await, browser(&test, Audience::Admin, &boss).await];
        let mut config = settings();
        config.limits.rate_limit = true;
        config.limits.guest_per_minute = 1;
        config.limits.auth_per_minute = 1;
        config.limits.download_per_minute = 1;
        let limited = TestApp::with(config).await;
        let mut config = settings();
        config.limits.request_timeout_s = 0;
        let hasty = TestApp::with(config).await;
        let mut config = settings();
        config.limits.import_timeout_s = 0;
        let impatient = TestApp::with(config).await;
        let impatient_boss = impatient.staff(Role::Admin).await;
        let (count, texts) = (AtomicUsize::new(1), Mutex::new(TestRunner::deterministic()));
        let stage = Self {
            test,
            public,
            admin,
            person,
            boss,
            browsers,
            support,
            business,
            limited,
            hasty,
            _impatient: impatient,
            impatient_boss,
            count,
            texts,
        };
        // Events and jobs to look at: nobody makes them by the API.
        stage.test.settle().await;
        commands::job(&stage, "done").await;
        webhooks::furnish(&stage).await;
        messaging::furnish(&stage).await;
        files::furnish(&stage).await;
        stage
    }

    /// The operations of both listeners.
    pub fn operations(&self) -> Vec<Operation<'_>> {
        [&self.public, &self.admin].into_iter().flat_map(|document| document.operations(&self.test)).collect()
    }

    /// Who may do everything on a listener.
    pub fn caller(&self, audience: Audience) -> &Client {
        match audience {
            Audience::Public => &self.person,
            Audience::Admin => &self.boss,
        }
    }

    /// The same as a browser that has forgotten its CSRF token.
    pub fn browser(&self, audience: Audience) -> &Client {
        &self.browsers[usize::from(audience == Audience::Admin)]
    }

    /// A guest of a server's listener.
    pub fn guest(test: &TestApp, audience: Audience) -> Client {
        match audience {
            Audience::Public => test.guest(),
            Audience::Admin => test.admin_guest(),
        }
    }

    /// Somebody new who is signed in on a listener.
    pub async fn newcomer(&self, audience: Audience) -> Client {
        match audience {
            Audience::Public => self.test.customer().await,
            Audience::Admin => self.test.staff(Role::SuperAdmin).await,
        }
    }

    /// The address of somebody's account.
    pub async fn email(&self, client: &Client) -> String {
        let user = self.boss.get(&format!("/api/admin/users/{}", client.user)).await.assert(200);
        user.json["email"].as_str().expect("an address").to_owned()
    }
}

/// The same person of a listener by cookies.
async fn browser(test: &TestApp, audience: Audience, person: &Client) -> Client {
    let me = person.get(&format!("{}/auth/me", prefix(audience))).await.assert(200);
    let body = json!({ "email": me.json["email"], "password": PASSWORD, "use_cookies": true });
    let guest = Stage::guest(test, audience);
    let reply = guest.post(&format!("{}/auth/login", prefix(audience)), body).await.assert(200);
    let set = reply.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let pairs: Vec<&str> = set.filter_map(|cookie| cookie.split(';').next()).collect();
    guest.with("cookie", &pairs.join("; "))
}
