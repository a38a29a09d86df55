//! Commands: what a table alone cannot promise. One folder per module, the same file names in each.

pub mod identity;

use serde_json::Value as Json;

/// What poem-openapi cannot say about the operations of a module, for the OpenAPI document.
#[derive(Debug, Default)]
pub struct Described {
    /// Ids of the operations that need no sign-in.
    pub for_guests: Vec<&'static str>,
    /// Keywords of members by schema, such as limits; the module's rules enforce them.
    pub members: Json,
    /// Sample values by schema.
    pub samples: Json,
}
