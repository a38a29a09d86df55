//! Checks a shop's folder: every problem with its file and line, found by applying the files to a database in memory.

use std::collections::BTreeSet;
use std::path::Path;

use pawbase_engine::{Engine, EngineError};

use super::apply::{apply_all, scratch};
use super::diff::is_required;
use super::error::{Problem, Result, SchemaError};
use super::read::is_computed;
use super::rules;
use super::sources::{Origin, SchemaFile, Sources, numbered, read_folder};
use super::splitter::{Definition, Statement, split};
use super::state::{Id, Object, State};

/// Follows a statement in a text of which only the parse matters; it is not valid, so nothing is run.
const SENTINEL: &str = "\n;\nDEFINE nothing_at_all";

/// A definition that an empty database accepted, and where it stands.
struct Accepted {
    file: String,
    line: usize,
    definition: Definition,
}

/// Every problem of the schema files and migrations in `folder`, by file and line.
pub async fn check(folder: &Path) -> Result<Vec<Problem>> {
    let (files, migrations) = read_folder(folder)?;
    let engine = scratch().await?;
    apply_all(&engine, &Sources::embedded()?).await?;
    let own = State::read(engine.root()).await?;
    let (mut problems, accepted) = run_files(&engine, &files, &own).await?;
    let state = State::read(engine.root()).await?;
    for one in &accepted {
        let messages = refuse_accepted(&one.definition, &state, &own);
        problems.extend(messages.into_iter().map(|message| Problem {
            file: one.file.clone(),
            line: one.line,
            message,
        }));
    }
    problems.extend(unfloored(&accepted, &state));
    problems.extend(check_migrations(&engine, migrations).await?);
    engine.shutdown().await?;
    problems.sort();
    problems.dedup();
    Ok(problems)
}

/// Runs every permitted statement on the scratch database.
async fn run_files(engine: &Engine, files: &[SchemaFile], own: &State) -> Result<(Vec<Problem>, Vec<Accepted>)> {
    let (mut problems, mut accepted) = (Vec::new(), Vec::new());
    for SchemaFile { name: file, text } in files {
        for statement in split(text) {
            let problem = |line, message| Problem { file: file.clone(), line, message };
            let definition = statement.definition();
            if let Some(message) = rules::refuse_statement(&statement, definition.as_ref()) {
                problems.push(problem(statement.line, message));
                continue;
            }
            let Some(definition) = definition else { continue };
            let messages = rules::refuse_definition(&statement, &definition);
            problems.extend(messages.into_iter().map(|message| problem(statement.line, message)));
            if is_own(&definition, own) {
                let message =
                    format!("{} {} is Pawbase's own; choose another name", definition.object, definition.name);
                problems.push(problem(statement.line, message));
                continue;
            }
            match engine.root().query(&statement.text, ()).await {
                Ok(_) => accepted.push(Accepted { file: file.clone(), line: statement.line, definition }),
                Err(cause) => problems.push(refused(file, &statement, &definition, cause)),
            }
        }
    }
    Ok((problems, accepted))
}

/// The definition's name in a database's state.
fn id_of(definition: &Definition) -> Option<Id> {
    let object = match definition.object.as_str() {
        "TABLE" => Object::Table,
        "FIELD" => Object::Field,
        "INDEX" => Object::Index,
        "EVENT" => Object::Event,
        "FUNCTION" => Object::Function,
        "PARAM" => Object::Param,
        "ANALYZER" => Object::Analyzer,
        "SEQUENCE" => Object::Sequence,
        _ => return None,
    };
    let name = definition.name.trim_start_matches("fn::").trim_start_matches('$').to_owned();
    Some(Id { object, table: definition.table.clone().unwrap_or_default(), name })
}

fn is_own(definition: &Definition, own: &State) -> bool {
    id_of(definition).is_some_and(|id| own.definitions.contains_key(&id))
}

/// The engine's refusal of a statement, at the line it means.
fn refused(file: &str, statement: &Statement, definition: &Definition, cause: EngineError) -> Problem {
    let (line, message) = match cause {
        EngineError::Parse(text) => {
            (statement.line + parse_line(&text).min(last_line(statement)) - 1, first_line(&text))
        }
        cause if definition.object == "INDEX" && cause.to_string().contains("field") => {
            (statement.line, format!("index {} is over a field that does not exist: {cause}", definition.name))
        }
        cause => (statement.line, cause.to_string()),
    };
    Problem { file: file.to_owned(), line, message }
}

/// Line of the engine's `--> [3:12]`, from 1.
fn parse_line(text: &str) -> usize {
    let place = text.split_once("--> [").and_then(|(_, rest)| rest.split_once(':'));
    place.and_then(|(line, _)| line.parse().ok()).unwrap_or(1)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or(text).replace("Parse error: ", "syntax error: ")
}

fn last_line(statement: &Statement) -> usize {
    statement.text.matches('\n').count() + 1
}

