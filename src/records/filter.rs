//! The filter tree: what a list may be narrowed by, as data.
//!
//! Both spellings (`field[op]=value` and `filter=…`) become one [`Filter`] over fields the caller may read. The tree knows no
//! SurrealQL; `statement` turns it into bound text, and the tests evaluate it in memory. Semantics of absent values: `null` and
//! absent are the same; comparisons of order, `contains` and `starts` never match an absent value; `ne` does.

use pawbase_engine::Value;

use super::fields::FieldRef;

/// A comparison of one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Equal.
    Eq(Value),
    /// Not equal, or absent.
    Ne(Value),
    /// Less than.
    Lt(Value),
    /// Less than or equal.
    Lte(Value),
    /// Greater than.
    Gt(Value),
    /// Greater than or equal.
    Gte(Value),
    /// One of these.
    In(Vec<Value>),
    /// Text has this part, or a list has this item.
    Contains(Value),
    /// Text starts with this.
    Starts(Value),
    /// Absent (true) or present (false).
    Null(bool),
}

/// A condition on a record.
#[derive(Debug, Clone)]
pub enum Filter {
    /// All hold; true when empty.
    And(Vec<Filter>),
    /// At least one holds; false when empty.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// A comparison.
    Test(FieldRef, Test),
}

impl Filter {
    /// The condition that always holds.
    pub fn all() -> Self {
        Self::And(Vec::new())
    }

    /// The paths of the fields it compares.
    pub fn paths(&self) -> Vec<&str> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::paths).collect(),
            Self::Not(inner) => inner.paths(),
            Self::Test(field, _) => vec![&field.path],
        }
    }

    /// How much work the filter is: comparisons, with lists counted by item and `contains` three times.
    pub fn cost(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().map(Self::cost).sum(),
            Self::Not(inner) => inner.cost(),
            Self::Test(_, Test::In(values)) => values.len().max(1),
            Self::Test(_, Test::Contains(_)) => 3,
            Self::Test(..) => 1,
        }
    }
}

/// Names of the operators, as in `field[op]=…`.
pub const OPERATORS: [&str; 10] = ["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "starts", "null"];
