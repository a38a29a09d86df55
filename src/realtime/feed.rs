//! The changes of one table, from the database to its subscribers: one task, one live query, one order.
//!
//! It begins with the first subscriber and ends some time after the last has left. **Invariant:** whatever concerns one table happens one
//! after the other here, so a subscriber is told of every change that is committed after its `subscribed`, each once. It may also be told of
//! one that was committed just before. What it is told is the record as it is by then: of two changes in quick succession the first may show
//! what the second did.
//! **Invariant:** before a change is told of, everybody's rights are those of the present (`Hub::refresh`).
//! **Invariant:** places in the sequence are given out while messages are put into the queues, under one lock of all tables
//! (`Hub::publish`); so whoever has seen a place has been sent everything before it.
//! Deliberately elsewhere: who is told what (group), which connections there are (hub).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::Duration;

use pawbase_engine::{Change, Live, Notice};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::connection::Connection;
use super::frames::{self, Action};
use super::group::{Group, GroupKey, Member, Place, reader_of, reads_otherwise};
use super::hub::Hub;
use super::ring::Ring;
use super::rooms::Shape;
use super::seq::Seq;
use super::wish::Wish;
use crate::context::Platform;
use crate::kernel::{Error, Result};
use crate::schema::Table;

/// Pause before a live query that ended is opened again.
const REOPENING: Duration = Duration::from_secs(1);

/// What a feed is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Takes in a subscription.
    Subscribe(Box<Subscribe>),
    /// Lets one go.
    Unsubscribe(Place),
    /// Lets all of a connection go.
    Leave(u64),
    /// Somebody's rights have changed, or a connection has another holder.
    Regroup,
    /// Ends.
    End,
}

/// A subscription to take in.
#[derive(Debug)]
pub struct Subscribe {
    /// Whose it is.
    pub connection: Arc<Connection>,
    /// The client's name for it.
    pub id: Box<str>,
    /// What it is about.
    pub wish: Wish,
    /// What it is for.
    pub shape: Shape,
    /// Where the client was in the sequence.
    pub last: Option<Seq>,
    /// Told what came of it.
    pub done: oneshot::Sender<Result<()>>,
}

/// The changes of one table.
pub struct Feed {
    hub: Weak<Hub>,
    platform: Arc<Platform>,
    table: String,
    live: Option<Live>,
    groups: HashMap<GroupKey, Group>,
    places: BTreeMap<Place, GroupKey>,
    ring: Ring,
    /// The round of rights by which it is grouped.
    round: u64,
    /// Since when nobody has been subscribed.
    idle_since: Instant,
}

async fn next(live: &mut Option<Live>) -> Option<Notice> {
    match live {
        Some(live) => live.next().await,
        None => std::future::pending().await,
    }
}

impl Feed {
    /// The feed of `table`, without subscribers.
    pub fn new(hub: Weak<Hub>, platform: Arc<Platform>, table: &str) -> Self {
        Self {
            hub,
            ring: Ring::new(platform.config.realtime.replay, u64::MAX),
            platform,
            table: table.to_owned(),
            live: None,
            groups: HashMap::new(),
            places: BTreeMap::new(),
            round: 0,
            idle_since: Instant::now(),
        }
    }

