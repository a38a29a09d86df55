//! What a subscriber wishes to be told of, as it is sent and as it is understood for one caller.

use pawbase_engine::RecordId;

use crate::context::{Audience, Caller, Ctx};
use crate::kernel::error::INVALID_QUERY;
use crate::kernel::{Error, Result};
use crate::records::filter::Filter;
use crate::records::query::{self, Selection};
use crate::records::{fields, key};
use crate::schema::Table;

/// Longest name that a client gives to a subscription.
pub const NAME_LENGTH_MAX: usize = 100;

/// A subscription as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wish {
    /// `products` or `products/<key>`.
    pub topic: Box<str>,
    /// In the language of `filter=`; empty for none.
    pub filter: Box<str>,
    /// Names separated by commas, in alphabetical order; empty for all.
    pub fields: Box<str>,
}

impl Wish {
    /// A wish with its optional parts; the order of fields makes no difference.
    pub fn new(topic: &str, filter: Option<&str>, fields: Option<&str>) -> Self {
        let mut names: Vec<&str> = fields.map(|names| names.split(',').collect()).unwrap_or_default();
        names.sort_unstable();
        Self { topic: topic.into(), filter: filter.unwrap_or_default().into(), fields: names.join(",").into() }
    }

    /// The table of the topic.
    pub fn table(&self) -> &str {
        self.topic.split_once('/').map_or(&self.topic, |(table, _)| table)
    }

    /// What it means for the caller of `ctx`: 404 where there is no such topic for them, 400 for a bad filter or bad fields.
    pub fn understood(&self, ctx: &Ctx) -> Result<Watch> {
        if ctx.audience == Audience::Admin && matches!(ctx.caller, Caller::Guest) {
            return Err(Error::unauthenticated());
        }
        let table = ctx.platform.schema.served(self.table()).ok_or_else(Error::not_found)?;
        if !fields::could_pass(ctx, &table.permissions.select) {
            return Err(Error::not_found());
        }
        let key = match self.topic.split_once('/') {
            None => None,
            Some((_, key)) => Some(key::record_id(table, key).ok_or_else(Error::not_found)?),
        };
        let mut pairs = Vec::new();
        if !self.filter.is_empty() {
            pairs.push(("filter".to_owned(), self.filter.to_string()));
        }
        let filter = query::parse_filter(ctx, table, &pairs)?;
        Ok(Watch { key, filter, selection: self.selection(ctx, table)? })
    }

    fn selection(&self, ctx: &Ctx, table: &Table) -> Result<Selection> {
        if self.fields.is_empty() {
            return Ok(Selection::new());
        }
        let pairs = [("fields".to_owned(), self.fields.to_string())];
        Ok(query::parse_view(ctx, table, &pairs)?.selection)
    }
}

/// A subscription as it is understood for one caller.
#[derive(Debug)]
pub struct Watch {
    /// The one record, if it is about one.
    pub key: Option<RecordId>,
    /// Which records.
    pub filter: Filter,
    /// Which fields.
    pub selection: Selection,
}

/// Checks the name that a client gives to a subscription.
pub fn check_name(id: &str) -> Result<()> {
    let length = id.chars().count();
    if (1..=NAME_LENGTH_MAX).contains(&length) && !id.contains(char::is_control) {
        return Ok(());
    }
    let message = format!("id must have 1 to {NAME_LENGTH_MAX} printable characters.");
    Err(Error::new(INVALID_QUERY, message.clone()).at("/id", "length", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_equal_whatever_the_order_of_their_fields() {
        assert_eq!(Wish::new("pets", None, Some("b,a")), Wish::new("pets", Some(""), Some("a,b")));
        assert_ne!(Wish::new("pets", None, None), Wish::new("pets/1", None, None));
        assert_eq!(Wish::new("pets/1/2", None, None).table(), "pets");
    }

    #[test]
    fn names_have_a_length() {
        assert!(check_name("a").is_ok() && check_name(&"ä".repeat(100)).is_ok());
        assert!(check_name("").is_err() && check_name("a\0").is_err() && check_name(&"a".repeat(101)).is_err());
    }
}
