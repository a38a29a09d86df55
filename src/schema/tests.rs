//! Tests of the whole way from files to tables, on databases in memory.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use pawbase_engine::{Engine, OpenOptions};
use tempfile::TempDir;

use super::*;

const KEY: &str = "0123456789abcdef";
const STACK_BYTES: usize = 16 << 20;

/// Runs a future with the deep stack that the engine needs.
pub(super) fn run<F: Future<Output = ()> + Send + 'static>(future: F) {
    let work = move || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).thread_stack_size(STACK_BYTES).enable_all().build().expect("runtime");
        runtime.block_on(async { tokio::spawn(future).await.expect("the test's task") });
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work).expect("thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

async fn memory() -> Engine {
    Engine::open(OpenOptions::Memory { query_timeout: Duration::from_secs(10) }).await.expect("engine")
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 5_000).expect("instant")
}

/// A shop's folder with files; names may lie in `migrations/`.
pub(super) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().expect("folder");
    put(folder.path(), files);
    folder
}

fn put(folder: &Path, files: &[(&str, &str)]) {
    std::fs::create_dir_all(folder.join("migrations")).expect("folder");
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("file");
    }
}

async fn apply(engine: &Engine, shop: &Path) -> Result<Prepared> {
    let sources = Sources::load(Some(shop)).await?;
    prepare(engine, &sources, KEY, now()).await
}

fn lines(changes: &[Change]) -> Vec<String> {
    changes.iter().map(ToString::to_string).collect()
}

/// A table `toys` with these fields.
fn toys(fields: &str) -> String {
    format!("DEFINE TABLE toys SCHEMAFULL PERMISSIONS NONE;\n{fields}")
}

const NAME: &str = "DEFINE FIELD name ON toys TYPE string;\n";

#[test]
fn a_second_start_changes_nothing() {
    run(async {
        let engine = memory().await;
        let sources = Sources::load(None).await.expect("sources");
        let first = prepare(&engine, &sources, KEY, now()).await.expect("first");
        assert!(first.changes.iter().all(|change| change.verb == Verb::Add), "{:?}", lines(&first.changes));
        assert!(lines(&first.changes).contains(&"+ table users".to_owned()));
        let started = std::time::Instant::now();
        let second = prepare(&engine, &sources, KEY, now()).await.expect("second");
        assert_eq!(lines(&second.changes), Vec::<String>::new());
        assert_eq!(second.schema.tables.len(), first.schema.tables.len());
        assert!(diff(&engine, &sources, KEY).await.expect("diff").is_empty());
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    });
}

#[test]
fn our_own_schemas_read_as_meant() {
    run(async {
        let engine = memory().await;
        let sources = Sources::load(None).await.expect("sources");
        let schema = prepare(&engine, &sources, KEY, now()).await.expect("prepare").schema;
        let users = &schema.tables["users"];
        let email = &users.fields["email"];
        assert_eq!(email.kind, Kind::String);
        assert_eq!((email.tags.as_slice(), email.permissions.update.is_none()), (&["email".to_owned()][..], true));
        assert_eq!(email.permissions.select, Permission::Where("id = $auth".into()));
        assert!(!users.is_private() && users.key == KeyKind::Uuid);
        assert!(users.fields["updated_at"].is_computed && users.fields["created_at"].has_default);
        assert_eq!(users.text_fields().collect::<Vec<_>>(), ["name"]);
        assert!(!users.fields.keys().any(|path| path.contains('*')));
        let products = &schema.tables["products"];
        let cost = &products.fields["cost"];
        assert_eq!((&cost.kind, cost.tags[0].as_str()), (&Kind::Option(Box::new(Kind::Object)), "money"));
        assert_eq!(cost.permissions.select, Permission::Where("business INSIDE $session.data.businesses".into()));
        assert_eq!(products.children("cost").count(), 2);
        assert!(products.indexes.iter().any(|index| index.is_unique && index.fields == ["business", "sku"]));
        let Kind::Record(targets) = &schema.tables["favorites"].fields["target"].kind else { panic!("a link") };
        assert_eq!(targets.len(), 4);
        assert!(schema.tables["favorites"].permissions.update.is_none());
        assert_eq!(schema.tables["species"].key, KeyKind::Text);
        assert!(schema.served("migrations").is_none() && schema.served("species").is_some());
        assert!(schema.tables["audit"].fields["before"].is_flexible);
    });
}

