//! The module over an in-memory database with the real schemas, and a clock that the tests move.

mod account;
mod api;
mod sign_in;
mod staff;

use std::future::Future;
use std::sync::Arc;

use pawbase_engine::{Engine, OpenOptions, Value, Vars};
use uuid::Uuid;

use super::model::Grant;
use super::views::{Login, SignUp};
use super::{Identity, authenticate, create_admin, sign_in as signing};
use crate::config::Config;
use crate::context::{
    Answers, Audience, Bell, Caller, Ctx, EngineTokens, Interest, Platform, Principal, Principals, Role,
};
use crate::kernel::id::Ids;
use crate::kernel::time::{Clock, ManualClock, SystemClock};
use crate::kernel::{Error, Result};
use crate::schema::Schema;
use crate::services::keys::Keys;

/// A password that passes every rule.
pub const PASSWORD: &str = "vT9#kq2!mZ-long";

/// Runs a test in a runtime with room for the engine's deep stacks.
pub fn run<F: Future<Output = ()> + Send + 'static>(test: F) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).thread_stack_size(16 << 20).enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::spawn(test).await.expect("the test") });
}

/// A platform, its clock and the module.
pub struct Bench {
    pub platform: Arc<Platform>,
    pub identity: Arc<Identity>,
    pub clock: Arc<ManualClock>,
}

impl Bench {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        config.auth.argon2_memory_kb = 8;
        config.auth.argon2_iterations = 1;
        change(&mut config);
        let keys = Arc::new(Keys::open(None).expect("keys"));
        let options = OpenOptions::Memory { query_timeout: std::time::Duration::from_secs(10) };
        let engine = Engine::open(options).await.expect("an engine");
        apply_schemas(&engine, keys.engine_session_key()).await;
        let identity = Arc::new(Identity::new(Arc::clone(&keys), &config).expect("identity"));
        // The engine checks its own tokens by the machine's clock, so this one starts there and only moves on.
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let platform = Arc::new(Platform {
            config,
            engine,
            schema: Arc::new(Schema::default()),
            started_at: clock.now(),
            clock: Arc::<ManualClock>::clone(&clock),
            ids: Ids::default(),
            principals: Principals::new(100, true),
            answers: Answers::new(0, &Schema::default()),
            engine_tokens: EngineTokens::new(keys.engine_session_key()),
            bell: Bell::default(),
            interest: Interest::default(),
        });
        Self { platform, identity, clock }
    }

    pub fn guest(&self, audience: Audience) -> Ctx {
        Ctx {
            platform: Arc::clone(&self.platform),
            caller: Caller::Guest,
            audience,
            request_id: "test".to_owned(),
            ip: Some([127, 0, 0, 1].into()),
            user_agent: Some("x".repeat(1000)),
        }
    }

    pub async fn principal(&self, grant: &Grant) -> Result<Arc<Principal>> {
        authenticate(&self.identity, &self.platform, grant.audience, &grant.access).await
    }

    /// The context of the holder of a grant.
    pub async fn signed(&self, grant: &Grant) -> Ctx {
        let principal = self.principal(grant).await.expect("a principal");
        Ctx { caller: Caller::Signed(principal), ..self.guest(grant.audience) }
    }

    pub async fn sign_up(&self, email: &str) -> Grant {
        let made = signing::sign_up(&self.identity, &self.guest(Audience::Public), sign_up(email)).await;
        made.expect("signed up").expect("signed in")
    }

    pub async fn log_in(&self, audience: Audience, email: &str, password: &str) -> Result<Grant> {
        let input = Login { email: email.to_owned(), password: password.to_owned(), use_cookies: false };
        signing::log_in(&self.identity, &self.guest(audience), input).await
    }

    /// A signed-in staff member of the admin listener.
    pub async fn staff(&self, email: &str, role: Role) -> Grant {
        create_admin(&self.platform, &self.identity, email, "Staff", PASSWORD, role).await.expect("made");
        self.log_in(Audience::Admin, email, PASSWORD).await.expect("signed in")
    }

    pub async fn refresh(&self, audience: Audience, token: &str) -> Result<Grant> {
        signing::refresh(&self.identity, &self.guest(audience), Some(token), false).await
    }

    /// The result of a statement as the system.
    pub async fn value(&self, text: &str, user: Uuid) -> Value {
        let user = pawbase_engine::RecordId::new("users", pawbase_engine::RecordIdKey::Uuid(user.into()));
        let vars = Vars::new().with("user", user);
        self.platform.engine.root().query(text, vars).await.expect("an answer").last()
    }
}

async fn apply_schemas(engine: &Engine, session_key: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("schemas").map(|entry| entry.expect("it").path()).collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("text").replace("{{session_key}}", session_key);
        engine.root().query(&text, ()).await.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

pub fn sign_up(email: &str) -> SignUp {
    SignUp {
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        name: "Ann".to_owned(),
        locale: None,
        timezone: None,
        use_cookies: false,
    }
}

/// The code of a failure; "good" if there is none.
pub fn code<T>(outcome: &Result<T>) -> &'static str {
    outcome.as_ref().map_or_else(|error| error.entry().code, |_| "good")
}

/// All that a caller learns of a failure.
pub fn shown(error: &Error) -> (&'static str, String, usize, Option<u64>) {
    (error.entry().code, error.message().to_owned(), error.fields().len(), error.retry_after_s())
}
