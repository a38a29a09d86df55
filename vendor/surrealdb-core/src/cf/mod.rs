pub(crate) mod gc;
pub(crate) mod mutations;
pub(crate) mod reader;
pub(crate) mod writer;

pub use self::gc::*;
pub(crate) use self::mutations::*;
pub use self::reader::read;
