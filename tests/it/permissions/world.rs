//! The demo platform with somebody in every role, and the system's own view of it.

use pawbase::context::{Audience, Role};
use pawbase_engine::{RecordId, Value, Vars};
use serde_json::json;

use crate::support::{Client, TestApp};

/// The fixed people and places that samples belong to.
pub struct World {
    pub test: TestApp,
    pub callers: Vec<Caller>,
    /// A caller who sees everything that can be seen.
    pub all_seeing: Client,
    pub customer1: String,
    pub customer2: String,
    /// Keys of three businesses; the first is owner1's, the second owner2's.
    pub businesses: Vec<String>,
    pub categories: Vec<String>,
    pub posts: Vec<String>,
    /// Public files.
    pub files: Vec<String>,
}

/// Somebody at one of the listeners.
pub struct Caller {
    pub name: &'static str,
    pub client: Client,
    pub audience: Audience,
}

impl Caller {
    /// Path of the listener's records API.
    pub fn path(&self, rest: &str) -> String {
        format!("{}/{rest}", if self.audience == Audience::Public { "/api/v1" } else { "/api/admin" })
    }
}

/// People of the public listener with accounts in the demo data.
const ACCOUNTS: [&str; 13] = [
    "customer1",
    "customer2",
    "courier1",
    "owner1",
    "manager1",
    "receptionist1",
    "veterinarian1",
    "groomer1",
    "caretaker1",
    "stock_keeper1",
    "accountant1",
    "owner2",
    "moderator1",
];

/// Longer than an access token lives.
const TOO_LONG_MINUTES: i64 = 16;

/// The demo platform.
pub async fn open() -> World {
    let test = TestApp::with_demo().await;
    let ended = token(&test.guest(), "/api/v1", "customer1").await;
    test.clock.advance(chrono::Duration::minutes(TOO_LONG_MINUTES));
    let (guest, admin_guest) = (test.guest(), test.admin_guest());
    let public = |name, client| Caller { name, client, audience: Audience::Public };
    let admin = |name, client| Caller { name, client, audience: Audience::Admin };
    let mut callers = vec![public("guest", guest.clone())];
    for name in ACCOUNTS {
        callers.push(public(name, guest.bearer(&token(&guest, "/api/v1", name).await)));
    }
    let owner_token = token(&guest, "/api/v1", "customer1").await;
    let staff_token = token(&admin_guest, "/api/admin", "admin").await;
    callers.push(public("expired", guest.bearer(&ended)));
    callers.push(public("forged", guest.bearer(&forged(&owner_token))));
    callers.push(public("admin-token-on-public", guest.bearer(&staff_token)));
    let all_seeing = admin_guest.bearer(&staff_token);
    callers.push(admin("support", admin_guest.bearer(&token(&admin_guest, "/api/admin", "support").await)));
    callers.push(admin("admin", test.staff(Role::Admin).await));
    callers.push(admin("super_admin", all_seeing.clone()));
    callers.push(admin("guest-on-admin", admin_guest.clone()));
    callers.push(admin("public-token-on-admin", admin_guest.bearer(&owner_token)));
    World {
        customer1: key_of(&test, "users", "email = 'customer1@example.com'").await,
        customer2: key_of(&test, "users", "email = 'customer2@example.com'").await,
        businesses: vec![
            business_of(&test, "owner1").await,
            business_of(&test, "owner2").await,
            key_of(&test, "businesses", "status = 'active' AND city NOT IN ['Berlin', 'London']").await,
        ],
        categories: keys(&test, "product_categories", "parent != NONE").await,
        posts: keys(&test, "posts", "status = 'published'").await,
        files: keys(&test, "files", "visibility = 'public'").await,
        test,
        callers,
        all_seeing,
    }
}

async fn token(guest: &Client, prefix: &str, name: &str) -> String {
    let body = json!({ "email": format!("{name}@example.com"), "password": pawbase::demo::PASSWORD });
    let reply = guest.post(&format!("{prefix}/auth/login"), body).await.assert(200);
    reply.json["access_token"].as_str().expect("a token").to_owned()
}

/// The token with another signature.
fn forged(token: &str) -> String {
    let at = token.rfind('.').expect("a signature") + 5;
    let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}

/// Rows of a statement run by the system itself, which may change anybody's rights.
pub async fn system(test: &TestApp, text: &str, vars: Vars) -> Vec<Value> {
    let rows = seen_by_system(test, text, vars).await;
    test.app.platform.principals.rights_changed();
    rows
}

async fn seen_by_system(test: &TestApp, text: &str, vars: Vars) -> Vec<Value> {
    let answer = test.app.platform.engine.root().query(text, vars).await;
    answer.unwrap_or_else(|error| panic!("{text}: {error}")).rows(0)
}

/// Keys of records in order.
pub async fn keys(test: &TestApp, table: &str, condition: &str) -> Vec<String> {
    let rows = system(test, &format!("SELECT VALUE id FROM {table} WHERE {condition} ORDER BY id"), Vars::new()).await;
    rows.iter().map(bare).collect()
}

/// The key of the first record for which `condition` holds.
pub async fn key_of(test: &TestApp, table: &str, condition: &str) -> String {
    let found = keys(test, table, condition).await.into_iter().next();
    found.unwrap_or_else(|| panic!("no {table} where {condition}"))
}

async fn business_of(test: &TestApp, name: &str) -> String {
    let text = format!("SELECT VALUE business FROM memberships WHERE user.email = '{name}@example.com'");
    bare(system(test, &text, Vars::new()).await.first().expect("a membership"))
}

fn bare(value: &Value) -> String {
    match value {
        Value::RecordId(id) => pawbase::records::key::bare(&id.key),
        other => panic!("not a link: {other:?}"),
    }
}

/// The whole stored record, or None.
pub async fn stored(test: &TestApp, id: &RecordId) -> Option<Value> {
    seen_by_system(test, "SELECT * FROM ONLY $id", Vars::new().with("id", id.clone())).await.pop()
}
