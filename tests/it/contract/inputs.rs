//! Bodies that the document says are good, made from the document alone: a client knows nothing else.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use futures::FutureExt;
use futures::future::BoxFuture;
use pawbase::context::Audience;
use proptest::strategy::{Strategy, ValueTree};
use serde_json::{Map, Value, json};

use super::document::{Document, Kind, Operation, prefix};
use super::shape::resolve;
use super::stage::Stage;

/// Texts by pattern are at least this long where they may be, so that they differ.
const LENGTH: usize = 8;

impl Stage {
    /// A body with all required members and those of `more` that the schema has.
    pub async fn body(&self, operation: &Operation<'_>, more: &[String]) -> Map<String, Value> {
        let schema = operation.body().unwrap_or_else(|| panic!("{} takes no body", operation.name()));
        let document = operation.document;
        let mut body = Map::new();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let member = resolve(&document.json, member);
            let is_required = schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
            let is_owner = member["x-link"] == "users" && self.is_filled_with_caller(operation.table, name);
            // Staff write in nobody's name, so they say whose it is.
            if is_owner && (document.audience == Audience::Admin || more.contains(name)) {
                body.insert(name.clone(), json!(self.person.user));
            } else if is_required || more.contains(name) {
                body.insert(name.clone(), self.value(document, member).await);
            }
        }
        body
    }

    /// A body for a new record that shares no unique value with another; it names all unique fields.
    pub async fn new_record(&self, operation: &Operation<'_>) -> Map<String, Value> {
        self.body(operation, &self.unique_fields(operation.table)).await
    }

    /// Whether a record is the caller's own if the field is left out.
    fn is_filled_with_caller(&self, table: &str, field: &str) -> bool {
        let table = self.test.app.platform.schema.tables.get(table);
        table.and_then(|table| table.fields.get(field)).is_some_and(|field| field.is_default_caller)
    }

    /// Top-level fields of the table's unique indexes.
    pub fn unique_fields(&self, table: &str) -> Vec<String> {
        let indexes = self.test.app.platform.schema.tables[table].indexes.iter();
        indexes.filter(|index| index.is_unique).flat_map(|index| index.fields.clone()).collect()
    }

    /// The operation of a listener that does this to a table.
    pub fn operation<'a>(&'a self, document: &'a Document, kind: Kind, table: &str) -> Option<Operation<'a>> {
        document.operations(&self.test).into_iter().find(|found| found.kind == kind && found.table == table)
    }

    /// A new record, made by staff in the person's name where it has an owner; answers its key.
    pub fn fresh<'a>(&'a self, table: &'a str) -> BoxFuture<'a, String> {
        async move {
            if table == "users" {
                return self.test.customer().await.user;
            }
            if table == "files" {
                return super::files::file(self).await;
            }
            let create = self.operation(&self.admin, Kind::Create, table);
            let create = create.unwrap_or_else(|| panic!("nobody makes {table}"));
            let body = self.new_record(&create).await;
            self.boss.post(create.path, Value::Object(body)).await.assert(201).id()
        }
        .boxed()
    }

    /// A record that the caller of a listener may see, change and delete if anybody may: a new one where that is possible.
    pub async fn target(&self, audience: Audience, table: &str) -> String {
        let caller = self.caller(audience);
        if table == "users" {
            return caller.user.clone();
        }
        let path = format!("{}/{table}", prefix(audience));
        if table == "files" || self.operation(&self.admin, Kind::Create, table).is_some() {
            let id = self.fresh(table).await;
            if caller.get(&format!("{path}/{id}")).await.status == 200 {
                return id;
            }
        }
        // Of those in a conversation people change their own row only; staff change all.
        let is_own = table == "participants" && audience == Audience::Public;
        let own = if is_own { format!("&user={}", caller.user) } else { String::new() };
        let ids = caller.get(&format!("{path}?limit=1{own}")).await.assert(200).ids();
        ids.first().unwrap_or_else(|| panic!("no {table} to see")).clone()
    }

    /// A value of the schema.
    pub fn value<'a>(&'a self, document: &'a Document, schema: &'a Value) -> BoxFuture<'a, Value> {
        async move {
            let schema = resolve(&document.json, schema);
            if let Some(table) = schema["x-link"].as_str() {
                let is_own = table == "businesses";
                return json!(if is_own { self.business.clone() } else { self.fresh(table).await });
            }
            if let Some(choices) = schema["enum"].as_array() {
                // Not the first: that is often the strongest, such as the role of an owner.
                return choices.iter().rfind(|choice| !choice.is_null()).expect("a choice").clone();
            }
            if let Some(tables) = linked_tables(schema) {
                return self.link(document.audience, tables).await;
            }
            match type_of(schema) {
                "string" => json!(self.text(schema)),
                "integer" | "number" => number(schema),
                "boolean" => json!(true),
                "array" => {
                    let count = schema["minItems"].as_u64().unwrap_or(0);
                    let items = (0..count).map(|_| self.value(document, &schema["items"]));
                    Value::Array(futures::future::join_all(items).await)
                }
                "object" => {
                    let mut object = Map::new();
                    for name in schema["required"].as_array().into_iter().flatten() {
                        let name = name.as_str().expect("a name");
                        object.insert(name.to_owned(), self.value(document, &schema["properties"][name]).await);
                    }
                    Value::Object(object)
                }
                other => panic!("no value of type {other:?}: {schema}"),
            }
        }
        .boxed()
    }

    /// A link to a new record of one of `tables` that the caller sees.
    async fn link(&self, audience: Audience, tables: &[Value]) -> Value {
        for table in tables.iter().filter_map(Value::as_str) {
            let id = self.fresh(table).await;
            if self.caller(audience).get(&format!("{}/{table}/{id}", prefix(audience))).await.status == 200 {
                return json!({ "table": table, "id": id });
            }
        }
        panic!("nothing to link to in {tables:?}");
    }

    /// A number that was not used before.
    pub fn number(&self) -> usize {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    fn text(&self, schema: &Value) -> String {
        let (least, most) = (length(schema, "minLength", 0), length(schema, "maxLength", 1000));
        let (number, format) = (self.number(), schema["format"].as_str());
        match (format, schema["pattern"].as_str()) {
            (Some("date"), _) => "2020-01-31".to_owned(),
            (Some("date-time"), _) => "2020-01-31T12:00:00Z".to_owned(),
            (Some("uuid"), _) => uuid::Uuid::nil().to_string(),
            (Some("email"), _) => format!("contract{number}@test.example"),
            (Some("uri"), _) => format!("https://test.example/{number}"),
            (Some("timezone"), _) => "Europe/Berlin".to_owned(),
            (None, Some(pattern)) => self.matching(pattern, least, most),
            (None, None) => {
                let text = format!("{number} {}", "word ".repeat(least));
                text.trim_end().chars().take(most.max(least)).collect()
            }
            (Some(other), _) => panic!("no text of format {other}"),
        }
    }

    fn matching(&self, pattern: &str, least: usize, most: usize) -> String {
        let plain = pattern.trim_start_matches('^').trim_end_matches('$');
        let strategy = proptest::string::string_regex(plain).expect("a pattern");
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let tries: Vec<String> = (0..200).map(|_| strategy.new_tree(&mut texts).expect("a text").current()).collect();
        let fitting = tries.into_iter().filter(|text| (least..=most).contains(&text.chars().count()));
        fitting.max_by_key(|text| text.chars().count().min(LENGTH)).expect("a text of that length")
    }
}

