//! What a shop's schema may contain, statement by statement and field by field. Pure: no file and no database is read here.

use super::kind::Kind;
use super::splitter::{Definition, Statement};

/// What a shop's schema file may define.
const DEFINABLE: [&str; 8] = ["TABLE", "FIELD", "INDEX", "EVENT", "FUNCTION", "PARAM", "ANALYZER", "SEQUENCE"];
/// What a migration may neither define, alter nor remove.
const GUARDED: [&str; 9] = ["ACCESS", "USER", "NAMESPACE", "NS", "DATABASE", "DB", "API", "BUCKET", "CONFIG"];
/// Statements that would leave the migration's own transaction or database.
const TRANSACTIONAL: [&str; 4] = ["BEGIN", "COMMIT", "CANCEL", "USE"];
/// Table names that paths of the API use.
const RESERVED_TABLES: [&str; 12] = [
    "auth", "batch", "realtime", "admin", "health", "metrics", "openapi", "docs", "overview", "schema", "work",
    "webhooks",
];
/// Field names that query parameters of the API use.
const RESERVED_FIELDS: [&str; 13] = [
    "limit",
    "cursor",
    "offset",
    "count",
    "sort",
    "fields",
    "expand",
    "q",
    "filter",
    "aggregate",
    "group_by",
    "measures",
    "format",
];
/// Longest name.
const MAX_NAME: usize = 63;

/// Whether a name is of lower-case letters, digits and underscores, begins with a letter and is not too long.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Why a schema file may not contain this statement at all.
pub(super) fn refuse_statement(statement: &Statement, definition: Option<&Definition>) -> Option<String> {
    let Some(definition) = definition else {
        return Some(format!(
            "{} is not a DEFINE statement; schema files only define, data changes belong in migrations/",
            statement.keyword(0)
        ));
    };
    let object = definition.object.as_str();
    (!DEFINABLE.contains(&object)).then(|| format!("a schema file may not DEFINE {object}"))
}

/// What the text of a definition lacks or should not have.
pub(super) fn refuse_definition(statement: &Statement, definition: &Definition) -> Vec<String> {
    let name = &definition.name;
    let mut messages = Vec::new();
    match definition.object.as_str() {
        "TABLE" => {
            if !is_name(name) {
                messages.push(format!("table name {name:?} must match ^[a-z][a-z0-9_]{{0,62}}$"));
            }
            if RESERVED_TABLES.contains(&name.as_str()) {
                messages.push(format!("table name {name} is reserved for the API"));
            }
            if !statement.has("PERMISSIONS") {
                messages.push(format!("table {name} has no PERMISSIONS; say who may do what, or PERMISSIONS NONE"));
            }
            if !statement.has("SCHEMAFULL") {
                messages.push(format!("table {name} is not SCHEMAFULL"));
            }
        }
        "FIELD" => {
            if !name.split('.').all(|part| part == "*" || is_name(part)) {
                messages.push(format!("field name {name:?}: each part must match ^[a-z][a-z0-9_]{{0,62}}$"));
            }
            if RESERVED_FIELDS.contains(&name.as_str()) {
                messages.push(format!("field name {name} is reserved: it is a query parameter of the API"));
            }
            if !statement.has("TYPE") {
                messages.push(format!("field {name} has no TYPE"));
            }
        }
        // What would run later is run by tasks of the engine that are not started: see the maintenance of the engine crate.
        "EVENT" if statement.has("ASYNC") => {
            messages.push(format!("event {name} is ASYNC; events run in the transaction of the write"));
        }
        "INDEX" if statement.has("CONCURRENTLY") => {
            messages.push(format!("index {name} is built CONCURRENTLY; indexes are built at the start"));
        }
        _ => {}
    }
    messages
}

/// Why a field may not have this type. `tables` are all tables there are.
pub(super) fn refuse_kind(path: &str, kind: &str, is_table: impl Fn(&str) -> bool) -> Option<String> {
    let Some(parsed) = Kind::parse(kind) else {
        return Some(format!("field {path} is of type {kind}, which the API does not serve"));
    };
    if path == "id" && !matches!(parsed, Kind::Uuid | Kind::String | Kind::Int) {
        return Some(format!("id is of type {kind}; keys are uuid, string or int"));
    }
    let missing = links(&parsed).into_iter().find(|table| !is_table(table))?;
    Some(format!("field {path} links to table {missing}, which is nowhere defined"))
}

/// Tables that values of this type link to.
fn links(kind: &Kind) -> Vec<String> {
    match kind {
        Kind::Record(tables) => tables.clone(),
        Kind::Array(inner) | Kind::Set(inner) | Kind::Option(inner) => links(inner),
        Kind::Either(kinds) => kinds.iter().flat_map(links).collect(),
        _ => Vec::new(),
    }
}

/// Whether values of this type are, or hold, instants.
fn has_instants(kind: &Kind) -> bool {
    match kind {
        Kind::Datetime => true,
        Kind::Array(inner) | Kind::Set(inner) | Kind::Option(inner) => has_instants(inner),
        Kind::Either(kinds) => kinds.iter().any(has_instants),
        _ => false,
    }
}

/// Why a field may not stand in an index. `definition` is its full text.
pub(super) fn refuse_indexed(path: &str, kind: &str, definition: &str) -> Option<String> {
    let is_instant = Kind::parse(kind).is_some_and(|kind| has_instants(&kind));
    (is_instant && !definition.contains("time::floor")).then(|| {
        format!(
            "datetime field {path} is indexed but not floored; the engine compares indexed instants as text, so mixed \
             fractions of a second give wrong results: add VALUE time::floor($value, 1s)"
        )
    })
}

/// Why a migration may not contain this statement.
pub(super) fn refuse_in_migration(statement: &Statement) -> Option<String> {
    let (first, second) = (statement.keyword(0), statement.keyword(1));
    if TRANSACTIONAL.contains(&first.as_str()) {
        return Some(format!("{first} does not belong in a migration: it runs in a transaction of its own"));
    }
    let is_guarded = matches!(first.as_str(), "DEFINE" | "REMOVE" | "ALTER") && GUARDED.contains(&second.as_str());
    is_guarded.then(|| format!("a migration may not {first} {second}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        assert!(is_name("a") && is_name("toys_2") && is_name(&"a".repeat(63)));
        for bad in ["", "A", "2a", "_a", "a-b", &"a".repeat(64)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn links_are_found_in_any_depth() {
        let is_table = |name: &str| name == "users";
        assert_eq!(refuse_kind("a", "none | array<record<users>>", is_table), None);
        assert!(refuse_kind("a", "none | array<record<users | gone>>", is_table).is_some_and(|m| m.contains("gone")));
        assert!(refuse_kind("a", "range", is_table).is_some_and(|m| m.contains("does not serve")));
    }
}
