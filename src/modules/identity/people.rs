//! What other modules may know of somebody: enough to write to them, and no more.

use pawbase_engine::Tx;
use uuid::Uuid;

use super::model::Status;
use super::store;
use crate::context::Role;
use crate::kernel::Result;

/// Most administrators that are found at once.
const ADMINISTRATORS_MAX: i64 = 100;

/// Somebody with an account.
#[derive(Debug, Clone)]
pub struct Person {
    /// Key in `users`.
    pub id: Uuid,
    /// Sign-in address.
    pub email: String,
    /// Name shown to others.
    pub name: String,
    /// Language, such as `de` or `de-AT`.
    pub locale: String,
    /// IANA time zone.
    pub timezone: String,
    /// Platform roles.
    pub roles: Vec<Role>,
    /// Whether the account may be used.
    pub status: Status,
}

impl Person {
    /// Whether somebody may sign in on the admin listener.
    pub fn is_staff(&self) -> bool {
        self.roles.iter().any(|role| role.is_staff())
    }
}

/// The person with this key, if there is one.
pub async fn person(tx: &Tx, user: Uuid) -> Result<Option<Person>> {
    store::person_within(tx, user).await
}

/// Those who administer the platform, a hundred at most.
pub async fn administrators(tx: &Tx) -> Result<Vec<Person>> {
    store::administrators_within(tx, ADMINISTRATORS_MAX).await
}