/// The tables that a link to one of several may lead to.
fn linked_tables(schema: &Value) -> Option<&Vec<Value>> {
    schema["properties"].get("id").and(schema["properties"]["table"]["enum"].as_array())
}

/// The type, other than null.
fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or_default(),
        name => name.as_str().unwrap_or_default(),
    }
}

fn length(schema: &Value, keyword: &str, default: usize) -> usize {
    schema[keyword].as_u64().map_or(default, |length| usize::try_from(length).expect("a length"))
}

fn number(schema: &Value) -> Value {
    let above = schema["exclusiveMinimum"].as_i64().map(|bound| bound + 1);
    json!(above.or(schema["minimum"].as_i64()).unwrap_or(1))
}

/// The member of a patch that is easiest to change: a text of no special form, else a number or flag, else a choice.
pub fn easiest<'a>(document: &Document, schema: &'a Value) -> Option<(&'a String, &'a Value)> {
    let rank = |(name, member): &(&String, &Value)| {
        let member = resolve(&document.json, member);
        let has = |keyword: &str| member.get(keyword).is_some();
        let form = match type_of(member) {
            _ if has("x-link") || linked_tables(member).is_some() => 4,
            "string" if has("enum") => 2,
            "string" if has("pattern") || has("format") => 3,
            "string" => 0,
            "integer" | "number" | "boolean" => 1,
            _ => 4,
        };
        (form, (*name).clone())
    };
    schema["properties"].as_object()?.iter().min_by_key(rank)
}
