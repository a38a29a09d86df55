//! The rules of ARCHITECTURE.md as tests: which module may use which, file sizes, names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What each top-level module may use besides itself. Arrows point one way.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("kernel", &[]),
    ("config", &[]),
    ("schema", &["kernel"]),
    ("context", &["kernel", "config", "schema"]),
    ("services", &["kernel", "config", "context"]),
    ("work", &["kernel", "config", "context"]),
    ("records", &["kernel", "config", "context", "schema", "work"]),
    ("realtime", &["kernel", "config", "context", "schema", "records"]),
    ("modules", &["kernel", "config", "context", "schema", "services", "work"]),
    ("http", &["kernel", "config", "context", "schema", "records", "realtime", "modules", "work"]),
    ("app", &["kernel", "config", "context", "schema", "records", "realtime", "modules", "services", "http", "work"]),
    ("demo", &["kernel", "app", "records"]),
    ("cli", &["kernel", "config", "context", "schema", "modules", "http", "app", "demo"]),
];

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("inside").display().to_string()
}

/// Names after `crate::` in a source, without comments.
fn used_modules(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut used = Vec::new();
    for line in code {
        for (at, _) in line.match_indices("crate::") {
            let is_whole = !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            let name: String = line[at + 7..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if is_whole && !name.is_empty() {
                used.push(name);
            }
        }
    }
    used
}

#[test]
fn arrows_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    let mut wrong = Vec::new();
    for path in sources("src") {
        let name = relative(&path);
        let module = name.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default().to_owned();
        if ["main", "lib"].contains(&module.as_str()) || name.contains("test") {
            continue;
        }
        let may = allowed.get(module.as_str()).unwrap_or_else(|| panic!("{module} is not in the list of modules"));
        let text = fs::read_to_string(&path).expect("text");
        for used in used_modules(&text) {
            if used != module && !may.contains(&used.as_str()) {
                wrong.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_engine_crate_names_surrealdb() {
    let naming: Vec<String> = sources("src")
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).expect("text");
            // The engine's log target may be named, in quotes.
            text.lines().any(|line| line.contains("surrealdb::") && !line.contains('"'))
        })
        .map(|path| relative(&path))
        .collect();
    assert!(naming.is_empty(), "{naming:?}");
}

#[test]
fn only_http_and_api_files_name_poem() {
    let naming: Vec<String> = sources("src")
        .into_iter()
        .map(|path| (relative(&path), fs::read_to_string(&path).expect("text")))
        .filter(|(name, text)| {
            let is_allowed = name.starts_with("src/http/")
                || name.ends_with("api.rs")
                || name.ends_with("model.rs")
                || name.ends_with("views.rs")
                || name.ends_with("cookies.rs")
                || name.ends_with("refresh_body.rs")
                // MaybeUndefined: a merge patch's "absent or null".
                || name.ends_with("identity/rules.rs")
                || name.contains("/tests/");
            !is_allowed && text.lines().any(|line| line.contains("poem::") || line.contains("poem_openapi"))
        })
        .map(|(name, _)| name)
        .collect();
    assert!(naming.is_empty(), "{naming:?}");
}

#[test]
fn files_stay_readable() {
    for folder in ["src", "engine/src", "tests"] {
        for path in sources(folder) {
            let text = fs::read_to_string(&path).expect("text");
            let lines = text.lines().count();
            assert!(lines <= 800, "{} has {lines} lines", relative(&path));
            assert!(text.starts_with("//!"), "{} does not say what it is for", relative(&path));
        }
    }
}

#[test]
fn forbidden_words_name_no_file() {
    for path in sources("src") {
        let name = relative(&path);
        for word in ["util", "helper", "common", "manager", "misc"] {
            assert!(!name.contains(word), "{name}");
        }
    }
}

#[test]
fn every_path_that_the_architecture_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let named = text.split('`').skip(1).step_by(2).filter(|word| {
        ["src/", "engine/", "schemas/", "tests/", "assets/", ".ci/"].iter().any(|start| word.starts_with(start))
    });
    let mut count = 0;
    for path in named {
        assert!(root.join(path).exists(), "ARCHITECTURE.md names {path}");
        count += 1;
    }
    assert!(count > 20, "ARCHITECTURE.md names only {count} paths");
}
