//! Whole lists as files: CSV, JSON or lines of JSON, read page by page, so that a list of any length takes the memory of a page.
//!
//! Each page is read in the caller's own session after the last row of the page before, so no row comes twice and none is
//! lost that was there all the time; what changes meanwhile may be seen as it was or as it is. Deliberately elsewhere: HTTP.

use serde_json::Value as Json;

use super::query::ListQuery;
use super::{cells, fields, read, view};
use crate::context::Ctx;
use crate::kernel::{Error, Result};
use crate::schema::{Kind, Table};

/// Rows read at once. The engine reads all rows that are left, or all that match, for each page, so few and large ones are faster.
const PAGE_ROWS: usize = 5000;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a header of field paths.
    Csv,
    /// One array of records.
    Json,
    /// A record on each line.
    Lines,
}

impl Format {
    /// Names, as in `format=csv`.
    pub const NAMES: [&'static str; 3] = ["csv", "json", "ndjson"];

    /// The form of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" => Some(Self::Lines),
            _ => None,
        }
    }

    /// Its name, also the ending of a file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Lines => "ndjson",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/json",
            Self::Lines => "application/x-ndjson",
        }
    }
}

/// A column of a CSV file.
#[derive(Debug)]
struct Column {
    path: String,
    kind: Kind,
}

/// Where an export stands.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Beginning,
    Middle,
    Over,
}

/// A list on its way into a file.
#[derive(Debug)]
pub struct Export {
    ctx: Ctx,
    table: String,
    query: ListQuery,
    format: Format,
    columns: Vec<Column>,
    state: State,
}

impl Export {
    /// Of the whole list that `query` describes, whatever page it asks for.
    pub fn new(ctx: &Ctx, table: &Table, mut query: ListQuery, format: Format) -> Self {
        query.limit = PAGE_ROWS;
        let columns = columns(ctx, table, &query);
        Self { ctx: ctx.clone(), table: table.name.clone(), query, format, columns, state: State::Beginning }
    }

    /// The next bytes of the file; None at its end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.state == State::Over {
            return Ok(None);
        }
        let is_first = self.state == State::Beginning;
        let schema = std::sync::Arc::clone(&self.ctx.platform.schema);
        let table = schema.served(&self.table).ok_or_else(Error::not_found)?;
        let page = read::page(&self.ctx, table, &self.query).await?;
        let records = page.rows.iter().map(|row| view::record(&self.ctx, table, row, &self.query.selection));
        self.state = if page.next.is_some() { State::Middle } else { State::Over };
        self.query.after = page.next;
        let is_last = self.state == State::Over;
        Ok(Some(match self.format {
            Format::Csv => self.csv(records, is_first)?,
            Format::Json => array(records, is_first, is_last),
            Format::Lines => records.flat_map(|record| format!("{record}\n").into_bytes()).collect(),
        }))
    }

    fn csv(&self, records: impl Iterator<Item = Json>, has_header: bool) -> Result<Vec<u8>> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        if has_header {
            writer.write_record(self.columns.iter().map(|column| &column.path)).map_err(Error::internal)?;
        }
        for record in records {
            let cells = self.columns.iter().map(|one| cells::text_of(&one.kind, cells::pick(&record, &one.path)));
            writer.write_record(cells).map_err(Error::internal)?;
        }
        writer.into_inner().map_err(Error::internal)
    }
}

/// A part of an array of records.
fn array(records: impl Iterator<Item = Json>, is_first: bool, is_last: bool) -> Vec<u8> {
    let mut text = String::new();
    if is_first {
        text.push('[');
    }
    for (at, record) in records.enumerate() {
        text.push_str(if is_first && at == 0 { "\n" } else { ",\n" });
        text.push_str(&record.to_string());
    }
    if is_last {
        text.push_str("\n]\n");
    }
    text.into_bytes()
}

/// The key, and every selected field that the caller could read and that has no parts.
fn columns(ctx: &Ctx, table: &Table, query: &ListQuery) -> Vec<Column> {
    let is_column = |path: &str| view::is_selected(&query.selection, path);
    let key = Column { path: "id".into(), kind: Kind::String };
    let fields = table.fields.values().filter(|field| {
        field.path != "id"
            && fields::is_visible(ctx, table, field)
            && cells::is_cell(table, field)
            && is_column(&field.path)
    });
    let fields = fields.map(|field| Column { path: field.path.clone(), kind: field.kind.clone() });
    std::iter::once(key).chain(fields).collect()
}
