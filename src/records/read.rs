//! Lists, single records and aggregates, always in the caller's own session.

use pawbase_engine::{RecordIdKey, Snapshot, Value, Vars};
use serde_json::{Map, Value as Json, json};

use super::fields::{self, quoted};
use super::filter::Filter;
use super::measure::Measure;
use super::query::{ListQuery, SortKey, ViewQuery};
use super::statement::Builder;
use super::{cursor, expand, index_order, key, key_order, keys_first, view};
use crate::context::Ctx;
use crate::kernel::{Error, Result};
use crate::schema::{Permission, Table};

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// Records as this caller sees them.
    pub items: Vec<Json>,
    /// Where the next page begins; None on the last.
    pub next_cursor: Option<String>,
    /// How many records match, if asked for.
    pub total: Option<i64>,
}

/// The stored rows of a page.
#[derive(Debug)]
pub(super) struct Rows {
    /// As this caller's session reads them.
    pub rows: Vec<Value>,
    /// Sort values of the last row, if there is a next page.
    pub next: Option<Vec<Value>>,
    /// How many records match, if asked for.
    pub total: Option<i64>,
}

/// The rows of a page of `table`, found in the way that reads least.
pub(super) async fn page(ctx: &Ctx, table: &Table, query: &ListQuery) -> Result<Rows> {
    let snapshot = ctx.session().snapshot().await?;
    let (mut rows, total) = if let Some(order) = index_order::served_by(ctx, table, query) {
        (index_order::rows(ctx, &snapshot, table, query, &order).await?, None)
    } else if let Some((last, is_descending)) = key_order(ctx, table, query) {
        (key_order::rows_after(ctx, &snapshot, table, query, last, is_descending).await?, None)
    } else if keys_first::is_worth_it(query) {
        keys_first::rows(ctx, &snapshot, table, query).await?
    } else {
        (rows(ctx, &snapshot, table, query).await?, None)
    };
    let total = match total {
        None if query.is_counted => Some(count(ctx, &snapshot, table, query).await?),
        counted => counted,
    };
    let has_more = rows.len() > query.limit;
    rows.truncate(query.limit);
    let next = has_more.then(|| rows.last()).flatten().map(|row| sort_values(row, &query.sort));
    Ok(Rows { rows, next, total })
}

/// A page of `table`.
pub async fn list(ctx: &Ctx, table: &Table, query: &ListQuery) -> Result<Page> {
    let Rows { rows, next, total } = page(ctx, table, query).await?;
    let next_cursor = next.map(|values| cursor::encode(&query.cursor_scope, &values, &query.sort));
    let mut items: Vec<Json> = rows.iter().map(|row| view::record(ctx, table, row, &query.selection)).collect();
    if !query.expand.is_empty() {
        expand::expand(ctx, table, &rows, &mut items, &query.expand).await?;
    }
    Ok(Page { items, next_cursor, total })
}

/// The rows of a page and one more if there is one, by one statement.
async fn rows(ctx: &Ctx, snapshot: &Snapshot<'_>, table: &Table, query: &ListQuery) -> Result<Vec<Value>> {
    let mut builder = Builder::default();
    let text = list_statement(ctx, table, query, &mut builder);
    Ok(snapshot.read(&text, builder.into_vars()).await?.rows(0))
}

/// A column beside `count()`. Where nothing else is asked the engine counts in its indexes, if it can, and where several conditions could each be
/// counted in one of their own, it reads the whole table for a caller whose permission depends on the record, and finds no words there.
const NOT_BY_INDEX: &str = ", count(true) AS `__all`";

/// How many records the whole list has.
async fn count(ctx: &Ctx, snapshot: &Snapshot<'_>, table: &Table, query: &ListQuery) -> Result<i64> {
    let mut builder = Builder::default();
    let conditions = conditions(ctx, table, &query.filter, query.search.as_deref(), &mut builder);
    // One value of one field, and all: these it counts in an index.
    let is_one = |parts: Vec<&str>| parts.len() == 1;
    let is_plain = match conditions.len() {
        0 => true,
        1 => is_one(query.filter.paths()) && is_one(query.filter.pinned()),
        _ => false,
    };
    let other = if is_plain { "" } else { NOT_BY_INDEX };
    let text = format!("SELECT count(){other} FROM `{}`{} GROUP ALL", table.name, where_clause(&conditions));
    Ok(count_in(&snapshot.read(&text, builder.into_vars()).await?.rows(0)))
}

