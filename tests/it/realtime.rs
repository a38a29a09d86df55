//! Changes as they happen: who is told of what, by which rights, how it goes on after a break, and where it ends.

mod changes;
mod limits;
mod resume;
mod rights;
mod rooms;
mod sockets;
mod staff;
mod stage;
mod streams;
