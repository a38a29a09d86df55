//! The permission matrix: every table, verb, field and caller, kept as a reviewed file. `UPDATE=1` writes it anew.

use std::collections::BTreeSet;
use std::path::Path;

use indexmap::IndexMap;
use pawbase::records::key;
use pawbase::schema::{KeyKind, Kind, Table};
use pawbase_engine::{RecordId, Value, Vars};
use reqwest::Method;
use serde_json::{Map, Value as Json, json};

use super::samples::{self, NEW_NAME, Sample};
use super::world::{self, Caller, World, stored, system};
use crate::support::client::Reply;
use crate::support::run;

const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/contracts/permissions.txt");

const PREAMBLE: &str = "\
Who may do what: made by tests/it/permissions/matrix.rs (UPDATE=1 writes it anew), read by people.
One block per sample record; callers with the same answers share a line.
  get     status and the fields in the answer; `all` is every field that super_admin sees
  list    whether the record is in the list, and whether it looks the same there
  create  a copy of the sample, owner and all; fields that are refused are left out and it is tried again
  own     the same without the link to its owner, so that the caller is
  patch   one field at a time, each with another value than it has; the answer, then the fields
customer1 owns what is `of customer1`; owner1 … accountant1 work in business 1, owner2 elsewhere.
";

#[test]
fn the_permission_matrix_is_as_reviewed() {
    run(async {
        let world = world::open().await;
        let mut text = PREAMBLE.to_owned();
        let schema = world.test.app.platform.schema.clone();
        let samples = samples::all(&world);
        let sampled: BTreeSet<&str> = samples.iter().map(|sample| sample.table).collect();
        let served: BTreeSet<&str> = schema.tables.values().filter(|t| !t.is_private()).map(|t| &*t.name).collect();
        assert_eq!(sampled, served, "every served table has a sample");
        for sample in &samples {
            text.push_str(&block(&world, sample, &schema.tables[sample.table]).await);
        }
        for table in schema.tables.values().filter(|table| table.is_private()) {
            text.push_str(&format!("\n## {} (private)\n", table.name));
            let mut lines: IndexMap<String, Vec<&str>> = IndexMap::new();
            for caller in &world.callers {
                lines.entry(private(caller, &table.name).await).or_default().push(caller.name);
            }
            text.push_str(&grouped(lines));
        }
        compare(&text);
    });
}

fn compare(text: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(Path::new(CONTRACT).parent().expect("a folder")).expect("the folder is made");
        std::fs::write(CONTRACT, text).expect("the contract is written");
        return;
    }
    let kept = std::fs::read_to_string(CONTRACT).unwrap_or_default();
    let (mut difference, mut place) = (String::new(), "");
    let (old, new): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), text.lines().collect());
    for (sign, lines, others) in [('-', &old, &new), ('+', &new, &old)] {
        let others = with_place(others);
        for (heading, line) in with_place(lines) {
            if !others.contains(&(heading, line)) {
                if heading != place {
                    place = heading;
                    difference.push_str(&format!("{heading}\n"));
                }
                difference.push_str(&format!("  {sign} {line}\n"));
            }
        }
    }
    assert!(kept == *text, "permissions differ from {CONTRACT} (UPDATE=1 accepts them after review):\n{difference}");
}

/// Each line with the heading of its block.
fn with_place<'a>(lines: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let mut heading = "";
    lines
        .iter()
        .map(|line| {
            if line.starts_with("## ") {
                heading = line;
            }
            (heading, *line)
        })
        .collect()
}

fn grouped(lines: IndexMap<String, Vec<&str>>) -> String {
    lines.into_iter().map(|(line, names)| format!("{}\n{line}", names.join(" "))).collect()
}

async fn private(caller: &Caller, table: &str) -> String {
    let path = caller.path(table);
    let record = format!("{path}/01900000-0000-7000-8000-00000000abcd");
    let statuses = [
        caller.client.get(&path).await.status,
        caller.client.post(&path, json!({})).await.status,
        caller.client.get(&record).await.status,
        caller.client.patch(&record, json!({})).await.status,
        caller.client.delete(&record).await.status,
    ];
    let [list, create, get, patch, delete] = statuses.map(|status| status.as_u16());
    format!("    get {get}; list {list}; create {create}; patch {patch}; delete {delete}\n")
}

/// A sample in place, and what is known about it.
struct Subject<'a> {
    world: &'a World,
    table: &'a Table,
    id: RecordId,
    row: Value,
    /// What super_admin sees.
    full: Map<String, Json>,
}

