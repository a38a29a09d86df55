//! Jobs: once in effect, again after failures, not before their time, given up in the end.

use std::time::Duration;

use pawbase::kernel::error::FORBIDDEN;
use pawbase::work::{Attempted, Kind, Policy, Registry, Turn};
use serde_json::json;

use super::stage::{POLICY, ask, job, pass, states, tell, with, words, write};
use crate::support::run;

fn reactions() -> Registry {
    Registry::new().reaction("things.*", Kind::effect("test.write", write).with(POLICY))
}

#[test]
fn a_failed_attempt_has_no_effect_and_is_made_again_after_a_pause() {
    run(async {
        let test = with(reactions()).await;
        tell(&test, "a", json!({ "word": "x", "fails": 2 })).await;
        let settled = test.settle().await;
        assert_eq!((settled.events, settled.done, settled.failed), (1, 0, 1));
        assert!(words(&test).await.is_empty(), "the effect of a failed attempt");
        assert_eq!(states(&test).await, ["waiting 1"]);
        pass(&test, Duration::from_secs(1));
        assert_eq!(test.settle().await.failed, 0, "not before the pause is over");
        pass(&test, Duration::from_secs(1));
        assert_eq!(test.settle().await.failed, 1);
        pass(&test, Duration::from_secs(2));
        assert_eq!(test.settle().await.failed, 0, "the second pause is longer");
        pass(&test, Duration::from_secs(2));
        assert_eq!(test.settle().await.done, 1);
        assert_eq!((words(&test).await, states(&test).await), (vec!["x".to_owned()], vec!["done 3".to_owned()]));
        let errors = test.texts("SELECT VALUE <string> history.map(|$one| $one.error) FROM jobs").await;
        assert_eq!(errors, ["['as it was told', 'as it was told']"]);
    });
}

#[test]
fn a_job_is_given_up_after_its_last_attempt_or_when_it_is_hopeless() {
    run(async {
        let test = with(reactions()).await;
        tell(&test, "a", json!({ "word": "x", "fails": 9 })).await;
        tell(&test, "b", json!({ "word": "y", "is_hopeless": true })).await;
        tell(&test, "c", json!({ "word": "z", "panics": true })).await;
        for _ in 0..10 {
            test.settle().await;
            pass(&test, Duration::from_secs(60));
        }
        assert_eq!(states(&test).await, ["dead 3", "dead 1", "done 2"]);
        assert_eq!(words(&test).await, ["z"]);
        let errors = test.texts("SELECT VALUE error FROM jobs ORDER BY id").await;
        assert_eq!(errors, ["as it was told", "hopeless", "It broke off; the log says where."]);
        test.expect_jobs(&["test.write"]);
    });
}

#[test]
fn a_job_waits_for_its_time() {
    run(async {
        let test = with(reactions()).await;
        ask(&test, job("test.write", "later").after(Duration::from_secs(3600))).await;
        ask(&test, job("test.write", "now")).await;
        test.settle().await;
        assert_eq!(words(&test).await, ["now"]);
        pass(&test, Duration::from_secs(3599));
        assert_eq!(test.settle().await.done, 0);
        pass(&test, Duration::from_secs(1));
        assert_eq!(test.settle().await.done, 1);
        assert_eq!(words(&test).await, ["now", "later"]);
    });
}

#[test]
fn there_is_one_open_job_with_a_key() {
    run(async {
        let test = with(reactions()).await;
        assert!(ask(&test, job("test.write", "first").unique("k")).await);
        assert!(!ask(&test, job("test.write", "second").unique("k")).await);
        assert!(ask(&test, job("test.write", "other").unique("other")).await);
        test.settle().await;
        assert_eq!(words(&test).await, ["first", "other"]);
        assert!(ask(&test, job("test.write", "third").unique("k")).await, "the first is over");
        test.settle().await;
        let asking = (0..8).map(|n| ask(&test, job("test.write", &format!("race {n}")).unique("race")));
        let made = futures::future::join_all(asking.collect::<Vec<_>>()).await;
        assert_eq!(made.into_iter().filter(|made| *made).count(), 1, "of many at once");
        test.settle().await;
        assert_eq!(words(&test).await.len(), 4);
    });
}

async fn wait_for_ever(_: &Turn<'_>) -> Attempted {
    std::future::pending().await
}

#[test]
fn an_attempt_that_takes_too_long_fails() {
    run(async {
        let policy = Policy { timeout: Duration::from_millis(50), attempts_max: 1, ..Policy::EFFECT };
        let test = with(Registry::new().job(Kind::effect("test.wait", wait_for_ever).with(policy))).await;
        ask(&test, job("test.wait", "x")).await;
        assert_eq!(test.settle().await.failed, 1);
        let errors = test.texts("SELECT VALUE error FROM jobs").await;
        assert_eq!(
            (states(&test).await, errors),
            (vec!["dead 1".into()], vec!["It took longer than 0 seconds.".into()])
        );
        test.expect_jobs(&["test.wait"]);
    });
}

async fn read_number(turn: &Turn<'_>) -> Attempted {
    #[derive(serde::Deserialize)]
    struct Wanted {
        #[serde(rename = "number")]
        _number: u64,
    }
    turn.payload::<Wanted>().map(drop)
}

#[test]
fn a_payload_that_does_not_fit_is_tried_once() {
    run(async {
        let test = with(Registry::new().job(Kind::effect("test.read", read_number))).await;
        ask(&test, job("test.read", "x")).await;
        test.settle().await;
        assert_eq!(states(&test).await, ["dead 1"]);
        test.expect_jobs(&["test.read"]);
    });
}

async fn refuse(_: &Turn<'_>) -> Attempted {
    Err(pawbase::kernel::Error::new(FORBIDDEN, "Said to staff.").caused_by("said to the log").into())
}

#[test]
fn what_goes_wrong_inside_is_said_to_the_log_only() {
    run(async {
        let policy = Policy { attempts_max: 30, pause: Duration::ZERO, ..Policy::EFFECT };
        let test = with(Registry::new().job(Kind::effect("test.refuse", refuse).with(policy))).await;
        ask(&test, job("test.refuse", "x")).await;
        assert_eq!(test.settle().await.failed, 30);
        let rows = test.texts("SELECT VALUE <string> history FROM jobs").await;
        assert!(rows[0].contains("Said to staff.") && !rows[0].contains("said to the log"), "{}", rows[0]);
        assert_eq!(rows[0].matches("attempt:").count(), 20, "the history is bounded");
        test.expect_jobs(&["test.refuse"]);
    });
}

#[test]
#[should_panic(expected = "jobs are left over")]
fn a_test_that_leaves_jobs_over_fails() {
    run(async {
        let test = with(reactions()).await;
        ask(&test, job("test.write", "later").after(Duration::from_secs(3600))).await;
    });
}
