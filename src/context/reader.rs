//! Which callers read alike: of whom the permissions of a table learn the same, so that one answer serves them all.
//!
//! Permissions read of a signed-in caller who it is (`$auth`) and what `schemas/access.surql` found out at sign-in
//! (`$session.data`). Where a table asks only for parts of the latter, all callers with the same parts see the same records
//! and fields. Deliberately elsewhere: what a table asks (schema::Asks), what is kept for a reader (answers).

use std::collections::BTreeMap;

use pawbase_engine::{ToSql, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Ctx;
use super::caller::{Audience, Caller};
use crate::schema::Asks;

/// For whom what is read of a table is the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reader {
    /// Everybody on the public listener: permissions make no difference.
    Anybody,
    /// Callers who are not signed in.
    Guest,
    /// Users of the public listener of whom permissions learn the same: digests of what they ask for, in order.
    Alike(Box<[TraitDigest]>),
    /// One user on one listener.
    User(Audience, Uuid),
}

impl Reader {
    /// The reader that the caller is where permissions ask for `asks`.
    pub fn of(ctx: &Ctx, asks: &Asks) -> Self {
        match &ctx.caller {
            _ if !asks.is_conditional && ctx.audience == Audience::Public => Self::Anybody,
            Caller::Guest => Self::Guest,
            Caller::Signed(principal) if asks.user || principal.audience == Audience::Admin => {
                Self::User(principal.audience, principal.user)
            }
            Caller::Signed(principal) => Self::Alike(asks.parts.iter().map(|part| principal.traits.of(part)).collect()),
        }
    }
}

/// A digest of a part of `$session.data`; that of nothing where there is no such part.
pub type TraitDigest = [u8; 32];

/// What permissions can learn of a signed-in caller besides who it is: digests of the parts of `$session.data`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Traits(BTreeMap<String, TraitDigest>);

impl Traits {
    /// Of the value of `$session.data`.
    pub fn new(data: &Value) -> Self {
        let Value::Object(parts) = data else { return Self::default() };
        let digest = |value: &Value| Sha256::digest(value.to_sql().as_bytes()).into();
        Self(parts.iter().map(|(name, value)| (name.to_string(), digest(value))).collect())
    }

    fn of(&self, part: &str) -> TraitDigest {
        self.0.get(part).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use pawbase_engine::Object;

    use super::*;

    fn data(businesses: &[&str], roles: &[&str]) -> Value {
        let list =
            |of: &[&str]| Value::Array(of.iter().map(|one| Value::String((*one).into())).collect::<Vec<_>>().into());
        let mut object = Object::new();
        object.insert("businesses".to_owned(), list(businesses));
        object.insert("roles".to_owned(), list(roles));
        Value::Object(object)
    }

    #[test]
    fn traits_are_equal_part_by_part() {
        let (one, two) = (Traits::new(&data(&["a"], &["r"])), Traits::new(&data(&["a"], &["s"])));
        assert_eq!(one.of("businesses"), two.of("businesses"));
        assert_ne!(one.of("roles"), two.of("roles"));
        assert_ne!(Traits::new(&data(&["a", "b"], &[])).of("businesses"), one.of("businesses"));
        assert_ne!(Traits::new(&data(&[], &[])).of("businesses"), one.of("businesses"));
        assert_eq!(Traits::new(&Value::None).of("businesses"), one.of("nothing"));
    }
}
