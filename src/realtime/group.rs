//! Subscriptions that are told the same: what they are told of a change, found out once for all of them.
//!
//! The record is read in the session of one of them, with its present rights, so tables' and fields' permissions hold in messages as in
//! answers. **Invariant:** nobody is told of a record that they could see neither before nor after a change, nor of a change in
//! which nothing that they see is different: not even its key, not even that something happened.
//! Whether a record could be seen before is asked of the database too, over the record as it was.
//! Deliberately elsewhere: changes and places in the sequence (feed), texts of messages (frames).

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use pawbase_engine::{Change, LiveAction, Snapshot, Value, Vars};
use serde_json::{Value as Json, json};

use super::connection::Connection;
use super::frames::{self, Action, Message, Wire};
use super::rooms::Shape;
use super::seq::Seq;
use super::wish::{Watch, Wish};
use crate::context::{Caller, Ctx, Reader};
use crate::kernel::{Error, Result};
use crate::records::statement::Builder;
use crate::records::{key, owner_field, pick, view, where_clause};
use crate::schema::{Asks, Permission, Table};

/// Which subscriptions are told the same: of equal readers with equal wishes.
pub type GroupKey = (Reader, Wish);

/// Which reader of `table` the caller of `ctx` is.
pub fn reader_of(ctx: &Ctx, table: &Table) -> Reader {
    // What is computed for each reader may differ whatever permissions ask.
    let asks = if table.is_timeless() { table.asks_readers() } else { Asks::EVERYTHING };
    Reader::of(ctx, &asks)
}

/// Whether permissions may learn something else of a caller now.
pub fn reads_otherwise(before: &Caller, now: &Caller) -> bool {
    match (before, now) {
        (Caller::Guest, Caller::Guest) => false,
        (Caller::Signed(before), Caller::Signed(now)) => {
            before.user != now.user || before.roles != now.roles || before.traits != now.traits
        }
        _ => true,
    }
}

/// A subscription in its group.
#[derive(Debug)]
pub struct Member {
    /// The connection.
    pub connection: Arc<Connection>,
    /// How messages for it begin in a WebSocket.
    pub head: Bytes,
    /// What it is for.
    pub shape: Shape,
    /// A request of its holder, from when it was let in.
    pub ctx: Arc<Ctx>,
}

/// A member's place: the connection's number, and the client's name for the subscription.
pub type Place = (u64, Box<str>);

impl Member {
    /// A member of this shape; `id` is the client's name for the subscription.
    pub fn new(connection: &Arc<Connection>, id: &str, shape: Shape, ctx: Arc<Ctx>) -> Self {
        let head = match &shape {
            Shape::Change => frames::change_head(id),
            Shape::Message(room) => frames::room_head("message", room),
            Shape::Read(room) => frames::room_head("read", room),
            Shape::Door(_) => Bytes::new(),
        };
        Self { connection: Arc::clone(connection), head, shape, ctx }
    }

    /// Tells it that it has missed something and has to read anew.
    pub fn reset(&self, id: &str, seq: Seq) {
        match &self.shape {
            Shape::Change => self.connection.tell_reset(id, seq),
            Shape::Message(room) => {
                self.connection.send(frames::told(
                    Wire::Socket,
                    "reset",
                    json!({ "room": &**room, "seq": seq.to_string() }),
                ));
            }
            Shape::Read(_) | Shape::Door(_) => {}
        }
    }
}

/// What a group is told of a change.
#[derive(Debug)]
pub struct Told {
    /// What happened.
    pub action: Action,
    /// The record as they see it, or its key alone.
    pub record: Json,
    /// The part of a message that all share.
    pub body: String,
}

/// Subscriptions that are told the same.
pub struct Group {
    /// A request of one of them.
    ctx: Arc<Ctx>,
    /// What they wish.
    wish: Wish,
    watch: Watch,
    /// Conditions under which parts of a record are visible, by field.
    guards: Vec<(String, String)>,
    /// Reads the record if it is theirs to see and fits.
    reading: (String, Vars),
    /// Says of a record as it was whether it was theirs to see and fitted, and which guards held.
    looking_back: (String, Vars),
    /// The subscriptions.
    pub members: BTreeMap<Place, Member>,
}

