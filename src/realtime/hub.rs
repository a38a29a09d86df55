//! All connections of this process, and the feeds of the tables that they listen to.
//!
//! **Invariant:** a connection is sent nothing by rights that it no longer has. Each change of rights raises the generation
//! (`context/principals.rs`); before the next change of a table is told of, every connection's token is asked about anew
//! ([`Hub::refresh`]), and a task of its own does the same at once when nothing is told of. Rights in a remote database are changed by other
//! processes too, so there every token is asked about every few seconds.
//! Deliberately elsewhere: sockets and streams (http), one table's changes (feed).

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::connection::{Connection, Holder, Origin};
use super::desk::{Desk, Refused};
use super::feed::{Command, Feed, Subscribe};
use super::frames::{Closing, Wire};
use super::rooms::{Rooms, Shape};
use super::seq::Seq;
use super::wish::{self, Wish};
use crate::context::{Audience, Caller, Platform};
use crate::kernel::error::{ALREADY_EXISTS, FORBIDDEN, INVALID_QUERY, TOKEN_EXPIRED, TOO_MANY_REQUESTS, UNAVAILABLE};
use crate::kernel::net::network;
use crate::kernel::{Error, Result};

/// How often expiry and heartbeats are looked after.
const TICK: Duration = Duration::from_secs(1);
/// After how many ticks the rights of everybody are asked about in a remote database.
const REMOTE_TICKS: u64 = 5;
/// How many heartbeats a socket may leave unanswered.
const SILENT_HEARTBEATS: u64 = 2;
/// How long feeds may take to end when the program stops.
const ENDING: Duration = Duration::from_secs(5);

/// By what connections are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Payer {
    User(Uuid),
    Network([u8; 16]),
}

#[derive(Debug, Default)]
struct Open {
    connections: BTreeMap<u64, (Arc<Connection>, Payer)>,
    counts: HashMap<Payer, usize>,
    is_stopping: bool,
}

impl Open {
    fn count(&mut self, payer: Payer) {
        *self.counts.entry(payer).or_default() += 1;
    }

    fn uncount(&mut self, payer: Payer) {
        if let Some(count) = self.counts.get_mut(&payer) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&payer);
            }
        }
    }
}

/// A running feed.
#[derive(Debug)]
struct Running {
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<()>,
}

/// All connections and feeds of this process.
#[derive(Debug)]
pub struct Hub {
    /// What all requests share.
    pub platform: Arc<Platform>,
    /// Itself, for its feeds.
    weak: Weak<Self>,
    /// Which start of the program this is, in places of the sequence.
    pub epoch: u64,
    desk: Arc<dyn Desk>,
    /// Rooms with somebody in them.
    pub rooms: Rooms,
    open: Mutex<Open>,
    feeds: Mutex<HashMap<String, Running>>,
    /// How many changes were told of. Held while they are put into queues.
    told: Mutex<u64>,
    numbers: AtomicU64,
    ticks: AtomicU64,
    /// The generation up to which all holders are current.
    refreshed: AtomicU64,
    /// How often somebody's rights were found changed.
    rounds: AtomicU64,
    refreshing: tokio::sync::Mutex<()>,
    /// How many connections were too slow.
    slow: Arc<AtomicU64>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place among the connections; given back when it is dropped.
#[derive(Debug)]
pub struct Seat {
    hub: Arc<Hub>,
    /// The connection that sits there.
    pub connection: Arc<Connection>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.hub.leave(&self.connection);
    }
}

impl Hub {
    /// A hub without connections; its tasks run until it is dropped.
    pub fn start(platform: Arc<Platform>, desk: Arc<dyn Desk>) -> Arc<Self> {
        // The lower half of a UUIDv7 is random.
        let epoch = platform.ids.next(platform.clock.now()).as_u64_pair().1;
        let generation = platform.principals.generation();
        let hub = Arc::new_cyclic(|weak| Self {
            platform,
            weak: weak.clone(),
            epoch,
            desk,
            rooms: Rooms::default(),
            open: Mutex::default(),
            feeds: Mutex::default(),
            told: Mutex::default(),
            numbers: AtomicU64::new(0),
            ticks: AtomicU64::new(0),
            refreshed: AtomicU64::new(generation),
            rounds: AtomicU64::new(0),
            refreshing: tokio::sync::Mutex::default(),
            slow: Arc::default(),
        });
        tokio::spawn(keep_time(Arc::downgrade(&hub)));
        tokio::spawn(keep_rights(Arc::downgrade(&hub), hub.platform.principals.listen()));
        hub
    }

    // Connections

