//! Expansion of links: each hop is one read of all linked records in the caller's own session, so rights apply at every hop.

use std::collections::{BTreeMap, HashMap};

use pawbase_engine::{RecordId, ToSql, Value, Vars};
use serde_json::{Map, Value as Json};

use super::{fields, view};
use crate::context::Ctx;
use crate::kernel::{Error, Result};
use crate::schema::{Kind, Table};

/// Checks that every hop of `path` is a link the caller could read.
pub fn check_path(ctx: &Ctx, table: &Table, path: &str) -> Result<()> {
    let mut tables = vec![table];
    for hop in path.split('.') {
        let mut next = Vec::new();
        for table in &tables {
            if let Ok(field) = fields::resolve(ctx, table, hop, "expand") {
                let names = targets(&field.kind);
                next.extend(names.iter().filter_map(|name| visible_table(ctx, name)));
            }
        }
        if next.is_empty() {
            return Err(Error::query("expand", format!("{path}: {hop} is not a link that you could follow.")));
        }
        tables = next;
    }
    Ok(())
}

/// A table whose records the caller could see.
fn visible_table<'a>(ctx: &'a Ctx, name: &str) -> Option<&'a Table> {
    ctx.platform.schema.served(name).filter(|table| fields::could_pass(ctx, &table.permissions.select))
}

/// The tables a link goes to.
pub fn targets(kind: &Kind) -> &[String] {
    match kind.required() {
        Kind::Record(tables) => tables,
        Kind::Array(item) | Kind::Set(item) => targets(item),
        _ => &[],
    }
}

/// Paths to expand, as a tree.
#[derive(Debug, Default)]
struct Tree(BTreeMap<String, Tree>);

impl Tree {
    fn of(paths: &[String]) -> Self {
        let mut root = Self::default();
        for path in paths {
            path.split('.').fold(&mut root, |node, hop| node.0.entry(hop.to_owned()).or_default());
        }
        root
    }
}

/// Adds an `expand` member to each of `views`, which are the JSON of `rows`.
pub async fn expand(ctx: &Ctx, table: &Table, rows: &[Value], views: &mut [Json], paths: &[String]) -> Result<()> {
    let tree = Tree::of(paths);
    let rows: Vec<(&Table, &Value)> = rows.iter().map(|row| (table, row)).collect();
    level(ctx, &rows, views, &tree).await
}

fn level<'a>(
    ctx: &'a Ctx,
    rows: &'a [(&'a Table, &'a Value)],
    views: &'a mut [Json],
    tree: &'a Tree,
) -> futures::future::BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        for (hop, below) in &tree.0 {
            let mut wanted: Vec<RecordId> = rows.iter().flat_map(|(_, row)| links(row, hop)).collect();
            wanted.sort();
            wanted.dedup();
            let found = fetch(ctx, wanted).await?;
            let inner: Vec<(&Table, &Value)> = found.iter().map(|(table, row)| (*table, row)).collect();
            let mut inner_views: Vec<Json> =
                inner.iter().map(|(table, row)| view::record(ctx, table, row, &Vec::new())).collect();
            level(ctx, &inner, &mut inner_views, below).await?;
            let by_id: HashMap<String, &Json> = inner
                .iter()
                .zip(&inner_views)
                .filter_map(|((_, row), json)| Some((id_of(row)?.to_sql(), json)))
                .collect();
            for ((table, row), view) in rows.iter().zip(views.iter_mut()) {
                attach(table, row, hop, view, &by_id);
            }
        }
        Ok(())
    })
}

/// The links in a row's field, whether one or many.
fn links(row: &Value, hop: &str) -> Vec<RecordId> {
    let Value::Object(row) = row else { return Vec::new() };
    match row.get(hop) {
        Some(Value::RecordId(id)) => vec![id.clone()],
        Some(Value::Array(items)) => {
            items.iter().filter_map(|v| if let Value::RecordId(id) = v { Some(id.clone()) } else { None }).collect()
        }
        Some(Value::Set(items)) => {
            items.iter().filter_map(|v| if let Value::RecordId(id) = v { Some(id.clone()) } else { None }).collect()
        }
        _ => Vec::new(),
    }
}

fn id_of(row: &Value) -> Option<RecordId> {
    match row {
        Value::Object(row) => match row.get("id") {
            Some(Value::RecordId(id)) => Some(id.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// The wanted records that the caller may see.
async fn fetch(ctx: &Ctx, wanted: Vec<RecordId>) -> Result<Vec<(&Table, Value)>> {
    let served = wanted.into_iter().filter(|id| visible_table(ctx, id.table.as_str()).is_some());
    let ids: Vec<Value> = served.map(Value::RecordId).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let vars = Vars::new().with("ids", Value::Array(ids.into()));
    let rows = ctx.session().read("SELECT * FROM $ids", vars).await?.rows(0);
    let with_table = |row: Value| {
        let table = visible_table(ctx, id_of(&row)?.table.as_str())?;
        Some((table, row))
    };
    Ok(rows.into_iter().filter_map(with_table).collect())
}

fn attach(table: &Table, row: &Value, hop: &str, view: &mut Json, by_id: &HashMap<String, &Json>) {
    let Json::Object(view) = view else { return };
    let ids = links(row, hop);
    let is_list = table.fields.get(hop).is_some_and(|f| matches!(f.kind.required(), Kind::Array(_) | Kind::Set(_)));
    let expanded = if is_list {
        Json::Array(ids.iter().filter_map(|id| by_id.get(&id.to_sql()).map(|json| (*json).clone())).collect())
    } else {
        match ids.first().and_then(|id| by_id.get(&id.to_sql())) {
            Some(json) => (*json).clone(),
            None => return,
        }
    };
    if let Json::Object(expansion) = view.entry("expand").or_insert_with(|| Json::Object(Map::new())) {
        expansion.insert(hop.to_owned(), expanded);
    }
}
