//! The records that hold a file: those with a field of kind `record<files>`, or a list of them, that links to it.
//!
//! Which fields these are comes from the schema model, so a shop's own tables count like ours. Where a field says REFERENCE, the engine
//! keeps who refers to a file beside the file; else the whole table is looked through.

use std::collections::HashSet;

use pawbase_engine::{RecordId, Session, Value, Vars};
use uuid::Uuid;

use super::model::{TABLE, key_of, record};
use crate::context::Ctx;
use crate::kernel::Result;
use crate::schema::Schema;
use crate::work::Row;

/// Records that are asked whether they let somebody read a file, of each field.
const ASKED_MAX: i64 = 100;

/// A field that holds files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The table's name, in back-ticks.
    table: String,
    /// The field's path, its parts in back-ticks.
    path: String,
    /// Whether the engine keeps its links beside the file.
    is_watched: bool,
}

/// All fields that hold files: those whose kind names them. A link to any record at all holds nothing.
pub fn holders(schema: &Schema) -> Vec<Holder> {
    let mut found = Vec::new();
    for table in schema.tables.values() {
        for field in table.fields.values().chain(table.items.values()).filter(|field| field.kind.names(TABLE)) {
            // The items of a list of links are links of the list.
            let list = field.path.strip_suffix(".*").and_then(|list| table.field(list));
            if list.is_some_and(|list| list.kind.names(TABLE)) {
                continue;
            }
            let part = |part: &str| if part == "*" { part.to_owned() } else { format!("`{part}`") };
            let path = field.path.split('.').map(part).collect::<Vec<_>>().join(".");
            let is_watched = field.on_delete.is_some() && !field.path.contains('*');
            found.push(Holder { table: format!("`{}`", table.name), path, is_watched });
        }
    }
    found
}

impl Holder {
    /// Keys of records that hold the file `$file` by this field.
    fn statement(&self) -> String {
        let Self { table, path, is_watched } = self;
        if *is_watched {
            format!("SELECT VALUE <~({table} FIELD {path}) FROM ONLY $file")
        } else {
            format!("SELECT VALUE id FROM {table} WHERE {} CONTAINS $file LIMIT $most", flat(path))
        }
    }
}

/// The links at a path as one list, be it a link, a list of them, or in a list of objects.
fn flat(path: &str) -> String {
    format!("array::flatten(array::flatten(array::flatten([{path}])))")
}

/// Whether the caller may read a record that holds the file, and its link to it: then the file may be read as well. Asked of records as
/// the caller sees them now.
pub async fn let_read(ctx: &Ctx, file: Uuid) -> Result<bool> {
    for holder in holders(&ctx.platform.schema) {
        let vars = Vars::new().with("file", record(file)).with("most", ASKED_MAX);
        let mut found = ctx.system().read(&holder.statement(), vars).await?.rows(0);
        found.truncate(usize::try_from(ASKED_MAX).unwrap_or(usize::MAX));
        if found.is_empty() {
            continue;
        }
        let vars = Vars::new().with("ids", Value::Array(found.into()));
        // What the caller may not see of a record is not in the answer.
        let text = format!("SELECT VALUE {} FROM $ids", holder.path);
        let seen = ctx.session().read(&text, vars).await?.rows(0);
        if seen.iter().any(|value| links_to(value, &record(file))) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn links_to(value: &Value, file: &RecordId) -> bool {
    match value {
        Value::RecordId(id) => id == file,
        Value::Array(items) => items.iter().any(|item| links_to(item, file)),
        Value::Set(items) => items.iter().any(|item| links_to(item, file)),
        _ => false,
    }
}

/// Which of `files` some record links to.
pub async fn linked(session: &Session, schema: &Schema, files: &[Uuid]) -> Result<HashSet<Uuid>> {
    let ids: Vec<Value> = files.iter().map(|id| Value::RecordId(record(*id))).collect();
    let mut linked = HashSet::new();
    for holder in holders(schema) {
        let Holder { table, path, is_watched } = &holder;
        let text = if *is_watched {
            format!("SELECT id FROM $files WHERE array::len(<~({table} FIELD {path})) > 0")
        } else {
            format!("SELECT VALUE {{ id: array::intersect({}, $files) }} FROM {table}", flat(path))
        };
        let vars = Vars::new().with("files", Value::Array(ids.clone().into()));
        for row in session.read(&text, vars).await?.rows(0) {
            collect(Row(row).take("id")?, &mut linked);
        }
    }
    Ok(linked)
}

fn collect(value: Value, linked: &mut HashSet<Uuid>) {
    match value {
        Value::RecordId(id) => linked.extend(key_of(&id)),
        Value::Array(items) => items.into_iter().for_each(|item| collect(item, linked)),
        _ => {}
    }
}
