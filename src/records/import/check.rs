//! The first pass over a file: rows as new records, their links, and keys and unique values that come twice.
//!
//! Everything of a row is told at once, as for a single record.

use std::collections::HashMap;

use pawbase_engine::{RecordId, ToSql, Value, Vars};

use super::{Bad, CHUNK_ROWS, Good, Job};
use crate::context::Ctx;
use crate::context::failure::pointer;
use crate::kernel::{Error, FieldError, Result};
use crate::records::input::{self, Input, Purpose};
use crate::schema::Table;

/// The rows that are not good, whatever the database thinks of the others.
pub async fn all(job: &Job) -> Result<Bad> {
    let table = job.table()?;
    let (mut bad, mut seen) = (Bad::new(), Seen::default());
    let mut chunk: Vec<Good> = Vec::with_capacity(CHUNK_ROWS);
    for (at, row) in job.file.rows().enumerate() {
        match row.and_then(|json| parse(&job.ctx, table, &json)) {
            Ok(input) => {
                let twice = seen.note(table, at, &input);
                if twice.is_empty() {
                    chunk.push((at, input));
                } else {
                    bad.insert(at, twice);
                }
            }
            Err(problems) => drop(bad.insert(at, problems)),
        }
        if chunk.len() == CHUNK_ROWS {
            look_up(job, table, &chunk, &mut bad).await?;
            chunk.clear();
        }
    }
    look_up(job, table, &chunk, &mut bad).await?;
    Ok(bad)
}

/// A row as a checked record.
pub fn parse(ctx: &Ctx, table: &Table, json: &serde_json::Value) -> std::result::Result<Input, Vec<FieldError>> {
    input::parse(ctx, table, json, Purpose::Import).map_err(problems)
}

/// What is wrong with a row, by its failure.
pub fn problems(error: Error) -> Vec<FieldError> {
    match error.fields() {
        [] => vec![FieldError::new("", "rule", error.message())],
        fields => fields.to_vec(),
    }
}

/// Keys and unique values that the file has had so far, with the number of their row.
#[derive(Default)]
struct Seen(HashMap<String, usize>);

impl Seen {
    /// Notes a row; what of it was there before.
    fn note(&mut self, table: &Table, at: usize, input: &Input) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut note = |values: String, paths: &[String]| {
            let first = *self.0.entry(values).or_insert(at);
            if first != at {
                let message = format!("is in row {} already", first + 1);
                problems.extend(paths.iter().map(|path| FieldError::new(pointer(path), "unique", message.clone())));
            }
        };
        if let Some(id) = &input.id {
            note(id.to_sql(), &["id".to_owned()]);
        }
        for index in table.indexes.iter().filter(|index| index.is_unique) {
            let value =
                |path: &String| input.values.iter().find(|(name, _)| name == path).map(|(_, value)| value.to_sql());
            // What is absent in part is the database's to judge.
            if let Some(values) = index.fields.iter().map(value).collect::<Option<Vec<String>>>() {
                note(format!("{}\0{}", index.name, values.join("\0")), &index.fields);
            }
        }
        problems
    }
}

/// Links that lead nowhere, and keys that are taken: one statement for the links of all rows, one for their keys.
async fn look_up(job: &Job, table: &Table, chunk: &[Good], bad: &mut Bad) -> Result<()> {
    let links = chunk.iter().flat_map(|(_, row)| row.links.iter().map(|link| link.id.clone())).collect();
    let keys = chunk.iter().filter_map(|(_, row)| row.id.clone()).collect();
    let (linked, taken) = (Existing::of(&job.ctx, links).await?, Existing::of(&job.ctx, keys).await?);
    for (at, row) in chunk {
        let missing = row.links.iter().filter(|link| !linked.has(&link.id)).map(|link| {
            FieldError::new(&*link.pointer, "reference", format!("there is no such record of {}", link.id.table))
        });
        let is_taken = row.id.as_ref().is_some_and(|id| taken.has(id));
        let key = is_taken.then(|| FieldError::new("/id", "unique", format!("is taken by a record of {}", table.name)));
        let problems: Vec<FieldError> = key.into_iter().chain(missing).collect();
        if !problems.is_empty() {
            bad.insert(*at, problems);
        }
    }
    Ok(())
}

/// Records that the caller can see, in order.
struct Existing(Vec<RecordId>);

impl Existing {
    /// Those of `ids`.
    async fn of(ctx: &Ctx, mut ids: Vec<RecordId>) -> Result<Self> {
        if ids.is_empty() {
            return Ok(Self(ids));
        }
        ids.sort();
        ids.dedup();
        let ids: Vec<Value> = ids.into_iter().map(Value::RecordId).collect();
        let vars = Vars::new().with("ids", Value::Array(ids.into()));
        let found = ctx.session().read("SELECT VALUE id FROM $ids", vars).await?.rows(0);
        let of_record = |id| if let Value::RecordId(id) = id { Some(id) } else { None };
        let mut found: Vec<RecordId> = found.into_iter().filter_map(of_record).collect();
        found.sort();
        Ok(Self(found))
    }

    fn has(&self, id: &RecordId) -> bool {
        self.0.binary_search(id).is_ok()
    }
}