    /// Lets a connection in. Its token is asked about here, so that a change of rights since the request began is not missed.
    pub async fn open(self: &Arc<Self>, origin: Origin, token: Option<&str>) -> Result<Seat> {
        let holder = match token {
            Some(token) => self.identify(origin.audience, token.into()).await.map_err(refusal)?,
            None => Holder::guest(),
        };
        let payer = payer(&origin, &holder);
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let generation = holder.generation;
        let is_signed = holder.token.is_some();
        let connection =
            Arc::new(Connection::new(Arc::clone(&self.platform), number, origin, holder, Arc::clone(&self.slow)));
        connection.hear(self.tick());
        {
            let mut open = locked(&self.open);
            self.admit(&open, payer)?;
            open.count(payer);
            open.connections.insert(number, (Arc::clone(&connection), payer));
        }
        let seat = Seat { hub: Arc::clone(self), connection };
        if is_signed && self.platform.principals.generation() != generation {
            self.recheck(&seat.connection).await;
        }
        Ok(seat)
    }

    /// Whether there is room for one more connection of `payer`.
    fn admit(&self, open: &Open, payer: Payer) -> Result<()> {
        let limits = &self.platform.config.realtime;
        if open.is_stopping {
            return Err(Error::new(UNAVAILABLE, "The program stops.").retry_after(5));
        }
        // Requests need places too.
        let all = self.platform.config.limits.connections;
        if open.connections.len() >= limits.connections.min(all - all / 8) {
            return Err(Error::new(UNAVAILABLE, "There are too many connections.").retry_after(30));
        }
        let most = match payer {
            Payer::User(_) => limits.connections_per_user,
            Payer::Network(_) => limits.connections_per_address,
        };
        if open.counts.get(&payer).copied().unwrap_or_default() >= most {
            let message = format!("At most {most} connections at once.");
            return Err(Error::new(TOO_MANY_REQUESTS, message).retry_after(30));
        }
        Ok(())
    }

    /// The holder of a token at present.
    async fn identify(&self, audience: Audience, token: Arc<str>) -> std::result::Result<Holder, Refused> {
        let generation = self.platform.principals.generation();
        let principal = self.desk.principal(audience, &token).await?;
        Ok(Holder { caller: Caller::Signed(principal), token: Some(token), generation })
    }

    /// Makes a connection the token's holder's, or lets it go on with a fresh token. A connection never changes from one user to another.
    pub async fn authenticate(&self, connection: &Arc<Connection>, token: &str) -> Result<Option<Uuid>> {
        let holder = self.identify(connection.origin.audience, token.into()).await.map_err(refusal)?;
        let (before, user) = (connection.holder().caller.user(), holder.caller.user());
        if before.is_some() && before != user {
            let message = "This connection is another user's; open one of your own.";
            return Err(Error::new(FORBIDDEN, message));
        }
        if before.is_none() {
            let mut open = locked(&self.open);
            let now = payer(&connection.origin, &holder);
            self.admit(&open, now)?;
            if let Some((_, payer)) = open.connections.get_mut(&connection.number) {
                let then = std::mem::replace(payer, now);
                open.uncount(then);
                open.count(now);
            }
        }
        let generation = holder.generation;
        connection.hold(holder);
        if self.platform.principals.generation() != generation {
            self.recheck(connection).await;
        }
        self.tell_feeds(connection, || Command::Regroup);
        Ok(user)
    }

    fn leave(&self, connection: &Arc<Connection>) {
        let gone = {
            let mut open = locked(&self.open);
            let gone = open.connections.remove(&connection.number);
            if let Some((_, payer)) = &gone {
                open.uncount(*payer);
            }
            gone
        };
        if gone.is_some() {
            connection.close(Closing::SignedOut);
            self.leave_rooms(connection);
            self.tell_feeds(connection, || Command::Leave(connection.number));
        }
    }

    fn connections(&self) -> Vec<Arc<Connection>> {
        locked(&self.open).connections.values().map(|(connection, _)| Arc::clone(connection)).collect()
    }

    pub(super) fn desk(&self) -> &dyn Desk {
        &*self.desk
    }

    /// How many connections are open.
    pub fn connection_count(&self) -> usize {
        locked(&self.open).connections.len()
    }

    /// How many subscriptions all connections have.
    pub fn subscription_count(&self) -> usize {
        self.connections().iter().map(|connection| connection.subscription_count()).sum()
    }

    /// How many connections were too slow since the program began.
    pub fn slow_count(&self) -> u64 {
        self.slow.load(Ordering::Relaxed)
    }

