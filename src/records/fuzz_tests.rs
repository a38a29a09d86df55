//! Made-up queries, cursors and bodies: nothing panics, and the text of a statement is made of the schema alone.
//!
//! `PROPTEST_CASES=100000 cargo test --release --lib fuzz` looks longer.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use proptest::prelude::*;
use proptest::sample::select;
use regex::Regex;
use serde_json::{Value as Json, json};

use super::input::{self, Purpose};
use super::statement::Builder;
use super::{convert, cursor, filter_text, query, read};
use crate::app::App;
use crate::config::Config;
use crate::context::{Audience, Caller, Ctx};
use crate::kernel::time::ManualClock;
use crate::schema::{Kind, Permission, Schema, Table};

/// A table with one field of each kind, beside our own.
const SAMPLES: &str = include_str!("../../tests/contract/samples.surql");
const STACK_BYTES: usize = 16 << 20;

static GUEST: LazyLock<Ctx> = LazyLock::new(|| {
    let open = || {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("samples.surql"), SAMPLES).expect("written");
        let mut config = Config::default();
        config.database.url = "memory".into();
        config.server.schemas = folder.path().to_owned();
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).thread_stack_size(STACK_BYTES).enable_all().build().expect("runtime");
        let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(1_800_000_000, 0).expect("an instant")));
        let app =
            runtime.block_on(async { tokio::spawn(App::open(config, clock)).await.expect("a task").expect("an app") });
        // The engine's own tasks go on as long as the tests do.
        std::mem::forget(runtime);
        Arc::clone(&app.platform)
    };
    let platform =
        std::thread::Builder::new().stack_size(STACK_BYTES).spawn(open).expect("a thread").join().expect("open");
    let request_id = "fuzz".to_owned();
    Ctx { platform, caller: Caller::Guest, audience: Audience::Public, request_id, ip: None, user_agent: None }
});

fn schema() -> &'static Schema {
    &GUEST.platform.schema
}

fn tables() -> Vec<&'static Table> {
    schema().tables.values().filter(|table| !table.is_private()).collect()
}

/// Words that our statements are made of, beside names and conditions of the schema.
const WORDS: [&str; 27] = [
    "SELECT", "FROM", "WHERE", "ORDER", "BY", "LIMIT", "START", "ASC", "DESC", "AND", "OR", "IN", "CONTAINS", "NONE",
    "NULL", "IF", "THEN", "ELSE", "END", "GROUP", "ALL", "AS", "UPDATE", "SET", "false", "count", "id",
];

/// What is in a statement that neither the schema nor our own words explain.
fn foreign(table: &Table, statement: &str) -> Option<String> {
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^(?:`([a-z0-9_]+)`|(\$p\d+|\$auth|\$id)|(\d+)|(string::(?:contains|starts_with))|([A-Za-z]+)|([ (),;.*!=<>@]))")
            .expect("a pattern")
    });
    let mut names: BTreeSet<&str> = table.fields.keys().flat_map(|path| path.split('.')).collect();
    names.extend([table.name.as_str(), "id"]);
    // Conditions of permissions stand in brackets, word by word as in the schema.
    let mut text = statement.to_owned();
    for field in table.fields.values() {
        if let Permission::Where(condition) = &field.permissions.select {
            text = text.replace(&format!("({condition})"), "()");
        }
    }
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let Some(token) = TOKEN.captures(rest) else { return Some(rest.to_owned()) };
        let is_ours = |name: &str| names.contains(name) || name.starts_with("__sort");
        let is_known = token.get(1).is_none_or(|name| is_ours(name.as_str()))
            && token.get(5).is_none_or(|word| WORDS.contains(&word.as_str()));
        if !is_known {
            return Some(rest.to_owned());
        }
        rest = &rest[token[0].len()..];
    }
    None
}

fn a_table() -> impl Strategy<Value = &'static Table> {
    select(tables())
}

/// Names of fields, and what looks like them.
fn a_path() -> impl Strategy<Value = String> {
    let known: BTreeSet<String> = tables().into_iter().flat_map(|table| table.fields.keys().cloned()).collect();
    prop_oneof![
        8 => select(known.into_iter().collect::<Vec<_>>()),
        1 => "[a-z_.*`\\[\\]]{1,12}",
        1 => any::<String>(),
    ]
}

/// Text that would show in a statement, be it to break out of a literal or a name.
fn a_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        select(vec!["' OR true --", "`; DELETE users; `", "\\", "\"", "$auth", "NONE", "u'…'", "é\u{0}\u{202e}", ""])
            .prop_map(str::to_owned),
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "[0-9TZ:+.-]{1,30}",
        "-?[0-9]{1,25}(\\.[0-9]{1,10})?(e-?[0-9]{1,3})?",
    ]
}

fn a_literal() -> impl Strategy<Value = String> {
    let quoted = a_text().prop_map(|text| json!(text).to_string());
    let single = a_text().prop_map(|text| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")));
    let plain = prop_oneof![Just("null".to_owned()), Just("true".to_owned()), any::<i64>().prop_map(|n| n.to_string())];
    let one = prop_oneof![quoted, single, plain, a_text()];
    let list = prop::collection::vec(one.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(",")));
    prop_oneof![3 => one, 1 => list]
}

