//! Tools from outside against our documents and the real binary: a validator, a linter, a generator of typed clients, and a
//! property-based API tester. What they are told is in `tests/contract/`; `.ci/tools` installs them outside the repository.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::binary::place::Place;
use crate::binary::process::run_to_end;

/// Set by `.ci/run`: then the tools must be there.
const SWITCH: &str = "PAWBASE_CONTRACT";
/// Where a longer run by hand says how many cases per operation the tester makes up, in each of its ways; else `EXAMPLES`.
const EXAMPLES_SWITCH: &str = "PAWBASE_CONTRACT_EXAMPLES";
const EXAMPLES: &str = "4";
/// Where such a run says with which cases the tester begins; else `SEED`.
const SEED_SWITCH: &str = "PAWBASE_CONTRACT_SEED";
const SEED: &str = "1";

/// The installed tools, and a folder to work in beside them.
struct Tools {
    home: PathBuf,
    folder: TempDir,
}

impl Tools {
    /// None where they are not asked for.
    fn open() -> Option<Self> {
        if std::env::var_os(SWITCH).is_none() {
            // Past the capture of the test's output, so that nobody takes it for a success.
            let _ = writeln!(std::io::stderr(), "skipped: {SWITCH} is not set; see Test in CONTRIBUTING.md");
            return None;
        }
        let default = || Path::new(&std::env::var_os("HOME").expect("HOME")).join(".cache/pawbase-tools");
        let home = std::env::var_os("PAWBASE_TOOLS").map_or_else(default, PathBuf::from);
        for needed in ["node_modules/.bin/tsc", "python/bin/schemathesis"] {
            assert!(home.join(needed).exists(), "{} has no {needed}: run .ci/tools", home.display());
        }
        let folder = TempDir::new_in(&home).expect("a folder");
        Some(Self { home, folder })
    }

    /// A file of `tests/contract`.
    fn source(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract").join(name)
    }

    fn copy(&self, name: &str) {
        std::fs::copy(Self::source(name), self.folder.path().join(name)).expect("copied");
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("written");
    }

    /// A tool that runs in the folder.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.home.join(program));
        // Where the system has no Node, or an old one, it is beside Python.
        let path = std::env::var("PATH").expect("PATH");
        command.env("PATH", format!("{}:{path}", self.home.join("python/bin").display()));
        command.current_dir(self.folder.path()).env("NO_COLOR", "1").env("REDOCLY_TELEMETRY", "off");
        command
    }

    fn node(&self, name: &str) -> Command {
        self.command(&format!("node_modules/.bin/{name}"))
    }

    fn python(&self, name: &str) -> Command {
        self.command(&format!("python/bin/{name}"))
    }

    /// Writes the documents of both listeners as `api.json` and `admin.json`.
    fn write_documents(&self, place: &Place) {
        self.write("api.json", &place.run(&["openapi"]).assert_ok().out);
        self.write("admin.json", &place.run(&["openapi", "--admin"]).assert_ok().out);
    }
}

#[track_caller]
fn passes(command: Command) {
    let name = format!("{command:?}");
    let ended = run_to_end(command);
    assert!(ended.status.success(), "{name}\n{}\n{}", ended.out, ended.err);
}

/// A platform whose shop has tables of its own, one field of each kind.
fn place() -> Place {
    let place = Place::new();
    let text = std::fs::read_to_string(Tools::source("samples.surql")).expect("samples");
    place.write("data/schemas/samples.surql", &text);
    place
}

#[test]
fn the_documents_pass_a_strict_validator_and_a_strict_linter() {
    let Some(tools) = Tools::open() else { return };
    tools.write_documents(&place());
    tools.copy("redocly.yaml");
    for document in ["api.json", "admin.json"] {
        let mut validator = tools.python("openapi-spec-validator");
        validator.args(["--schema", "3.1", document]);
        passes(validator);
        let mut linter = tools.node("redocly");
        linter.args(["lint", "--config=redocly.yaml", "--max-problems=1000", document]);
        passes(linter);
    }
}

