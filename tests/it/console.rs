//! The console: its scripts against the types of our own document, and its screens in a real browser that drives the real
//! binary. What the browser does is in `tests/console/`; what the server answers to the console is tested in process elsewhere.

use std::fmt::Write;

use crate::binary::place::Place;
use crate::binary::process::Process;
use crate::tools::{Tools, in_repository, passes};

/// Set by `.ci/run`: then the tools and a browser must be there.
const SWITCH: &str = "PAWBASE_BROWSER";
/// The types that the scripts are checked by.
const TYPES: &str = "assets/console/types/api.d.ts";

#[test]
fn the_types_of_the_api_are_current() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    tools.write_documents(&Place::new());
    let mut generator = tools.node("openapi-typescript");
    generator.args(["admin.json", "--output", "api.d.ts"]);
    passes(generator);
    let made = std::fs::read_to_string(tools.folder().join("api.d.ts")).expect("types");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(in_repository(TYPES), &made).expect("written");
    }
    let kept = std::fs::read_to_string(in_repository(TYPES)).unwrap_or_default();
    assert!(kept == made, "{TYPES} differs from our document (UPDATE=1 writes it anew):\n{}", difference(&kept, &made));
}

/// The first lines that differ, enough to see what it is about.
fn difference(kept: &str, made: &str) -> String {
    let mut text = String::new();
    for (number, (kept, made)) in kept.lines().zip(made.lines()).enumerate() {
        if kept != made {
            write!(text, "line {}:\n- {kept}\n+ {made}\n", number + 1).expect("written");
            break;
        }
    }
    write!(text, "{} lines are kept, {} were made", kept.lines().count(), made.lines().count()).expect("written");
    text
}

#[test]
fn the_scripts_pass_a_strict_type_check() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    let mut compiler = tools.node("tsc");
    compiler.arg("--project").arg(in_repository("assets/console/tsconfig.json"));
    passes(compiler);
}

/// What needs no browser: files, amounts, differences, the layout of the schema picture.
#[test]
fn the_pure_parts_pass_their_cases() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    tools.copy_folder("assets/console/model");
    tools.copy("tests/console/models.mjs");
    tools.write("package.json", r#"{ "type": "module" }"#);
    passes(tools.script("models.mjs"));
}

/// The client module that apps use too, against a server that the script plays.
#[test]
fn the_realtime_client_keeps_its_connection() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    tools.copy("assets/realtime/pawbase.js");
    tools.copy("tests/console/realtime.mjs");
    tools.write("package.json", r#"{ "type": "module" }"#);
    passes(tools.script("realtime.mjs"));
}

/// Runs a script of `tests/console` in a browser against the server.
fn browse(tools: &Tools, script: &str, process: &Process, more: &[(&str, &str)]) {
    tools.copy_folder("tests/console");
    let mut command = tools.script(script);
    command.env("CONSOLE", &process.admin).env("PUBLIC", &process.public).envs(more.iter().copied());
    passes(command);
}

/// One test per screen, in one browser.
#[test]
fn every_screen_is_usable_by_everybody() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    // Webhooks go to servers of the scripts, on this machine.
    let place = Place::new()
        .with("PAWBASE_WEBHOOKS__ALLOW_PRIVATE", "127.0.0.1/32")
        .with("PAWBASE_WEBHOOKS__ALLOW_HTTP", "true");
    // A shop's own tables, one field of each kind, must have screens like all others.
    let samples = std::fs::read_to_string(in_repository("tests/contract/samples.surql")).expect("samples");
    place.write("data/schemas/samples.surql", &samples);
    // Events and jobs in every state: nobody makes them by the API, so a migration of the shop does.
    place.run(&["schema", "apply"]).assert_ok();
    let work = std::fs::read_to_string(in_repository("tests/console/data/0001_work.surql")).expect("work");
    place.write("data/schemas/migrations/0001_work.surql", &work);
    let process = place.serve_with(&["--demo"]);
    browse(&tools, "screens.mjs", &process, &[("EMAIL", "admin@example.com"), ("PASSWORD", "pawbase-demo")]);
    process.stop().assert_ok();
}

/// From the first start to the trail of what was done.
#[test]
fn a_first_day_with_the_console() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    let place = Place::new();
    let process = place.serve();
    let link = process.announced("  Setup   ").expect("a setup link");
    browse(&tools, "walk.mjs", &process, &[("SETUP", &link)]);
    process.stop().assert_ok();
}
