//! What all requests share.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pawbase_engine::Engine;
use serde::Serialize;
use uuid::Uuid;

use super::answers::Answers;
use super::bell::Bell;
use super::caller::{Audience, Role};
use super::interest::Interest;
use super::principals::Principals;
use crate::config::Config;
use crate::kernel::id::Ids;
use crate::kernel::time::{Clock, Instant, SystemClock};
use crate::kernel::{Error, Result};
use crate::schema::Schema;

/// What all requests share: settings, database, schema, clock.
#[derive(Debug)]
pub struct Platform {
    /// Settings.
    pub config: Config,
    /// The database.
    pub engine: Engine,
    /// Our model of the tables.
    pub schema: Arc<Schema>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// When this process opened the database.
    pub started_at: Instant,
    /// Where ids come from.
    pub ids: Ids,
    /// Signed-in callers kept ready.
    pub principals: Principals,
    /// Answers of reads, kept until the next write.
    pub answers: Answers,
    /// Makes the engine's own session tokens.
    pub engine_tokens: EngineTokens,
    /// Wakes the workers of this process.
    pub bell: Bell,
    /// Which events somebody waits for.
    pub interest: Interest,
}

/// Seconds of an engine session: more than the longest access token (a day).
const LIFETIME_S: i64 = 25 * 60 * 60;

/// Makes the tokens by which a checked caller enters the database. They never leave the process.
pub struct EngineTokens {
    key: EncodingKey,
}

impl std::fmt::Debug for EngineTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EngineTokens")
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    #[serde(rename = "NS")]
    namespace: &'a str,
    #[serde(rename = "DB")]
    database: &'a str,
    #[serde(rename = "AC")]
    access: &'a str,
    #[serde(rename = "ID", skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(rename = "RL", skip_serializing_if = "Option::is_none")]
    roles: Option<[&'a str; 1]>,
    exp: i64,
}

impl EngineTokens {
    /// With the key that the access methods were defined with.
    pub fn new(key: &str) -> Self {
        Self { key: EncodingKey::from_secret(key.as_bytes()) }
    }

    /// A token for `user` on `audience`. On the admin listener the strongest staff role becomes the engine's VIEWER, EDITOR
    /// or OWNER. The engine checks it against the machine's clock, whatever ours says, so it outlives every access token;
    /// when a caller's session really ends is checked by [`Principals`] and the identity module.
    pub fn issue(&self, user: Uuid, audience: Audience, roles: &[Role]) -> Result<String> {
        let (access, id, engine_roles) = match audience {
            Audience::Public => ("account", Some(format!("users:u'{user}'")), None),
            Audience::Admin => {
                let (access, role) = staff_access(roles)?;
                (access, None, Some([role]))
            }
        };
        let claims = Claims {
            namespace: "pawbase",
            database: "pawbase",
            access,
            id,
            roles: engine_roles,
            exp: SystemClock.now().timestamp() + LIFETIME_S,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS512), &claims, &self.key).map_err(Error::internal)
    }
}

/// The access method and the engine's role of the strongest staff role.
fn staff_access(roles: &[Role]) -> Result<(&'static str, &'static str)> {
    if roles.contains(&Role::SuperAdmin) {
        Ok(("staff", "Owner"))
    } else if roles.contains(&Role::Admin) {
        Ok(("staff", "Editor"))
    } else if roles.contains(&Role::Support) {
        Ok(("support", "Viewer"))
    } else {
        Err(Error::forbidden())
    }
}
