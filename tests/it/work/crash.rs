//! kill -9, again and again, while events are told and handled by reactions that often fail: each effect is there exactly once, none is
//! missing, and those about one record came in order.
//!
//! The process that is killed is this test binary itself, told by its environment to be one. `PAWBASE_WORK_EVENTS=10000` makes it long.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use pawbase::app::App;
use pawbase::config::Config;
use pawbase::context::Ctx;
use pawbase::kernel::time::SystemClock;
use pawbase::work::{Attempted, Failure, Kind, NewEvent, Policy, RecordChange, Registry, Turn, emit};
use pawbase_engine::{RecordId, RecordIdKey, Tx, Value, Vars};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{run, settings};

/// Records that events are about.
const THINGS: usize = 50;
/// Which folder the child works in, and how many events it tells in all.
const FOLDER: &str = "PAWBASE_TEST_WORK_FOLDER";
const EVENTS: &str = "PAWBASE_WORK_EVENTS";

const TABLES: &str = "
DEFINE TABLE things SCHEMAFULL COMMENT 'What events are about.' PERMISSIONS NONE;
DEFINE FIELD id ON things TYPE int;
DEFINE FIELD told ON things TYPE int DEFAULT 0;
DEFINE TABLE seen SCHEMAFULL COMMENT 'The last event that was handled.' PERMISSIONS NONE;
DEFINE FIELD id ON seen TYPE int;
DEFINE FIELD number ON seen TYPE int DEFAULT 0;
DEFINE TABLE effects SCHEMAFULL COMMENT 'What was done.' PERMISSIONS NONE;
DEFINE FIELD id ON effects TYPE string;
";

/// Fails three times in ten: before its effect, after it, or by breaking off.
async fn count(turn: &Turn<'_>) -> Attempted {
    let payload: serde_json::Value = turn.payload()?;
    let (thing, number) = (payload["thing"].as_i64().unwrap_or(-1), payload["number"].as_i64().unwrap_or(-1));
    let chance = StdRng::seed_from_u64(turn.job.id.as_u64_pair().1 ^ u64::from(turn.job.attempt)).random_range(0..100);
    if chance < 10 {
        return Err(Failure::retry("by chance, before"));
    }
    let vars = Vars::new()
        .with("seen", RecordId::new("seen", thing))
        .with("effect", RecordId::new("effects", format!("{thing} {number}")))
        .with("number", number);
    let text = "CREATE $effect RETURN NONE; UPSERT $seen SET number = number ?? 0;
        UPDATE $seen SET number = $number WHERE number = $number - 1 RETURN id";
    if turn.tx.query(text, vars).await?.rows(2).is_empty() {
        return Err(Failure::last(format!("{number} of {thing} came out of order")));
    }
    match chance {
        10..20 => Err(Failure::retry("by chance, after")),
        20..30 => panic!("by chance"),
        _ => Ok(()),
    }
}

async fn open(folder: &Path) -> App {
    let mut config: Config = settings();
    config.database.url = String::new();
    config.server.data = folder.join("data");
    config.server.schemas = folder.join("schemas");
    let policy = Policy {
        attempts_max: 1000,
        pause: Duration::from_millis(1),
        pause_max: Duration::from_millis(5),
        timeout: Duration::from_secs(1),
        ..Policy::EFFECT
    };
    // Short leases: what a killed process had in hand is soon taken over by the next.
    let policy = Policy { batch: 20, at_once: 20, ..policy };
    let reactions = Registry::new().reaction("things.updated", Kind::effect("test.count", count).with(policy));
    App::open_with(config, Arc::new(SystemClock), reactions).await.expect("the application opens")
}

/// Tells the next event of a thing, if there are to be more; says whether there were.
async fn tell(ctx: &Ctx, thing: i64, most: i64) -> bool {
    let ctx = ctx.clone();
    let told = ctx.system().transact(|tx: &Tx| -> BoxFuture<'_, pawbase::kernel::Result<bool>> {
        let ctx = ctx.clone();
        Box::pin(async move {
            let vars = Vars::new().with("id", RecordId::new("things", thing)).with("most", most);
            let text = "UPSERT $id SET told = told ?? 0; UPDATE $id SET told += 1 WHERE told < $most RETURN VALUE told";
            let Some(Value::Number(number)) = tx.query(text, vars).await?.rows(1).pop() else { return Ok(false) };
            let payload = json!({ "thing": thing, "number": number.to_int() });
            let payload = payload.as_object().expect("an object").clone();
            let about = RecordId::new("things", RecordIdKey::Number(thing));
            emit(tx, &ctx, NewEvent::of_record(RecordChange::Updated, about, payload)).await?;
            Ok(true)
        })
    });
    told.await.expect("told")
}

