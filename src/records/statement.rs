//! Turns a filter tree into bound SurrealQL. The only text that comes from outside is bound; names come from our schema model.

use pawbase_engine::{Value, Vars};

use super::fields::FieldRef;
use super::filter::{Filter, Test};
use crate::schema::Kind;

/// A statement under construction: text with numbered parameters and their values.
#[derive(Debug, Default)]
pub struct Builder {
    vars: Vars,
    count: usize,
}

impl Builder {
    /// Binds a value and answers its parameter, such as `$p3`.
    pub fn bind(&mut self, value: Value) -> String {
        let name = format!("p{}", self.count);
        self.count += 1;
        self.vars.bind(name.clone(), value);
        format!("${name}")
    }

    /// The bound values.
    pub fn into_vars(self) -> Vars {
        self.vars
    }

    /// The condition as SurrealQL; None when it always holds.
    pub fn condition(&mut self, filter: &Filter) -> Option<String> {
        match filter {
            Filter::And(parts) if parts.is_empty() => None,
            Filter::And(parts) => {
                let texts: Vec<String> = parts.iter().filter_map(|part| self.condition(part)).collect();
                (!texts.is_empty()).then(|| joined(&texts, " AND "))
            }
            Filter::Or(parts) if parts.is_empty() => Some("false".into()),
            Filter::Or(parts) => {
                let texts: Vec<Option<String>> = parts.iter().map(|part| self.condition(part)).collect();
                let texts: Option<Vec<String>> = texts.into_iter().collect();
                texts.map(|texts| joined(&texts, " OR "))
            }
            Filter::Not(inner) => Some(match self.condition(inner) {
                Some(text) => format!("!({text})"),
                None => "false".into(),
            }),
            Filter::Test(field, test) => Some(self.test(field, test)),
        }
    }

    fn test(&mut self, field: &FieldRef, test: &Test) -> String {
        let name = field.expression();
        match test {
            Test::Eq(value) => format!("{name} = {}", self.bind(value.clone())),
            Test::Ne(value) => format!("{name} != {}", self.bind(value.clone())),
            Test::Lt(value) => self.ordered(field, &name, "<", value),
            Test::Lte(value) => self.ordered(field, &name, "<=", value),
            Test::Gt(value) => self.ordered(field, &name, ">", value),
            Test::Gte(value) => self.ordered(field, &name, ">=", value),
            Test::In(values) => format!("{name} IN {}", self.bind(Value::Array(values.clone().into()))),
            Test::Contains(value) => match field.kind.required() {
                Kind::Array(_) | Kind::Set(_) => self.guarded(field, &name, "CONTAINS", value),
                _ => self.called(field, &name, "string::contains", value),
            },
            Test::Starts(value) => self.called(field, &name, "string::starts_with", value),
            Test::Null(true) => format!("({name} = NONE OR {name} = NULL)"),
            Test::Null(false) => format!("({name} != NONE AND {name} != NULL)"),
        }
    }

    /// A comparison of order; absent values, which the engine would sort first, never match.
    fn ordered(&mut self, field: &FieldRef, name: &str, operator: &str, value: &Value) -> String {
        self.guarded(field, name, operator, value)
    }

    fn guarded(&mut self, field: &FieldRef, name: &str, operator: &str, value: &Value) -> String {
        let value = self.bind(value.clone());
        if field.is_optional() {
            format!("({name} != NONE AND {name} {operator} {value})")
        } else {
            format!("{name} {operator} {value}")
        }
    }

    fn called(&mut self, field: &FieldRef, name: &str, function: &str, value: &Value) -> String {
        let value = self.bind(value.clone());
        if field.is_optional() {
            format!("({name} != NONE AND {function}({name}, {value}))")
        } else {
            format!("{function}({name}, {value})")
        }
    }
}

fn joined(texts: &[String], operator: &str) -> String {
    match texts {
        [one] => one.clone(),
        many => format!("({})", many.join(operator)),
    }
}
