//! Who may see and change what: the matrix of everybody and everything, what stays invisible everywhere, and what the engine
//! would do silently.

mod invisible;
mod links;
mod matrix;
mod samples;
mod traps;
mod world;
