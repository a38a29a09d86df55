//! Changes as they happen: who is told of what, by which rights, in which order.
//!
//! * `hub.rs` has all connections, `connection.rs` is one of them, `queue.rs` what waits for it
//! * `feed.rs` is one table's changes, `group.rs` those who are told the same of them, `wish.rs` what they asked for, `ring.rs` what is kept
//!   for those who come back
//! * `rooms.rs` are those who look at the same conversation at the same time
//! * `frames.rs` is the protocol, `seq.rs` the places in the sequence, `desk.rs` what is asked of modules
//!
//! Deliberately elsewhere: sockets, streams and tokens in headers (http), live queries (the engine crate).

mod connection;
mod desk;
mod feed;
pub mod frames;
mod group;
mod hub;
mod queue;
mod ring;
mod rooms;
mod seq;
mod wish;

pub use connection::{Connection, Origin};
pub use desk::{Desk, Draft, Refused};
pub use hub::{Hub, Seat};
pub use queue::Next;
pub use rooms::RoomName;
pub use wish::Wish;
