//! Lists in the order of an index: the engine goes through the index and stops at the limit.
//!
//! Either the whole list goes by an index of the field that it is sorted by, or the filter says what the first fields of an index are and
//! the sort goes by the one after them, as a category by price.

use pawbase_engine::{Answer, Snapshot, Value, Vars};

use super::fields::{self, quoted};
use super::query::{ListQuery, SortKey};
use super::read::{conditions, own_share, where_clause};
use super::statement::Builder;
use crate::context::Ctx;
use crate::kernel::Result;
use crate::schema::{Index, Kind, Table};

/// An order that an index has.
#[derive(Debug)]
pub(super) struct IndexOrder<'q> {
    key: &'q SortKey,
    /// Whether the filter says what the fields before the key are.
    is_part: bool,
}

/// The order of the list, if it can be read from an index: the key is there in every row, and no condition could be served better
/// by another index.
pub(super) fn served_by<'q>(ctx: &Ctx, table: &Table, query: &'q ListQuery) -> Option<IndexOrder<'q>> {
    let [key, last] = query.sort.as_slice() else { return None };
    let path = key.field.path.as_str();
    let is_always_there = |path: &str| fields::lineage(table, path).all(|field| !field.kind.is_optional());
    let is_wanted = is_always_there(path)
        && key.field.guards.is_empty()
        && key.is_descending == last.is_descending
        && query.search.is_none()
        && own_share(ctx, table).is_none();
    if !is_wanted {
        return None;
    }
    let said = query.filter.pinned();
    let serves =
        |index: &&Index| match index.fields.as_slice() {
            [first @ .., by] if !index.is_full_text && by == path => {
                let is_list = |path: &String| {
                    table
                        .fields
                        .get(path)
                        .is_none_or(|field| matches!(field.kind.required(), Kind::Array(_) | Kind::Set(_)))
                };
                // The keys of a unique index do not end with the record, so rows that agree on it would come in any order.
                (first.is_empty() || !index.is_unique)
                    && first.iter().all(|pin| said.contains(&pin.as_str()) && !is_list(pin))
                    && query.filter.paths().into_iter().all(|other| {
                        other == path || first.iter().any(|pin| pin == other) || !table.has_index_on(other)
                    })
            }
            _ => false,
        };
    let index = table.indexes.iter().filter(serves).max_by_key(|index| index.fields.len())?;
    Some(IndexOrder { key, is_part: index.fields.len() > 1 })
}

/// The rows of a page in the order of an index, and one more if there is one. After a cursor, first what has the same value as the
/// last row seen, then what follows: a condition with OR would have the engine read the whole index.
pub(super) async fn rows(
    ctx: &Ctx,
    snapshot: &Snapshot<'_>,
    table: &Table,
    query: &ListQuery,
    order: &IndexOrder<'_>,
) -> Result<Vec<Value>> {
    let wanted = query.limit + 1;
    let name = quoted(&order.key.field.path);
    let (operator, direction) = if order.key.is_descending { ("<", "DESC") } else { (">", "ASC") };
    let mut rows = Vec::new();
    let mut builder = Builder::default();
    let mut conditions = conditions(ctx, table, &query.filter, None, &mut builder);
    if let Some([value, id]) = query.after.as_deref() {
        let mut builder = Builder::default();
        let mut same = super::read::conditions(ctx, table, &query.filter, None, &mut builder);
        same.push(format!("{name} = {}", builder.bind(value.clone())));
        same.push(format!("id {operator} {}", builder.bind(id.clone())));
        let text =
            format!("SELECT * FROM `{}`{} ORDER BY id {direction} LIMIT {wanted}", table.name, where_clause(&same));
        rows = snapshot.read(&text, builder.into_vars()).await?.rows(0);
    }
    if rows.len() < wanted {
        if let Some([value, _]) = query.after.as_deref() {
            conditions.push(format!("{name} {operator} {}", builder.bind(value.clone())));
        }
        let start = if query.offset > 0 { format!(" START {}", query.offset) } else { String::new() };
        let text = format!(
            "SELECT * FROM `{}`{} ORDER BY {name} {direction}, id {direction} LIMIT {}{start}",
            table.name,
            where_clause(&conditions),
            wanted - rows.len(),
        );
        rows.extend(order.read(snapshot, &text, builder.into_vars()).await?.rows(0));
    }
    Ok(rows)
}

impl IndexOrder<'_> {
    /// A whole index is left at the limit by one executor of the engine, a part of one by the other.
    async fn read(&self, snapshot: &Snapshot<'_>, text: &str, vars: Vars) -> Result<Answer> {
        Ok(match self.is_part {
            true => snapshot.read(text, vars).await?,
            false => snapshot.read_by_index(text, vars).await?,
        })
    }
}
