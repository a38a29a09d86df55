//! What staff see of jobs, and do with them.

use std::time::Duration;

use pawbase::context::Role;
use pawbase::work::{Kind, Registry};
use serde_json::json;

use super::stage::{POLICY, ask, job, states, tell, with, words, write};
use crate::support::{Client, TestApp, run};

async fn started() -> (TestApp, Client) {
    let test = with(Registry::new().reaction("things.*", Kind::effect("test.write", write).with(POLICY))).await;
    let admin = test.staff(Role::Admin).await;
    test.settle().await;
    (test, admin)
}

async fn job_ids(admin: &Client, query: &str) -> Vec<String> {
    admin.get(&format!("/api/admin/jobs?sort=id&{query}")).await.assert(200).ids()
}

#[test]
fn staff_search_events_and_jobs() {
    run(async {
        let (test, admin) = started().await;
        tell(&test, "a", json!({ "word": "x", "fails": 1 })).await;
        test.settle().await;
        let events = admin.get("/api/admin/events?name=things.updated").await.assert(200).json;
        assert_eq!(events["items"][0]["payload"], json!({ "word": "x", "fails": 1 }));
        let path = format!("/api/admin/jobs?event={}", events["items"][0]["id"].as_str().expect("an id"));
        let job = admin.get(&path).await.assert(200).json["items"][0].clone();
        assert_eq!((&job["kind"], &job["state"]), (&json!("test.write"), &json!("waiting")));
        assert_eq!(job["history"][0], json!({ "at": "2026-05-04T10:00:00Z", "attempt": 1, "error": "as it was told" }));
        assert!(job["queue_at_ms"].is_null() && job["lane"].is_null());
        admin.delete(&format!("/api/admin/jobs/{}", job["id"].as_str().expect("an id"))).await.assert(405);
        test.expect_jobs(&["test.write"]);
    });
}

#[test]
fn a_dead_job_is_retried_or_dropped() {
    run(async {
        let (test, admin) = started().await;
        let support = test.staff(Role::Support).await;
        tell(&test, "a", json!({ "word": "x", "is_hopeless": true })).await;
        tell(&test, "b", json!({ "word": "y", "is_hopeless": true })).await;
        test.settle().await;
        let dead = job_ids(&admin, "state=dead").await;
        assert_eq!(dead.len(), 2);
        let path = |at: usize, what: &str| format!("/api/admin/jobs/{}/{what}", dead[at]);
        support.post(&path(0, "retry"), json!(null)).await.assert_error(403, "forbidden");
        admin.post(&path(0, "retry"), json!(null)).await.assert(204);
        assert_eq!(states(&test).await, ["waiting 0", "dead 1"]);
        admin.post(&path(0, "retry"), json!(null)).await.assert_error(409, "conflict");
        test.settle().await;
        assert_eq!(states(&test).await, ["dead 1", "dead 1"], "tried once more");
        for at in [0, 1] {
            admin.post(&path(at, "drop"), json!(null)).await.assert(204);
        }
        admin.post(&path(0, "drop"), json!(null)).await.assert_error(409, "conflict");
        assert_eq!(states(&test).await, ["dropped 1", "dropped 1"]);
        let trail = admin.get("/api/admin/audit?action[in]=job.retried,job.dropped&sort=id").await.assert(200).json;
        let noted: Vec<_> =
            trail["items"].as_array().expect("rows").iter().map(|row| (&row["action"], &row["target"]["id"])).collect();
        let (retried, dropped) = (json!("job.retried"), json!("job.dropped"));
        let (one, two) = (json!(dead[0]), json!(dead[1]));
        assert_eq!(noted, [(&retried, &one), (&dropped, &one), (&dropped, &two)], "refused acts leave no trace");
        for id in ["nonsense", "01900000-0000-7000-8000-000000000000"] {
            admin.post(&format!("/api/admin/jobs/{id}/retry"), json!(null)).await.assert(404);
        }
    });
}

#[test]
fn a_waiting_job_is_run_early() {
    run(async {
        let (test, admin) = started().await;
        ask(&test, job("test.write", "x").after(Duration::from_secs(3600))).await;
        test.settle().await;
        let id = job_ids(&admin, "state=waiting").await.remove(0);
        admin.post(&format!("/api/admin/jobs/{id}/run"), json!(null)).await.assert(204);
        test.settle().await;
        assert_eq!(words(&test).await, ["x"]);
        admin.post(&format!("/api/admin/jobs/{id}/run"), json!(null)).await.assert_error(409, "conflict");
    });
}

#[test]
fn the_work_at_a_glance() {
    run(async {
        let (test, admin) = started().await;
        tell(&test, "a", json!({ "word": "dead", "is_hopeless": true })).await;
        tell(&test, "b", json!({ "word": "done" })).await;
        tell(&test, "c", json!({ "word": "again", "fails": 1 })).await;
        tell(&test, "c", json!({ "word": "behind" })).await;
        test.settle().await;
        tell(&test, "d", json!({ "word": "told" })).await;
        test.clock.advance(chrono::Duration::seconds(30));
        let seen = admin.get("/api/admin/work").await.assert(200).json;
        assert_eq!((&seen["events_waiting"], &seen["events_lag_s"]), (&json!(1), &json!(30)));
        let kinds = seen["kinds"].as_array().expect("kinds");
        let kind = kinds.iter().find(|kind| kind["kind"] == "test.write").expect("the kind").clone();
        let counts = json!({
            "kind": "test.write", "is_known": true, "waiting": 1, "blocked": 1, "running": 0, "dead": 1,
            "done_last_hour": 1, "lag_s": kind["lag_s"],
        });
        assert_eq!(kind, counts);
        assert!((28..=29).contains(&kind["lag_s"].as_u64().expect("seconds")), "{seen}");
        test.customer().await.get("/api/v1/work").await.assert(404);
        test.admin_guest().get("/api/admin/work").await.assert(401);
        test.expect_jobs(&["test.write"]);
    });
}