async fn block(world: &World, sample: &Sample, table: &Table) -> String {
    let (id, before) = sample.prepare(world, table).await;
    let path = format!("/api/admin/{}/{}", table.name, key::bare(&id.key));
    let full = world.all_seeing.get(&path).await.assert(200).json.as_object().expect("an object").clone();
    let row = stored(&world.test, &id).await.expect("the sample");
    let subject = Subject { world, table, id, row, full };
    let names: Vec<&str> = table.top_fields().map(|field| field.path.as_str()).collect();
    let mut text = format!("\n## {} ({})\nfields: {}\n", sample.table, sample.label, names.join(" "));
    let (hidden, absent) = subject.unseen();
    for (heading, names) in [("nobody sees", hidden), ("without", absent)] {
        if !names.is_empty() {
            text.push_str(&format!("{heading}: {}\n", names.join(" ")));
        }
    }
    let mut lines: IndexMap<String, Vec<&str>> = IndexMap::new();
    for caller in &world.callers {
        lines.entry(subject.tried_by(caller).await).or_default().push(caller.name);
    }
    text.push_str(&grouped(lines));
    let vars = Vars::new().with("id", subject.id).with("row", before.clone().unwrap_or_default());
    let restore = if before.is_some() { "UPDATE $id CONTENT $row" } else { "DELETE $id" };
    system(&world.test, restore, vars).await;
    text
}

