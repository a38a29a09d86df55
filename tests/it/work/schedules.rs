//! Schedules: each tick once, missed ones made up for once, and staff's hand on them.

use std::sync::Arc;
use std::time::Duration;

use pawbase::context::Role;
use pawbase::work::{Kind, Registry, Worker};
use serde_json::json;

use super::stage::{pass, with};
use crate::support::{TestApp, run};

async fn count(turn: &pawbase::work::Turn<'_>) -> pawbase::work::Attempted {
    let payload: serde_json::Value = turn.payload()?;
    let vars = pawbase_engine::Vars::new().with("word", payload["tick"].as_str().unwrap_or_default());
    turn.tx.query("CREATE effects SET id = rand::uuid::v7(), word = $word", vars).await?;
    Ok(())
}

fn reactions() -> Registry {
    // The tests begin at noon in Berlin.
    Registry::new().every("30 12 * * *", "Europe/Berlin", "daily", Kind::effect("test.count", count))
}

async fn ticks(test: &TestApp) -> Vec<String> {
    test.texts("SELECT VALUE word FROM effects ORDER BY word").await
}

#[test]
fn a_tick_makes_one_job_however_many_workers_there_are() {
    run(async {
        let test = with(reactions()).await;
        let workers: Vec<Worker> =
            (0..4).map(|_| Worker::new(test.app.platform.clone(), test.app.worker.registry())).collect();
        for _ in 0..3 {
            pass(&test, Duration::from_secs(24 * 3600));
            let made = futures::future::join_all(workers.iter().map(Worker::tick)).await;
            let made: usize = made.into_iter().map(|made| made.expect("ticked").0).sum();
            assert_eq!(made, 1);
            test.settle().await;
        }
        assert_eq!(ticks(&test).await, ["2026-05-04T10:30:00Z", "2026-05-05T10:30:00Z", "2026-05-06T10:30:00Z"]);
    });
}

#[test]
fn ticks_that_were_missed_are_made_up_for_by_one_job() {
    run(async {
        let test = with(reactions()).await;
        pass(&test, Duration::from_secs(10 * 24 * 3600));
        assert_eq!(test.settle().await.ticks, 1);
        assert_eq!(ticks(&test).await, ["2026-05-04T10:30:00Z"]);
        assert_eq!(test.texts("SELECT VALUE <string> next_at FROM schedules").await, ["2026-05-14T10:30:00Z"]);
    });
}

#[test]
fn a_schedule_survives_a_restart_and_follows_the_list() {
    run(async {
        let test = with(reactions()).await;
        pass(&test, Duration::from_secs(3600));
        let again = Worker::new(test.app.platform.clone(), Arc::new(reactions()));
        again.keep_schedules().await.expect("kept");
        assert_eq!(again.settle().await.expect("settled").done, 1, "what came while nobody worked");
        let changed = Registry::new().every("0 15 * * *", "UTC", "daily", Kind::effect("test.count", count));
        let changed = Worker::new(test.app.platform.clone(), Arc::new(changed));
        changed.keep_schedules().await.expect("kept");
        assert_eq!(test.texts("SELECT VALUE <string> next_at FROM schedules").await, ["2026-05-04T15:00:00Z"]);
        let none = Worker::new(test.app.platform.clone(), Arc::new(Registry::new()));
        none.keep_schedules().await.expect("kept");
        assert!(test.rows("SELECT id FROM schedules").await.is_empty());
    });
}

#[test]
fn staff_pause_resume_and_run_schedules() {
    run(async {
        let test = with(reactions()).await;
        let (admin, support) = (test.staff(Role::Admin).await, test.staff(Role::Support).await);
        let path = |what: &str| format!("/api/admin/schedules/daily/{what}");
        support.post(&path("pause"), json!(null)).await.assert_error(403, "forbidden");
        assert_eq!(admin.post(&path("pause"), json!(null)).await.assert(200).json["is_paused"], true);
        pass(&test, Duration::from_secs(3600));
        assert_eq!(test.settle().await.ticks, 0);
        admin.post(&path("run"), json!(null)).await.assert(200);
        admin.post(&path("run"), json!(null)).await.assert(200);
        assert_eq!(test.settle().await.done, 1, "by hand, and once while it is open");
        let resumed = admin.post(&path("resume"), json!(null)).await.assert(200).json;
        assert_eq!((&resumed["is_paused"], &resumed["next_at"]), (&json!(false), &json!("2026-05-05T10:30:00Z")));
        pass(&test, Duration::from_secs(24 * 3600));
        assert_eq!(test.settle().await.ticks, 1);
        let listed = test.staff(Role::Support).await.get("/api/admin/schedules").await.assert(200);
        assert_eq!(listed.ids(), ["daily"]);
    });
}

#[test]
fn old_jobs_and_events_are_forgotten() {
    run(async {
        let test = TestApp::start().await;
        test.customer().await;
        test.settle().await;
        assert_eq!(test.rows("SELECT id FROM events").await.len(), 1);
        let count = |table: &'static str| {
            let test = &test;
            async move { test.rows(&format!("SELECT id FROM {table}")).await.len() }
        };
        pass(&test, Duration::from_secs(29 * 24 * 3600));
        test.settle().await;
        assert_eq!((count("events").await, count("outbox").await), (1, 0));
        pass(&test, Duration::from_secs(2 * 24 * 3600));
        test.settle().await;
        assert_eq!(count("events").await, 0);
        let before = count("jobs").await;
        pass(&test, Duration::from_secs(8 * 24 * 3600));
        test.settle().await;
        let after = count("jobs").await;
        let daily = test.app.worker.registry().schedules().len();
        assert!(before > 0 && after <= daily, "{before} jobs, then {after}: those of today");
    });
}
