//! Brings the database to the state that the schema files describe, with as few statements as the difference needs.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use pawbase_engine::{Engine, OpenOptions, Session, Vars};

use super::diff::{Change, Diff, Verb, compare, is_required};
use super::error::{Result, SchemaError};
use super::migrations::{self, MigrationId};
use super::model::Schema;
use super::read::model;
use super::sources::{Migration, Sources};
use super::state::{Id, Object, State};

/// Longest time for the definitions on an empty database.
const SCRATCH_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a start is tried when another process changes the same database at the same time.
const MAX_ATTEMPTS: u32 = 5;
/// Stands for the session key on the scratch database; the engine never shows keys.
const SCRATCH_KEY: &str = "scratch";

/// What [`prepare`] did, and the tables as they are now.
#[derive(Debug)]
pub struct Prepared {
    /// Changes made, in order.
    pub changes: Vec<Change>,
    /// Migrations run, in order.
    pub migrations: Vec<MigrationId>,
    /// Our model of the tables.
    pub schema: Schema,
}

/// Runs pending migrations, then applies what differs between the files and the database, all or nothing.
///
/// Fails without touching a table when what is left after the migrations would lose data. Cheap and without a change when
/// nothing differs; only the access methods are defined each time, as their keys cannot be compared.
pub async fn prepare(engine: &Engine, sources: &Sources, session_key: &str, now: DateTime<Utc>) -> Result<Prepared> {
    let mut attempt = 1;
    loop {
        match prepare_once(engine, sources, session_key, now).await {
            Err(error) if error.is_overtaken() && attempt < MAX_ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
    }
}

async fn prepare_once(engine: &Engine, sources: &Sources, session_key: &str, now: DateTime<Utc>) -> Result<Prepared> {
    let accesses = sources.accesses(session_key)?;
    let wanted = wanted(sources).await?;
    let mut current = State::read(engine.root()).await?;
    let outstanding = migrations::outstanding(sources, &current)?;
    if !outstanding.to_run.is_empty() {
        if !current.has_table("migrations") {
            define_table(engine.root(), &wanted, "migrations").await?;
        }
        for migration in &outstanding.to_run {
            migrations::run(engine, migration, now).await?;
        }
        current = State::read(engine.root()).await?;
    }
    let changes = settled(engine.root(), compare(&current, &wanted)).await?;
    let diff = Diff { changes, pending: Vec::new() };
    if diff.is_lossy() {
        return Err(SchemaError::Lossy(diff));
    }
    let plan = plan(&current, &wanted, &diff.changes, accesses);
    apply(engine.root(), &plan, &outstanding.to_record, now).await?;
    finish_indexes(engine.root(), &plan).await?;
    if !diff.changes.is_empty() {
        current = State::read(engine.root()).await?;
    }
    let migrations = outstanding.to_run.iter().map(|migration| migration.id()).collect();
    Ok(Prepared { changes: shown(diff.changes), migrations, schema: model(&current) })
}

/// What [`prepare`] would do. Pending migrations are listed and not run, so changes that they cover still show as lossy.
pub async fn diff(engine: &Engine, sources: &Sources, session_key: &str) -> Result<Diff> {
    sources.accesses(session_key)?;
    let wanted = wanted(sources).await?;
    let current = State::read(engine.root()).await?;
    let outstanding = migrations::outstanding(sources, &current)?;
    let changes = settled(engine.root(), compare(&current, &wanted)).await?;
    let pending = outstanding.to_run.iter().map(|migration| migration.id()).collect();
    Ok(Diff { changes: shown(changes), pending })
}

/// An empty database in memory.
pub(super) async fn scratch() -> Result<Engine> {
    Ok(Engine::open(OpenOptions::Memory { query_timeout: SCRATCH_TIMEOUT }).await?)
}

/// Applies all files to an empty database.
pub(super) async fn apply_all(engine: &Engine, sources: &Sources) -> Result<()> {
    let text = format!("BEGIN;\n{}\n;COMMIT;", sources.text(SCRATCH_KEY)?);
    engine.root().query(&text, ()).await.map_err(SchemaError::Inapplicable)?;
    Ok(())
}

/// The state that the files describe.
async fn wanted(sources: &Sources) -> Result<State> {
    let engine = scratch().await?;
    apply_all(&engine, sources).await?;
    let state = State::read(engine.root()).await;
    engine.shutdown().await?;
    state
}

/// Takes the mark from new required fields of tables that have no rows.
async fn settled(session: &Session, mut changes: Vec<Change>) -> Result<Vec<Change>> {
    let is_doubtful = |change: &Change| change.verb == Verb::Add && change.is_lossy();
    let tables: BTreeSet<String> = changes.iter().filter(|c| is_doubtful(c)).map(|c| c.id.table.clone()).collect();
    if tables.is_empty() {
        return Ok(changes);
    }
    let text: String = tables.iter().map(|table| format!("SELECT VALUE id FROM `{table}` LIMIT 1;")).collect();
    let mut answer = session.query(&text, ()).await?;
    for (index, table) in tables.iter().enumerate() {
        if answer.rows(index).is_empty() {
            for change in changes.iter_mut().filter(|c| is_doubtful(c) && c.id.table == *table) {
                change.loss = None;
            }
        }
    }
    Ok(changes)
}

/// The changes worth a line: what comes and goes with its table, or with its list, has none of its own.
fn shown(changes: Vec<Change>) -> Vec<Change> {
    let has =
        |id: &Id, verb: Option<Verb>| changes.iter().any(|c| c.id == *id && verb.is_none_or(|verb| c.verb == verb));
    let is_shown = |change: &&Change| {
        let id = &change.id;
        let list = id.name.strip_suffix(".*").map(|list| Id::field(&id.table, list));
        let is_with_list = id.object == Object::Field && list.is_some_and(|list| has(&list, None));
        !is_with_list && (change.verb == Verb::Change || !has(&Id::table(&id.table), Some(change.verb)))
    };
    changes.iter().filter(is_shown).cloned().collect()
}

/// Defines one table of the wanted state with all that belongs to it.
async fn define_table(session: &Session, wanted: &State, name: &str) -> Result<()> {
    let is_part = |id: &Id| id.table == name || *id == Id::table(name);
    let parts = wanted.definitions.iter().filter(|(id, _)| is_part(id));
    let text: String = parts.map(|(id, text)| overwriting(id, text)).collect();
    session.query(&format!("BEGIN; {text} COMMIT;"), ()).await.map_err(SchemaError::Refused)?;
    Ok(())
}

/// What brings the database to the wanted state.
#[derive(Debug, Default)]
struct Plan {
    /// For one transaction, in an order in which each statement finds what it needs.
    statements: Vec<String>,
    /// Definitions of indexes to repeat after it: in the transaction they are marked as [`UNFINISHED`].
    indexes: Vec<String>,
}

/// The statements that make the changes.
fn plan(current: &State, wanted: &State, changes: &[Change], accesses: Vec<String>) -> Plan {
    let (mut statements, mut indexes) = (Vec::new(), Vec::new());
    let removed = |wanted_last: bool| {
        let is_last = |id: &Id| id.table.is_empty();
        changes
            .iter()
            .rev()
            .filter(move |c| c.verb == Verb::Remove && is_last(&c.id) == wanted_last)
            .map(|c| remove(&c.id))
    };
    statements.extend(removed(false));
    let due = wanted.definitions.iter().filter(|(id, _)| id.object != Object::Access && is_due(id, changes));
    let (late, early): (Vec<_>, Vec<_>) = due.partition(|(id, _)| matches!(id.object, Object::Index | Object::Event));
    statements.extend(early.into_iter().map(|(id, text)| overwriting(id, text)));
    let filled = backfill(current, wanted, changes);
    let is_filling = !filled.is_empty();
    statements.extend(filled);
    for (id, text) in late {
        let definition = overwriting(id, text);
        if id.object == Object::Index && is_filling {
            statements.push(unfinished(&definition));
            indexes.push(definition);
        } else {
            statements.push(definition);
        }
    }
    statements.extend(removed(true));
    statements.extend(accesses.into_iter().map(|access| access + ";\n"));
    Plan { statements, indexes }
}

/// Comment of an index that may lack rows. The engine builds an index from what was committed before, so one that is defined
/// in the transaction that fills rows lacks them, and is defined once more afterwards. Should the process be killed between the two,
/// the comment differs from what the files say, and so the next start defines the index again.
const UNFINISHED: &str = "not yet built from all rows";

/// The definition with the comment [`UNFINISHED`] for its own, which the engine writes last.
fn unfinished(definition: &str) -> String {
    let text = definition.trim_end_matches([';', '\n']);
    let text = text.split_once(" COMMENT ").map_or(text, |(head, _)| head);
    format!("{text} COMMENT '{UNFINISHED}';\n")
}

/// Whether a definition is written: it changed, or it describes the items of a list that changed.
fn is_due(id: &Id, changes: &[Change]) -> bool {
    changes.iter().any(|change| {
        let is_item = id.object == Object::Field
            && change.id.object == Object::Field
            && change.id.table == id.table
            && id.name.strip_prefix(change.id.name.as_str()).is_some_and(|rest| rest.starts_with(".*"));
        change.verb != Verb::Remove && (change.id == *id || is_item)
    })
}

/// Gives existing rows the default of new required fields: a DEFAULT is used by the engine for new rows only, and a row
/// without the value could never be updated again.
fn backfill(current: &State, wanted: &State, changes: &[Change]) -> Vec<String> {
    let (mut always, mut restored) = (Vec::new(), Vec::new());
    let mut tables = BTreeSet::new();
    for Change { id, verb, .. } in changes {
        let (part, text) = (wanted.part(id), wanted.definitions.get(id));
        let is_new = *verb == Verb::Add && id.object == Object::Field && current.has_table(&id.table);
        let is_needed = is_new && is_required(part);
        if let (true, Some(kind), Some(default), Some(text)) =
            (is_needed, wanted.kind(id), part["default"].as_str(), text)
        {
            let (table, path) = (&id.table, quoted_path(&id.name));
            always.push(format!("DEFINE FIELD OVERWRITE {path} ON `{table}` TYPE {kind} DEFAULT ALWAYS {default};\n"));
            restored.push(overwriting(id, text));
            tables.insert(table);
        }
    }
    let updates = tables.into_iter().map(|table| format!("UPDATE `{table}` RETURN NONE;\n"));
    always.into_iter().chain(updates).chain(restored).collect()
}

/// Runs the plan and records migrations that need not run, in one transaction.
async fn apply(session: &Session, plan: &Plan, to_record: &[&Migration], now: DateTime<Utc>) -> Result<()> {
    let mut text = String::from("BEGIN;\n");
    let mut vars = Vars::new();
    text.extend(plan.statements.iter().map(String::as_str));
    for (index, migration) in to_record.iter().enumerate() {
        text.push_str(&migrations::record_statement(index));
        migrations::bind(&mut vars, index, migration, now);
    }
    text.push_str("COMMIT;");
    session.query(&text, vars).await.map_err(SchemaError::Refused)?;
    Ok(())
}

/// Builds the plan's unfinished indexes from the rows that are there now.
async fn finish_indexes(session: &Session, plan: &Plan) -> Result<()> {
    for definition in &plan.indexes {
        session.query(definition, ()).await.map_err(SchemaError::Refused)?;
    }
    Ok(())
}

/// The engine's own text of a definition, made to replace what is there.
fn overwriting(id: &Id, text: &str) -> String {
    let head = format!("DEFINE {}", id.object.keyword());
    let tail = text.strip_prefix(&head).unwrap_or_default();
    format!("{head} OVERWRITE{tail};\n")
}

fn remove(id: &Id) -> String {
    let Id { object, table, name } = id;
    let keyword = object.keyword();
    match object {
        Object::Field => format!("REMOVE FIELD IF EXISTS {} ON `{table}`;\n", quoted_path(name)),
        Object::Index | Object::Event => format!("REMOVE {keyword} IF EXISTS `{name}` ON `{table}`;\n"),
        Object::Function => format!("REMOVE FUNCTION IF EXISTS fn::{name};\n"),
        Object::Param => format!("REMOVE PARAM IF EXISTS ${name};\n"),
        Object::Access => format!("REMOVE ACCESS IF EXISTS `{name}` ON DATABASE;\n"),
        Object::Table | Object::Analyzer | Object::Sequence => format!("REMOVE {keyword} IF EXISTS `{name}`;\n"),
    }
}

/// A field's path with each name in back-ticks.
fn quoted_path(path: &str) -> String {
    let quoted = path.split('.').map(|name| if name == "*" { name.to_owned() } else { format!("`{name}`") });
    quoted.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{folder, run};
    use super::*;

    #[test]
    fn definitions_are_made_to_replace() {
        assert_eq!(overwriting(&Id::table("a"), "DEFINE TABLE a SCHEMAFULL"), "DEFINE TABLE OVERWRITE a SCHEMAFULL;\n");
        assert_eq!(remove(&Id::field("t", "l.*.if")), "REMOVE FIELD IF EXISTS `l`.*.`if` ON `t`;\n");
        for text in ["DEFINE INDEX i ON t FIELDS a UNIQUE;\n", "DEFINE INDEX i ON t FIELDS a UNIQUE COMMENT 'x';\n"] {
            let marked = "DEFINE INDEX i ON t FIELDS a UNIQUE COMMENT 'not yet built from all rows';\n";
            assert_eq!(unfinished(text), marked);
        }
    }

    /// The rows that an index finds for `size = 7`, and whether it is an index that found them.
    async fn found(engine: &Engine) -> (usize, bool) {
        let text = "SELECT VALUE id FROM toys WHERE size = 7; EXPLAIN SELECT VALUE id FROM toys WHERE size = 7";
        let mut answer = engine.root().query(text, ()).await.expect("rows");
        (answer.rows(0).len(), format!("{:?}", answer.take(1)).contains("toys_size"))
    }

    #[test]
    fn a_start_killed_before_its_indexes_are_built_is_finished_by_the_next() {
        run(async {
            let engine = scratch().await.expect("engine");
            let first = "DEFINE TABLE toys SCHEMAFULL PERMISSIONS NONE;\nDEFINE FIELD name ON toys TYPE string;\n";
            let shop = folder(&[("toys.surql", first)]);
            let now = DateTime::from_timestamp(1_800_000_000, 0).expect("instant");
            let sources = Sources::load(Some(shop.path())).await.expect("sources");
            prepare(&engine, &sources, "0123456789abcdef", now).await.expect("first");
            engine
                .root()
                .query("CREATE toys:1 SET name = 'ball'; CREATE toys:2 SET name = 'cube'", ())
                .await
                .expect("rows");

            let more = "DEFINE FIELD size ON toys TYPE int DEFAULT 7;\nDEFINE INDEX toys_size ON toys FIELDS size COMMENT 'Sizes.';\n";
            std::fs::write(shop.path().join("toys.surql"), format!("{first}{more}")).expect("file");
            let sources = Sources::load(Some(shop.path())).await.expect("sources");
            // All that prepare does before the kill.
            let (current, wanted) =
                (State::read(engine.root()).await.expect("state"), wanted(&sources).await.expect("wanted"));
            let accesses = sources.accesses("0123456789abcdef").expect("accesses");
            let plan = plan(&current, &wanted, &compare(&current, &wanted), accesses);
            apply(engine.root(), &plan, &[], now).await.expect("committed");
            assert_eq!(found(&engine).await, (0, true), "the engine has mended its build: the second one can go");

            let next = prepare(&engine, &sources, "0123456789abcdef", now).await.expect("next start");
            let shown: Vec<String> = next.changes.iter().map(ToString::to_string).collect();
            assert_eq!(shown, ["~ index toys.toys_size: comment"]);
            assert_eq!(found(&engine).await, (2, true));
            assert!(diff(&engine, &sources, "0123456789abcdef").await.expect("diff").is_empty());
        });
    }
}
