//! What differs between the database and what the schema files describe, and which of it would lose data. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value as Json;

use super::kind::{Kind, list_length};
use super::migrations::MigrationId;
use super::read::{is_computed, is_set};
use super::state::{Id, Object, State};

/// What happens to a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It is new.
    Add,
    /// It changes.
    Change,
    /// It goes away.
    Remove,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What happens.
    pub verb: Verb,
    /// To what, such as `field users.email`.
    pub subject: String,
    /// What of it changes; may be empty.
    pub detail: String,
    /// Why it would lose data or break rows, if it would.
    pub loss: Option<&'static str>,
    pub(super) id: Id,
}

impl Change {
    /// Whether it would lose data or break existing rows.
    pub fn is_lossy(&self) -> bool {
        self.loss.is_some()
    }

    fn of(verb: Verb, id: &Id) -> Self {
        let subject = match id.object {
            Object::Field => format!("field {}.{}", id.table, id.name),
            Object::Index => format!("index {}.{}", id.table, id.name),
            Object::Event => format!("event {}.{}", id.table, id.name),
            object => format!("{} {}", object.keyword().to_ascii_lowercase(), id.name),
        };
        Self { verb, subject, detail: String::new(), loss: None, id: id.clone() }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.verb {
            Verb::Add => '+',
            Verb::Change => '~',
            Verb::Remove => '-',
        };
        write!(f, "{sign} {}", self.subject)?;
        if !self.detail.is_empty() {
            write!(f, ": {}", self.detail)?;
        }
        if let Some(loss) = self.loss {
            write!(f, "  ({loss})")?;
        }
        Ok(())
    }
}

/// All differences, and the migrations that would run before them. Its Display has one per line.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    /// Differences, in the order of definition.
    pub changes: Vec<Change>,
    /// Migrations that have not run yet.
    pub pending: Vec<MigrationId>,
}

impl Diff {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.pending.is_empty()
    }

    /// Whether some change would lose data.
    pub fn is_lossy(&self) -> bool {
        self.changes.iter().any(Change::is_lossy)
    }

    /// A statement that a migration for the first lossy change could have.
    pub(super) fn example(&self) -> String {
        let Some(change) = self.changes.iter().find(|change| change.is_lossy()) else { return String::new() };
        let Id { object, table, name } = &change.id;
        match (object, change.verb) {
            (Object::Table, _) => format!("REMOVE TABLE {name};"),
            (_, Verb::Remove) => format!("REMOVE FIELD {name} ON {table}; UPDATE {table} UNSET {name};"),
            _ => format!("DEFINE FIELD OVERWRITE {name} ON {table} TYPE …; UPDATE {table} SET {name} = …;"),
        }
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = self.pending.iter().map(|migration| format!("> migration {migration}"));
        let lines: Vec<String> = pending.chain(self.changes.iter().map(ToString::to_string)).collect();
        f.write_str(&lines.join("\n"))
    }
}

const LOSES: &str = "loses data";
const BREAKS: &str = "existing rows lack it";

/// Every definition that differs between `current` and `wanted`, in the order of definition.
pub(super) fn compare(current: &State, wanted: &State) -> Vec<Change> {
    let ids: BTreeSet<&Id> = current.definitions.keys().chain(wanted.definitions.keys()).collect();
    let changed_analyzers: Vec<String> = ids
        .iter()
        .filter(|id| id.object == Object::Analyzer && current.definitions.get(id) != wanted.definitions.get(id))
        .map(|id| format!("ANALYZER {} ", id.name))
        .collect();
    ids.into_iter().filter_map(|id| one(current, wanted, id, &changed_analyzers)).collect()
}

/// How one definition differs.
fn one(current: &State, wanted: &State, id: &Id, changed_analyzers: &[String]) -> Option<Change> {
    match (current.definitions.get(id), wanted.definitions.get(id)) {
        (Some(_), None) => {
            let mut change = Change::of(Verb::Remove, id);
            let is_stored = match id.object {
                Object::Table => true,
                Object::Field => is_stored_field(current, wanted, id),
                _ => false,
            };
            change.loss = is_stored.then_some(LOSES);
            Some(change)
        }
        (None, Some(_)) => {
            let mut change = Change::of(Verb::Add, id);
            change.loss = breaks_rows(current, wanted, id).then_some(BREAKS);
            Some(change)
        }
        (Some(before), Some(after)) => {
            // A full-text index holds the words of its analyzer, so it is made anew with it.
            let is_outdated =
                id.object == Object::Index && changed_analyzers.iter().any(|a| after.contains(a.as_str()));
            if before == after && !is_outdated {
                return None;
            }
            let mut change = Change::of(Verb::Change, id);
            change.detail = detail(current.part(id), wanted.part(id));
            change.loss = narrows(current.part(id), wanted.part(id), id.object).then_some(LOSES);
            Some(change)
        }
        (None, None) => None,
    }
}

