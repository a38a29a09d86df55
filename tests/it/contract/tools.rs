//! Tools from outside against our documents and the real binary: a validator, a linter, a generator of typed clients, and a
//! property-based API tester. What they are told is in `tests/contract/`; `.ci/tools` installs them outside the repository.

use crate::binary::place::Place;
use crate::tools::{Tools, in_repository, passes};

/// Set where the tools are installed: then they must be there.
const SWITCH: &str = "PAWBASE_CONTRACT";
/// Where a longer run by hand says how many cases per operation the tester makes up, in each of its ways; else `EXAMPLES`.
const EXAMPLES_SWITCH: &str = "PAWBASE_CONTRACT_EXAMPLES";
const EXAMPLES: &str = "4";
/// Where such a run says with which cases the tester begins; else `SEED`.
const SEED_SWITCH: &str = "PAWBASE_CONTRACT_SEED";
const SEED: &str = "1";

/// A platform whose shop has tables of its own, one field of each kind.
fn place() -> Place {
    let place = Place::new();
    let text = std::fs::read_to_string(in_repository("tests/contract/samples.surql")).expect("samples");
    place.write("data/schemas/samples.surql", &text);
    place
}

#[test]
fn the_documents_pass_a_strict_validator_and_a_strict_linter() {
    let Some(tools) = Tools::open(SWITCH) else { return };
    tools.write_documents(&place());
    tools.copy("tests/contract/redocly.yaml");
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
    let Some(tools) = Tools::open(SWITCH) else { return };
    let place = place();
    tools.write_documents(&place);
    for (document, types) in [("api.json", "api.d.ts"), ("admin.json", "admin.d.ts")] {
        let mut generator = tools.node("openapi-typescript");
        generator.args([document, "--output", types]);
        passes(generator);
    }
    tools.copy("tests/contract/client.mts");
    tools.copy("tests/contract/tsconfig.json");
    passes(tools.node("tsc"));
    let process = place.serve_with(&["--demo"]);
    let mut client = tools.script("client.mjs");
    client.arg(&process.public);
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
        let Some(tools) = Tools::open(SWITCH) else { return };
        // The tester tries many wrong passwords, and would lock its own account.
        let place = place().with("PAWBASE_AUTH__LOCKOUT_FAILURES", "100").with("PAWBASE_AUTH__LOCKOUT_MINUTES", "1");
        let process = place.serve_with(&["--demo"]);
        let base = if self.is_staff { &process.admin } else { &process.public };
        tools.write("schemathesis.toml", &self.settings());
        for name in ["people.json", "hooks.py"] {
            tools.copy(&format!("tests/contract/{name}"));
        }
        let mut tester = tools.python("schemathesis");
        tester.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", tools.folder());
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
        let mut text = std::fs::read_to_string(in_repository("tests/contract/schemathesis.toml")).expect("settings");
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