/// A condition as true or false.
fn claim(condition: &str) -> String {
    format!("(IF {condition} THEN true ELSE false END)")
}

impl Group {
    /// An empty group of those who read like the caller of `ctx`. Fails where the wish means nothing to them.
    pub fn new(ctx: &Arc<Ctx>, wish: Wish) -> Result<Self> {
        let watch = wish.understood(ctx)?;
        let table = ctx.platform.schema.served(wish.table()).ok_or_else(Error::not_found)?;
        let guards = guards(ctx, table);
        let mut builder = Builder::default();
        let condition = builder.condition(&watch.filter);
        let text = format!("SELECT * FROM $id{}", where_clause(condition.as_slice()));
        let reading = (text, builder.into_vars());
        let mut builder = Builder::default();
        let mut conditions: Vec<String> = builder.condition(&watch.filter).into_iter().collect();
        if let (Permission::Where(text), false) = (&table.permissions.select, ctx.caller.is_staff()) {
            conditions.push(format!("({text})"));
        }
        let is_seen = if conditions.is_empty() { "true".to_owned() } else { claim(&conditions.join(" AND ")) };
        let claims: Vec<String> = guards.iter().map(|(_, text)| claim(&format!("({text})"))).collect();
        let text = format!("SELECT VALUE [{}] FROM [$record]", [vec![is_seen], claims].concat().join(", "));
        let looking_back = (text, builder.into_vars());
        Ok(Self { ctx: Arc::clone(ctx), wish, watch, guards, reading, looking_back, members: BTreeMap::new() })
    }

    /// Lets a member go; says whether it was the last. The database is asked in the name of one who is there.
    pub fn leave(&mut self, place: &Place) -> bool {
        self.members.remove(place);
        if let Some(member) = self.members.values().next() {
            self.ctx = Arc::clone(&member.ctx);
        }
        self.members.is_empty()
    }

    /// Sends its members what they are told of a change, each in its form. `id` is the place as an event stream is told it.
    pub fn send(&self, seq: Seq, id: &Bytes, told: &Told) {
        let (mut socket, mut stream, mut message) = (None, None, None);
        let is_new = told.action == Action::Created;
        for member in self.members.values() {
            match member.shape {
                Shape::Change => {}
                Shape::Message(_) if is_new => {
                    let tail = message.get_or_insert_with(|| frames::room_message_tail(&told.record)).clone();
                    member.connection.send(Message { head: member.head.clone(), tail });
                    continue;
                }
                Shape::Read(_) => {
                    if let Some(tail) = frames::room_read_tail(&told.record) {
                        member.connection.send(Message { head: member.head.clone(), tail });
                    }
                    continue;
                }
                Shape::Message(_) | Shape::Door(_) => continue,
            }
            let wire = member.connection.origin.wire;
            let tail = if wire == Wire::Socket { &mut socket } else { &mut stream };
            let tail = tail.get_or_insert_with(|| frames::change_tail(wire, seq, &told.body));
            member.connection.send_change(&member.head, id, tail);
        }
    }

    /// Tells its members to read anew.
    pub fn reset(&self, seq: Seq) {
        for ((_, id), member) in &self.members {
            member.reset(id, seq);
        }
    }

    /// The seats that go with a record that went out of sight: connections, and the rooms.
    pub fn doors(&self) -> impl Iterator<Item = (Arc<Connection>, Arc<str>)> {
        self.members.values().filter_map(|member| match &member.shape {
            Shape::Door(room) => Some((Arc::clone(&member.connection), Arc::clone(room))),
            _ => None,
        })
    }

    /// Whether the change may concern it, as far as that can be said without the database.
    fn could_concern(&self, table: &Table, change: &Change) -> bool {
        let could_fit = |row: &Value| *row != Value::None && self.watch.filter.could_hold(row);
        let is_own = |row: &Value| match (owner_field(&self.ctx, table), self.ctx.caller.user()) {
            (Some(field), Some(user)) => pick(row, field) == Value::RecordId(key::user(user)),
            _ => true,
        };
        let rows = [&change.before, &change.after];
        self.watch.key.as_ref().is_none_or(|key| *key == change.id)
            && rows.into_iter().any(|row| could_fit(row) && is_own(row))
    }

