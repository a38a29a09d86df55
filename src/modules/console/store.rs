//! Statements over any table: how many rows, and which are the newest.
//!
//! Names of tables and fields are those of the schema model, and the statements run in the caller's own session.

use pawbase_engine::{Number, RecordIdKey, Value};
use uuid::Uuid;

use crate::context::Ctx;
use crate::kernel::Result;
use crate::schema::Table;

/// Rows of each table, in their order.
pub async fn counts(ctx: &Ctx, tables: &[&Table]) -> Result<Vec<i64>> {
    let text: String = tables.iter().map(|table| format!("SELECT count() FROM `{}` GROUP ALL;", table.name)).collect();
    let mut answer = ctx.session().read(&text, ()).await?;
    Ok((0..tables.len()).map(|at| count_in(answer.rows(at).pop())).collect())
}

fn count_in(row: Option<Value>) -> i64 {
    match row {
        Some(Value::Object(row)) => match row.get("count") {
            Some(Value::Number(Number::Int(count))) => *count,
            _ => 0,
        },
        _ => 0,
    }
}

/// The newest keys of each table with the text of its label field, if it has one; at most `most` of each.
pub async fn newest(ctx: &Ctx, tables: &[(&Table, Option<&str>)], most: usize) -> Result<Vec<Vec<Newest>>> {
    let label = |label: Option<&str>| label.map(|name| format!(", `{name}` AS label")).unwrap_or_default();
    let one = |(table, name): &(&Table, Option<&str>)| {
        format!("SELECT id{} FROM `{}` ORDER BY id DESC LIMIT {most};", label(*name), table.name)
    };
    let text: String = tables.iter().map(one).collect();
    let mut answer = ctx.session().read(&text, ()).await?;
    Ok((0..tables.len()).map(|at| answer.rows(at).into_iter().filter_map(Newest::of).collect()).collect())
}

/// The key of a record and its label.
#[derive(Debug)]
pub struct Newest {
    /// Key.
    pub id: Uuid,
    /// Text of the label field.
    pub label: Option<String>,
}

impl Newest {
    fn of(row: Value) -> Option<Self> {
        let Value::Object(mut row) = row else { return None };
        let Some(Value::RecordId(id)) = row.remove("id") else { return None };
        let RecordIdKey::Uuid(id) = id.key else { return None };
        let label = match row.remove("label") {
            Some(Value::String(label)) if !label.trim().is_empty() => Some(label),
            _ => None,
        };
        Some(Self { id: id.into_inner(), label })
    }
}