#[test]
fn a_shops_table_appears_and_widens_but_never_narrows() {
    run(async {
        let engine = memory().await;
        let shop = folder(&[("toys.surql", &toys(NAME))]);
        prepare(&engine, &Sources::load(None).await.expect("own"), KEY, now()).await.expect("own");
        let prepared = apply(&engine, shop.path()).await.expect("added");
        assert_eq!(lines(&prepared.changes), ["+ table toys"]);
        assert!(prepared.schema.tables.contains_key("toys"));
        engine.root().query("CREATE toys:1 SET name = 'ball'", ()).await.expect("row");

        put(shop.path(), &[("toys.surql", &toys("DEFINE FIELD name ON toys TYPE option<string>;"))]);
        let prepared = apply(&engine, shop.path()).await.expect("widened");
        assert_eq!(lines(&prepared.changes), ["~ field toys.name: string -> none | string"]);

        put(shop.path(), &[("toys.surql", &toys(NAME))]);
        let refused = apply(&engine, shop.path()).await.expect_err("narrowed");
        let text = refused.to_string();
        assert!(text.contains("~ field toys.name: none | string -> string  (loses data)"), "{text}");
        assert!(text.contains("migrations/NNNN_name.surql"), "{text}");
    });
}

#[test]
fn a_dropped_field_needs_a_migration() {
    run(async {
        let engine = memory().await;
        let shop = folder(&[("toys.surql", &toys(&format!("{NAME}DEFINE FIELD old ON toys TYPE option<int>;")))]);
        apply(&engine, shop.path()).await.expect("added");
        engine.root().query("CREATE toys:1 SET name = 'ball', old = 1", ()).await.expect("row");
        put(shop.path(), &[("toys.surql", &toys(NAME))]);
        let text = apply(&engine, shop.path()).await.expect_err("dropped").to_string();
        assert!(text.contains("- field toys.old  (loses data)"), "{text}");

        let change = "REMOVE FIELD old ON toys;\nUPDATE toys UNSET old;\n";
        put(shop.path(), &[("migrations/0001_drop_old.surql", change)]);
        let sources = Sources::load(Some(shop.path())).await.expect("sources");
        let seen = diff(&engine, &sources, KEY).await.expect("diff");
        assert!(seen.is_lossy() && seen.to_string().starts_with("> migration shop 0001_drop_old\n"), "{seen}");
        let prepared = apply(&engine, shop.path()).await.expect("migrated");
        assert_eq!(prepared.migrations.iter().map(ToString::to_string).collect::<Vec<_>>(), ["shop 0001_drop_old"]);
        assert_eq!(lines(&prepared.changes), Vec::<String>::new());
        let row = engine.root().query("SELECT * FROM ONLY toys:1", ()).await.expect("row").last().into_json_value();
        assert_eq!(row, serde_json::json!({ "id": "toys:1", "name": "ball" }));
        assert!(apply(&engine, shop.path()).await.expect("again").migrations.is_empty());
    });
}

#[test]
fn migrations_are_guarded() {
    run(async {
        let engine = memory().await;
        let shop = folder(&[("toys.surql", &toys(NAME))]);
        apply(&engine, shop.path()).await.expect("added");
        engine.root().query("CREATE toys:1 SET name = 'ball'", ()).await.expect("row");

        let failing = "UPDATE toys SET name = 'changed'; THROW 'no';";
        put(shop.path(), &[("migrations/0001_rename.surql", failing)]);
        let text = apply(&engine, shop.path()).await.expect_err("thrown").to_string();
        assert!(text.contains("shop 0001_rename failed and was rolled back: no"), "{text}");
        let name = engine.root().query("RETURN toys:1.name", ()).await.expect("row").last().into_json_value();
        assert_eq!(name, "ball");

        put(shop.path(), &[("migrations/0001_rename.surql", "UPDATE toys SET name = 'changed';")]);
        apply(&engine, shop.path()).await.expect("run");
        put(shop.path(), &[("migrations/0001_rename.surql", "UPDATE toys SET name = 'other';")]);
        let text = apply(&engine, shop.path()).await.expect_err("changed").to_string();
        assert!(text.contains("0001_rename.surql has run here and was changed since"), "{text}");
        std::fs::remove_file(shop.path().join("migrations/0001_rename.surql")).expect("removed");
        let text = apply(&engine, shop.path()).await.expect_err("missing").to_string();
        assert!(text.contains("shop 0001_rename has run here but its file is missing"), "{text}");
    });
}

