//! The loop of a worker: one task decides, and each attempt is a task of its own.
//!
//! It sleeps until the bell rings, an attempt ends, or the time of the next job or tick has come. Other processes cannot ring, so it
//! also looks of itself now and then.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::attempt::Outcome;
use super::claim::Claimed;
use super::registry::Kind;
use super::worker::Worker;
use crate::kernel::Result;

/// Pause after the database has failed.
const TROUBLE_PAUSE: Duration = Duration::from_secs(1);
/// Shortest time between two looks because of the bell: what rings again and again is done together.
const PACE: Duration = Duration::from_millis(20);
/// Shortest sleep: clocks are compared in milliseconds.
const SLEEP_MIN: Duration = Duration::from_millis(1);

/// A running worker.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Takes no more jobs, waits for those that run but not longer than `timeout`, and gives the others back.
    pub async fn stop(self, timeout: Duration) {
        let task = self.task.abort_handle();
        let _ = self.stop.send(true);
        if tokio::time::timeout(timeout, self.task).await.is_err() {
            tracing::warn!("jobs still ran when the time to stop was over; they are begun again later");
            task.abort();
        }
    }

    /// Ends it in the middle of everything, as a crash would; what it had begun comes to nothing.
    pub fn kill(self) {
        self.task.abort();
    }
}

/// The jobs of one kind in this process.
struct Pool {
    kind: Kind,
    ready: VecDeque<Claimed>,
    running: usize,
    /// When to look for more, in milliseconds since 1970; None when nothing waits.
    look_at_ms: Option<i64>,
}

/// What the loop knows.
struct Loop {
    worker: Arc<Worker>,
    pools: Vec<Pool>,
    attempts: JoinSet<(usize, Outcome)>,
    next_tick_ms: Option<i64>,
    /// Whether events may wait.
    has_events: bool,
}

impl Worker {
    /// Starts the loop.
    pub fn start(self: Arc<Self>) -> Running {
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(async move { Loop::new(self).run(stopping).await });
        Running { stop, task }
    }
}

impl Loop {
    fn new(worker: Arc<Worker>) -> Self {
        let pool = |kind: &Kind| Pool { kind: kind.clone(), ready: VecDeque::new(), running: 0, look_at_ms: None };
        let pools = worker.registry().kinds().map(pool).collect();
        Self { worker, pools, attempts: JoinSet::new(), next_tick_ms: None, has_events: true }
    }

    fn now_ms(&self) -> i64 {
        self.worker.platform().clock.now().timestamp_millis()
    }

    async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let mut bell = self.worker.platform().bell.listen();
        let poll = Duration::from_secs(self.worker.platform().config.work.poll_s);
        let mut looked: Option<tokio::time::Instant> = None;
        while !*stopping.borrow_and_update() {
            let since = looked.map_or(poll, |at| at.elapsed());
            if since >= poll || (since >= PACE && bell.has_changed().unwrap_or(false)) {
                bell.mark_unchanged();
                looked = Some(tokio::time::Instant::now());
                self.look_everywhere();
            }
            let sleep = match self.turn().await {
                Ok(at_ms) => self.sleep_until(at_ms, poll),
                Err(error) => {
                    tracing::error!(%error, cause = error.cause().unwrap_or("-"), "the worker has trouble");
                    self.look_everywhere();
                    TROUBLE_PAUSE
                }
            };
            let since = looked.map_or(poll, |at| at.elapsed());
            let (sleep, rest) = (sleep.min(poll.saturating_sub(since)).max(SLEEP_MIN), PACE.saturating_sub(since));
            let bell_after_rest = async {
                tokio::time::sleep(rest).await;
                bell.changed().await
            };
            tokio::select! {
                _ = bell_after_rest => bell.mark_changed(),
                Some(ended) = self.attempts.join_next() => self.note(ended),
                _ = stopping.changed() => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
        self.end().await;
    }

    fn look_everywhere(&mut self) {
        let now_ms = self.now_ms();
        for pool in &mut self.pools {
            pool.look_at_ms = Some(now_ms);
        }
        self.next_tick_ms = Some(now_ms);
        self.has_events = true;
    }

    /// Relays, ticks, and begins what there is room for; answers when there is something to do again, if that is known.
    async fn turn(&mut self) -> Result<Option<i64>> {
        let now_ms = self.now_ms();
        if self.has_events {
            while self.worker.relay().await? > 0 {}
            self.has_events = false;
        }
        if self.next_tick_ms.is_some_and(|at| at <= now_ms) {
            self.next_tick_ms = self.worker.tick().await?.1.map(|at| at.timestamp_millis());
        }
        let mut next = self.next_tick_ms;
        for at in 0..self.pools.len() {
            let pool_next = self.fill(at).await?;
            next = next.into_iter().chain(pool_next).min();
        }
        Ok(next)
    }

    /// Takes jobs for a pool if it has none ready, and begins as many as it may run at once. Answers when to look again.
    async fn fill(&mut self, at: usize) -> Result<Option<i64>> {
        let now_ms = self.now_ms();
        let pool = &mut self.pools[at];
        let has_room = pool.running < pool.kind.policy.at_once;
        if has_room && pool.ready.is_empty() && pool.look_at_ms.is_some_and(|at| at <= now_ms) {
            let found = self.worker.claim(&pool.kind).await?;
            pool.ready.extend(found.claimed);
            pool.look_at_ms = found.look_at_ms;
        }
        while pool.running < pool.kind.policy.at_once
            && let Some(claimed) = pool.ready.pop_front()
        {
            pool.running += 1;
            let (worker, kind) = (Arc::clone(&self.worker), pool.kind.clone());
            self.attempts.spawn(async move { (at, worker.attempt(&kind, claimed).await) });
        }
        // A full pool goes on when one of its attempts has ended.
        let is_full = pool.running >= pool.kind.policy.at_once;
        Ok(if is_full { None } else { pool.look_at_ms })
    }

    fn note(&mut self, ended: std::result::Result<(usize, Outcome), tokio::task::JoinError>) {
        if let Ok((at, _)) = ended {
            self.pools[at].running = self.pools[at].running.saturating_sub(1);
        } else {
            // Cannot be: an attempt catches the panics of what it runs.
            tracing::error!("an attempt broke off");
        }
    }

    fn sleep_until(&self, at_ms: Option<i64>, poll: Duration) -> Duration {
        let wait = at_ms.map(|at| u64::try_from(at.saturating_sub(self.now_ms())).unwrap_or_default());
        wait.map_or(poll, |ms| Duration::from_millis(ms).min(poll)).max(SLEEP_MIN)
    }

    /// Gives back what was not begun, and waits for what was.
    async fn end(mut self) {
        for pool in &mut self.pools {
            let left = std::mem::take(&mut pool.ready);
            self.worker.put_all_back(&pool.kind, left.into()).await;
        }
        while self.attempts.join_next().await.is_some() {}
    }
}
