//! The functions of an aggregate: as SurrealQL over a group, and as JSON.
//!
//! Of nothing, a count and a sum are 0, and avg, min and max are null. The engine's own sums wrap around when integers overflow and
//! end its task when decimals do, so numbers are added up in a type with more room, and what does not fit is refused.

use pawbase_engine::{Decimal, Number, Value};
use serde_json::{Value as Json, json};

use super::fields::FieldRef;
use super::read::pick;
use super::view;
use crate::kernel::error::RULE_VIOLATED;
use crate::kernel::{Error, Result};
use crate::schema::Kind;

/// Decimals are added up in two parts, the multiples of this and the rest, neither of which can overflow.
const PART: i64 = 1_000_000_000_000;

/// A function of an aggregate over one field.
#[derive(Debug, Clone)]
pub struct Measure {
    /// count, sum, avg, min or max.
    pub function: &'static str,
    /// The field; None for count.
    pub field: Option<FieldRef>,
    /// Name in the answer, such as `sum_price_minor`.
    pub name: String,
}

impl Measure {
    /// The columns of a statement that measure number `at` needs.
    pub fn columns(&self, at: usize) -> Vec<String> {
        let Some(field) = &self.field else { return vec![format!("count() AS `m{at}`")] };
        let value = field.expression();
        let kind = field.kind.required();
        let expression = match self.function {
            "count" => format!("count({value} != NONE AND {value} != NULL)"),
            "sum" if *kind == Kind::Int => format!("math::sum(<decimal>({value} ?? 0))"),
            "sum" if *kind == Kind::Decimal => {
                let rest = format!("math::sum(({value} ?? 0dec) % {PART}dec)");
                let whole = format!("({value} ?? 0dec) - ({value} ?? 0dec) % {PART}dec");
                return vec![
                    format!("{rest} AS `m{at}`"),
                    format!("math::sum(({whole}) / {PART}dec) AS `m{at}_parts`"),
                ];
            }
            "sum" => format!("math::sum(<float>({value} ?? 0))"),
            "avg" => format!("math::mean(IF {value} = NONE OR {value} = NULL THEN NONE ELSE <float>{value} END)"),
            function if *kind == Kind::Datetime => format!("time::{function}({value})"),
            function => format!("math::{function}({value})"),
        };
        vec![format!("{expression} AS `m{at}`")]
    }

    /// The measure in a group's row; 422 when a number is too large for its type.
    pub fn value(&self, row: &Value, at: usize) -> Result<Json> {
        let value = pick(row, &format!("m{at}"));
        let kind = self.field.as_ref().map_or(&Kind::Int, |field| field.kind.required());
        match (self.function, kind) {
            ("count", _) if matches!(value, Value::None | Value::Null) => Ok(json!(0)),
            ("sum", Kind::Int) => i64::try_from(decimal(&value)).map(Json::from).map_err(|_| self.too_large()),
            ("sum", Kind::Decimal) => {
                let parts = decimal(&pick(row, &format!("m{at}_parts")));
                let sum = parts.checked_mul(Decimal::from(PART)).and_then(|whole| whole.checked_add(decimal(&value)));
                sum.map(|sum| Json::String(sum.normalize().to_string())).ok_or_else(|| self.too_large())
            }
            ("sum" | "avg", _) => match float(&value) {
                Some(number) if number.is_infinite() => Err(self.too_large()),
                Some(number) if !number.is_nan() => Ok(view::plain(&value)),
                _ if self.function == "sum" => Ok(json!(0)),
                _ => Ok(Json::Null),
            },
            // The least and the greatest of nothing are infinite to the engine, which JSON has no word for but null.
            _ => Ok(view::plain(&value)),
        }
    }

    fn too_large(&self) -> Error {
        let message = format!("{} is too large a number; narrow the filter.", self.name);
        Error::new(RULE_VIOLATED, message.clone()).at("?measures", "range", message)
    }
}

fn decimal(value: &Value) -> Decimal {
    match value {
        Value::Number(number) => (*number).into_decimal().unwrap_or_default(),
        _ => Decimal::ZERO,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Number(Number::Float(number)) => Some(*number),
        Value::Number(number) => number.to_f64(),
        _ => None,
    }
}
