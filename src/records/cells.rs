//! Cells of CSV files: one text for each field, by its declared kind, in both directions.
//!
//! **Invariant:** what [`text_of`] writes, [`json_of`] reads back as the same value (an empty text as none). Text that a spreadsheet would take for a
//! formula gets an apostrophe in front, which reading takes off again.

use serde_json::{Map, Value as Json};

use crate::schema::{Field, Kind, Table};

/// First characters by which spreadsheets know a formula, and the apostrophe itself, so that no text is read back as another.
const GUARDED: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];

/// The text of a cell; empty for what is absent.
pub fn text_of(kind: &Kind, json: &Json) -> String {
    let is_number = matches!(kind.required(), Kind::Int | Kind::Float | Kind::Number | Kind::Decimal);
    match json {
        Json::Null => String::new(),
        Json::String(text) if is_number || !text.starts_with(GUARDED) => text.clone(),
        Json::String(text) => format!("'{text}"),
        Json::Array(_) | Json::Object(_) => json.to_string(),
        plain => plain.to_string(),
    }
}

/// The value of a cell; None when it is empty. Text that is not of the kind stays text, for the check of the value to refuse.
pub fn json_of(kind: &Kind, text: &str) -> Option<Json> {
    if text.is_empty() {
        return None;
    }
    let plain = || Json::String(unguarded(text).to_owned());
    let parsed = || serde_json::from_str::<Json>(text.trim()).ok();
    Some(match kind.required() {
        Kind::Bool => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ => plain(),
        },
        Kind::Int | Kind::Float | Kind::Number => parsed().filter(Json::is_number).unwrap_or_else(plain),
        Kind::Array(_) | Kind::Set(_) => parsed().filter(Json::is_array).unwrap_or_else(plain),
        Kind::Object | Kind::Geometry(_) => parsed().filter(Json::is_object).unwrap_or_else(plain),
        Kind::Record(tables) if tables.len() != 1 => parsed().filter(Json::is_object).unwrap_or_else(plain),
        Kind::Any | Kind::Either(_) => parsed().unwrap_or_else(plain),
        Kind::Datetime | Kind::Duration | Kind::Uuid | Kind::Decimal => Json::String(text.trim().to_owned()),
        _ => plain(),
    })
}

/// The text without the apostrophe that guards it.
fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| rest.starts_with(GUARDED)).unwrap_or(text)
}

/// Puts a value at a dotted path of an object.
pub fn insert(object: &mut Map<String, Json>, path: &str, value: Json) {
    match path.split_once('.') {
        None => drop(object.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// The value at a dotted path of an object.
pub fn pick<'a>(json: &'a Json, path: &str) -> &'a Json {
    path.split('.').fold(json, |json, name| json.get(name).unwrap_or(&Json::Null))
}

/// Whether a field has a cell of its own: it is no object whose parts have theirs.
pub fn is_cell(table: &Table, field: &Field) -> bool {
    let has_parts = *field.kind.required() == Kind::Object && !field.is_flexible;
    !(has_parts && table.children(&field.path).next().is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn text_that_could_be_a_formula_is_guarded_and_comes_back() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+49301234", "'+49301234"),
            ("-x", "'-x"),
            ("@a", "'@a"),
            ("'n beetje", "''n beetje"),
            ("Rex", "Rex"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(text_of(&Kind::String, &json!(text)), cell);
            assert_eq!(json_of(&Kind::String, cell), Some(json!(text)));
        }
        assert_eq!(json_of(&Kind::String, "'s morgens"), Some(json!("'s morgens")), "not one of ours");
        assert_eq!(text_of(&Kind::Int, &json!(-5)), "-5");
        assert_eq!(text_of(&Kind::Decimal, &json!("-5.50")), "-5.50");
    }

    #[test]
    fn cells_become_values_of_the_declared_kind() {
        let link = |tables: &[&str]| Kind::Record(tables.iter().map(|name| (*name).to_owned()).collect());
        for (kind, text, expected) in [
            (Kind::Int, "5", json!(5)),
            (Kind::Int, "five", json!("five")),
            (Kind::Float, " 1.5 ", json!(1.5)),
            (Kind::Bool, "TRUE", json!(true)),
            (Kind::Bool, "yes", json!("yes")),
            (Kind::String, "5", json!("5")),
            (Kind::Decimal, "5.10", json!("5.10")),
            (Kind::Option(Box::new(Kind::Int)), "7", json!(7)),
            (Kind::Array(Box::new(Kind::String)), r#"["a","b"]"#, json!(["a", "b"])),
            (Kind::Array(Box::new(Kind::String)), "a;b", json!("a;b")),
            (
                Kind::Geometry(Vec::new()),
                r#"{"type":"Point","coordinates":[1,2]}"#,
                json!({ "type": "Point", "coordinates": [1, 2] }),
            ),
            (link(&["species"]), "dog", json!("dog")),
            (link(&["a", "b"]), "a:1", json!("a:1")),
        ] {
            assert_eq!(json_of(&kind, text), Some(expected), "{kind:?} {text}");
            assert_eq!(json_of(&kind, ""), None);
        }
    }

    #[test]
    fn paths_make_objects() {
        let mut object = Map::new();
        for (path, value) in [("price.minor", json!(5)), ("price.currency", json!("EUR")), ("name", json!("Ball"))] {
            insert(&mut object, path, value);
        }
        let object = Json::Object(object);
        assert_eq!(object, json!({ "name": "Ball", "price": { "currency": "EUR", "minor": 5 } }));
        assert_eq!(pick(&object, "price.minor"), &json!(5));
        assert_eq!(pick(&object, "price.minor.x"), &Json::Null);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "[ -~\\t\\r\\n']{1,20}") {
            prop_assert_eq!(json_of(&Kind::String, &text_of(&Kind::String, &json!(text))), Some(json!(text)));
        }

        #[test]
        fn any_number_comes_back(number in any::<i64>()) {
            prop_assert_eq!(json_of(&Kind::Int, &text_of(&Kind::Int, &json!(number))), Some(json!(number)));
        }
    }
}
