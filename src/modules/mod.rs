//! Commands: what a table alone cannot promise. One folder per module, the same file names in each.

pub mod identity;
