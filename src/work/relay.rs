//! Turns events into jobs: one for each reaction, each in its lane.

use std::collections::HashMap;

use futures::future::BoxFuture;
use pawbase_engine::{ToSql, Tx};
use uuid::Uuid;

use super::event::Event;
use super::job::State;
use super::registry::{Registry, Waited};
use super::store::{self, Lane, NewRow};
use super::worker::Worker;
use crate::context::Ctx;
use crate::kernel::Result;

/// Events relayed in one transaction at most.
pub(super) const BATCH: usize = 100;

impl Worker {
    /// Relays the first events that wait; answers how many.
    pub async fn relay(&self) -> Result<usize> {
        let root = self.platform().engine.root();
        if !store::has_outbox(root).await? {
            return Ok(0);
        }
        let (ctx, registry) = (self.internal("relay"), self.registry());
        let is_alone = ctx.platform.engine.is_embedded();
        if is_alone {
            registry.look_again(root).await?;
        }
        root.transact(|tx: &Tx| -> BoxFuture<'_, Result<usize>> {
            let (ctx, registry) = (ctx.clone(), registry.clone());
            Box::pin(async move {
                let events = store::take_outbox(tx, i64::try_from(BATCH).unwrap_or(100)).await?;
                let waited = registry.waited(tx, is_alone).await?;
                Lines::new(&ctx, &registry, &waited, &events).write(tx).await?;
                ctx.platform.bell.ring_after(tx);
                Ok(events.len())
            })
        })
        .await
    }
}

/// The jobs of a batch of events on their way into the database.
struct Lines<'a> {
    ctx: &'a Ctx,
    jobs: Vec<(Lane, &'a Event)>,
}

impl<'a> Lines<'a> {
    fn new(ctx: &'a Ctx, registry: &Registry, waited: &Waited, events: &'a [Event]) -> Self {
        let lanes = |event: &'a Event| {
            let about = event.about.to_sql();
            registry
                .kinds_for(&event.name, waited)
                .into_iter()
                .map(move |kind| ((kind.to_owned(), about.clone()), event))
        };
        Self { ctx, jobs: events.iter().flat_map(lanes).collect() }
    }

    /// Writes the jobs. One whose lane has an open job waits behind it.
    async fn write(self, tx: &Tx) -> Result<()> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        let mut names: Vec<Lane> = self.jobs.iter().map(|(lane, _)| lane.clone()).collect();
        names.sort_unstable();
        names.dedup();
        let mut last = store::last_of_lanes(tx, &names).await?;
        let mut rows: Vec<NewRow> = Vec::with_capacity(self.jobs.len());
        let mut places: HashMap<Uuid, usize> = HashMap::with_capacity(self.jobs.len());
        for (lane, event) in self.jobs {
            let id = self.ctx.new_id();
            let before = last.insert(lane.clone(), id);
            match before.map(|before| (before, places.get(&before))) {
                Some((_, Some(at))) => rows[*at].next = Some(id),
                Some((before, None)) => store::follow(tx, before, id).await?,
                None => {}
            }
            places.insert(id, rows.len());
            rows.push(row(self.ctx, id, lane, event, before.is_some()));
        }
        store::insert_jobs(tx, &rows).await?;
        store::keep_lanes(tx, &last).await
    }
}

fn row(ctx: &Ctx, id: Uuid, lane: Lane, event: &Event, is_blocked: bool) -> NewRow {
    NewRow {
        id,
        kind: lane.0.clone(),
        state: if is_blocked { State::Blocked } else { State::Waiting },
        event: Some(event.id),
        about: Some(event.about.clone()),
        payload: None,
        run_at: ctx.now(),
        unique_key: None,
        lane: Some(lane),
        next: None,
        request_id: event.request_id.clone(),
        created_at: ctx.now(),
    }
}