#[test]
fn types_made_from_the_documents_compile_and_a_typed_client_works() {
    let Some(tools) = Tools::open() else { return };
    let place = place();
    tools.write_documents(&place);
    for (document, types) in [("api.json", "api.d.ts"), ("admin.json", "admin.d.ts")] {
        let mut generator = tools.node("openapi-typescript");
        generator.args([document, "--output", types]);
        passes(generator);
    }
    tools.copy("client.mts");
    tools.copy("tsconfig.json");
    passes(tools.node("tsc"));
    let process = place.serve_with(&["--demo"]);
    let mut client = tools.command("/usr/bin/env");
    client.args(["node", "client.mjs", &process.public]);
    passes(client);
    process.stop().assert_ok();
}

/// Who the tester is, and what it looks at closely.
struct Role {
    is_staff: bool,
    /// Of `people.json`; None for a guest.
    person: Option<&'static str>,
    /// Two people who must not see each other's records.
    peers: &'static [&'static str],
    /// Operations whose every parameter and member is tried at its limits and beyond, as a pattern of ids. All others get
    /// samples, made-up cases and sequences. The roles share this work out, so that the suite takes minutes and not an hour.
    closely: &'static str,
}

impl Role {
    /// Lets the tester loose on a demo.
    fn holds_the_server_to_its_document(&self) {
        let Some(tools) = Tools::open() else { return };
        // The tester tries many wrong passwords, and would lock its own account.
        let place = place().with("PAWBASE_AUTH__LOCKOUT_FAILURES", "100").with("PAWBASE_AUTH__LOCKOUT_MINUTES", "1");
        let process = place.serve_with(&["--demo"]);
        let base = if self.is_staff { &process.admin } else { &process.public };
        tools.write("schemathesis.toml", &self.settings());
        for name in ["people.json", "hooks.py"] {
            tools.copy(name);
        }
        let mut tester = tools.python("schemathesis");
        tester.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", tools.folder.path());
        tester.args(["run", &format!("{base}/api/openapi.json"), "--url", base, "--checks", "all"]);
        let chosen = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        let (examples, seed) = (chosen(EXAMPLES_SWITCH, EXAMPLES), chosen(SEED_SWITCH, SEED));
        tester.args(["--max-examples", &examples, "--seed", &seed, "--continue-on-failure"]);
        if self.person.is_none() {
            // A guest shows no token, not even a made-up one.
            tester.args(["--generation-with-security-parameters", "false"]);
        }
        passes(tester);
        process.stop().assert_ok();
    }

    fn settings(&self) -> String {
        let mut text = std::fs::read_to_string(Tools::source("schemathesis.toml")).expect("settings");
        let closely = self.closely;
        text.push_str(&format!(
            "\n[[operations]]\nexclude-operation-id-regex = \"^({closely})$\"\nphases.coverage.enabled = false\n"
        ));
        if self.person.is_none() {
            // A guest does not sign up on its own initiative either.
            text.push_str("\n[auth]\nauto-signup = false\n");
        }
        if let Some(person) = self.person {
            text.push_str(&format!("\n[auth.wfc]\npath = \"people.json\"\nuser = \"{person}\"\n"));
        }
        if !self.peers.is_empty() {
            text.push_str(&format!("peers = {:?}\n", self.peers));
        }
        text
    }
}

#[test]
fn an_api_tester_finds_nothing_as_guest() {
    let closely = ".*_species|.*_labels|create_(account|session)|refresh_session";
    Role { is_staff: false, person: None, peers: &[], closely }.holds_the_server_to_its_document();
}

#[test]
fn an_api_tester_finds_nothing_as_customer() {
    let closely =
        "(create|update|get|delete)_(samples|pets|favorites)|list_favorites|.*account|.*password|.*own_session.*";
    let peers = &["customer", "neighbour"];
    Role { is_staff: false, person: Some("customer"), peers, closely }.holds_the_server_to_its_document();
}

#[test]
fn an_api_tester_finds_nothing_as_owner_of_a_business() {
    let closely = ".*_memberships|(create|update|get|delete)_products";
    Role { is_staff: false, person: Some("owner"), peers: &["owner", "rival"], closely }
        .holds_the_server_to_its_document();
}

#[test]
fn an_api_tester_finds_nothing_as_administrator() {
    let closely = "(create|update|get|delete)_(species|users|tallies|businesses)|.*_user.*|.*admin.*";
    let person = Some("administrator");
    Role { is_staff: true, person, peers: &[], closely }.holds_the_server_to_its_document();
}
