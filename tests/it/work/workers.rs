//! Several workers on one database: they share the work, none of it is done twice, and one's death hands its jobs to another.

use std::sync::Arc;
use std::time::Duration;

use pawbase::work::{Attempted, Kind, Policy, Registry, Turn, Worker};
use serde_json::json;
use tokio::sync::Semaphore;

use super::stage::{ask, job, pass, states, tell, until, with, words, write};
use crate::support::{TestApp, run};

fn second(test: &TestApp) -> Arc<Worker> {
    Arc::new(Worker::new(test.app.platform.clone(), test.app.worker.registry()))
}

async fn are_all_done(test: &TestApp, count: usize) -> bool {
    let states = states(test).await;
    states.len() == count && states.iter().all(|state| state.starts_with("done"))
}

#[test]
fn two_workers_share_the_work_and_do_nothing_twice() {
    run(async {
        let policy = Policy { batch: 4, at_once: 2, ..Policy::EFFECT };
        let reactions = Registry::new().reaction("things.*", Kind::effect("test.write", write).with(policy));
        let test = with(reactions).await;
        let running = [Arc::clone(&test.app.worker).start(), second(&test).start()];
        for n in 0..300 {
            tell(&test, &format!("t{}", n % 30), json!({ "word": format!("{:02} {n:03}", n % 30) })).await;
        }
        until("all are done", || are_all_done(&test, 300)).await;
        for running in running {
            running.stop(Duration::from_secs(10)).await;
        }
        let words = words(&test).await;
        assert_eq!(words.len(), 300);
        for thing in 0..30 {
            let own: Vec<&String> = words.iter().filter(|word| word.starts_with(&format!("{thing:02} "))).collect();
            assert!(own.is_sorted() && own.len() == 10, "in order: {own:?}");
        }
        let attempts = test.texts("SELECT VALUE <string> attempts FROM jobs").await;
        assert!(attempts.iter().all(|attempts| attempts == "1"), "each was begun once");
    });
}

/// Lets an attempt begin, and says when it has.
static BEGUN: Semaphore = Semaphore::const_new(0);

async fn hang_at_first(turn: &Turn<'_>) -> Attempted {
    write(turn).await?;
    if turn.job.attempt == 1 {
        BEGUN.add_permits(1);
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[test]
fn the_jobs_of_a_dead_worker_go_to_another_when_their_lease_ends() {
    run(async {
        let policy = Policy { batch: 6, at_once: 2, ..Policy::EFFECT };
        let test = with(Registry::new().job(Kind::effect("test.hang", hang_at_first).with(policy))).await;
        for n in 0..6 {
            ask(&test, job("test.hang", &n.to_string())).await;
        }
        let dying = Arc::clone(&test.app.worker).start();
        BEGUN.acquire_many(2).await.expect("two have begun").forget();
        assert_eq!(states(&test).await, ["running 1"; 6], "a batch is taken at once");
        dying.kill();
        let heir = second(&test);
        assert_eq!(heir.settle().await.expect("settled").done, 0, "not before the leases end");
        assert!(words(&test).await.is_empty());
        pass(&test, policy.lease() + Duration::from_secs(1));
        assert_eq!(heir.settle().await.expect("settled").done, 6);
        assert_eq!(states(&test).await, ["done 2"; 6]);
        assert_eq!(words(&test).await.len(), 6);
        let errors = test.texts("SELECT VALUE history[0].error FROM jobs").await;
        assert!(errors.iter().all(|error| error.starts_with("The worker that ran it is gone")), "{errors:?}");
    });
}

static STARTED: Semaphore = Semaphore::const_new(0);
static FINISH: Semaphore = Semaphore::const_new(0);

async fn finish_when_told(turn: &Turn<'_>) -> Attempted {
    STARTED.add_permits(1);
    FINISH.acquire().await.map_err(pawbase::kernel::Error::internal)?.forget();
    write(turn).await
}

#[test]
fn a_worker_that_stops_ends_what_runs_and_gives_back_the_rest() {
    run(async {
        let policy = Policy { batch: 6, at_once: 2, ..Policy::EFFECT };
        let test = with(Registry::new().job(Kind::effect("test.finish", finish_when_told).with(policy))).await;
        for n in 0..6 {
            ask(&test, job("test.finish", &n.to_string())).await;
        }
        let running = Arc::clone(&test.app.worker).start();
        STARTED.acquire_many(2).await.expect("two have started").forget();
        let stopping = tokio::spawn(running.stop(Duration::from_secs(30)));
        until("the others are given back", || async {
            states(&test).await.iter().filter(|state| *state == "waiting 0").count() == 4
        })
        .await;
        FINISH.add_permits(6);
        stopping.await.expect("stopped");
        let mut states = states(&test).await;
        states.sort();
        assert_eq!(states, ["done 1", "done 1", "waiting 0", "waiting 0", "waiting 0", "waiting 0"]);
    });
}

static SLOW: Semaphore = Semaphore::const_new(0);

async fn slow(_: &Turn<'_>) -> Attempted {
    SLOW.acquire().await.map_err(pawbase::kernel::Error::internal)?.forget();
    Ok(())
}

#[test]
fn a_slow_kind_does_not_starve_another() {
    run(async {
        let reactions = Registry::new().job(Kind::effect("test.slow", slow)).job(Kind::effect("test.write", write));
        let test = with(reactions).await;
        for n in 0..60 {
            ask(&test, job("test.slow", &n.to_string())).await;
        }
        let running = Arc::clone(&test.app.worker).start();
        for n in 0..10 {
            ask(&test, job("test.write", &n.to_string())).await;
        }
        until("the quick ones are done", || async { words(&test).await.len() == 10 }).await;
        SLOW.add_permits(60);
        until("the slow ones too", || are_all_done(&test, 70)).await;
        running.stop(Duration::from_secs(10)).await;
    });
}
