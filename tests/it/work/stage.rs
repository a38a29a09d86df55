//! A platform with a shop's tables and reactions that do as their events say.

use std::time::Duration;

use futures::future::BoxFuture;
use pawbase::context::Ctx;
use pawbase::work::{Attempted, Failure, NewEvent, NewJob, Policy, RecordChange, Registry, Turn, emit, enqueue};
use pawbase_engine::{RecordId, Tx, Vars};
use serde_json::{Map, Value, json};

use crate::support::{TestApp, settings};

/// What the reactions write, and what the events are about.
pub const TABLES: &str = "
DEFINE TABLE things SCHEMAFULL COMMENT 'What events are about.' PERMISSIONS NONE;
DEFINE FIELD id ON things TYPE string;
DEFINE FIELD told ON things TYPE int DEFAULT 0;
DEFINE TABLE effects SCHEMAFULL COMMENT 'What was done, in order.' PERMISSIONS NONE;
DEFINE FIELD id ON effects TYPE uuid;
DEFINE FIELD word ON effects TYPE string;
DEFINE INDEX effects_word ON effects FIELDS word UNIQUE;
";

/// The usual policy with few attempts.
pub const POLICY: Policy = Policy { attempts_max: 3, ..Policy::EFFECT };

/// A platform with these reactions.
pub async fn with(reactions: Registry) -> TestApp {
    let folder = tempfile::TempDir::new().expect("a folder");
    std::fs::write(folder.path().join("work.surql"), TABLES).expect("a file");
    let mut config = settings();
    config.server.schemas = folder.path().to_owned();
    // Tests move the clock, and staff stay signed in.
    config.auth.access_token_minutes = 1440;
    TestApp::with_reactions(config, reactions).await
}

/// Writes the payload's word, after as many failures as the payload says. A failure comes after the effect, which must then come to
/// nothing.
pub async fn write(turn: &Turn<'_>) -> Attempted {
    let payload: Value = turn.payload()?;
    let word = payload["word"].as_str().unwrap_or_default().to_owned();
    let vars = Vars::new()
        .with("id", RecordId::new("effects", pawbase_engine::RecordIdKey::Uuid(turn.ctx.new_id().into())))
        .with("word", word);
    turn.tx.query("CREATE $id SET word = $word", vars).await?;
    match payload["fails"].as_u64() {
        Some(fails) if u64::from(turn.job.attempt) <= fails => Err(Failure::retry("as it was told")),
        _ if payload["panics"] == true && turn.job.attempt == 1 => panic!("as it was told"),
        _ if payload["is_hopeless"] == true => Err(Failure::last("hopeless")),
        _ => Ok(()),
    }
}

/// Tells `things.updated` of `thing` with this payload.
pub async fn tell(test: &TestApp, thing: &str, payload: Value) {
    let ctx = Ctx::internal(test.app.platform.clone(), "test");
    in_transaction(test, move |tx| {
        let (ctx, payload, thing) = (ctx.clone(), payload.clone(), RecordId::new("things", thing));
        Box::pin(async move { tell_in(tx, &ctx, thing, payload).await })
    })
    .await
    .expect("told");
}

/// The same in a transaction; the thing itself is written, as the rule for events has it.
pub async fn tell_in(tx: &Tx, ctx: &Ctx, thing: RecordId, payload: Value) -> pawbase::kernel::Result<()> {
    tx.query("UPSERT $thing SET told += 1", Vars::new().with("thing", thing.clone())).await?;
    let payload: Map<String, Value> = payload.as_object().expect("an object").clone();
    emit(tx, ctx, NewEvent::of_record(RecordChange::Updated, thing, payload)).await
}

/// Asks for a job; whether one was made.
pub async fn ask(test: &TestApp, job: NewJob) -> bool {
    let ctx = Ctx::internal(test.app.platform.clone(), "test");
    let made = in_transaction(test, move |tx| {
        let (ctx, job) = (ctx.clone(), job.clone());
        Box::pin(async move { enqueue(tx, &ctx, job).await })
    });
    made.await.expect("asked").is_some()
}

/// Runs `work` in a transaction of the system.
pub async fn in_transaction<T, F>(test: &TestApp, work: F) -> pawbase::kernel::Result<T>
where
    F: for<'a> Fn(&'a Tx) -> BoxFuture<'a, pawbase::kernel::Result<T>>,
{
    test.app.platform.engine.root().transact(work).await
}

/// A job of kind `kind` that writes `word`.
pub fn job(kind: &'static str, word: &str) -> NewJob {
    NewJob::new(kind, json!({ "word": word })).expect("a job")
}

/// The words written, in the order of the writing.
pub async fn words(test: &TestApp) -> Vec<String> {
    test.texts("SELECT VALUE word FROM effects ORDER BY id").await
}

/// The state and the number of attempts of each job, in the order of their making.
pub async fn states(test: &TestApp) -> Vec<String> {
    test.texts("SELECT VALUE state + ' ' + <string> attempts FROM jobs ORDER BY id").await
}

/// Moves the clock.
pub fn pass(test: &TestApp, time: Duration) {
    test.clock.advance(chrono::Duration::from_std(time).expect("a duration"));
}

/// Waits until `holds` does, for a minute at most.
pub async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let wait = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}