#[test]
fn a_migration_changes_type_and_rows_in_one_transaction() {
    run(async {
        let engine = memory().await;
        let shop = folder(&[("toys.surql", &toys(NAME))]);
        apply(&engine, shop.path()).await.expect("added");
        engine.root().query("CREATE toys:1 SET name = '12'", ()).await.expect("row");
        let change = "DEFINE FIELD OVERWRITE name ON toys TYPE int;\nUPDATE toys SET name = <int>name;";
        put(shop.path(), &[("toys.surql", &toys("DEFINE FIELD name ON toys TYPE int;"))]);
        put(shop.path(), &[("migrations/0001_numbers.surql", change)]);
        apply(&engine, shop.path()).await.expect("migrated");
        let name = engine.root().query("RETURN toys:1.name", ()).await.expect("row").last().into_json_value();
        assert_eq!(name, 12);
    });
}

#[test]
fn a_new_database_records_migrations_without_running_them() {
    run(async {
        let engine = memory().await;
        let shop = folder(&[("toys.surql", &toys(NAME)), ("migrations/0001_old.surql", "THROW 'must not run';")]);
        let prepared = apply(&engine, shop.path()).await.expect("new");
        assert!(prepared.migrations.is_empty());
        let query = "SELECT source, number, name, applied_at FROM migrations";
        let rows = engine.root().query(query, ()).await.expect("rows").last().into_json_value();
        assert_eq!(rows[0]["name"], "old");
        assert_eq!(rows[0]["applied_at"], "2027-01-15T08:00:00Z");
        assert!(apply(&engine, shop.path()).await.expect("again").changes.is_empty());

        let engine = memory().await;
        prepare(&engine, &Sources::load(None).await.expect("own"), KEY, now()).await.expect("own");
        assert!(apply(&engine, shop.path()).await.expect("a new shop").migrations.is_empty());
    });
}

#[test]
fn a_new_required_field_needs_a_value_in_old_rows() {
    run(async {
        let engine = memory().await;
        let shop = folder(&[("toys.surql", &toys(NAME))]);
        apply(&engine, shop.path()).await.expect("added");
        let with = |field: &str| toys(&format!("{NAME}{field}"));
        put(shop.path(), &[("toys.surql", &with("DEFINE FIELD age ON toys TYPE int;"))]);
        apply(&engine, shop.path()).await.expect("empty table");
        engine.root().query("CREATE toys:1 SET name = 'ball', age = 1", ()).await.expect("row");

        let more = "DEFINE FIELD age ON toys TYPE int;\nDEFINE FIELD size ON toys TYPE int;";
        put(shop.path(), &[("toys.surql", &with(more))]);
        let text = apply(&engine, shop.path()).await.expect_err("no value").to_string();
        assert!(text.contains("+ field toys.size  (existing rows lack it)"), "{text}");

        let more = more.replace("size ON toys TYPE int", "size ON toys TYPE int DEFAULT 7 READONLY")
            + "DEFINE FIELD box ON toys TYPE object DEFAULT { w: 1 };\nDEFINE FIELD box.w ON toys TYPE int;\n";
        put(shop.path(), &[("toys.surql", &with(&more))]);
        apply(&engine, shop.path()).await.expect("default");
        engine.root().query("UPDATE toys:1 SET name = 'cube'", ()).await.expect("an old row can be updated");
        let row = engine.root().query("SELECT * FROM ONLY toys:1", ()).await.expect("row").last().into_json_value();
        let expected = serde_json::json!({ "id": "toys:1", "name": "cube", "age": 1, "size": 7, "box": { "w": 1 } });
        assert_eq!(row, expected);
        assert!(apply(&engine, shop.path()).await.expect("again").changes.is_empty());
    });
}

