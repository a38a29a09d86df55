//! Later pages of a list in the order of its keys.
//!
//! The engine reads a range of keys to its end before it takes the first rows of it, unless it is read upwards and in its own order. So
//! upwards the range is read as it is; downwards it is cut into windows of keys that hold few records, from the last key seen
//! towards older ones. What a page costs then does not depend on how many records lie behind it.

use std::ops::Bound;

use pawbase_engine::{RecordId, RecordIdKey, RecordIdKeyRange, Session, Snapshot, Value, Vars};

use super::query::ListQuery;
use super::read::{conditions, where_clause};
use super::statement::Builder;
use crate::context::Ctx;
use crate::kernel::Result;
use crate::schema::Table;

/// Records that the first window of a page may hold, for each that is wanted. Later ones may hold ever more: a filter that few
/// records pass then costs no more than reading the whole range.
const FIRST_WINDOW: usize = 4;
/// Growth of that from window to window.
const GROWTH: usize = 4;
/// The exponent of the first width that is tried: 2^88 of a UUIDv7 are 256 ms.
const FIRST_EXPONENT: u32 = 88;
/// Steps in which the exponent grows, here by a factor of sixteen.
const STEP: u32 = 4;

/// The rows after `last` in the order of keys, and one more than a page if there is one.
pub(super) async fn rows_after(
    ctx: &Ctx,
    snapshot: &Snapshot<'_>,
    table: &Table,
    query: &ListQuery,
    last: u128,
    is_descending: bool,
) -> Result<Vec<Value>> {
    if !is_descending {
        let range = range(table, Bound::Excluded(last), Bound::Unbounded);
        return part(ctx, snapshot, table, query, range, "", query.limit + 1).await;
    }
    let wanted = query.limit + 1;
    let mut windows = Windows { root: ctx.platform.engine.root(), table, end: last, exponent: FIRST_EXPONENT };
    let mut rows = Vec::new();
    let mut most = wanted * FIRST_WINDOW;
    while rows.len() < wanted && windows.end > 0 {
        let (start, end) = windows.next(most).await?;
        let range = range(table, Bound::Included(start), Bound::Excluded(end));
        rows.extend(part(ctx, snapshot, table, query, range, " ORDER BY id DESC", wanted - rows.len()).await?);
        most = most.saturating_mul(GROWTH);
    }
    Ok(rows)
}

/// The first rows of a range as the caller sees them.
async fn part(
    ctx: &Ctx,
    snapshot: &Snapshot<'_>,
    table: &Table,
    query: &ListQuery,
    range: RecordId,
    order: &str,
    most: usize,
) -> Result<Vec<Value>> {
    let mut builder = Builder::default();
    let conditions = conditions(ctx, table, &query.filter, None, &mut builder);
    let source = builder.bind(Value::RecordId(range));
    let text = format!("SELECT * FROM {source}{}{order} LIMIT {most}", where_clause(&conditions));
    let vars = builder.into_vars();
    // Without an order the older executor goes through a range in the order of its keys and stops at the limit.
    let mut answer = match order.is_empty() {
        true => snapshot.read_by_index(&text, vars).await?,
        false => snapshot.read(&text, vars).await?,
    };
    Ok(answer.rows(0))
}

fn range(table: &Table, start: Bound<u128>, end: Bound<u128>) -> RecordId {
    let key = |value: u128| RecordIdKey::Uuid(uuid::Uuid::from_u128(value).into());
    let range = RecordIdKeyRange { start: start.map(key), end: end.map(key) };
    RecordId::new(table.name.clone(), RecordIdKey::Range(Box::new(range)))
}

/// Cuts the keys before `end` into windows.
struct Windows<'a> {
    root: &'a Session,
    table: &'a Table,
    end: u128,
    /// Windows are 2^exponent keys wide.
    exponent: u32,
}

impl Windows<'_> {
    /// The next window: as wide as it can be with `most` records or fewer, which may be none.
    async fn next(&mut self, most: usize) -> Result<(u128, u128)> {
        let end = self.end;
        let mut is_too_wide = self.holds_more_than(most).await?;
        while !is_too_wide && self.start() > 0 {
            self.exponent += STEP;
            is_too_wide = self.holds_more_than(most).await?;
        }
        while is_too_wide && self.exponent > 0 {
            self.exponent -= 1;
            is_too_wide = self.holds_more_than(most).await?;
        }
        self.end = self.start();
        Ok((self.end, end))
    }

    fn start(&self) -> u128 {
        self.end.saturating_sub(1_u128.checked_shl(self.exponent).unwrap_or(u128::MAX))
    }

    /// Whether there are more than `most` records in the window as it is; seen with the system's eyes, since it is about what is read.
    async fn holds_more_than(&self, most: usize) -> Result<bool> {
        let range = range(self.table, Bound::Included(self.start()), Bound::Excluded(self.end));
        let text = format!("SELECT VALUE id FROM $range LIMIT {}", most.saturating_add(1));
        let snapshot = self.root.snapshot().await?;
        let mut answer = snapshot.read_by_index(&text, Vars::new().with("range", range)).await?;
        Ok(answer.rows(0).len() > most)
    }
}