/// What the database knows about a definition and we do not accept.
fn refuse_accepted(definition: &Definition, state: &State, own: &State) -> Vec<String> {
    let Some(id) = id_of(definition).filter(|id| id.object == Object::Field) else { return Vec::new() };
    let mut messages = Vec::new();
    if let Some(kind) = state.kind(&id) {
        messages.extend(rules::refuse_kind(&id.name, kind, |table| state.has_table(table)));
    }
    let part = state.part(&id);
    let is_filled = part["default"].is_string() || is_computed(part);
    let table = Id { object: Object::Table, table: String::new(), name: id.table.clone() };
    let is_made_by_callers = state.part(&table)["permissions"]["create"] != false;
    if part["default"].is_string() && part["permissions"]["create"] == false && is_made_by_callers {
        messages.push(format!(
            "field {0} has a DEFAULT that nobody may create: the engine would leave it out; write PERMISSIONS … FOR create WHERE $value = <the default>",
            id.name
        ));
    }
    if own.has_table(&id.table) && is_required(part) && !is_filled && !id.name.contains('.') {
        messages.push(format!(
            "field {} is added to Pawbase's own table {} and must be an option or have a DEFAULT",
            id.name, id.table
        ));
    }
    messages
}

/// Indexed instants that are not floored, at the line of their field, or of the index when the field is ours.
fn unfloored(accepted: &[Accepted], state: &State) -> Vec<Problem> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for index in accepted {
        let Some(id) = id_of(&index.definition).filter(|id| id.object == Object::Index) else { continue };
        for column in state.part(&id)["cols"].as_array().into_iter().flatten().filter_map(|c| c.as_str()) {
            let field = Id::field(&id.table, &super::state::plain(column));
            let text = state.definitions.get(&field).map_or("", String::as_str);
            let message = state.kind(&field).and_then(|kind| rules::refuse_indexed(&field.name, kind, text));
            let place = accepted.iter().find(|one| id_of(&one.definition).as_ref() == Some(&field)).unwrap_or(index);
            if let Some(message) = message.filter(|_| seen.insert(field)) {
                problems.push(Problem { file: place.file.clone(), line: place.line, message });
            }
        }
    }
    problems
}

/// Names, numbers and syntax of the migrations; they are not run.
async fn check_migrations(engine: &Engine, files: Vec<SchemaFile>) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for SchemaFile { name: file, text } in &files {
        for statement in split(text) {
            let problem = |line, message| Problem { file: file.clone(), line, message };
            if let Some(message) = rules::refuse_in_migration(&statement) {
                problems.push(problem(statement.line, message));
            } else if statement.is_open {
                problems.push(problem(statement.line, "a string, comment or bracket is never closed".to_owned()));
            } else if let Some((line, message)) = syntax_error(engine, &statement).await {
                problems.push(problem(line, message));
            }
        }
    }
    if let Err(SchemaError::Migrations(message)) = numbered(Origin::Shop, files.clone()) {
        let file = files.iter().find(|file| message.starts_with(&file.name)).map(|file| file.name.clone());
        let file = file.unwrap_or_default();
        let message = message.strip_prefix(&format!("{file}: ")).unwrap_or(&message).to_owned();
        problems.push(Problem { file, line: 1, message });
    }
    Ok(problems)
}