    /// What it is told of a change; None when it is none of its business.
    pub async fn told(&self, table: &Table, change: &Change) -> Result<Option<Told>> {
        if !self.could_concern(table, change) {
            return Ok(None);
        }
        let snapshot = self.ctx.session().snapshot().await?;
        let (text, vars) = self.reading.clone();
        let mut rows = snapshot.read_by_index(&text, vars.with("id", change.id.clone())).await?.rows(0);
        match rows.pop() {
            Some(row) => self.told_of_seen(table, change, &row, &snapshot).await,
            None => self.told_of_unseen(change, &snapshot).await,
        }
    }

    async fn told_of_seen(
        &self,
        table: &Table,
        change: &Change,
        row: &Value,
        snapshot: &Snapshot<'_>,
    ) -> Result<Option<Told>> {
        let record = view::record(&self.ctx, table, row, &self.watch.selection);
        if change.action == LiveAction::Created {
            return Ok(Some(self.telling(Action::Created, record)));
        }
        if self.is_unchanged(table, change, &record, row, snapshot).await? {
            return Ok(None);
        }
        Ok(Some(self.telling(Action::Updated, record)))
    }

    async fn told_of_unseen(&self, change: &Change, snapshot: &Snapshot<'_>) -> Result<Option<Told>> {
        let was_seen = self.look_back(change, snapshot).await?.first().copied().unwrap_or_default();
        let action = if change.action == LiveAction::Deleted { Action::Deleted } else { Action::Removed };
        Ok(was_seen.then(|| self.telling(action, json!({ "id": key::json(&change.id.key) }))))
    }

    /// Whether they saw the same before.
    async fn is_unchanged(
        &self,
        table: &Table,
        change: &Change,
        record: &Json,
        row: &Value,
        snapshot: &Snapshot<'_>,
    ) -> Result<bool> {
        if self.guards.iter().any(|(path, text)| path.contains('*') || text.contains("$value")) {
            return Ok(false);
        }
        let without = |row: &Value, is_hidden: &dyn Fn(usize) -> bool| {
            let mut row = row.clone();
            for (_, (path, _)) in self.guards.iter().enumerate().filter(|(at, _)| is_hidden(*at)) {
                remove(&mut row, path);
            }
            view::record(&self.ctx, table, &row, &self.watch.selection)
        };
        if without(&change.before, &|_| true) != without(row, &|_| true) {
            return Ok(false);
        }
        let claims = self.look_back(change, snapshot).await?;
        let [was_seen, visible @ ..] = claims.as_slice() else { return Ok(false) };
        let before = without(&change.before, &|at| !visible.get(at).copied().unwrap_or_default());
        Ok(*was_seen && before == *record)
    }

    /// Whether the record as it was could be seen and fitted, and which guards held; nothing where there was none.
    async fn look_back(&self, change: &Change, snapshot: &Snapshot<'_>) -> Result<Vec<bool>> {
        if change.before == Value::None {
            return Ok(Vec::new());
        }
        let (text, vars) = self.looking_back.clone();
        let mut answer = snapshot.read_by_index(&text, vars.with("record", change.before.clone())).await?;
        let Some(Value::Array(claims)) = answer.rows(0).pop() else { return Ok(Vec::new()) };
        Ok(claims.into_vec().into_iter().map(|claim| claim == Value::Bool(true)).collect())
    }

    fn telling(&self, action: Action, record: Json) -> Told {
        let body = frames::change_body(&self.wish.topic, action, &record);
        Told { action, record, body }
    }
}

/// Conditions on fields that the caller could see, by path.
fn guards(ctx: &Ctx, table: &Table) -> Vec<(String, String)> {
    if ctx.caller.is_staff() {
        return Vec::new();
    }
    let fields = table.fields.values().chain(table.items.values());
    let guarded = fields.filter_map(|field| match &field.permissions.select {
        Permission::Where(text) => Some((field.path.clone(), text.clone())),
        Permission::None | Permission::Full => None,
    });
    guarded.collect()
}

/// Takes the value at a dotted path out of a row.
fn remove(row: &mut Value, path: &str) {
    let Value::Object(object) = row else { return };
    match path.split_once('.') {
        None => drop(object.remove(path)),
        Some((name, rest)) => {
            if let Some(inner) = object.get_mut(name) {
                remove(inner, rest);
            }
        }
    }
}
