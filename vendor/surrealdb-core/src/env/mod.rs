/// The SurrealDB package version identifier
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
