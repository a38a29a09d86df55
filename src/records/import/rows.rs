//! The rows of a file, one after the other, as often as needed: CSV by its columns, an array of objects, or an object on each line.
//!
//! Nothing is held but the bytes; each pass reads them anew. Deliberately elsewhere: whether a row is a good record.

use bytes::Bytes;
use csv::ByteRecord;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};

use crate::context::Ctx;
use crate::kernel::error::{INVALID_QUERY, MALFORMED};
use crate::kernel::{Error, FieldError, Result};
use crate::records::cells;
use crate::records::fields;
use crate::schema::{Kind, Table};

/// A row: a record to be, or why it is none.
pub type Row = std::result::Result<Json, Vec<FieldError>>;

/// Marks a column that is left out.
const IGNORED: &str = "-";
/// What some programs put in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file of rows.
#[derive(Debug)]
pub struct File {
    bytes: Bytes,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// What each column is; None for one that is left out.
    Csv {
        columns: Vec<Option<Column>>,
        delimiter: u8,
    },
    Array,
    Lines,
}

#[derive(Debug)]
struct Column {
    path: String,
    kind: Kind,
}

impl File {
    /// A CSV file with a header. `names` stand in place of the header's, by position.
    pub fn csv(ctx: &Ctx, table: &Table, bytes: Bytes, names: Option<&str>) -> Result<Self> {
        let bytes = if bytes.starts_with(BYTE_ORDER_MARK) { bytes.slice(BYTE_ORDER_MARK.len()..) } else { bytes };
        let delimiter = delimiter(&bytes);
        let header = reader(&bytes, delimiter)
            .byte_headers()
            .map_err(|error| Error::new(MALFORMED, format!("The body is not CSV: {error}.")))?
            .clone();
        if header.is_empty() {
            return Err(Error::new(MALFORMED, "The first line must name the columns."));
        }
        let header = header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned());
        let header: Vec<String> = header.collect();
        let names = match names {
            Some(names) => names.split(',').map(|name| name.trim().to_owned()).collect(),
            None => header.clone(),
        };
        if names.len() != header.len() {
            let message = format!("The file has {} columns, and columns names {}.", header.len(), names.len());
            return Err(not_for_this_file(vec![FieldError::new("?columns", "rule", message)]));
        }
        Ok(Self { bytes, form: Form::Csv { columns: columns(ctx, table, names)?, delimiter } })
    }

    /// An array of objects.
    pub fn array(bytes: Bytes) -> Result<Self> {
        let is_array = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
        if !is_array {
            return Err(Error::new(MALFORMED, "The body must be an array of objects."));
        }
        Ok(Self { bytes, form: Form::Array })
    }

    /// An object on each line.
    pub fn lines(bytes: Bytes) -> Self {
        Self { bytes, form: Form::Lines }
    }

    /// How many rows there are. Fails with MALFORMED where the end of a row cannot be found.
    pub fn count(&self) -> Result<usize> {
        match &self.form {
            Form::Csv { delimiter, .. } => Ok(reader(&self.bytes, *delimiter).byte_records().count()),
            Form::Array => Elements::<IgnoredAny>::of(&self.bytes).try_fold(0, |count, row| row.map(|_| count + 1)),
            Form::Lines => Ok(self.lines_of_text().count()),
        }
    }

    /// The rows in their order. Call after [`File::count`], which finds what is wrong with the file as a whole.
    pub fn rows(&self) -> Box<dyn Iterator<Item = Row> + Send + '_> {
        match &self.form {
            Form::Csv { columns, delimiter } => {
                let records = reader(&self.bytes, *delimiter).into_byte_records();
                Box::new(records.map(move |record| match record {
                    Ok(record) => csv_row(columns, &record),
                    Err(error) => Err(whole("format", format!("is not CSV: {error}"))),
                }))
            }
            Form::Array => Box::new(Elements::<Json>::of(&self.bytes).map_while(|row| row.ok()).map(object)),
            Form::Lines => Box::new(self.lines_of_text().map(|line| match serde_json::from_slice(line) {
                Ok(json) => object(json),
                Err(error) => Err(whole("format", format!("is not JSON: {error}"))),
            })),
        }
    }

    fn lines_of_text(&self) -> impl Iterator<Item = &[u8]> + Send {
        self.bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
    }
}

/// What is wrong with a row as a whole.
fn whole(code: &'static str, message: impl Into<String>) -> Vec<FieldError> {
    vec![FieldError::new("", code, message)]
}

fn object(json: Json) -> Row {
    if json.is_object() { Ok(json) } else { Err(whole("type", "must be an object")) }
}

fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(bytes)
}

/// Comma, or what spreadsheets write where the comma is in numbers: the one that the header has more of.
fn delimiter(bytes: &[u8]) -> u8 {
    let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |wanted: u8| header.iter().filter(|byte| **byte == wanted).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|one| count(*one)).unwrap_or(b',')
}

/// The fields of the columns, each once; all problems at once.
fn columns(ctx: &Ctx, table: &Table, names: Vec<String>) -> Result<Vec<Option<Column>>> {
    let mut problems: Vec<FieldError> = Vec::new();
    let mut problem = |message: String| problems.push(FieldError::new("?columns", "rule", message));
    let mut columns: Vec<Option<Column>> = Vec::with_capacity(names.len());
    for path in names {
        if path == IGNORED {
            columns.push(None);
            continue;
        }
        let known = table.fields.get(&path).filter(|field| fields::is_visible(ctx, table, field));
        if columns.iter().flatten().any(|column| column.path == path) {
            problem(format!("{path} is the name of two columns"));
        }
        match known {
            Some(field) if path != "id" => columns.push(Some(Column { path, kind: field.kind.clone() })),
            None if path != "id" => problem(format!("{} has no field {path:?}; - leaves a column out", table.name)),
            _ => columns.push(Some(Column { path, kind: Kind::String })),
        }
    }
    if problems.is_empty() { Ok(columns) } else { Err(not_for_this_file(problems)) }
}

