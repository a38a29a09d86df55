//! A shop's own schemas: checked, served after a restart, and removed by a migration only.

use super::place::Place;
use crate::support::run;

const TOYS: &str = "DEFINE TABLE toys TYPE NORMAL SCHEMAFULL COMMENT 'Toys.'
    PERMISSIONS FOR select FULL FOR create, update, delete WHERE $access = 'staff';
DEFINE FIELD id ON toys TYPE uuid;
DEFINE FIELD name ON toys TYPE string ASSERT string::len($value) >= 1 COMMENT 'What it is called.';
";

#[test]
fn a_folder_is_checked_with_file_and_line() {
    let place = Place::new();
    place.write("good/toys.surql", TOYS);
    let good = place.run(&["schema", "check", "good"]).assert_ok();
    assert!(good.out.contains("no problems"), "{}", good.out);
    place.write("bad/toys.surql", &format!("{TOYS}DEFINE FIELD untyped ON toys;\n"));
    place.write("bad/open.surql", "-- Open.\nDEFINE TABLE open SCHEMAFULL;\nDEFINE FIELD a ON open TYPE sring;\n");
    let bad = place.run(&["schema", "check", "bad"]);
    assert!(bad.assert_refused().contains("3 problems"), "{bad:#?}");
    let lines: Vec<&str> = bad.out.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    for (line, part) in lines.iter().zip(["bad/open.surql:2: ", "bad/open.surql:3: ", "bad/toys.surql:5: "]) {
        assert!(line.starts_with(part), "{line}");
    }
    place.run(&["schema", "check"]).assert_refused();
    assert!(place.run(&["schema", "check", "nowhere"]).assert_refused().contains("nowhere"));
}

#[test]
fn a_table_dropped_into_the_folder_is_served_and_goes_by_migration_only() {
    run(async {
        let place = Place::new();
        place.run(&["schema", "apply"]).assert_ok();
        assert_eq!(place.run(&["schema", "diff"]).assert_ok().out.trim(), "nothing to change");
        assert_eq!(place.run(&["schema", "apply"]).assert_ok().out.trim(), "nothing to change");

        place.write("data/schemas/toys.surql", TOYS);
        assert_eq!(place.run(&["schema", "diff"]).assert_ok().out.trim(), "+ table toys");
        place.make_admin("boss@test.example");
        let process = place.serve();
        process.guest().get("/api/v1/toys").await.assert(200);
        let document = process.guest().get("/api/openapi.json").await.assert(200);
        assert!(document.json["paths"]["/api/v1/toys"]["get"].is_object());
        let boss = process.staff("boss@test.example", crate::support::people::PASSWORD).await;
        let id = boss.post("/api/admin/toys", serde_json::json!({ "name": "Ball" })).await.assert(201).id();
        process.stop().assert_ok();

        std::fs::remove_file(place.data().join("schemas/toys.surql")).expect("removed");
        for refused in [place.try_serve(&[]).err().expect("refused"), place.run(&["schema", "apply"])] {
            assert!(refused.status.code().is_some_and(|code| code != 0), "{refused:#?}");
            assert!(refused.err.contains("- table toys") && refused.err.contains("REMOVE TABLE toys"), "{refused:#?}");
        }
        let diff = place.run(&["schema", "diff"]);
        assert!(diff.out.contains("- table toys"), "{diff:#?}");
        assert!(diff.assert_refused().contains("migration"), "{diff:#?}");

        // Nothing was changed: with the file back, the row is there.
        place.write("data/schemas/toys.surql", TOYS);
        let process = place.serve();
        process.guest().get(&format!("/api/v1/toys/{id}")).await.assert(200);
        process.stop().assert_ok();

        std::fs::remove_file(place.data().join("schemas/toys.surql")).expect("removed");
        place.write("data/schemas/migrations/0001_remove_toys.surql", "REMOVE TABLE toys;\n");
        place.run(&["schema", "diff"]).assert_ok();
        let process = place.serve();
        process.guest().get("/api/v1/toys").await.assert(404);
        process.stop().assert_ok();
        assert_eq!(place.run(&["schema", "diff"]).assert_ok().out.trim(), "nothing to change");
        let process = place.serve();
        process.ready().await;
        process.stop().assert_ok();
    });
}

#[test]
fn a_bad_folder_stops_the_start_with_every_problem() {
    let place = Place::new();
    place.write("data/schemas/open.surql", "DEFINE TABLE open SCHEMAFULL;\nDEFINE FIELD a ON open TYPE sring;\n");
    let refused = place.try_serve(&[]).err().expect("refused");
    assert!(refused.status.code().is_some_and(|code| code != 0), "{refused:#?}");
    assert!(refused.err.contains("open.surql:1: ") && refused.err.contains("open.surql:2: "), "{refused:#?}");
    assert!(!place.data().join("db").exists(), "refused before anything is made");
}