/// The process that is killed: tells what is still to be told and handles what is still to be handled, then ends.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let each = i64::try_from(events() / THINGS).expect("a number");
    run(async move {
        let app = Arc::new(open(Path::new(&folder)).await);
        let running = Arc::clone(&app.worker).start();
        println!("\nworking");
        let ctx = Ctx::internal(app.platform.clone(), "child");
        let mut tellers = tokio::task::JoinSet::new();
        for first in 0..4 {
            let ctx = ctx.clone();
            tellers.spawn(async move {
                let mut things: Vec<i64> = (first..i64::try_from(THINGS).expect("few")).step_by(4).collect();
                while !things.is_empty() {
                    for thing in std::mem::take(&mut things) {
                        if tell(&ctx, thing, each).await {
                            things.push(thing);
                        }
                    }
                }
            });
        }
        while let Some(ended) = tellers.join_next().await {
            ended.expect("told");
        }
        while !is_settled(&app).await {
            tokio::task::yield_now().await;
        }
        running.stop(Duration::from_secs(10)).await;
        app.close().await.expect("closed");
        println!("\nover");
    });
}

fn events() -> usize {
    std::env::var(EVENTS).ok().and_then(|number| number.parse().ok()).unwrap_or(1000)
}

async fn is_settled(app: &App) -> bool {
    let text = "SELECT VALUE id FROM outbox LIMIT 1; SELECT VALUE id FROM job_queue LIMIT 1";
    let mut answer = app.platform.engine.root().read(text, ()).await.expect("read");
    answer.rows(0).is_empty() && answer.rows(1).is_empty()
}

fn start(folder: &Path) -> (Child, std::sync::mpsc::Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["work::crash::child", "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .env(EVENTS, events().to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts");
    let (tell, told) = std::sync::mpsc::channel();
    let out = BufReader::new(child.stdout.take().expect("stdout"));
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    (child, told)
}

/// Waits for a line of the child; false when it ends without, or when `time` is over.
fn wait_for(told: &std::sync::mpsc::Receiver<String>, line: &str, time: Duration) -> bool {
    let end = Instant::now() + time;
    while let Ok(found) = told.recv_timeout(end.saturating_duration_since(Instant::now())) {
        if found == line {
            return true;
        }
    }
    false
}

#[test]
fn each_effect_is_there_once_however_often_the_process_is_killed() {
    if std::env::var_os(FOLDER).is_some() {
        return;
    }
    let folder = TempDir::new().expect("a folder");
    std::fs::create_dir(folder.path().join("schemas")).expect("a folder");
    std::fs::write(folder.path().join("schemas/work.surql"), TABLES).expect("a file");
    let (began, mut random, mut kills) = (Instant::now(), StdRng::seed_from_u64(5), 0);
    let longest_ms = if events() > 2000 { 5000 } else { 900 };
    loop {
        let (mut child, told) = start(folder.path());
        assert!(wait_for(&told, "working", Duration::from_secs(60)), "the child works");
        // The last one may come to its end.
        let time = if kills < 5 || events() > 2000 { random.random_range(200..longest_ms) } else { 120_000 };
        let is_over = wait_for(&told, "over", Duration::from_millis(time));
        if is_over {
            assert!(child.wait().expect("ended").success());
            break;
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        kills += 1;
        assert!(began.elapsed() < Duration::from_secs(1200), "it comes to an end");
    }
    let path = folder.path().to_owned();
    run(async move {
        let app = open(&path).await;
        let root = app.platform.engine.root();
        let mut rows = root
            .query("SELECT VALUE id FROM effects; SELECT VALUE number FROM seen; SELECT * FROM jobs WHERE state != 'done'; SELECT VALUE id FROM events; SELECT VALUE id FROM lanes", ())
            .await
            .expect("rows");
        assert_eq!(rows.rows(0).len(), events(), "effects");
        let each = Value::Number(pawbase_engine::Number::Int(i64::try_from(events() / THINGS).expect("few")));
        assert_eq!(rows.rows(1), vec![each; THINGS], "the last of each thing");
        assert!(rows.rows(2).is_empty(), "all jobs are done");
        assert_eq!(rows.rows(3).len(), events(), "events");
        assert!(rows.rows(4).is_empty(), "all lanes have ended");
        app.close().await.expect("closed");
    });
    eprintln!("{} events, {kills} kills: {:.1} s", events(), began.elapsed().as_secs_f64());
    assert!(kills >= 3, "only {kills} kills");
}