impl Subject<'_> {
    fn path(&self, caller: &Caller) -> String {
        caller.path(&format!("{}/{}", self.table.name, key::bare(&self.id.key)))
    }

    /// Stored fields that even super_admin does not see, and fields that the sample does not have.
    fn unseen(&self) -> (Vec<&str>, Vec<&str>) {
        let Value::Object(row) = &self.row else { panic!("not a record") };
        let names = self.table.top_fields().map(|field| field.path.as_str());
        names.filter(|name| !self.full.contains_key(*name)).partition(|name| row.get(*name).is_some())
    }

    async fn tried_by(&self, caller: &Caller) -> String {
        let get = caller.client.get(&self.path(caller)).await;
        let list = self.listed(caller, &get).await;
        let create = self.create(caller, false).await;
        let own = if self.owner_fields().is_empty() { None } else { Some(self.create(caller, true).await) };
        let patch = self.patch(caller).await;
        let delete = self.delete(caller).await;
        let seen = if get.status == 200 { format!(" {}", self.seen(&get.json)) } else { String::new() };
        let own = own.map(|own| format!("; own {own}")).unwrap_or_default();
        let get = get.status.as_u16();
        format!("    get {get}{seen}; list {list}; create {create}{own}; delete {delete}\n    patch {patch}\n")
    }

    /// The fields of an answer.
    fn seen(&self, json: &Json) -> String {
        let json = json.as_object().expect("an object");
        assert!(json.keys().all(|name| self.full.contains_key(name)), "more than super_admin sees: {json:?}");
        let is_whole = |name: &&String| {
            json[name.as_str()].as_object().map(Map::len) == self.full[*name].as_object().map(Map::len)
        };
        assert!(json.keys().all(|name| is_whole(&name)), "an object in part: {json:?}");
        let missing: Vec<&str> =
            self.full.keys().filter(|name| !json.contains_key(*name)).map(String::as_str).collect();
        let names: Vec<&str> = json.keys().map(String::as_str).collect();
        match (missing.len(), names.len()) {
            (0, _) => "all".into(),
            (absent, present) if absent < present => format!("all but [{}]", missing.join(" ")),
            _ => format!("[{}]", names.join(" ")),
        }
    }

    async fn listed(&self, caller: &Caller, get: &Reply) -> String {
        let (id, mut cursor) = (key::bare(&self.id.key), String::new());
        loop {
            let path = caller.path(&format!("{}?limit=100{cursor}", self.table.name));
            let page = caller.client.get(&path).await;
            if page.status != 200 {
                return page.status.as_u16().to_string();
            }
            if let Some(item) = page.json["items"].as_array().expect("items").iter().find(|item| item["id"] == id) {
                return if *item == get.json { "yes".into() } else { format!("OTHERWISE {item}") };
            }
            match page.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return "no".into(),
            }
        }
    }

    /// Fields that the database fills with the caller.
    fn owner_fields(&self) -> Vec<&str> {
        let is_user = |kind: &Kind| matches!(kind, Kind::Record(tables) if tables.as_slice() == ["users"]);
        let fields = self.table.top_fields().filter(|field| field.has_default && is_user(&field.kind));
        fields.map(|field| field.path.as_str()).collect()
    }

    /// Tries a copy of the sample, again without what was refused.
    async fn create(&self, caller: &Caller, is_own: bool) -> String {
        let mut body = self.copy();
        if is_own {
            self.owner_fields().into_iter().for_each(|name| drop(body.remove(name)));
        }
        let mut steps = Vec::new();
        loop {
            let reply = caller.client.post(&caller.path(&self.table.name), Json::Object(body.clone())).await;
            if reply.status == 201 {
                let id = key::record_id(self.table, &reply.id()).expect("a key");
                assert!(stored(&self.world.test, &id).await.is_some(), "{}", reply.what);
                system(&self.world.test, "DELETE $id", Vars::new().with("id", id)).await;
            }
            let refused = refused(&reply);
            steps.push(format!("{}{}", reply.status.as_u16(), listing(&refused)));
            let length = body.len();
            refused.values().flatten().for_each(|name| drop(body.remove(name.as_str())));
            if body.len() == length {
                return steps.join(" then ");
            }
        }
    }

    /// The sample as a new record.
    fn copy(&self) -> Map<String, Json> {
        let mut body = self.full.clone();
        body.retain(|name, _| self.table.fields.get(name).is_some_and(|field| !field.is_system()));
        if self.table.key != KeyKind::Uuid {
            body.insert("id".into(), json!(NEW_NAME));
        }
        for index in self.table.indexes.iter().filter(|index| index.is_unique) {
            let is_person = index.fields.first().is_some_and(|name| name == "user") && self.table.name == "memberships";
            let name = if is_person { "user" } else { index.fields.last().map_or("", String::as_str) };
            if let Some(field) = self.table.fields.get(name) {
                body.insert(name.to_owned(), samples::value(self.world, self.table, field, 2));
            }
        }
        body
    }

    async fn patch(&self, caller: &Caller) -> String {
        let mut outcomes: IndexMap<String, Vec<&str>> = IndexMap::new();
        for field in self.table.top_fields() {
            let name = field.path.as_str();
            let current = self.full.get(name).cloned().unwrap_or_default();
            let new =
                if name == "id" { json!(NEW_NAME) } else { samples::changed(self.world, self.table, field, &current) };
            let reply = caller.client.patch(&self.path(caller), json!({ name: new })).await;
            let (status, refused) = (reply.status.as_u16(), refused(&reply));
            let code = refused.keys().next().map(|code| format!(" {code}")).unwrap_or_default();
            let effect = self.effect(name, status).await;
            outcomes.entry(format!("{status}{code}{effect}")).or_default().push(name);
            if status == 200 || !effect.is_empty() {
                self.restore("UPDATE $id CONTENT $row RETURN NONE").await;
            }
        }
        if outcomes.len() == 1 {
            return outcomes.into_keys().collect();
        }
        outcomes.sort_keys();
        let texts: Vec<String> =
            outcomes.into_iter().map(|(how, names)| format!("{how} [{}]", names.join(" "))).collect();
        texts.join("; ")
    }

    /// What is wrong with what a patch did to the stored record; empty when all is well.
    async fn effect(&self, name: &str, status: u16) -> &'static str {
        let without = |value: Option<Value>| match value {
            Some(Value::Object(mut row)) => {
                row.remove("updated_at");
                Some(row)
            }
            _ => None,
        };
        let (now, before) = (without(stored(&self.world.test, &self.id).await), without(Some(self.row.clone())));
        let (now, before) = (now.expect("still there"), before.expect("a record"));
        match status {
            200 if now.get(name) == before.get(name) => " BUT UNCHANGED",
            200 => "",
            _ if now == before => "",
            _ => " BUT CHANGED",
        }
    }

    async fn delete(&self, caller: &Caller) -> String {
        let reply = caller.client.send(Method::DELETE, &self.path(caller), None).await;
        let is_gone = stored(&self.world.test, &self.id).await.is_none();
        assert_eq!(is_gone, reply.status == 204, "{} by {}", reply.what, caller.name);
        if is_gone {
            self.restore(&format!("INSERT INTO `{}` $row", self.table.name)).await;
        }
        reply.status.as_u16().to_string()
    }

    async fn restore(&self, text: &str) {
        let vars = Vars::new().with("id", self.id.clone()).with("row", self.row.clone());
        system(&self.world.test, text, vars).await;
    }
}

/// Refused fields by the code of their error.
fn refused(reply: &Reply) -> IndexMap<String, Vec<String>> {
    let mut found: IndexMap<String, Vec<String>> = IndexMap::new();
    for error in reply.json["errors"].as_array().into_iter().flatten() {
        let (code, pointer) =
            (error["code"].as_str().unwrap_or_default(), error["pointer"].as_str().unwrap_or_default());
        let name = pointer.split('/').nth(1).unwrap_or_default();
        found.entry(code.to_owned()).or_default().push(name.to_owned());
    }
    found
}

fn listing(refused: &IndexMap<String, Vec<String>>) -> String {
    refused.iter().map(|(code, names)| format!(" {code} [{}]", names.join(" "))).collect()
}