    /// The present tick of the hub's clock.
    pub fn tick(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    // Subscriptions

    /// Subscribes a connection; it is told so, or of the refusal that is answered here, not both.
    pub async fn subscribe(
        &self,
        connection: &Arc<Connection>,
        id: &str,
        wish: Wish,
        last: Option<&str>,
    ) -> Result<()> {
        wish::check_name(id)?;
        // What is not a place of ours is one of another time.
        let unknown = Seq { epoch: !self.epoch, n: 0 };
        let last = last.map(|last| last.parse().unwrap_or(unknown));
        let most = self.platform.config.realtime.subscriptions;
        if connection.has_subscription(id) {
            let message = "There is a subscription with this id.";
            return Err(Error::new(ALREADY_EXISTS, message).at("/id", "unique", "is taken"));
        }
        if connection.subscription_count() >= most {
            return Err(Error::new(TOO_MANY_REQUESTS, format!("At most {most} subscriptions.")).retry_after(1));
        }
        self.follow(connection, id, wish, last, Shape::Change).await
    }

    /// Subscribes a connection for any purpose.
    pub(super) async fn follow(
        &self,
        connection: &Arc<Connection>,
        id: &str,
        wish: Wish,
        last: Option<Seq>,
        shape: Shape,
    ) -> Result<()> {
        // Before a feed is made for it: nonsense costs nothing.
        wish.understood(&connection.ctx())?;
        let table = wish.table().to_owned();
        connection.note_subscription(id, &table);
        let (done, outcome) = oneshot::channel();
        let subscribe = Subscribe { connection: Arc::clone(connection), id: id.into(), wish, shape, last, done };
        self.command(&table, Command::Subscribe(Box::new(subscribe)));
        let outcome =
            outcome.await.unwrap_or_else(|_| Err(Error::new(UNAVAILABLE, "The program stops.").retry_after(5)));
        if outcome.is_err() {
            connection.forget_subscription(id);
        }
        outcome
    }

    /// Ends a subscription; 400 when there is none of this name.
    pub fn unsubscribe(&self, connection: &Arc<Connection>, id: &str) -> Result<()> {
        let unknown =
            || Error::new(INVALID_QUERY, "There is no subscription with this id.").at("/id", "reference", "is unknown");
        let table = connection.forget_subscription(id).ok_or_else(unknown)?;
        self.command(&table, Command::Unsubscribe((connection.number, id.into())));
        Ok(())
    }

    /// Gives a command to the feed of a table, which is made if there is none.
    fn command(&self, table: &str, command: Command) {
        let mut feeds = locked(&self.feeds);
        if locked(&self.open).is_stopping {
            return;
        }
        let is_for_new = matches!(command, Command::Subscribe(_));
        if is_for_new && !feeds.contains_key(table) {
            feeds.insert(table.to_owned(), self.run_feed(table));
        }
        if let Some(running) = feeds.get(table) {
            // It ends only after it was taken out of the list, under this lock.
            let _ = running.commands.send(command);
        }
    }

    fn run_feed(&self, table: &str) -> Running {
        let (commands, received) = mpsc::unbounded_channel();
        let feed = Feed::new(self.weak.clone(), Arc::clone(&self.platform), table);
        Running { commands, task: tokio::spawn(feed.run(received)) }
    }

    fn tell_feeds(&self, connection: &Connection, command: impl Fn() -> Command) {
        for table in connection.tables() {
            self.command(&table, command());
        }
    }

    /// Takes a feed without subscribers out of the list, unless it has something to do after all; says whether it may end.
    pub fn retire(&self, table: &str, commands: &mpsc::UnboundedReceiver<Command>) -> bool {
        let mut feeds = locked(&self.feeds);
        let is_done = commands.is_empty();
        if is_done {
            feeds.remove(table);
        }
        is_done
    }

    /// How many tables are followed.
    pub fn feed_count(&self) -> usize {
        locked(&self.feeds).len()
    }

    // The sequence

    /// Takes the next place in the sequence, and does with it what must be in its order.
    pub fn publish<T>(&self, work: impl FnOnce(Seq) -> T) -> T {
        let mut told = locked(&self.told);
        *told += 1;
        work(Seq { epoch: self.epoch, n: *told })
    }

    /// Does something at the present place in the sequence.
    pub fn at_place<T>(&self, work: impl FnOnce(Seq) -> T) -> T {
        let told = locked(&self.told);
        work(Seq { epoch: self.epoch, n: *told })
    }

    // Rights

    /// How often somebody's rights were found changed.
    pub fn round(&self) -> u64 {
        self.rounds.load(Ordering::SeqCst)
    }

    /// Makes sure that every connection has the rights of the present, and ends those that have none.
    pub async fn refresh(&self) {
        let is_current = || self.refreshed.load(Ordering::SeqCst) >= self.platform.principals.generation();
        if is_current() {
            return;
        }
        let _one = self.refreshing.lock().await;
        if is_current() {
            return;
        }
        let generation = self.platform.principals.generation();
        self.recheck_before(generation).await;
        self.refreshed.store(generation, Ordering::SeqCst);
    }

    /// Asks anew about every token that was last asked about before `generation`.
    async fn recheck_before(&self, generation: u64) {
        let mut has_changed = false;
        for connection in self.connections() {
            let holder = connection.holder();
            if holder.token.is_some() && holder.generation < generation {
                has_changed |= self.recheck(&connection).await;
            }
        }
        if has_changed {
            self.rounds.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Asks anew about a connection's token; says whether its rights are others now.
    async fn recheck(&self, connection: &Arc<Connection>) -> bool {
        let before = connection.holder();
        let Some(token) = before.token.clone().filter(|_| !connection.queue.is_closing()) else { return false };
        match self.identify(connection.origin.audience, token).await {
            Ok(now) => {
                let has_changed = super::group::reads_otherwise(&before.caller, &now.caller);
                connection.hold(now);
                if has_changed {
                    self.recheck_rooms(connection).await;
                }
                has_changed
            }
            Err(refused) => {
                // Without an answer nobody is told anything that they might not be allowed to see.
                if let Refused::Unknown(error) = &refused {
                    tracing::warn!(cause = error.cause().unwrap_or("-"), "a connection's rights are not known");
                }
                connection.close(if let Refused::Ended(why) = refused { why } else { Closing::Rights });
                true
            }
        }
    }

    // Time

    async fn on_tick(self: &Arc<Self>) {
        let tick = self.ticks.fetch_add(1, Ordering::Relaxed) + 1;
        let now = self.platform.clock.now();
        let heartbeat = self.platform.config.realtime.heartbeat_s;
        for connection in self.connections() {
            if connection.holder().expires_at().is_some_and(|end| end <= now) {
                connection.close(Closing::Expired);
            }
            let is_silent = tick.saturating_sub(connection.heard()) > SILENT_HEARTBEATS * heartbeat + heartbeat;
            if connection.origin.wire == Wire::Socket && is_silent {
                connection.close(Closing::Silent);
            }
            // Not all in the same second.
            if (tick + connection.number).is_multiple_of(heartbeat) {
                connection.queue.heartbeat();
            }
        }
        if !self.platform.engine.is_embedded() && tick.is_multiple_of(REMOTE_TICKS) {
            let _one = self.refreshing.lock().await;
            self.recheck_before(u64::MAX).await;
        }
    }

    /// Tells every connection that the program stops, ends all live queries, and lets nobody in any more.
    pub async fn stop(&self) {
        locked(&self.open).is_stopping = true;
        for connection in self.connections() {
            connection.close(Closing::Shutdown);
        }
        let running: Vec<Running> = locked(&self.feeds).drain().map(|(_, running)| running).collect();
        for running in running {
            let _ = running.commands.send(Command::End);
            if tokio::time::timeout(ENDING, running.task).await.is_err() {
                tracing::warn!("the changes of a table were still being told of when the program stopped");
            }
        }
    }
}

/// Why the holder of a token is not let in.
fn refusal(refused: Refused) -> Error {
    match refused {
        Refused::Ended(Closing::Expired) => Error::new(TOKEN_EXPIRED, "The access token has expired."),
        Refused::Ended(_) => Error::unauthenticated(),
        Refused::Unknown(error) => error,
    }
}

fn payer(origin: &Origin, holder: &Holder) -> Payer {
    holder.caller.user().map_or_else(|| Payer::Network(network(origin.ip)), Payer::User)
}

async fn keep_time(hub: Weak<Hub>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let Some(hub) = hub.upgrade() else { return };
        hub.on_tick().await;
    }
}

/// Ends connections whose rights are gone at once, also while nothing is told of.
async fn keep_rights(hub: Weak<Hub>, mut changes: tokio::sync::watch::Receiver<u64>) {
    while changes.changed().await.is_ok() {
        let Some(hub) = hub.upgrade() else { return };
        let before = hub.round();
        hub.refresh().await;
        if hub.round() != before {
            let tables: Vec<String> = locked(&hub.feeds).keys().cloned().collect();
            tables.iter().for_each(|table| hub.command(table, Command::Regroup));
        }
    }
}