/// The last key seen and the direction, if the page goes on in the order of keys that are UUIDs, and no index serves its conditions.
fn key_order(ctx: &Ctx, table: &Table, query: &ListQuery) -> Option<(u128, bool)> {
    let ([only], Some([Value::RecordId(last)])) = (query.sort.as_slice(), query.after.as_deref()) else { return None };
    let RecordIdKey::Uuid(key) = &last.key else { return None };
    let is_served = only.field.path == "id"
        && query.search.is_none()
        && query.offset == 0
        && own_share(ctx, table).is_none()
        && !query.filter.paths().into_iter().any(|path| table.has_index_on(path));
    is_served.then_some((key.into_inner().as_u128(), only.is_descending))
}

fn count_in(rows: &[Value]) -> i64 {
    match rows.first() {
        Some(Value::Object(row)) => match row.get("count") {
            Some(Value::Number(number)) => number.to_int().unwrap_or_default(),
            _ => 0,
        },
        _ => 0,
    }
}

/// Name under which a guarded sort key travels with its row.
fn alias(at: usize) -> String {
    format!("__sort{at}")
}

/// The column by which the engine orders: the field itself, or a guarded expression under an alias.
fn sort_column(at: usize, sort: &SortKey) -> String {
    if sort.field.guards.is_empty() { quoted(&sort.field.path) } else { format!("`{}`", alias(at)) }
}

pub(super) fn list_statement(ctx: &Ctx, table: &Table, query: &ListQuery, builder: &mut Builder) -> String {
    let mut projection = "*".to_owned();
    for (at, sort) in query.sort.iter().enumerate().filter(|(_, sort)| !sort.field.guards.is_empty()) {
        projection.push_str(&format!(", {} AS `{}`", sort.field.expression(), alias(at)));
    }
    let mut text = ordered(ctx, table, query, &projection, builder);
    text.push_str(&format!(" LIMIT {}", query.limit + 1));
    if query.offset > 0 {
        text.push_str(&format!(" START {}", query.offset));
    }
    text
}

/// The statement of a list from where the page begins, in its order and without an end.
pub(super) fn ordered(ctx: &Ctx, table: &Table, query: &ListQuery, projection: &str, builder: &mut Builder) -> String {
    let mut conditions = conditions(ctx, table, &query.filter, query.search.as_deref(), builder);
    conditions.extend(query.after.as_deref().map(|after| seek(&query.sort, after, builder)));
    let direction = |sort: &SortKey| if sort.is_descending { "DESC" } else { "ASC" };
    let order =
        query.sort.iter().enumerate().map(|(at, sort)| format!("{} {}", sort_column(at, sort), direction(sort)));
    let order: Vec<String> = order.collect();
    let conditions = where_clause(&conditions);
    format!("SELECT {projection} FROM `{}`{conditions} ORDER BY {}", table.name, order.join(", "))
}

/// Rows after the last seen one, in the order of the sort keys.
fn seek(sort: &[SortKey], after: &[Value], builder: &mut Builder) -> String {
    let values: Vec<String> = after.iter().map(|value| builder.bind(value.clone())).collect();
    let mut alternatives = Vec::new();
    for at in 0..sort.len() {
        let mut parts: Vec<String> =
            (0..at).map(|before| format!("{} = {}", sort[before].field.expression(), values[before])).collect();
        let operator = if sort[at].is_descending { "<" } else { ">" };
        parts.push(format!("{} {operator} {}", sort[at].field.expression(), values[at]));
        alternatives.push(parts.join(" AND "));
    }
    match alternatives.as_slice() {
        // Bare, so that the engine sees where in the order of keys it may begin.
        [only] => only.clone(),
        _ => format!("(({}))", alternatives.join(") OR (")),
    }
}

fn sort_values(row: &Value, sort: &[SortKey]) -> Vec<Value> {
    sort.iter()
        .enumerate()
        .map(|(at, sort)| {
            let path = if sort.field.guards.is_empty() { sort.field.path.clone() } else { alias(at) };
            pick(row, &path)
        })
        .collect()
}

/// The value at a dotted path.
pub fn pick(row: &Value, path: &str) -> Value {
    let mut value = row;
    for name in path.split('.') {
        match value {
            Value::Object(object) => match object.get(name) {
                Some(inner) => value = inner,
                None => return Value::None,
            },
            _ => return Value::None,
        }
    }
    value.clone()
}

/// The conditions of a list, as bound SurrealQL: the caller's own share first, so that an index can serve it.
pub fn conditions(
    ctx: &Ctx,
    table: &Table,
    filter: &Filter,
    search: Option<&str>,
    builder: &mut Builder,
) -> Vec<String> {
    let mut conditions: Vec<String> = own_share(ctx, table).into_iter().collect();
    conditions.extend(builder.condition(filter));
    conditions.extend(search.and_then(|words| search_condition(ctx, table, words, builder)));
    conditions
}

