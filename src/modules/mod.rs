//! Commands: what a table alone cannot promise. One folder per module, the same file names in each.

pub mod console;
pub mod files;
pub mod identity;
pub mod mail;
pub mod messaging;
pub mod notifications;
pub mod operations;
pub mod webhooks;

use std::sync::Arc;

use serde_json::Value as Json;

use self::files::Files;
use self::identity::Identity;
use self::mail::Mailer;
use crate::context::Audience;
use crate::work::Worker;

/// What the commands of all modules need beside the platform.
#[derive(Debug, Clone)]
pub struct Modules {
    /// Keys, hashing and counters of sign-in.
    pub identity: Arc<Identity>,
    /// Writes mails, and has a way for them to go out.
    pub mailer: Arc<Mailer>,
    /// Keeps files, and gives them to who may read them.
    pub files: Arc<Files>,
    /// What is done about events and jobs.
    pub worker: Arc<Worker>,
}

impl Modules {
    /// The details of all operations on the listener of `audience`.
    pub fn described(&self, audience: Audience) -> Described {
        let all = self.identity.described(audience).and(messaging::described()).and(notifications::described());
        let all = all.and(webhooks::described(audience)).and(files::described(audience));
        if audience == Audience::Admin {
            all.and(console::described()).and(mail::described()).and(operations::described())
        } else {
            all
        }
    }
}

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
    /// The details of this module and of another. Schemas have one name each, so nothing is lost.
    fn and(mut self, other: Self) -> Self {
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
