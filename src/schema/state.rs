//! What a database is made of: every definition as the engine itself writes it, read in one round trip.

use std::collections::BTreeMap;

use pawbase_engine::Session;
use serde_json::Value as Json;

use super::error::{Result, SchemaError};

/// Kinds of definitions, in the order in which they are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// Splits texts into words.
    Analyzer,
    /// A function.
    Function,
    /// A parameter.
    Param,
    /// A sequence of numbers.
    Sequence,
    /// A table.
    Table,
    /// A field of a table.
    Field,
    /// An index of a table.
    Index,
    /// An event of a table.
    Event,
    /// A way to sign in.
    Access,
}

impl Object {
    /// The word after DEFINE.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Analyzer => "ANALYZER",
            Self::Function => "FUNCTION",
            Self::Param => "PARAM",
            Self::Sequence => "SEQUENCE",
            Self::Table => "TABLE",
            Self::Field => "FIELD",
            Self::Index => "INDEX",
            Self::Event => "EVENT",
            Self::Access => "ACCESS",
        }
    }
}

/// Name of one definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// What it is.
    pub object: Object,
    /// Its table; empty for what belongs to the database.
    pub table: String,
    /// Its name, without back-ticks.
    pub name: String,
}

impl Id {
    /// The field `path` of `table`.
    pub fn field(table: &str, path: &str) -> Self {
        Self { object: Object::Field, table: table.to_owned(), name: path.to_owned() }
    }

    /// The table `name`.
    pub fn table(name: &str) -> Self {
        Self { object: Object::Table, table: String::new(), name: name.to_owned() }
    }
}

/// A migration that has run here.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// `pawbase` or `shop`.
    pub source: String,
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Fingerprint of its text when it ran.
    pub sha256: String,
}

/// Every definition of a database.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Definitions as statements.
    pub definitions: BTreeMap<Id, String>,
    /// The same in parts, for tables, fields and indexes.
    pub parts: BTreeMap<Id, Json>,
    /// Migrations that have run.
    pub recorded: Vec<Recorded>,
}

/// Everything in one round trip; the last result is an array of four.
const INFO: &str = "LET $database = (INFO FOR DB);
    LET $names = $database.tables.keys();
    RETURN [
        $database,
        (INFO FOR DB STRUCTURE).tables,
        $names.map(|$name| [$name, (INFO FOR TABLE $name), (INFO FOR TABLE $name STRUCTURE)]),
        IF 'migrations' IN $names { (SELECT source, number, name, sha256 FROM migrations) } ELSE { [] }
    ];";

impl State {
    /// Reads the database of this session.
    pub async fn read(session: &Session) -> Result<Self> {
        let answer = session.query(INFO, ()).await?.last().into_json_value();
        let Json::Array(parts) = answer else { return Err(unknown("no list")) };
        let Ok([database, tables, details, recorded]) = <[Json; 4]>::try_from(parts) else {
            return Err(unknown("not four parts"));
        };
        let mut state = Self { recorded: list(recorded).iter().filter_map(recorded_of).collect(), ..Self::default() };
        for (section, object) in [
            ("analyzers", Object::Analyzer),
            ("functions", Object::Function),
            ("params", Object::Param),
            ("sequences", Object::Sequence),
            ("tables", Object::Table),
            ("accesses", Object::Access),
        ] {
            state.add(object, "", &database[section]);
        }
        state.add_parts(Object::Table, "", &tables);
        for table in list(details) {
            let Some(name) = table[0].as_str() else { return Err(unknown("a table without name")) };
            for (section, object) in [("fields", Object::Field), ("indexes", Object::Index), ("events", Object::Event)]
            {
                state.add(object, name, &table[1][section]);
            }
            state.add_parts(Object::Field, name, &table[2]["fields"]);
            state.add_parts(Object::Index, name, &table[2]["indexes"]);
        }
        Ok(state)
    }

    fn add(&mut self, object: Object, table: &str, section: &Json) {
        for (name, text) in section.as_object().into_iter().flatten() {
            let id = Id { object, table: table.to_owned(), name: plain(name) };
            self.definitions.insert(id, text.as_str().unwrap_or_default().to_owned());
        }
    }

    fn add_parts(&mut self, object: Object, table: &str, section: &Json) {
        for part in section.as_array().into_iter().flatten() {
            let id = Id { object, table: table.to_owned(), name: plain(part["name"].as_str().unwrap_or_default()) };
            self.parts.insert(id, part.clone());
        }
    }

    /// Names of all tables.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.definitions.keys().filter(|id| id.object == Object::Table).map(|id| id.name.as_str())
    }

    /// Whether there is a table of this name.
    pub fn has_table(&self, name: &str) -> bool {
        self.definitions.contains_key(&Id::table(name))
    }

    /// The parts of a definition.
    pub fn part(&self, id: &Id) -> &Json {
        self.parts.get(id).unwrap_or(&Json::Null)
    }

    /// The type of a field in the engine's notation.
    pub fn kind(&self, id: &Id) -> Option<&str> {
        self.part(id)["kind"].as_str()
    }
}

/// A name without back-ticks.
pub fn plain(name: &str) -> String {
    name.replace('`', "")
}

fn recorded_of(row: &Json) -> Option<Recorded> {
    Some(Recorded {
        source: row["source"].as_str()?.to_owned(),
        number: u32::try_from(row["number"].as_u64()?).ok()?,
        name: row["name"].as_str()?.to_owned(),
        sha256: row["sha256"].as_str()?.to_owned(),
    })
}

fn list(json: Json) -> Vec<Json> {
    if let Json::Array(items) = json { items } else { Vec::new() }
}

fn unknown(detail: &str) -> SchemaError {
    SchemaError::Description(detail.to_owned())
}