/// `owner = $auth` when that is the whole select permission: implied, but an index serves it only if it is written out.
pub(super) fn own_share(ctx: &Ctx, table: &Table) -> Option<String> {
    owner_field(ctx, table).map(|field| format!("{} = $auth", quoted(field)))
}

/// The field that must name the caller, when that is the whole select permission.
pub fn owner_field<'a>(ctx: &Ctx, table: &'a Table) -> Option<&'a str> {
    match &table.permissions.select {
        Permission::Where(text) if !ctx.caller.is_staff() => {
            let (field, _) = text.split_once(" = $auth").filter(|(_, rest)| rest.is_empty())?;
            table.fields.contains_key(field).then_some(field)
        }
        _ => None,
    }
}

fn search_condition(ctx: &Ctx, table: &Table, words: &str, builder: &mut Builder) -> Option<String> {
    let words = builder.bind(Value::String(words.to_owned()));
    let fields = table.text_fields().filter_map(|path| fields::resolve(ctx, table, path, "q").ok());
    let tests: Vec<String> = fields
        .map(|field| {
            let guards: String = field.guards.iter().map(|guard| format!("({guard}) AND ")).collect();
            format!("({guards}{} @@ {words})", quoted(&field.path))
        })
        .collect();
    (!tests.is_empty()).then(|| format!("({})", tests.join(" OR ")))
}

/// ` WHERE a AND b`, or nothing.
pub fn where_clause(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
}

/// The record with the bare key `id`, or 404.
pub async fn get(ctx: &Ctx, table: &Table, id: &str, query: &ViewQuery) -> Result<Json> {
    let record = key::record_id(table, id).ok_or_else(Error::not_found)?;
    let row = ctx.session().read("SELECT * FROM ONLY $id", Vars::new().with("id", record)).await?.take(0);
    if !matches!(row, Value::Object(_)) {
        return Err(Error::not_found());
    }
    let mut views = [view::record(ctx, table, &row, &query.selection)];
    if !query.expand.is_empty() {
        expand::expand(ctx, table, std::slice::from_ref(&row), &mut views, &query.expand).await?;
    }
    let [json] = views;
    Ok(json)
}

/// Groups of records with their measures.
pub async fn aggregate(
    ctx: &Ctx,
    table: &Table,
    filter: &Filter,
    search: Option<&str>,
    group_by: &[fields::FieldRef],
    measures: &[Measure],
) -> Result<Json> {
    let mut builder = Builder::default();
    let conditions = conditions(ctx, table, filter, search, &mut builder);
    let limit = ctx.platform.config.limits.aggregate_groups_max;
    let mut columns = Vec::new();
    for (at, field) in group_by.iter().enumerate() {
        columns.push(format!("{} AS `g{at}`", field.expression()));
    }
    columns.extend(measures.iter().enumerate().flat_map(|(at, measure)| measure.columns(at)));
    let groups: Vec<String> = (0..group_by.len()).map(|at| format!("`g{at}`")).collect();
    let grouping = if groups.is_empty() { "GROUP ALL".to_owned() } else { format!("GROUP BY {}", groups.join(", ")) };
    let text = format!(
        "SELECT {}{NOT_BY_INDEX} FROM `{}`{} {grouping} LIMIT {}",
        columns.join(", "),
        table.name,
        where_clause(&conditions),
        limit + 1
    );
    let rows = ctx.session().read(&text, builder.into_vars()).await?.rows(0);
    if rows.len() > limit {
        let message = format!("More than {limit} groups; narrow the filter or group by fewer fields.");
        return Err(Error::new(crate::kernel::error::QUERY_TOO_COSTLY, message));
    }
    let views = rows.iter().map(|row| group_view(row, group_by, measures));
    let mut groups: Vec<Json> = views.collect::<Result<_>>()?;
    if groups.is_empty() && group_by.is_empty() {
        groups.push(group_view(&Value::None, group_by, measures)?);
    }
    Ok(json!({ "groups": groups }))
}

fn group_view(row: &Value, group_by: &[fields::FieldRef], measures: &[Measure]) -> Result<Json> {
    let mut out = Map::new();
    let mut keys = Map::new();
    for (at, field) in group_by.iter().enumerate() {
        keys.insert(field.path.clone(), view::by_kind(&field.path, &field.kind, &pick(row, &format!("g{at}"))));
    }
    out.insert("by".into(), Json::Object(keys));
    for (at, measure) in measures.iter().enumerate() {
        out.insert(measure.name.clone(), measure.value(row, at)?);
    }
    Ok(Json::Object(out))
}