/// Line and words of a statement's syntax error. Nothing is run: what follows the statement never parses.
async fn syntax_error(engine: &Engine, statement: &Statement) -> Option<(usize, String)> {
    let text = format!("{}{SENTINEL}", statement.text);
    match engine.root().query(&text, ()).await {
        Err(EngineError::Parse(text)) => {
            let (line, last) = (parse_line(&text), last_line(statement));
            (line <= last + 1).then(|| (statement.line + line.min(last) - 1, first_line(&text)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{folder, run};
    use super::*;

    #[test]
    fn every_rule_of_the_check_names_its_line() {
        run(async {
            let fields = [
                ("DEFINE TABLE open SCHEMAFULL;", "table open has no PERMISSIONS"),
                ("DEFINE TABLE Toys SCHEMAFULL PERMISSIONS NONE;", "must match"),
                ("DEFINE TABLE batch SCHEMAFULL PERMISSIONS NONE;", "table name batch is reserved"),
                ("DEFINE TABLE OVERWRITE users SCHEMAFULL PERMISSIONS FULL;", "TABLE users is Pawbase's own"),
                ("DEFINE FIELD OVERWRITE email ON users TYPE string;", "FIELD email is Pawbase's own"),
                ("DEFINE FIELD shoe_size ON users TYPE int;", "must be an option or have a DEFAULT"),
                ("DEFINE TABLE loose PERMISSIONS NONE;", "table loose is not SCHEMAFULL"),
                ("DEFINE EVENT later ON users ASYNC WHEN true THEN {};", "event later is ASYNC"),
                (
                    "DEFINE INDEX users_city ON users FIELDS city CONCURRENTLY;",
                    "index users_city is built CONCURRENTLY",
                ),
                ("DEFINE FIELD untyped ON toys;", "field untyped has no TYPE"),
                ("DEFINE TABLE games SCHEMAFULL PERMISSIONS FULL;", ""),
                (
                    "DEFINE FIELD state ON games TYPE string DEFAULT 'a' PERMISSIONS FOR create NONE;",
                    "nobody may create",
                ),
                ("DEFINE FIELD count ON toys TYPE int;", "field name count is reserved"),
                ("DEFINE FIELD measures ON toys TYPE array<int>;", "field name measures is reserved"),
                ("DEFINE FIELD group_by ON toys TYPE string;", "field name group_by is reserved"),
                ("DEFINE FIELD Odd ON toys TYPE int;", "field name \"Odd\""),
                ("DEFINE FIELD r ON toys TYPE range;", "which the API does not serve"),
                ("DEFINE FIELD id ON toys TYPE array;", "keys are uuid, string or int"),
                ("DEFINE FIELD at ON toys TYPE datetime;", "datetime field at is indexed but not floored"),
                ("DEFINE INDEX toys_at ON toys FIELDS at;", ""),
                ("DEFINE FIELD good_at ON toys TYPE datetime VALUE time::floor($value, 1s);", ""),
                ("DEFINE INDEX toys_good_at ON toys FIELDS good_at;", ""),
                (
                    "DEFINE FIELD owner ON toys TYPE option<record<nobody>>;",
                    "links to table nobody, which is nowhere defined",
                ),
                ("DEFINE FIELD later ON toys TYPE option<record<zebras>>;", ""),
                ("DEFINE INDEX toys_gone ON toys FIELDS gone;", "index toys_gone is over a field that does not exist"),
                ("DEFINE ACCESS mine ON DATABASE TYPE RECORD;", "may not DEFINE ACCESS"),
                ("DEFINE USER me ON DATABASE PASSWORD 'x';", "may not DEFINE USER"),
                ("DEFINE BUCKET b;", "may not DEFINE BUCKET"),
                ("CREATE toys;", "CREATE is not a DEFINE statement"),
                ("DEFINE FIELD s ON toys TYPE sring;", "syntax error"),
                ("DEFINE FIELD a ON nowhere TYPE int;", "'nowhere' does not exist"),
                ("DEFINE TABLE toys SCHEMAFULL PERMISSIONS NONE;", "already exists"),
            ];
            let mut text =
                String::from("-- A shop's toys; with \"quotes'.\nDEFINE TABLE toys SCHEMAFULL\n  PERMISSIONS NONE;\n");
            let first = text.lines().count() + 1;
            for (statement, _) in fields {
                text.push_str(statement);
                text.push('\n');
            }
            let shop = folder(&[
                ("toys.surql", &text),
                (
                    "zebras.surql",
                    "DEFINE TABLE zebras SCHEMAFULL PERMISSIONS NONE;\n\nDEFINE FIELD a ON zebras\n  TYPE string\n  DEFALT 'x';\n",
                ),
                (
                    "migrations/0001_a.surql",
                    "UPDATE toys SET x = 1;\nCOMMIT;\nREMOVE USER x ON ROOT;\nUPDATE toys SETT x;\nUPDATE toys SET x = (1;",
                ),
            ]);
            let problems = check(shop.path()).await.expect("checked");
            for ((statement, message), line) in fields.iter().zip(first..) {
                let found: Vec<_> =
                    problems.iter().filter(|p| p.file.ends_with("toys.surql") && p.line == line).collect();
                let is_as_meant = if message.is_empty() {
                    found.is_empty()
                } else {
                    found.iter().any(|p| p.message.contains(message))
                };
                assert!(is_as_meant, "{statement}: {found:?}");
            }
            let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
            let ends = |part: &str| assert!(shown.iter().any(|line| line.contains(part)), "{part} in {shown:#?}");
            ends("zebras.surql:5: syntax error");
            ends("0001_a.surql:2: COMMIT does not belong");
            ends("0001_a.surql:3: a migration may not REMOVE USER");
            ends("0001_a.surql:4: syntax error");
            ends("0001_a.surql:5: a string, comment or bracket is never closed");
            assert!(!shown.iter().any(|line| line.contains("0001_a.surql:1:")), "{shown:#?}");
            let refused = Sources::load(Some(shop.path())).await.map(|_| ()).expect_err("refused").to_string();
            assert_eq!(refused.lines().count(), problems.len() + 1);
        });
    }

    #[test]
    fn wrong_numbers_are_refused() {
        run(async {
            let text = "UPDATE toys SET name = 'x';";
            let cases: [(&[(&str, &str)], &str); 4] = [
                (&[("migrations/0002_a.surql", text)], "0002_a.surql:1: has number 0002, but 0001 is next"),
                (
                    &[("migrations/0001_a.surql", text), ("migrations/0001_b.surql", text)],
                    "0001_b.surql:1: has number 0001, but 0002",
                ),
                (
                    &[("migrations/0001_a.surql", text), ("migrations/0003_b.surql", text)],
                    "0003_b.surql:1: has number 0003, but 0002",
                ),
                (
                    &[("migrations/first.surql", text)],
                    "first.surql:1: the name must be of the form 0001_what_it_does.surql",
                ),
            ];
            for (files, expected) in cases {
                let shop = folder(files);
                let refused = Sources::load(Some(shop.path())).await.map(|_| ()).expect_err(expected).to_string();
                assert!(refused.contains(expected), "{refused}");
            }
        });
    }
}
