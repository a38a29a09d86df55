pub mod common;
pub mod req;
pub mod res;
