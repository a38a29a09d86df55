//! Rooms: those who look at the same conversation, order, booking or business at the same time.
//!
//! Who is there and who is typing is known to this process only, and forgotten with it. Messages and how far somebody has read are rows: they
//! come from the changes of their tables, like all others, so what was sent by REST arrives too, and each is read by its receiver's own rights.
//! For that a seat in a room has subscriptions of its own (see [`Shape`]). **Invariant:** whoever may not join a room any more leaves it: rights are asked
//! about again when they change, and a conversation that goes out of sight takes its seats along.
//! Deliberately elsewhere: who may join, and how messages are stored (modules, by way of the desk).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::connection::Connection;
use super::desk::Draft;
use super::frames::{self, Wire};
use super::hub::Hub;
use super::wish::Wish;
use crate::kernel::error::{CONFLICT, TOO_MANY_REQUESTS};
use crate::kernel::{Error, Result};

/// Rooms that one connection may be in at once.
const ROOMS_MAX: usize = 100;

/// What a subscription is for, and so in which form its changes are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A client's own.
    Change,
    /// New rows of `messages` are the messages of a room.
    Message(Arc<str>),
    /// Rows of `participants` say how far somebody in a room has read.
    Read(Arc<str>),
    /// As long as the conversation is in sight, so is its room.
    Door(Arc<str>),
}

/// What stands before the names of subscriptions that are a seat's; no client's name has it.
const INTERNAL: char = '\0';

/// A name such as `conversation:<key>`.
#[derive(Debug, Clone, Copy)]
pub struct RoomName<'a> {
    /// What it is about.
    pub kind: &'a str,
    /// The key of that.
    pub key: Uuid,
}

impl<'a> RoomName<'a> {
    /// The room of that name; 404 for what is none.
    pub fn parse(name: &'a str) -> Result<Self> {
        let (kind, key) = name.split_once(':').ok_or_else(Error::not_found)?;
        let uuid = Uuid::try_parse(key).ok().filter(|uuid| uuid.as_hyphenated().to_string() == key);
        Ok(Self { kind, key: uuid.ok_or_else(Error::not_found)? })
    }
}

/// Somebody's connection in a room.
#[derive(Debug)]
struct Seated {
    connection: Arc<Connection>,
    user: Uuid,
}

#[derive(Debug, Default)]
struct Room {
    conversation: Option<Uuid>,
    seats: BTreeMap<u64, Seated>,
}

impl Room {
    fn has(&self, user: Uuid) -> bool {
        self.seats.values().any(|seated| seated.user == user)
    }

    /// The users who are there, each once.
    fn members(&self) -> Vec<Json> {
        let mut users: Vec<Uuid> = self.seats.values().map(|seated| seated.user).collect();
        users.sort_unstable();
        users.dedup();
        users.into_iter().map(person).collect()
    }

    /// Tells everybody but one connection.
    fn tell(&self, except: u64, kind: &str, members: &Json) {
        for (_, seated) in self.seats.iter().filter(|(number, _)| **number != except) {
            seated.connection.send(frames::told(Wire::Socket, kind, members.clone()));
        }
    }
}

fn person(user: Uuid) -> Json {
    json!({ "id": user })
}

/// All rooms with somebody in them.
#[derive(Debug, Default)]
pub struct Rooms(Mutex<BTreeMap<Arc<str>, Room>>);

