//! Lists in the order of an index: the engine's older executor goes through the index and stops at the limit.

use pawbase_engine::{Snapshot, Value};

use super::fields::{self, quoted};
use super::query::{ListQuery, SortKey};
use super::read::{conditions, own_share, where_clause};
use super::statement::Builder;
use crate::context::Ctx;
use crate::kernel::Result;
use crate::schema::Table;

/// The first key of the order, if the list can be read from that field's own index: it is there in every row, and no
/// condition could be served better by another index.
pub(super) fn served_by<'q>(ctx: &Ctx, table: &Table, query: &'q ListQuery) -> Option<&'q SortKey> {
    let [first, last] = query.sort.as_slice() else { return None };
    let path = first.field.path.as_str();
    let is_always_there = fields::lineage(table, path).all(|field| !field.kind.is_optional());
    let is_served = table.indexes.iter().any(|index| !index.is_full_text && index.fields.as_slice() == [path])
        && is_always_there
        && first.field.guards.is_empty()
        && first.is_descending == last.is_descending
        && query.search.is_none()
        && own_share(ctx, table).is_none()
        && query.filter.paths().into_iter().all(|other| other == path || !table.has_index_on(other));
    is_served.then_some(first)
}

/// The rows of a page in the order of an index, and one more if there is one. After a cursor, first what has the same value as the
/// last row seen, then what follows: a condition with OR would have the engine read the whole index.
pub(super) async fn rows(
    ctx: &Ctx,
    snapshot: &Snapshot<'_>,
    table: &Table,
    query: &ListQuery,
    order: &SortKey,
) -> Result<Vec<Value>> {
    let wanted = query.limit + 1;
    let name = quoted(&order.field.path);
    let (operator, direction) = if order.is_descending { ("<", "DESC") } else { (">", "ASC") };
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
        rows.extend(snapshot.read_by_index(&text, builder.into_vars()).await?.rows(0));
    }
    Ok(rows)
}