    /// Follows the table until nobody has listened for a while, or it is told to end.
    pub async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        let linger = Duration::from_secs(self.platform.config.realtime.linger_s);
        loop {
            let is_idle = self.places.is_empty();
            let is_cut_off = !is_idle && self.live.is_none();
            tokio::select! {
                command = commands.recv() => match command {
                    None | Some(Command::End) => break,
                    Some(command) => self.obey(command).await,
                },
                notice = next(&mut self.live) => self.hear(notice).await,
                () = tokio::time::sleep(REOPENING), if is_cut_off => self.reopen().await,
                () = tokio::time::sleep_until(self.idle_since + linger), if is_idle => {
                    if self.hub.upgrade().is_none_or(|hub| hub.retire(&self.table, &commands)) {
                        break;
                    }
                    self.idle_since = Instant::now();
                }
            }
        }
        if let Some(live) = self.live.take()
            && let Err(error) = live.end().await
        {
            tracing::warn!(%error, table = self.table, "a live query could not be ended");
        }
    }

    async fn obey(&mut self, command: Command) {
        match command {
            Command::Subscribe(wanted) => {
                let (outcome, done) = self.subscribe(*wanted).await;
                // Whoever asked may be gone; what it subscribed to is then let go by the command that follows.
                let _ = done.send(outcome);
            }
            Command::Unsubscribe(place) => self.let_go(&place),
            Command::Leave(number) => {
                let of_it = |place: &&Place| place.0 == number;
                let places: Vec<Place> = self.places.keys().filter(of_it).cloned().collect();
                places.iter().for_each(|place| self.let_go(place));
            }
            Command::Regroup => {
                let Some(hub) = self.hub.upgrade() else { return };
                hub.refresh().await;
                self.regroup(&hub);
            }
            Command::End => {}
        }
    }

    fn let_go(&mut self, place: &Place) {
        let Some(key) = self.places.remove(place) else { return };
        if let Some(group) = self.groups.get_mut(&key)
            && group.leave(place)
        {
            self.groups.remove(&key);
        }
        if self.places.is_empty() {
            self.idle_since = Instant::now();
        }
    }

    async fn subscribe(&mut self, wanted: Subscribe) -> (Result<()>, oneshot::Sender<Result<()>>) {
        let Subscribe { connection, id, wish, shape, last, done } = wanted;
        (self.take_in(&connection, &id, wish, shape, last).await, done)
    }

    async fn take_in(
        &mut self,
        connection: &Arc<Connection>,
        id: &str,
        wish: Wish,
        shape: Shape,
        last: Option<Seq>,
    ) -> Result<()> {
        let is_clients = shape == Shape::Change;
        let hub = self.hub.upgrade().ok_or_else(|| Error::internal("the hub is gone"))?;
        if self.live.is_none() {
            self.open(&hub).await?;
        }
        self.keep_current(&hub).await;
        let place = (connection.number, Box::from(id));
        let key = self.join(connection, &place, wish, shape)?;
        let missed = match last {
            Some(last) => self.missed(&hub, &key, last).await,
            None => Some(Vec::new()),
        };
        let head = frames::change_head(id);
        hub.at_place(|seq| {
            if is_clients {
                connection.tell_subscribed(id, seq);
            }
            for (n, body) in missed.iter().flatten() {
                let seq = Seq { n: *n, ..seq };
                let tail = frames::change_tail(connection.origin.wire, seq, body);
                connection.send_change(&head, &frames::stream_id(seq), &tail);
            }
            if missed.is_none() {
                connection.tell_reset(id, seq);
            }
        });
        Ok(())
    }

    /// Opens the live query. Whoever was anywhere in the sequence before has to read anew.
    async fn open(&mut self, hub: &Hub) -> Result<()> {
        self.live = Some(self.platform.engine.live(&self.table).await?);
        self.ring = Ring::new(self.platform.config.realtime.replay, hub.publish(|seq| seq.n));
        Ok(())
    }

    /// Opens it again after it ended, and lets everybody read anew.
    async fn reopen(&mut self) {
        let Some(hub) = self.hub.upgrade() else { return };
        match self.open(&hub).await {
            Ok(()) => self.reset_all(&hub),
            Err(error) => tracing::warn!(%error, table = self.table, "a live query could not be opened again"),
        }
    }

    fn reset_all(&self, hub: &Hub) {
        hub.at_place(|seq| self.groups.values().for_each(|group| group.reset(seq)));
    }

    /// Lets a subscription into its group; makes the group if it is the first.
    fn join(&mut self, connection: &Arc<Connection>, place: &Place, wish: Wish, shape: Shape) -> Result<GroupKey> {
        let ctx = Arc::new(connection.ctx());
        let key = (reader_of(&ctx, self.table()?), wish.clone());
        if !self.groups.contains_key(&key) {
            self.groups.insert(key.clone(), Group::new(&ctx, wish)?);
        }
        if let Some(group) = self.groups.get_mut(&key) {
            group.members.insert(place.clone(), Member::new(connection, &place.1, shape, ctx));
        }
        self.places.insert(place.clone(), key.clone());
        Ok(key)
    }

    fn table(&self) -> Result<&Table> {
        self.platform.schema.served(&self.table).ok_or_else(Error::not_found)
    }

    /// What a group was not told since `last`, each with its place; None when that is not known any more.
    async fn missed(&self, hub: &Hub, key: &GroupKey, last: Seq) -> Option<Vec<(u64, String)>> {
        let changes = if last.epoch == hub.epoch { self.ring.since(last.n) } else { None };
        let (group, table) = (self.groups.get(key)?, self.table().ok()?);
        let mut told = Vec::new();
        for (n, change) in changes? {
            if let Some(found) = group.told(table, &change).await.ok()? {
                told.push((n, found.body));
            }
        }
        Some(told)
    }

    async fn hear(&mut self, notice: Option<Notice>) {
        let Some(hub) = self.hub.upgrade() else { return };
        match notice {
            Some(Notice::Change(change)) => self.tell(&hub, Arc::new(*change)).await,
            Some(Notice::Missed) => {
                tracing::warn!(table = self.table, "more changes than could be told; subscribers read anew");
                self.ring = Ring::new(self.platform.config.realtime.replay, hub.publish(|seq| seq.n));
                self.reset_all(&hub);
            }
            None => {
                tracing::warn!(table = self.table, "a live query has ended");
                self.live = None;
            }
        }
    }

    /// Tells everybody whom it concerns of a change.
    async fn tell(&mut self, hub: &Hub, change: Arc<Change>) {
        self.keep_current(hub).await;
        let Ok(table) = self.table() else { return };
        let mut letters = Vec::new();
        for group in self.groups.values() {
            match group.told(table, &change).await {
                Ok(Some(told)) => letters.push((group, Some(told))),
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(
                        cause = error.cause().unwrap_or("-"),
                        table = self.table,
                        "a change could not be read"
                    );
                    letters.push((group, None));
                }
            }
        }
        let n = hub.publish(|seq| {
            let id = frames::stream_id(seq);
            for (group, told) in &letters {
                match told {
                    Some(told) => group.send(seq, &id, told),
                    None => group.reset(seq),
                }
            }
            seq.n
        });
        for (group, told) in &letters {
            let is_gone = told.as_ref().is_none_or(|told| matches!(told.action, Action::Deleted | Action::Removed));
            for (connection, room) in group.doors().filter(|_| is_gone) {
                hub.put_out(&connection, &room, &Error::not_found());
            }
        }
        self.ring.keep(n, change);
    }

    /// Brings rights and groups up to the present.
    async fn keep_current(&mut self, hub: &Hub) {
        hub.refresh().await;
        if self.round != hub.round() {
            self.regroup(hub);
        }
    }

    /// Puts every subscription into the group of its present reader. Who reads by other rights now has to read anew; who may not be here
    /// any more is told why.
    fn regroup(&mut self, hub: &Hub) {
        self.round = hub.round();
        let before = std::mem::take(&mut self.places);
        let mut groups = std::mem::take(&mut self.groups);
        for (place, old_key) in before {
            let member = groups.get_mut(&old_key).and_then(|group| group.members.remove(&place));
            let Some(member) = member.filter(|member| !member.connection.queue.is_closing()) else { continue };
            match self.join(&member.connection, &place, old_key.1, member.shape.clone()) {
                Ok(_) if !reads_otherwise(&member.ctx.caller, &member.connection.holder().caller) => {}
                Ok(_) => hub.at_place(|seq| member.reset(&place.1, seq)),
                Err(error) => {
                    if let Shape::Message(room) | Shape::Read(room) | Shape::Door(room) = &member.shape {
                        hub.put_out(&member.connection, room, &error);
                        continue;
                    }
                    member.connection.forget_subscription(&place.1);
                    member.connection.tell_error(Some(&place.1), &error);
                }
            }
        }
        if self.places.is_empty() {
            self.idle_since = Instant::now();
        }
    }
}
