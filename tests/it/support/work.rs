//! Events and jobs in tests: what was told, and doing what is due. A test that ends with jobs left over which it did not expect fails.

use std::collections::BTreeSet;
use std::sync::Mutex;

use pawbase::work::Settled;
use pawbase_engine::Value;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::TestApp;

/// What a test expects of the work.
#[derive(Default)]
pub struct Expected {
    /// Kinds of jobs that may be left over at the end.
    left_over: Mutex<BTreeSet<String>>,
    /// How many events were asserted so far.
    events: Mutex<usize>,
}

impl TestApp {
    /// Relays, ticks and runs until nothing is due at the clock's present instant.
    pub async fn settle(&self) -> Settled {
        self.app.worker.settle().await.expect("settled")
    }

    /// Jobs of these kinds may be left over when the test ends: dead, or due later.
    pub fn expect_jobs(&self, kinds: &[&str]) {
        self.work.left_over.lock().expect("a lock").extend(kinds.iter().map(|kind| (*kind).to_owned()));
    }

    /// Relays, and asserts exactly which events were told since the last time, in their order.
    pub async fn assert_events(&self, names: &[&str]) {
        while self.app.worker.relay().await.expect("relayed") > 0 {}
        let told = self.texts("SELECT VALUE name FROM events ORDER BY id").await;
        let mut asserted = self.work.events.lock().expect("a lock");
        assert_eq!(told[*asserted..], *names, "events");
        *asserted = told.len();
    }

    /// The texts that a statement of the system selects.
    pub async fn texts(&self, text: &str) -> Vec<String> {
        let rows = self.rows(text).await;
        rows.into_iter().map(|row| if let Value::String(text) = row { text } else { panic!("{row:?}") }).collect()
    }

    /// The rows that a statement of the system selects.
    pub async fn rows(&self, text: &str) -> Vec<Value> {
        let answer = self.app.platform.engine.root().query(text, ()).await;
        answer.unwrap_or_else(|error| panic!("{text}: {error}")).rows(0)
    }

    /// Does what is due, and says what is left over unexpectedly.
    async fn left_over(&self) -> Vec<String> {
        self.settle().await;
        let text = "SELECT VALUE kind + ': ' + state + ': ' + (error ?? 'no failure') FROM jobs
            WHERE state IN ['waiting', 'blocked', 'running', 'dead']";
        let mut left = self.texts(text).await;
        let expected = self.work.left_over.lock().expect("a lock");
        left.retain(|line| !expected.contains(line.split(':').next().unwrap_or_default()));
        left
    }

    /// Fails the test when jobs are left over. Called when the test is over.
    pub(super) fn check_left_over(&self) {
        let Ok(handle) = Handle::try_current() else { return };
        if std::thread::panicking() || handle.runtime_flavor() != RuntimeFlavor::MultiThread {
            return;
        }
        let left = tokio::task::block_in_place(|| handle.block_on(self.left_over()));
        assert!(left.is_empty(), "jobs are left over: {left:#?}");
    }
}
