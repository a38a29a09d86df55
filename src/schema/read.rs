//! Our model of the tables, made from the database's own description.

use indexmap::IndexMap;
use pawbase_engine::Session;
use serde_json::Value as Json;

use super::constraint::Constraint;
use super::error::Result;
use super::kind::{Kind, list_length};
use super::model::{Field, Index, KeyKind, OnDelete, Permission, Permissions, Schema, Table, split_comment};
use super::state::{Id, Object, State, plain};

/// Reads the model of all tables that this session's database has.
pub async fn read(session: &Session) -> Result<Schema> {
    Ok(model(&State::read(session).await?))
}

/// The model of a database's state: tables in alphabetical order, parents before children in fields.
pub(super) fn model(state: &State) -> Schema {
    let tables = state.tables().map(|name| (name.to_owned(), table(state, name)));
    Schema { tables: tables.collect() }
}

fn table(state: &State, name: &str) -> Table {
    let part = state.part(&Id::table(name));
    let (description, tags) = split_comment(part["comment"].as_str().unwrap_or_default());
    let of = |object| state.parts.iter().filter(move |(id, _)| id.object == object && id.table == name);
    // Ids are ordered by path, so `price` stands before `price.minor`.
    let named = of(Object::Field).filter(|(id, _)| !id.name.contains('['));
    let (items, fields): (IndexMap<String, Field>, IndexMap<String, Field>) =
        named.map(|(id, part)| (id.name.clone(), field(&id.name, part))).partition(|(path, _)| path.contains('*'));
    Table {
        name: name.to_owned(),
        description,
        tags,
        permissions: permissions(&part["permissions"]),
        key: key_kind(fields.get("id")),
        indexes: of(Object::Index).map(|(id, part)| index(&id.name, part)).collect(),
        fields,
        items,
    }
}

fn key_kind(id: Option<&Field>) -> KeyKind {
    match id.map(|field| field.kind.required()) {
        Some(Kind::Uuid) => KeyKind::Uuid,
        Some(Kind::Int) => KeyKind::Int,
        _ => KeyKind::Text,
    }
}

fn field(path: &str, part: &Json) -> Field {
    let (description, tags) = split_comment(part["comment"].as_str().unwrap_or_default());
    let assertion = part["assert"].as_str().map(str::to_owned);
    let mut constraint = assertion.as_deref().map(Constraint::of).unwrap_or_default();
    if let Some(length) = part["kind"].as_str().and_then(list_length) {
        (constraint.length_min, constraint.length_max) = (Some(length), Some(length));
    }
    Field {
        path: path.to_owned(),
        kind: part["kind"].as_str().and_then(Kind::parse).unwrap_or(Kind::Any),
        description,
        tags,
        permissions: permissions(&part["permissions"]),
        is_read_only: is_set(&part["readonly"]),
        has_default: part["default"].is_string(),
        is_default_caller: part["default"].as_str().is_some_and(is_of_caller),
        is_default_always: is_set(&part["default_always"]),
        value: part["value"].as_str().map(str::to_owned),
        is_computed: is_computed(part),
        is_flexible: is_set(&part["flexible"]),
        constraint,
        assertion,
        on_delete: on_delete(&part["reference"]),
    }
}

fn on_delete(reference: &Json) -> Option<OnDelete> {
    Some(match reference["on_delete"].as_str()? {
        "REJECT" => OnDelete::Reject,
        "IGNORE" => OnDelete::Ignore,
        "CASCADE" => OnDelete::Cascade,
        "UNSET" => OnDelete::Unset,
        _ => OnDelete::Custom,
    })
}

/// Whether the database fills a field whatever is sent: COMPUTED, or a VALUE that ignores what is sent.
pub(super) fn is_computed(part: &Json) -> bool {
    part["computed"].is_string() || part["value"].as_str().is_some_and(|value| !value.contains("$value"))
}

/// Whether an expression is the caller's account, or a field of it, and nothing else.
fn is_of_caller(expression: &str) -> bool {
    let is_path = |text: &str| {
        text.split('.').all(|name| !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()))
    };
    expression == "$auth" || expression.strip_prefix("$auth.").is_some_and(is_path)
}

/// Whether a flag of the description is set.
pub(super) fn is_set(flag: &Json) -> bool {
    flag.as_bool().unwrap_or(false)
}

fn permissions(part: &Json) -> Permissions {
    Permissions {
        select: permission(&part["select"]),
        create: permission(&part["create"]),
        update: permission(&part["update"]),
        delete: permission(&part["delete"]),
    }
}

fn permission(part: &Json) -> Permission {
    match part {
        Json::Bool(true) => Permission::Full,
        Json::String(expression) => Permission::Where(expression.clone()),
        _ => Permission::None,
    }
}

fn index(name: &str, part: &Json) -> Index {
    let kind = part["index"].as_str().unwrap_or_default();
    let columns = part["cols"].as_array().into_iter().flatten().filter_map(Json::as_str);
    Index {
        name: name.to_owned(),
        fields: columns.map(plain).collect(),
        is_unique: kind.starts_with("UNIQUE"),
        is_full_text: kind.starts_with("FULLTEXT"),
    }
}

#[cfg(test)]
mod tests {
    use super::is_of_caller;

    #[test]
    fn a_default_of_the_caller_is_recognised() {
        for text in ["$auth", "$auth.name", "$auth.home.city"] {
            assert!(is_of_caller(text), "{text}");
        }
        // With a value for those without an account, or of something else.
        for text in ["$auth ?? users:desk", "$auth.name ?? 'Desk'", "$authority", "$auth.", "'$auth'", "time::now()"] {
            assert!(!is_of_caller(text), "{text}");
        }
    }
}
