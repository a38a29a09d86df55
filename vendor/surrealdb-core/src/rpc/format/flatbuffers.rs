pub(crate) use surrealdb_types::{decode, encode};
