//! What the vendored database does in another way than the published one (vendor/README.md): the answers are the same.

use pawbase_engine::{Session, Value, Vars};

use crate::support::{TestApp, run};

/// Values of every kind that clauses compare.
const VALUES: [&str; 14] = [
    "NONE",
    "NULL",
    "true",
    "0",
    "7",
    "7.0",
    "-2.5dec",
    "''",
    "'abc'",
    "'ABC 1'",
    "[]",
    "[7, 'abc', NONE]",
    "species:dog",
    "{ x: 7, y: { z: 'abc' } }",
];
/// Clauses over the fields `a` and `b`.
const CLAUSES: [&str; 22] = [
    "a = b",
    "a == b",
    "a != b",
    "a < b",
    "a <= b",
    "a > b",
    "a >= b",
    "a IN b",
    "a NOT IN b",
    "a CONTAINS b",
    "a CONTAINSNOT b",
    "a ALLINSIDE b",
    "a ANYINSIDE b",
    "a NONEINSIDE b",
    "a AND b",
    "a OR b",
    "!a",
    "a = /^[a-z]{3}$/",
    "a IN [7, 'abc', b]",
    "(a = 7 OR a = 'abc') AND b != NONE",
    "a.x = 7",
    "a.y.z = b",
];
/// Functions of `a`; not every value is one that they take.
const FUNCTIONS: [&str; 8] = [
    "string::len(a)",
    "string::lowercase(a)",
    "string::starts_with(a, 'a')",
    "array::len(a)",
    "math::abs(a)",
    "math::round(a)",
    "record::id(a)",
    "record::tb(a)",
];

/// What the clauses give as the VALUE of fields, which a write evaluates, and as columns of a SELECT, which the newer executor does.
async fn both(root: &Session, clauses: &[&str], a: &str, b: &str) -> [Result<Vec<Value>, String>; 2] {
    let text = format!("UPSERT ONLY trials:one CONTENT {{ a: {a}, b: {b} }}");
    let written = match root.query(&text, ()).await {
        Ok(mut answer) => {
            let Value::Object(row) = answer.take(0) else { panic!("no row: {text}") };
            let field = |at: usize| row.get(&format!("f{at}")).cloned().unwrap_or_default();
            Ok((0..clauses.len()).map(field).collect())
        }
        Err(error) => Err(error.to_string()),
    };
    let columns = clauses.iter().map(|clause| format!("({clause})")).collect::<Vec<_>>().join(", ");
    let text = format!("SELECT VALUE [{columns}] FROM ONLY {{ a: {a}, b: {b} }}");
    let read = match root.read(&text, ()).await {
        Ok(mut answer) => Ok(match answer.take(0) {
            Value::Array(values) => values.into_vec(),
            one => vec![one],
        }),
        Err(error) => Err(error.to_string()),
    };
    [written, read]
}

async fn define(root: &Session, clauses: &[&str]) {
    let mut text = "DEFINE TABLE OVERWRITE trials SCHEMALESS;".to_owned();
    for (at, clause) in clauses.iter().enumerate() {
        text += &format!("DEFINE FIELD OVERWRITE f{at} ON trials VALUE ({clause});");
    }
    root.query(&text, ()).await.expect("a table of trials");
}

#[test]
fn clauses_give_what_the_other_executor_gives() {
    run(async {
        let test = TestApp::start().await;
        let root = test.app.platform.engine.root();
        define(root, &CLAUSES).await;
        let mut truths = 0;
        for a in VALUES {
            for b in VALUES {
                let [written, read] = both(root, &CLAUSES, a, b).await;
                let (written, read) = (written.expect("written"), read.expect("read"));
                for ((clause, written), read) in CLAUSES.iter().zip(written).zip(read) {
                    assert_eq!(written, read, "{clause} with a = {a}, b = {b}");
                    truths += usize::from(written == Value::Bool(true));
                }
            }
        }
        assert!(truths > 500, "only {truths} were true");
    });
}

#[test]
fn functions_give_or_refuse_what_the_other_executor_gives_or_refuses() {
    run(async {
        let test = TestApp::start().await;
        let root = test.app.platform.engine.root();
        for function in FUNCTIONS {
            define(root, &[function]).await;
            let mut given = 0;
            for a in VALUES {
                let [written, read] = both(root, &[function], a, "NONE").await;
                assert_eq!(written.clone().ok(), read.ok(), "{function} of {a}");
                given += usize::from(written.is_ok());
            }
            assert!((1..VALUES.len()).contains(&given), "{function} took {given} values");
            root.query("REMOVE TABLE trials", ()).await.expect("removed");
        }
    });
}

#[test]
fn a_record_has_no_other_fields_than_the_defined_ones() {
    run(async {
        let test = TestApp::start().await;
        let root = test.app.platform.engine.root();
        let table = "DEFINE TABLE racks TYPE NORMAL SCHEMAFULL;
            DEFINE FIELD a ON racks TYPE object FLEXIBLE; DEFINE FIELD a.b ON racks TYPE object;
            DEFINE FIELD a.b.c ON racks TYPE int;";
        root.query(table, ()).await.expect("a table");
        for allowed in ["{ b: { c: 1 } }", "{ b: { c: 1 }, free: { x: [1] } }"] {
            root.query(&format!("CREATE racks SET a = {allowed}"), ()).await.expect(allowed);
        }
        for refused in ["{ b: { c: 1, d: 2 } }", "{ b: { c: 1, d: { e: 1 } }, free: 1 }"] {
            assert!(root.query(&format!("CREATE racks SET a = {refused}"), ()).await.is_err(), "{refused}");
        }
        let part = "DEFINE TABLE pegs TYPE NORMAL SCHEMAFULL; DEFINE FIELD size.width ON pegs TYPE option<int>;";
        root.query(part, ()).await.expect("a table");
        root.query("CREATE pegs SET size = { width: 1 }", ()).await.expect("the part that is defined");
        assert!(root.query("CREATE pegs SET size = 5", ()).await.is_err(), "only a part of it is defined");
    });
}

#[test]
fn an_index_that_is_defined_while_the_program_runs_has_every_record() {
    run(async {
        let test = TestApp::start().await;
        let engine = &test.app.platform.engine;
        assert!(engine.settle().await.expect("settled"), "all indexes are built");
        let root = engine.root();
        root.query("DEFINE TABLE shelves SCHEMALESS; CREATE shelves:1 SET row = 1", ()).await.expect("a table");
        root.query("DEFINE INDEX shelves_row ON shelves FIELDS row UNIQUE", ()).await.expect("an index");
        root.query("CREATE shelves:2 SET row = 2", ()).await.expect("a record");
        for row in [1, 2] {
            let twice = root.query("CREATE shelves SET row = $row", Vars::new().with("row", row)).await;
            assert!(twice.is_err(), "{row} is taken");
        }
        root.query("REMOVE INDEX shelves_row ON shelves", ()).await.expect("removed");
        root.query("CREATE shelves SET row = 1", ()).await.expect("no index any more");
        assert!(engine.settle().await.expect("settled"));
        root.query("CREATE shelves SET row = 1", ()).await.expect("still none");
    });
}