impl Rooms {
    fn rooms(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Room>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rooms that a connection is in.
    pub fn of(&self, connection: u64) -> Vec<Arc<str>> {
        let rooms = self.rooms();
        rooms
            .iter()
            .filter(|(_, room)| room.seats.contains_key(&connection))
            .map(|(name, _)| Arc::clone(name))
            .collect()
    }

    /// How many rooms have somebody in them.
    pub fn count(&self) -> usize {
        self.rooms().len()
    }

    /// The conversation of a room that a connection is in; 409 when it is not.
    fn conversation(&self, name: &str, connection: u64) -> Result<Option<Uuid>> {
        let rooms = self.rooms();
        let room = rooms.get(name).filter(|room| room.seats.contains_key(&connection));
        room.map(|room| room.conversation).ok_or_else(|| Error::new(CONFLICT, "Join the room first."))
    }

    fn sit(&self, name: &Arc<str>, connection: &Arc<Connection>, user: Uuid, conversation: Option<Uuid>) {
        let mut rooms = self.rooms();
        let room = rooms.entry(Arc::clone(name)).or_default();
        room.conversation = conversation;
        let is_new = !room.has(user);
        room.seats.insert(connection.number, Seated { connection: Arc::clone(connection), user });
        let joined = json!({ "room": &**name, "members": room.members() });
        connection.send(frames::told(Wire::Socket, "room_joined", joined));
        if is_new {
            room.tell(connection.number, "user_joined", &json!({ "room": &**name, "user": person(user) }));
        }
    }

    /// Takes a connection out of a room; says whether it was there.
    fn rise(&self, name: &str, connection: u64) -> bool {
        let mut rooms = self.rooms();
        let Some(room) = rooms.get_mut(name) else { return false };
        let Some(seated) = room.seats.remove(&connection) else { return false };
        if room.seats.is_empty() {
            rooms.remove(name);
        } else if !room.has(seated.user) {
            room.tell(connection, "user_left", &json!({ "room": name, "user": person(seated.user) }));
        }
        true
    }

    fn type_in(&self, name: &str, connection: u64) -> Result<()> {
        let rooms = self.rooms();
        let room = rooms.get(name).filter(|room| room.seats.contains_key(&connection));
        let room = room.ok_or_else(|| Error::new(CONFLICT, "Join the room first."))?;
        if let Some(seated) = room.seats.get(&connection) {
            room.tell(connection, "typing", &json!({ "room": name, "user": person(seated.user) }));
        }
        Ok(())
    }
}

/// The subscriptions of a seat in a room with a conversation: what they are for, and what they wish.
fn wishes(name: &Arc<str>, conversation: Uuid) -> [(Shape, Wish); 3] {
    let within = format!("conversation = \"{conversation}\"");
    [
        (Shape::Door(Arc::clone(name)), Wish::new(&format!("conversations/{conversation}"), None, Some("id"))),
        (Shape::Message(Arc::clone(name)), Wish::new("messages", Some(&within), None)),
        (Shape::Read(Arc::clone(name)), Wish::new("participants", Some(&within), Some("user,last_read"))),
    ]
}

fn internal_name(shape: &Shape) -> Option<String> {
    match shape {
        Shape::Change => None,
        Shape::Message(room) => Some(format!("{INTERNAL}message {room}")),
        Shape::Read(room) => Some(format!("{INTERNAL}read {room}")),
        Shape::Door(room) => Some(format!("{INTERNAL}door {room}")),
    }
}

/// Whether the name of a subscription is a seat's.
pub fn is_internal(name: &str) -> bool {
    name.starts_with(INTERNAL)
}

impl Hub {
    /// Lets a connection into a room, or answers why not: 401 for guests, 404 for what the caller may not join. Joining again tells again
    /// who is there.
    pub async fn join_room(&self, connection: &Arc<Connection>, name: &str) -> Result<()> {
        let ctx = connection.ctx();
        let user = ctx.require_signed()?.user;
        let conversation = self.desk().conversation(&ctx, RoomName::parse(name)?).await?;
        let name: Arc<str> = name.into();
        let mine = self.rooms.of(connection.number);
        if mine.len() >= ROOMS_MAX && !mine.contains(&name) {
            return Err(Error::new(TOO_MANY_REQUESTS, format!("At most {ROOMS_MAX} rooms at once.")).retry_after(1));
        }
        if !mine.contains(&name)
            && let Some(conversation) = conversation
        {
            for (shape, wish) in wishes(&name, conversation) {
                let Some(id) = internal_name(&shape) else { continue };
                if let Err(error) = self.follow(connection, &id, wish, None, shape).await {
                    self.end_seat(connection, &name);
                    return Err(error);
                }
            }
        }
        // After it follows the messages, so that none is missed between this and what is read upon it.
        self.rooms.sit(&name, connection, user, conversation);
        Ok(())
    }

