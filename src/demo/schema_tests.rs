//! Holds every row of the demo data against the table definitions in `schemas`: names of fields, required fields,
//! choices, lengths and the patterns of keys, codes and numbers.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use super::{Row, dataset};

/// Fields that the data leaves to the loader and to the database.
const LEFT_OUT: &[&str] = &["password_hash", "created_at", "updated_at", "failed_logins"];

/// One `DEFINE FIELD` of the files.
struct Field {
    name: String,
    /// From TYPE to the end of the line, with its continuation.
    definition: String,
}

impl Field {
    fn is_required(&self) -> bool {
        let is_filled_in = ["option<", " DEFAULT ", " VALUE "].iter().any(|mark| self.definition.contains(mark));
        !is_filled_in && !self.name.contains('.')
    }

    /// The literals of `TYPE 'a' | 'b'` and `array<'a' | 'b'>`; none for other types.
    fn choices(&self) -> Vec<&str> {
        let kind = self.definition.split(" ASSERT").next().unwrap_or_default();
        let kind = kind.split(" DEFAULT").next().unwrap_or_default().split(" COMMENT").next().unwrap_or_default();
        kind.split('\'').skip(1).step_by(2).collect()
    }

    /// The greatest length that an ASSERT allows.
    fn greatest_length(&self) -> Option<usize> {
        let (_, rest) = self.definition.split_once("string::len($value) <= ")?;
        rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
    }

    /// The regular expression of an ASSERT.
    fn pattern(&self) -> Option<&str> {
        let (_, rest) = self.definition.split_once("$value = /^")?;
        rest.split_once("$/").map(|(pattern, _)| pattern)
    }
}

/// The fields of each table, read from the files.
fn schema() -> HashMap<String, Vec<Field>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut tables: HashMap<String, Vec<Field>> = HashMap::new();
    for entry in folder.read_dir().expect("folder") {
        let file = std::fs::read_to_string(entry.expect("entry").path()).expect("file");
        for statement in file.split("DEFINE ").filter_map(|statement| statement.strip_prefix("FIELD ")) {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let definition = words[3..].join(" ");
            tables.entry(words[2].to_owned()).or_default().push(Field { name: words[0].to_owned(), definition });
        }
    }
    tables
}

/// What each pattern of the files means, written out, so that the tests need no library for it.
fn matches(pattern: &str, text: &str) -> bool {
    let all = |text: &str, allowed: fn(char) -> bool| !text.is_empty() && text.chars().all(allowed);
    let first = text.chars().next().unwrap_or('!');
    let length = text.len();
    match pattern {
        "[a-z][a-z0-9_]{0,63}" => {
            first.is_ascii_lowercase() && length <= 64 && all(text, |c| matches!(c, 'a'..='z' | '0'..='9' | '_'))
        }
        "[a-z0-9]+(-[a-z0-9]+)*" => {
            text.split('-').all(|part| all(part, |c| c.is_ascii_lowercase() || c.is_ascii_digit()))
        }
        r"\+[1-9][0-9]{6,14}" => {
            let number = text.strip_prefix('+').unwrap_or_default();
            (7..=15).contains(&number.len()) && !number.starts_with('0') && all(number, |c| c.is_ascii_digit())
        }
        "[A-Z]{2}" => length == 2 && all(text, |c| c.is_ascii_uppercase()),
        "[A-Z]{3}" => length == 3 && all(text, |c| c.is_ascii_uppercase()),
        "[A-Za-z0-9][A-Za-z0-9._-]{0,39}" => {
            first.is_ascii_alphanumeric()
                && length <= 40
                && all(text, |c| c.is_ascii_alphanumeric() || "._-".contains(c))
        }
        "[0-9]{8,14}" => (8..=14).contains(&length) && all(text, |c| c.is_ascii_digit()),
        "[0-9A-Za-z]{9,15}" => (9..=15).contains(&length) && all(text, |c| c.is_ascii_alphanumeric()),
        "[0-9]{4}-[0-9]{2}-[0-9]{2}" => {
            let lengths: Vec<usize> = text.split('-').map(str::len).collect();
            lengths == [4, 2, 2] && all(&text.replace('-', ""), |c| c.is_ascii_digit())
        }
        "[a-z]{2}(-[A-Z]{2})?" => {
            let (language, country) = text.split_once('-').unwrap_or((text, "XX"));
            language.len() == 2
                && all(language, |c| c.is_ascii_lowercase())
                && country.len() == 2
                && all(country, |c| c.is_ascii_uppercase())
        }
        other => panic!("a pattern this test does not know: {other}"),
    }
}

fn check_value(table: &str, field: &Field, value: &Value) {
    let name = &field.name;
    let texts: Vec<&str> = match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    };
    let choices = field.choices();
    for text in texts {
        assert!(choices.is_empty() || choices.contains(&text), "{table}.{name}: {text} of {choices:?}");
        let length = text.chars().count();
        assert!(length > 0 && field.greatest_length().is_none_or(|most| length <= most), "{table}.{name}: {text}");
        assert!(field.pattern().is_none_or(|pattern| matches(pattern, text)), "{table}.{name}: {text}");
    }
    if field.definition.contains("TYPE int") || field.definition.contains("option<int>") {
        assert!(value.is_i64() || value.is_u64(), "{table}.{name}: {value}");
    }
    if field.definition.contains("TYPE bool") || field.definition.contains("option<bool>") {
        assert!(value.is_boolean(), "{table}.{name}: {value}");
    }
    if field.definition.contains("@money") {
        assert!(value["minor"].is_i64() && value["currency"].is_string(), "{table}.{name}: {value}");
    }
    if field.definition.contains("geometry<point>") {
        let [longitude, latitude] = [0, 1].map(|axis| value["coordinates"][axis].as_f64().unwrap_or(999.0));
        assert!(value["type"] == "Point" && longitude.abs() <= 180.0 && latitude.abs() <= 90.0, "{table}: {value}");
    }
}

fn check_row(table: &str, fields: &[Field], row: &Row) {
    for (name, value) in row {
        let field = fields.iter().find(|field| field.name == *name);
        assert!(!LEFT_OUT.contains(&name.as_str()), "{table}.{name} is left out");
        check_value(table, field.unwrap_or_else(|| panic!("{table} has no field {name}")), value);
    }
    for field in fields.iter().filter(|field| field.is_required()) {
        assert!(row.contains_key(&field.name), "{table}.{} is missing in {row:?}", field.name);
    }
}

#[test]
fn rows_fit_the_tables() {
    let schema = schema();
    for (table, rows) in dataset().tables {
        let fields = schema.get(table).unwrap_or_else(|| panic!("no table {table}"));
        assert!(fields.len() > 2, "{table}");
        rows.iter().for_each(|row| check_row(table, fields, row));
    }
}

#[test]
fn the_schema_files_are_understood() {
    let schema = schema();
    let field = |table: &str, name: &str| schema[table].iter().position(|field| field.name == name).expect("field");
    let kind = &schema["posts"][field("posts", "kind")];
    assert_eq!(kind.choices(), ["question", "looking_for", "lost_found", "adoption", "tip", "event"]);
    let title = &schema["posts"][field("posts", "title")];
    assert_eq!(title.greatest_length(), Some(150));
    assert!(title.is_required() && !kind.is_required());
    assert_eq!(schema["products"][field("products", "barcode")].pattern(), Some("[0-9]{8,14}"));
}
