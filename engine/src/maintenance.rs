//! What the embedded engine has to do beside statements: folding index changes, clearing away what was removed.
//!
//! The engine has tasks of its own for this, and they are not started: they fold the changes of full-text indexes a quarter of a
//! second after every commit, and each pass walks over all changes that were folded since the store last rewrote its
//! files. Under steady writes that took most of the processor. The same functions are called here, with rests
//! in proportion to the work. Reads are right whether or not changes are folded.
//!
//! Deliberately elsewhere: what needs other nodes (heartbeats, leases of theirs), because an embedded store has none; and events
//! and index builds that run later on their own (`ASYNC`, `CONCURRENTLY`), which the schema check refuses.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use surrealdb_core::kvs::Datastore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Shortest rest between two rounds.
const REST_MIN: Duration = Duration::from_secs(5);
/// A round is followed by a rest of this many times its length.
const REST_FACTOR: u32 = 20;
/// How long folding may go on in one round at first. Writes may add changes as fast as they are folded.
const FOLDING_MIN: Duration = Duration::from_secs(1);
/// The longest that it may become when it is not enough.
const FOLDING_MAX: Duration = Duration::from_secs(30);
/// Time between two removals of what is no longer needed.
const CLEARING: Duration = Duration::from_secs(60);
/// How long removed data is still kept for readers that began before.
const GRACE: Duration = Duration::from_secs(600);

/// The running maintenance of one store.
#[derive(Debug)]
pub(crate) struct Maintenance {
    stop: CancellationToken,
    task: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Maintenance {
    /// Starts it. It ends with the store, or when it is stopped.
    pub(crate) fn start(store: &Arc<Datastore>) -> Self {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(Arc::downgrade(store), stop.clone()));
        Self { stop, task: std::sync::Mutex::new(Some(task)) }
    }

    /// Stops it and waits for its end; before the store is closed.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        let task = self.task.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(Err(error)) = futures::future::OptionFuture::from(task).await {
            tracing::warn!(%error, "the maintenance of the database ended badly");
        }
    }
}

async fn run(store: Weak<Datastore>, stop: CancellationToken) {
    let mut rest = REST_MIN;
    let mut budget = FOLDING_MIN;
    let mut cleared = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(rest) => {}
        }
        let Some(store) = store.upgrade() else { return };
        let began = Instant::now();
        let is_done = fold(&store, budget, &stop).await;
        budget = if is_done { FOLDING_MIN } else { (budget * 2).min(FOLDING_MAX) };
        if cleared.elapsed() >= CLEARING {
            clear(&store, &stop).await;
            cleared = Instant::now();
        }
        rest = REST_MIN.max(began.elapsed() * REST_FACTOR);
    }
}

/// Folds the changes of indexes and of graph edges; false when `budget` was not enough.
async fn fold(store: &Arc<Datastore>, budget: Duration, stop: &CancellationToken) -> bool {
    let within = stop.child_token();
    let folding: BoxFuture<'_, bool> = Box::pin(async {
        let indexes = Datastore::index_compaction(Arc::clone(store), budget, within.clone()).await;
        let edges = Datastore::graph_fold(Arc::clone(store), budget, within.clone()).await;
        for error in [indexes.err(), edges.err()].into_iter().flatten() {
            if !within.is_cancelled() {
                tracing::warn!(error = format!("{error:#}"), "the database could not fold its changes");
            }
        }
        !within.is_cancelled()
    });
    tokio::pin!(folding);
    tokio::select! {
        is_done = &mut folding => return is_done,
        () = tokio::time::sleep(budget) => within.cancel(),
    }
    // What has begun comes to its end: it notices the cancellation at its next step.
    folding.await
}

async fn clear(store: &Arc<Datastore>, stop: &CancellationToken) {
    let clearing: BoxFuture<'_, ()> = Box::pin(async {
        let feeds = store.changefeed_process(&CLEARING, stop).await;
        let removed = Datastore::reclaim_tombstones(Arc::clone(store), CLEARING, GRACE, stop.clone()).await;
        for error in [feeds.err(), removed.err()].into_iter().flatten() {
            if !stop.is_cancelled() {
                tracing::warn!(error = format!("{error:#}"), "the database could not clear away what was removed");
            }
        }
    });
    clearing.await;
}
