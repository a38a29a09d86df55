//! Work outside the database: tried with one key, kept with what came of it, and left alone while the service is down.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pawbase::context::{Ctx, Role};
use pawbase::kernel::Result;
use pawbase::work::{Attempted, Failure, Job, Kind, Outside, Policy, Registry, Turn};
use pawbase_engine::Vars;
use serde_json::{Value, json};

use super::stage::{ask, job, pass, states, with, words};
use crate::support::run;

/// A service that is up or down, and what it was called with.
#[derive(Clone, Default)]
struct Service(Arc<Mutex<(bool, Vec<String>)>>);

impl Service {
    fn set_up(&self, is_up: bool) {
        self.0.lock().expect("a lock").0 = is_up;
    }

    fn calls(&self) -> Vec<String> {
        self.0.lock().expect("a lock").1.clone()
    }
}

#[async_trait]
impl Outside for Service {
    fn service(&self, _: &Job) -> String {
        "test".to_owned()
    }

    async fn call(&self, _: &Ctx, job: &Job) -> Attempted<Value> {
        let mut state = self.0.lock().expect("a lock");
        state.1.push(job.id.to_string());
        if state.0 { Ok(json!({ "number": state.1.len() })) } else { Err(Failure::retry("down")) }
    }

    async fn keep(&self, turn: &Turn<'_>, outcome: std::result::Result<&Value, &Failure>) -> Result<()> {
        let word = match outcome {
            Ok(answer) => format!("answer {}", answer["number"]),
            Err(failure) => format!("attempt {} of {}: {}", turn.job.attempt, turn.job.id, failure.message()),
        };
        turn.tx.query("CREATE effects SET id = rand::uuid::v7(), word = $word", Vars::new().with("word", word)).await?;
        Ok(())
    }
}

#[test]
fn each_attempt_has_the_same_key_and_is_kept() {
    run(async {
        let service = Service::default();
        let test = with(Registry::new().job(Kind::outside("test.call", service.clone()))).await;
        ask(&test, job("test.call", "x")).await;
        assert_eq!(test.settle().await.failed, 1);
        service.set_up(true);
        pass(&test, Duration::from_secs(5));
        assert_eq!(test.settle().await.done, 1);
        let calls = service.calls();
        assert_eq!((calls.len(), &calls[0]), (2, &calls[1]));
        assert_eq!(words(&test).await, [format!("attempt 1 of {}: down", calls[0]), "answer 2".to_owned()]);
    });
}

#[test]
fn a_service_that_is_down_is_left_alone_and_then_tried_with_one_job() {
    run(async {
        let service = Service::default();
        let policy = Policy { at_once: 2, batch: 2, pause: Duration::from_secs(3600), ..Policy::OUTSIDE };
        let test = with(Registry::new().job(Kind::outside("test.call", service.clone()).with(policy))).await;
        let admin = test.staff(Role::Support).await;
        for n in 0..20 {
            ask(&test, job("test.call", &n.to_string())).await;
        }
        test.settle().await;
        assert_eq!(service.calls().len(), 5, "after five failures nobody calls");
        let waiting = states(&test).await.into_iter().filter(|state| state == "waiting 0").count();
        assert_eq!(waiting, 15, "those that were not tried lost no attempt");
        let seen = admin.get("/api/admin/work").await.assert(200).json;
        assert_eq!((&seen["services"][0]["name"], &seen["services"][0]["failures"]), (&json!("test"), &json!(5)));
        assert_eq!(seen["services"][0]["open_until"], "2026-05-04T10:00:30Z");
        pass(&test, Duration::from_secs(31));
        test.settle().await;
        assert_eq!(service.calls().len(), 6, "one job tries it");
        service.set_up(true);
        pass(&test, Duration::from_secs(61));
        test.settle().await;
        assert_eq!(service.calls().len(), 6 + 14, "then all go on");
        pass(&test, Duration::from_secs(7200));
        test.settle().await;
        assert!(states(&test).await.iter().all(|state| state.starts_with("done")));
        assert_eq!(admin.get("/api/admin/work").await.assert(200).json["services"], json!([]));
    });
}
