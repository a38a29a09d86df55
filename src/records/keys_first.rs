//! Lists whose keys are found before their records.
//!
//! To sort, the engine makes each record that matches as the caller would see it, with the permissions of all its fields, and gives
//! all but a page of them away. So first only keys and what they are sorted by are read, and then the records of the page. Where the
//! total is asked for as well, the keys are the count, up to a bound.

use pawbase_engine::{Snapshot, Value, Vars};

use super::fields::quoted;
use super::query::ListQuery;
use super::read::ordered;
use super::statement::Builder;
use crate::context::Ctx;
use crate::kernel::Result;
use crate::schema::Table;

/// So many keys are read to count them; longer lists are counted by the engine.
const COUNTED_MOST: usize = 2000;

/// Whether finding keys first saves something. In the order of keys the engine stops at the limit by itself; and what a guarded
/// sort key is worth has to come along with its record.
pub(super) fn is_worth_it(query: &ListQuery) -> bool {
    let is_searched = query.search.is_some();
    let is_sorted = query.sort.first().is_some_and(|sort| sort.field.path != "id") && !is_searched;
    let is_narrow = is_searched || !query.filter.paths().is_empty();
    query.sort.iter().all(|sort| sort.field.guards.is_empty()) && (is_sorted || is_narrow && counts(query))
}

/// Whether the keys can be the count: the list is read from its beginning.
fn counts(query: &ListQuery) -> bool {
    query.is_counted && query.after.is_none()
}

/// The rows of a page and one more if there is one; and the count of all, if the keys tell it.
pub(super) async fn rows(
    ctx: &Ctx,
    snapshot: &Snapshot<'_>,
    table: &Table,
    query: &ListQuery,
) -> Result<(Vec<Value>, Option<i64>)> {
    let wanted = query.offset + query.limit + 1;
    let most = if counts(query) { wanted.max(COUNTED_MOST) } else { wanted };
    // The key is among them: every sort ends with it.
    let names: Vec<String> = query.sort.iter().map(|sort| quoted(&sort.field.path)).collect();
    let mut builder = Builder::default();
    let text = format!("{} LIMIT {most}", ordered(ctx, table, query, &names.join(", "), &mut builder));
    let found = snapshot.read(&text, builder.into_vars()).await?.rows(0);
    let total = (counts(query) && found.len() < most).then(|| i64::try_from(found.len()).unwrap_or(i64::MAX));
    let keys: Vec<Value> = found.into_iter().skip(query.offset).take(query.limit + 1).filter_map(key).collect();
    if keys.is_empty() {
        return Ok((Vec::new(), total));
    }
    let rows = snapshot.read("SELECT * FROM $keys", Vars::new().with("keys", keys)).await?.rows(0);
    Ok((rows, total))
}

fn key(row: Value) -> Option<Value> {
    match row {
        Value::Object(mut row) => row.remove("id"),
        _ => None,
    }
}
