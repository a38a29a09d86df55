//! Notifications: who is told what, on which way, once; and whose they are.

mod list;
mod stage;