/// Conditions that are nearly right, and anything at all.
fn a_filter() -> impl Strategy<Value = String> {
    let operators = ["=", "!=", "<", "<=", ">", ">=", "in", "contains", "starts", "like"];
    let comparison = (a_path(), select(operators.to_vec()), a_literal())
        .prop_map(|(path, op, value)| format!("{path} {op} {value}"));
    let tree = comparison.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            (inner.clone(), select(vec!["and", "or", "AND", ","]), inner.clone())
                .prop_map(|(one, word, two)| format!("{one} {word} {two}")),
            inner.clone().prop_map(|one| format!("({one})")),
            inner.prop_map(|one| format!("not {one}")),
        ]
    });
    prop_oneof![6 => tree, 1 => any::<String>(), 1 => "[()a-z0-9'\"\\[\\]<>=!, ]{0,60}"]
}

fn a_pair() -> impl Strategy<Value = (String, String)> {
    let operators = ["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "starts", "null", "x", ""];
    let condition = (a_path(), select(operators.to_vec()), a_text())
        .prop_map(|(path, operator, value)| (format!("{path}[{operator}]"), value));
    let names = ["limit", "cursor", "offset", "count", "sort", "fields", "expand", "q"];
    prop_oneof![
        6 => condition,
        2 => (a_path(), a_text()),
        2 => a_filter().prop_map(|text| ("filter".to_owned(), text)),
        2 => (select(names.to_vec()), a_text()).prop_map(|(name, text)| (name.to_owned(), text)),
        1 => (select(vec!["sort", "fields", "expand"]), prop::collection::vec(("-?", a_path()), 1..4)).prop_map(
            |(name, parts)| (name.to_owned(), parts.iter().map(|(dash, path)| format!("{dash}{path}")).collect::<Vec<_>>().join(","))
        ),
    ]
}

fn a_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        a_text().prop_map(Json::from),
        Just(json!({ "type": "Point", "coordinates": [13.4, 52.5] })),
        (a_text(), a_text()).prop_map(|(table, id)| json!({ "table": table, "id": id })),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let member = prop_oneof![a_path(), select(vec!["type", "coordinates", "table", "id"]).prop_map(str::to_owned)];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::btree_map(member, inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// A body with members that the table has.
fn a_body() -> impl Strategy<Value = (&'static Table, Json)> {
    let with = |table: &'static Table| {
        let names: Vec<String> = table.top_fields().map(|field| field.path.clone()).collect();
        let members = prop::collection::btree_map(prop_oneof![8 => select(names), 1 => a_path()], a_json(), 0..8);
        members.prop_map(move |map| (table, map.into_iter().collect::<serde_json::Map<_, _>>().into()))
    };
    prop_oneof![8 => a_table().prop_flat_map(with), 1 => (a_table(), a_json())]
}

proptest! {
    #[test]
    fn written_filters((table, text) in (a_table(), a_filter())) {
        if let Ok(filter) = filter_text::parse(&GUEST, table, &text) {
            let mut builder = Builder::default();
            let statement = builder.condition(&filter).unwrap_or_default();
            prop_assert_eq!(foreign(table, &statement), None, "{} became {}", text, statement);
        }
    }

    #[test]
    fn queries_of_lists((table, pairs) in (a_table(), prop::collection::vec(a_pair(), 0..5))) {
        if let Ok(query) = query::parse_list(&GUEST, table, &pairs) {
            let statement = read::list_statement(&GUEST, table, &query, &mut Builder::default());
            prop_assert_eq!(foreign(table, &statement), None, "{:?} became {}", pairs, statement);
        }
    }

    #[test]
    fn cursors((table, sort, text, values) in (a_table(), a_path(), a_text(), prop::collection::vec(a_json(), 0..4))) {
        let pairs = [("sort".to_owned(), sort)];
        let Ok(mut query) = query::parse_list(&GUEST, table, &pairs) else { return Ok(()) };
        let wire = json!({ "s": query.cursor_scope, "v": values });
        for text in [text, URL_SAFE_NO_PAD.encode(wire.to_string())] {
            if let Ok(after) = cursor::decode(&text, &query.cursor_scope, &query.sort, schema(), table) {
                prop_assert_eq!(after.len(), query.sort.len());
                query.after = Some(after);
                let statement = read::list_statement(&GUEST, table, &query, &mut Builder::default());
                prop_assert_eq!(foreign(table, &statement), None, "{} became {}", text, statement);
            }
        }
    }

    #[test]
    fn bodies(((table, body), is_create) in (a_body(), any::<bool>())) {
        let purpose = if is_create { Purpose::Create } else { Purpose::Update };
        if let Ok(input) = input::parse(&GUEST, table, &body, purpose) {
            for (path, _) in &input.values {
                prop_assert!(table.fields.contains_key(path), "{} is named in a statement", path);
            }
            input.into_object();
        }
    }

    #[test]
    fn values_of_every_kind((at, text, json) in (any::<prop::sample::Index>(), a_text(), a_json())) {
        let kinds: Vec<&Kind> = tables().into_iter().flat_map(|table| table.fields.values().map(|field| &field.kind)).collect();
        let kind = at.get(&kinds);
        let read = [convert::from_text(schema(), kind, &text), convert::from_literal(schema(), kind, &json)];
        for value in read.into_iter().flatten() {
            super::view::by_kind("x", kind, &value);
        }
    }
}

#[test]
fn what_is_foreign_is_found() {
    let table = &schema().tables["products"];
    let fine = [
        "`name` = $p0 AND (`price`.`minor` != NONE)",
        "SELECT * FROM `products` WHERE string::contains(`name`, $p1) LIMIT 21",
    ];
    for text in fine {
        assert_eq!(foreign(table, text), None, "{text}");
    }
    for text in ["`name` = 'x'", "`wings` = $p0", "DELETE `products`", "`name` = $p0 -- x", "name = $p0", "$token"] {
        assert!(foreign(table, text).is_some(), "{text}");
    }
}