/// Whether removing a field loses something: not for computed ones, and not for the items of a list, which go with the list.
fn is_stored_field(current: &State, wanted: &State, id: &Id) -> bool {
    let is_item = id.name.strip_suffix(".*").is_some_and(|list| wanted.parts.contains_key(&Id::field(&id.table, list)));
    !is_item && !is_computed(current.part(id))
}

/// Whether a new field would make the existing rows of an existing table invalid.
fn breaks_rows(current: &State, wanted: &State, id: &Id) -> bool {
    if id.object != Object::Field || !current.has_table(&id.table) {
        return false;
    }
    let parent = id.name.rsplit_once('.').map(|(parent, _)| Id::field(&id.table, parent));
    let is_parent_new = parent.is_some_and(|parent| !current.definitions.contains_key(&parent));
    let part = wanted.part(id);
    let is_item = id.name.ends_with(".*");
    let is_filled = part["default"].is_string() || is_computed(part);
    !is_item && !is_parent_new && !is_filled && id.name != "id" && is_required(part)
}

/// Whether a field must have a value.
pub(super) fn is_required(part: &Json) -> bool {
    let kind = part["kind"].as_str().and_then(Kind::parse).unwrap_or(Kind::Any);
    !kind.is_optional()
}

/// Whether a change of a table or field refuses what is stored now.
fn narrows(before: &Json, after: &Json, object: Object) -> bool {
    match object {
        Object::Table => {
            let (before, after) = (&before["kind"]["kind"], &after["kind"]["kind"]);
            before != after && after != "ANY"
        }
        Object::Field => {
            let becomes_computed = after["computed"].is_string() && !before["computed"].is_string();
            let becomes_closed = is_set(&before["flexible"]) && !is_set(&after["flexible"]);
            becomes_computed || becomes_closed || !kind_fits(before["kind"].as_str(), after["kind"].as_str())
        }
        _ => false,
    }
}

fn kind_fits(before: Option<&str>, after: Option<&str>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return after.is_none_or(|kind| kind == "any") };
    if before == after {
        return true;
    }
    let (Some(kind), Some(wider)) = (Kind::parse(before), Kind::parse(after)) else { return false };
    // A list of exactly so many items is none of another length.
    let same_length = list_length(after).is_none_or(|length| list_length(before) == Some(length));
    kind.fits_in(&wider) && same_length
}

/// Names of the parts that differ; both types when the type does.
fn detail(before: &Json, after: &Json) -> String {
    let (before, after) = (before.as_object(), after.as_object());
    let keys: BTreeSet<&String> = before.into_iter().chain(after).flat_map(|part| part.keys()).collect();
    let get = |part: Option<&serde_json::Map<String, Json>>, key: &str| part.and_then(|p| p.get(key)).cloned();
    let mut words = Vec::new();
    for key in keys.into_iter().filter(|key| *key != "id") {
        match (get(before, key), get(after, key)) {
            (old, new) if old == new => {}
            (Some(Json::String(old)), Some(Json::String(new))) if key == "kind" => {
                words.insert(0, format!("{old} -> {new}"))
            }
            _ => words.push(key.clone()),
        }
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wider_types_fit() {
        assert!(kind_fits(Some("string"), Some("none | string")));
        assert!(kind_fits(Some("int"), Some("any")) && kind_fits(Some("int"), None));
        assert!(!kind_fits(None, Some("int")) && !kind_fits(Some("none | string"), Some("string")));
        assert!(kind_fits(Some("array<string, 5>"), Some("array<string>")));
        assert!(!kind_fits(Some("array<string, 5>"), Some("array<string, 6>")));
        assert!(!kind_fits(Some("array<string>"), Some("array<string, 6>")));
    }

    #[test]
    fn details_name_what_differs() {
        let before = serde_json::json!({ "kind": "int", "comment": "a", "readonly": false });
        let after = serde_json::json!({ "kind": "string", "comment": "b", "readonly": false });
        assert_eq!(detail(&before, &after), "int -> string, comment");
    }
}
