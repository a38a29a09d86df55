//! Conversations, messages, and who is told of them.

mod conversations;
mod groups;
mod messages;
mod stage;
mod telling;