/// Columns that do not go with the file or the table: no schema says so, hence the code.
fn not_for_this_file(problems: Vec<FieldError>) -> Error {
    let message = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
    Error::new(INVALID_QUERY, "").rephrased(message, problems)
}

fn csv_row(columns: &[Option<Column>], record: &ByteRecord) -> Row {
    if record.len() != columns.len() {
        return Err(whole("format", format!("has {} cells and not {}", record.len(), columns.len())));
    }
    let (mut row, mut problems) = (Map::new(), Vec::new());
    for (column, cell) in columns.iter().zip(record) {
        let Some(column) = column else { continue };
        match std::str::from_utf8(cell) {
            Ok(text) => {
                if let Some(value) = cells::json_of(&column.kind, text) {
                    cells::insert(&mut row, &column.path, value);
                }
            }
            Err(_) => {
                let pointer = crate::context::failure::pointer(&column.path);
                problems.push(FieldError::new(pointer, "format", "is not UTF-8 text"));
            }
        }
    }
    if problems.is_empty() { Ok(Json::Object(row)) } else { Err(problems) }
}

/// The elements of a JSON array, read one by one.
struct Elements<'a, T> {
    bytes: &'a [u8],
    at: usize,
    is_over: bool,
    kind: std::marker::PhantomData<fn() -> T>,
}

impl<'a, T> Elements<'a, T> {
    fn of(bytes: &'a [u8]) -> Self {
        let at = bytes.iter().position(|byte| *byte == b'[').map_or(bytes.len(), |at| at + 1);
        Self { bytes, at, is_over: false, kind: std::marker::PhantomData }
    }

    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn fail(&mut self, why: impl std::fmt::Display) -> Option<Result<T>> {
        self.is_over = true;
        Some(Err(Error::new(MALFORMED, format!("The body is not JSON: {why} (byte {}).", self.at))))
    }

    /// After the last element there is nothing.
    fn end(&mut self) -> Option<Result<T>> {
        self.at += 1;
        self.is_over = true;
        match self.peek() {
            None => None,
            Some(_) => self.fail("something follows the array"),
        }
    }
}

impl<T: serde::de::DeserializeOwned> Iterator for Elements<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let before = self.bytes[..self.at].iter().rev().find(|byte| !byte.is_ascii_whitespace());
        let is_first = before == Some(&b'[');
        if self.peek() == Some(b']') && is_first {
            return self.end();
        }
        let mut stream = serde_json::Deserializer::from_slice(&self.bytes[self.at..]).into_iter::<T>();
        let (value, length) = (stream.next(), stream.byte_offset());
        let value = match value {
            Some(Ok(value)) => value,
            Some(Err(error)) => return self.fail(error),
            None => return self.fail("it ends too early"),
        };
        self.at += length;
        match self.peek() {
            Some(b',') => self.at += 1,
            Some(b']') => {
                if let Some(failure) = self.end() {
                    return Some(failure);
                }
            }
            _ => return self.fail("a comma or ] is missing"),
        }
        Some(Ok(value))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn array(text: &str) -> File {
        File::array(Bytes::copy_from_slice(text.as_bytes())).expect("an array")
    }

    #[test]
    fn elements_are_read_one_by_one_and_as_often_as_needed() {
        let file = array(" [ {\"a\": [1, {}]} , {\"b\":\"],\"},{} ]\n");
        assert_eq!(file.count().expect("three"), 3);
        for _ in 0..2 {
            let rows: Vec<Row> = file.rows().collect();
            assert_eq!(rows, [Ok(json!({ "a": [1, {}] })), Ok(json!({ "b": "]," })), Ok(json!({}))]);
        }
        assert_eq!(array("[]").count().expect("none"), 0);
        assert_eq!(array("[ ]").rows().count(), 0);
    }

    #[test]
    fn broken_arrays_are_refused_as_a_whole() {
        for text in ["[", "[{}", "[{},]", "[{} {}]", "[,]", "[{}]x", "[{\"a\":}]", "[[]]]"] {
            assert_eq!(array(text).count().expect_err(text).entry(), MALFORMED, "{text}");
        }
        assert!(File::array(Bytes::from_static(b"{}")).is_err());
        assert!(File::array(Bytes::new()).is_err());
    }

    #[test]
    fn what_is_no_object_is_a_bad_row() {
        let rows: Vec<Row> = array("[\"a\", {}, [1]]").rows().collect();
        assert!(rows[0].is_err() && rows[1].is_ok() && rows[2].is_err());
        let lines = File::lines(Bytes::from_static(b"{\"a\":1}\r\n\n{\n 5\n{}"));
        let rows: Vec<Row> = lines.rows().collect();
        assert_eq!(lines.count().expect("lines"), 4);
        assert_eq!(rows[0], Ok(json!({ "a": 1 })));
        assert!(rows[1].is_err() && rows[2].is_err() && rows[3].is_ok());
    }

    #[test]
    fn the_delimiter_is_found_in_the_header() {
        for (text, expected) in
            [("a,b;c,d", b','), ("a;b;c\n1,2,3,4,5", b';'), ("a\tb\n", b'\t'), ("a", b','), ("", b',')]
        {
            assert_eq!(delimiter(text.as_bytes()), expected, "{text}");
        }
    }
}
