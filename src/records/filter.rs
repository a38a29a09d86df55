//! The filter tree: what a list may be narrowed by, as data.
//!
//! Both spellings (`field[op]=value` and `filter=…`) become one [`Filter`] over fields the caller may read. The tree knows no
//! SurrealQL; `statement` turns it into bound text, and the tests evaluate it in memory. Semantics of absent values: `null` and
//! absent are the same; comparisons of order, `contains` and `starts` never match an absent value; `ne` does.

use pawbase_engine::Value;

use super::fields::FieldRef;
use super::read::pick;

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

    /// The paths of fields that have one certain value, which is not absent, wherever it holds.
    pub fn pinned(&self) -> Vec<&str> {
        match self {
            Self::And(parts) => parts.iter().flat_map(Self::pinned).collect(),
            Self::Test(field, Test::Eq(value))
                if field.guards.is_empty() && !matches!(value, Value::None | Value::Null) =>
            {
                vec![&field.path]
            }
            Self::Or(_) | Self::Not(_) | Self::Test(..) => Vec::new(),
        }
    }

    /// Whether it may hold for a stored row; a no is sure. It saves a question to the database, and answers none: what is
    /// not easily compared may hold.
    pub fn could_hold(&self, row: &Value) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.could_hold(row)),
            Self::Or(parts) => parts.iter().any(|part| part.could_hold(row)),
            Self::Not(_) => true,
            Self::Test(field, Test::Eq(value)) => could_equal(&pick(row, &field.path), value),
            Self::Test(field, Test::In(values)) => {
                let stored = pick(row, &field.path);
                values.iter().any(|value| could_equal(&stored, value))
            }
            Self::Test(..) => true,
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

/// Whether the database may find two values equal. Of one kind they are compared; numbers of different kinds may be equal.
fn could_equal(stored: &Value, asked: &Value) -> bool {
    match (stored, asked) {
        (Value::Number(_), Value::Number(_)) => true,
        (Value::String(one), Value::String(two)) => one == two,
        (Value::Bool(one), Value::Bool(two)) => one == two,
        (Value::Uuid(one), Value::Uuid(two)) => one == two,
        (Value::Datetime(one), Value::Datetime(two)) => one == two,
        (Value::RecordId(one), Value::RecordId(two)) => one == two,
        (Value::None | Value::Null, Value::String(_) | Value::Bool(_) | Value::Uuid(_) | Value::RecordId(_)) => false,
        _ => true,
    }
}

/// Names of the operators, as in `field[op]=…`.
pub const OPERATORS: [&str; 10] = ["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "starts", "null"];

#[cfg(test)]
mod tests {
    use pawbase_engine::{Number, Object};

    use super::*;
    use crate::schema::Kind;

    fn test(path: &str, test: Test) -> Filter {
        Filter::Test(FieldRef { path: path.into(), kind: Kind::String, guards: Vec::new() }, test)
    }

    fn text(text: &str) -> Value {
        Value::String(text.into())
    }

    #[test]
    fn a_row_is_ruled_out_only_where_it_is_sure() {
        let mut row = Object::new();
        row.insert("a", text("x"));
        row.insert("n", Value::Number(Number::Int(1)));
        let row = Value::Object(row);
        let (hit, miss) = (test("a", Test::Eq(text("x"))), test("a", Test::Eq(text("y"))));
        assert!(hit.could_hold(&row) && !miss.could_hold(&row));
        assert!(!test("b", Test::Eq(text("x"))).could_hold(&row));
        assert!(test("a", Test::In(vec![text("y"), text("x")])).could_hold(&row));
        assert!(!test("a", Test::In(vec![text("y")])).could_hold(&row));
        for maybe in [
            test("n", Test::Eq(Value::Number(Number::Float(1.0)))),
            test("n", Test::Gt(Value::Number(Number::Int(5)))),
            test("a", Test::Ne(text("x"))),
            Filter::Not(Box::new(hit.clone())),
            Filter::Or(vec![miss.clone(), hit.clone()]),
        ] {
            assert!(maybe.could_hold(&row), "{maybe:?}");
        }
        assert!(!Filter::And(vec![hit, miss.clone()]).could_hold(&row));
        assert!(!Filter::Or(vec![miss]).could_hold(&row));
    }
}