#[test]
fn indexes_events_and_functions_come_and_go() {
    run(async {
        let engine = memory().await;
        let more = "DEFINE FIELD tags ON toys TYPE array<string> DEFAULT [];
            DEFINE ANALYZER plain TOKENIZERS blank;
            DEFINE INDEX toys_name ON toys FIELDS name;
            DEFINE INDEX toys_text ON toys FIELDS name FULLTEXT ANALYZER plain BM25;
            DEFINE EVENT seen ON toys WHEN $event = 'CREATE' THEN { RETURN 1 };
            DEFINE FUNCTION fn::twice($n: int) { RETURN $n * 2; };
            DEFINE PARAM $limit_of_toys VALUE 3;";
        let shop = folder(&[("toys.surql", &toys(&format!("{NAME}{more}")))]);
        apply(&engine, shop.path()).await.expect("added");
        assert!(apply(&engine, shop.path()).await.expect("same").changes.is_empty());
        engine.root().query("CREATE toys:1 SET name = 'ball'", ()).await.expect("row");

        let other = more.replace("blank", "class").replace("array<string>", "array<string | int>");
        put(shop.path(), &[("toys.surql", &toys(&format!("{NAME}{other}")))]);
        let changes = lines(&apply(&engine, shop.path()).await.expect("changed").changes);
        let expected =
            ["~ analyzer plain", "~ field toys.tags: array<string> -> array<string | int>", "~ index toys.toys_text"];
        assert_eq!(changes, expected);
        assert!(apply(&engine, shop.path()).await.expect("same").changes.is_empty());

        let kept = "DEFINE FIELD tags ON toys TYPE array<string | int> DEFAULT [];";
        put(shop.path(), &[("toys.surql", &toys(&format!("{NAME}{kept}")))]);
        let changes = lines(&apply(&engine, shop.path()).await.expect("removed").changes);
        assert_eq!(changes.len(), 6, "{changes:?}");
        assert!(apply(&engine, shop.path()).await.expect("same").changes.is_empty());

        let unique = format!("{NAME}{kept}DEFINE INDEX toys_name ON toys FIELDS name UNIQUE;");
        engine.root().query("CREATE toys:2 SET name = 'ball'", ()).await.expect("row");
        put(shop.path(), &[("toys.surql", &toys(&unique))]);
        let text = apply(&engine, shop.path()).await.expect_err("not unique").to_string();
        assert!(text.contains("rolled back: unique index toys_name"), "{text}");
    });
}

#[test]
fn our_own_files_pass_the_rules() {
    let sources = Sources::embedded().expect("embedded");
    assert_eq!(sources.own[0].name, "access.surql");
    for file in &sources.own {
        for statement in super::splitter::split(&file.text) {
            let definition = statement.definition().expect("only definitions");
            let messages = super::rules::refuse_definition(&statement, &definition);
            assert!(messages.is_empty() && !statement.is_open, "{}:{}: {messages:?}", file.name, statement.line);
        }
    }
}

#[test]
fn an_odd_session_key_is_refused() {
    run(async {
        let engine = memory().await;
        let sources = Sources::load(None).await.expect("sources");
        let refused = prepare(&engine, &sources, "it's", now()).await.expect_err("refused");
        assert!(matches!(refused, SchemaError::SessionKey));
        let missing = Sources::load(Some(Path::new("/nowhere/at/all"))).await.map(|_| ()).expect_err("missing");
        assert!(matches!(missing, SchemaError::Unreadable { .. }));
    });
}

#[test]
fn a_database_on_disk_opens_unchanged() {
    run(async {
        let data = TempDir::new().expect("folder");
        let options = OpenOptions::Disk {
            folder: data.path().join("db"),
            block_cache_bytes: 16 << 20,
            memtable_bytes: 16 << 20,
            query_timeout: Duration::from_secs(10),
            root_password: "secret".into(),
        };
        let sources = Sources::load(None).await.expect("sources");
        for is_first in [true, false] {
            let engine = Engine::open(options.clone()).await.expect("opened");
            let started = std::time::Instant::now();
            let prepared = prepare(&engine, &sources, KEY, now()).await.expect("prepared");
            assert_eq!(prepared.changes.is_empty(), !is_first);
            assert!(is_first || started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
            engine.shutdown().await.expect("closed");
        }
    });
}

#[test]
fn two_starts_at_once_agree() {
    run(async {
        let engine = memory().await;
        let shop = folder(&[("toys.surql", &toys(NAME))]);
        apply(&engine, shop.path()).await.expect("added");
        engine.root().query("CREATE toys:1 SET name = 'a'", ()).await.expect("row");
        put(shop.path(), &[("migrations/0001_longer.surql", "UPDATE toys SET name += 'b';")]);
        let sources = Sources::load(Some(shop.path())).await.expect("sources");
        let start = || prepare(&engine, &sources, KEY, now());
        let (one, other) = tokio::join!(start(), start());
        let runs = one.expect("one").migrations.len() + other.expect("other").migrations.len();
        let name = engine.root().query("RETURN toys:1.name", ()).await.expect("row").last().into_json_value();
        assert_eq!((runs, name), (1, serde_json::json!("ab")));
    });
}
