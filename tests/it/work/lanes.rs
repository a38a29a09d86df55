//! Events of one record reach a reaction in their order, one after the other; others do not wait for them.

use std::time::Duration;

use pawbase::context::Role;
use pawbase::work::{Kind, Registry};
use serde_json::json;

use super::stage::{POLICY, pass, states, tell, with, words, write};
use crate::support::run;

fn reactions() -> Registry {
    Registry::new().reaction("things.*", Kind::effect("test.write", write).with(POLICY))
}

#[test]
fn a_failing_job_holds_up_its_own_record_only() {
    run(async {
        let test = with(reactions()).await;
        tell(&test, "a", json!({ "word": "a1", "fails": 1 })).await;
        tell(&test, "a", json!({ "word": "a2" })).await;
        tell(&test, "b", json!({ "word": "b1" })).await;
        test.settle().await;
        // A later event joins a lane that is relayed already.
        tell(&test, "a", json!({ "word": "a3" })).await;
        test.settle().await;
        assert_eq!(words(&test).await, ["b1"]);
        assert_eq!(states(&test).await, ["waiting 1", "blocked 0", "done 1", "blocked 0"]);
        pass(&test, Duration::from_secs(5));
        test.settle().await;
        assert_eq!(words(&test).await, ["b1", "a1", "a2", "a3"]);
        assert!(
            test.rows("SELECT id FROM lanes").await.is_empty()
                && test.rows("SELECT id FROM job_queue").await.is_empty()
        );
    });
}

#[test]
fn a_dead_job_does_not_hold_up_those_behind_it() {
    run(async {
        let test = with(reactions()).await;
        tell(&test, "a", json!({ "word": "a1", "is_hopeless": true })).await;
        tell(&test, "a", json!({ "word": "a2" })).await;
        tell(&test, "a", json!({ "word": "a3" })).await;
        test.settle().await;
        assert_eq!(states(&test).await, ["dead 1", "done 1", "done 1"]);
        assert_eq!(words(&test).await, ["a2", "a3"]);
        test.expect_jobs(&["test.write"]);
    });
}

#[test]
fn a_job_that_is_dropped_in_line_is_passed_over_and_may_stand_in_line_again() {
    run(async {
        let test = with(reactions()).await;
        let admin = test.staff(Role::Admin).await;
        for (word, fails) in [("a1", 1), ("a2", 0), ("a3", 0), ("a4", 0)] {
            tell(&test, "a", json!({ "word": word, "fails": fails })).await;
        }
        test.settle().await;
        let ids = test.texts("SELECT VALUE <string> record::id(id) FROM jobs ORDER BY id").await;
        let act =
            |at: usize, what: &str| format!("/api/admin/jobs/{}/{what}", ids[at].trim_matches(|c| "u'".contains(c)));
        for at in [1, 2, 3] {
            admin.post(&act(at, "drop"), json!(null)).await.assert(204);
        }
        // It takes its old place again; one that comes now stands behind all of them.
        admin.post(&act(2, "retry"), json!(null)).await.assert(204);
        tell(&test, "a", json!({ "word": "a5" })).await;
        test.settle().await;
        assert_eq!(states(&test).await, ["waiting 1", "dropped 0", "blocked 0", "dropped 0", "blocked 0"]);
        pass(&test, Duration::from_secs(5));
        test.settle().await;
        assert_eq!(words(&test).await, ["a1", "a3", "a5"]);
        assert!(test.rows("SELECT id FROM lanes").await.is_empty());
        // Its turn has passed, so now it is done for itself.
        admin.post(&act(1, "retry"), json!(null)).await.assert(204);
        test.settle().await;
        assert_eq!(words(&test).await, ["a1", "a3", "a5", "a2"]);
    });
}

#[test]
fn each_reaction_has_lanes_of_its_own() {
    run(async {
        async fn other(turn: &pawbase::work::Turn<'_>) -> pawbase::work::Attempted {
            let payload: serde_json::Value = turn.payload()?;
            let word = format!("other {}", payload["word"].as_str().unwrap_or_default());
            let vars = pawbase_engine::Vars::new().with("word", word);
            turn.tx.query("CREATE effects SET id = rand::uuid::v7(), word = $word", vars).await?;
            Ok(())
        }
        let test = with(reactions().on("*", "test.other", other)).await;
        tell(&test, "a", json!({ "word": "x", "fails": 1 })).await;
        tell(&test, "a", json!({ "word": "y" })).await;
        let settled = test.settle().await;
        assert_eq!((settled.events, settled.done, settled.failed), (2, 2, 1));
        pass(&test, Duration::from_secs(5));
        assert_eq!(test.settle().await.done, 2);
        let mut words = words(&test).await;
        words.sort();
        assert_eq!(words, ["other x", "other y", "x", "y"]);
    });
}
