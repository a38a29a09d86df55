//! Commands: what a table alone cannot promise. One folder per module, the same file names in each.

pub mod console;
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

impl Described {
    /// The details of this module and of another.
    pub fn and(mut self, other: Self) -> Self {
        self.for_guests.extend(other.for_guests);
        for (all, more) in [(&mut self.members, other.members), (&mut self.samples, other.samples)] {
            match (all, more) {
                (Json::Object(all), Json::Object(more)) => all.extend(more),
                (all @ Json::Null, more) => *all = more,
                _ => {}
            }
        }
        self
    }
}