    /// Lets a connection out of a room; 409 when it is not in it.
    pub fn leave_room(&self, connection: &Arc<Connection>, name: &str) -> Result<()> {
        if !self.rooms.rise(name, connection.number) {
            return Err(Error::new(CONFLICT, "You are not in this room."));
        }
        self.end_seat(connection, name);
        Ok(())
    }

    fn end_seat(&self, connection: &Arc<Connection>, name: &str) {
        let room: Arc<str> = name.into();
        for shape in [Shape::Message(Arc::clone(&room)), Shape::Read(Arc::clone(&room)), Shape::Door(room)] {
            if let Some(id) = internal_name(&shape) {
                // A room without a conversation has none of them.
                let _ = self.unsubscribe(connection, &id);
            }
        }
    }

    /// Puts a connection out of a room that its holder may not be in any more.
    pub fn put_out(&self, connection: &Arc<Connection>, name: &str, why: &Error) {
        if self.rooms.rise(name, connection.number) {
            self.end_seat(connection, name);
            connection.send(frames::room_error(name, None, why));
        }
    }

    /// Takes a connection that has ended out of all rooms.
    pub(super) fn leave_rooms(&self, connection: &Arc<Connection>) {
        for name in self.rooms.of(connection.number) {
            self.rooms.rise(&name, connection.number);
        }
    }

    /// Asks again whether a connection may be in its rooms; for when its rights are others than before.
    pub(super) async fn recheck_rooms(&self, connection: &Arc<Connection>) {
        for name in self.rooms.of(connection.number) {
            let ctx = connection.ctx();
            let outcome = match RoomName::parse(&name) {
                Ok(room) => self.desk().conversation(&ctx, room).await,
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                self.put_out(connection, &name, &error);
            }
        }
    }

    /// Stores a message in the room's conversation. Everybody there, the sender too, is told by the change of the table; of one that had been
    /// sent before there is none, so the sender is told here.
    pub async fn send_message(&self, connection: &Arc<Connection>, name: &str, draft: Draft) -> Result<()> {
        let conversation = self.conversation(connection, name)?;
        if let Some(repeated) = self.desk().send(&connection.ctx(), conversation, draft).await? {
            connection.send(frames::told(Wire::Socket, "message", json!({ "room": name, "message": repeated })));
        }
        Ok(())
    }

    /// Notes how far the holder has read. Those who are there are told by the change of the table.
    pub async fn read_message(&self, connection: &Arc<Connection>, name: &str, message: Uuid) -> Result<()> {
        let conversation = self.conversation(connection, name)?;
        self.desk().read_to(&connection.ctx(), conversation, message).await
    }

    /// Tells the others in the room that somebody is typing; 409 when the connection is not in it.
    pub fn type_in_room(&self, connection: &Arc<Connection>, name: &str) -> Result<()> {
        self.rooms.type_in(name, connection.number)
    }

    fn conversation(&self, connection: &Arc<Connection>, name: &str) -> Result<Uuid> {
        let conversation = self.rooms.conversation(name, connection.number)?;
        conversation.ok_or_else(|| Error::new(CONFLICT, "There is no conversation in this room."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_have_one_name_each() {
        let key = "019b8d38-edc8-7000-8000-000000000000";
        let room = format!("conversation:{key}");
        let parsed = RoomName::parse(&room).expect("a room");
        assert_eq!((parsed.kind, parsed.key.to_string().as_str()), ("conversation", key));
        for wrong in
            ["", "conversation", "conversation:", "conversation:x", &room.to_uppercase(), &room.replace('-', "")]
        {
            assert!(RoomName::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_of_a_seats_subscriptions_are_no_clients() {
        let room: Arc<str> = "business:x".into();
        for shape in [Shape::Message(Arc::clone(&room)), Shape::Read(Arc::clone(&room)), Shape::Door(room)] {
            let name = internal_name(&shape).expect("a name");
            assert!(is_internal(&name) && super::super::wish::check_name(&name).is_err());
        }
        assert_eq!(internal_name(&Shape::Change), None);
    }
}
