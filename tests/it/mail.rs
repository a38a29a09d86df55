//! Mail: each goes out once, whatever happens on the way, and staff see what came of it.

mod delivery;
mod operations;
mod server;
mod smtp;
