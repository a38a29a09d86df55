//! Notifications: who is told what, on which way, once; and whose they are.

mod email;
mod list;
mod preferences;
mod staff;
mod stage;
mod unsubscribe;
