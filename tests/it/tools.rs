//! Tools from outside that some tests need: Node and Python programs, and a browser. Their versions are pinned in
//! `tests/contract/`, `.ci/tools` installs them outside the repository, and a test that needs them runs only when asked to.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::binary::place::Place;
use crate::binary::process::run_to_end;

/// The installed tools, and a folder to work in beside them.
pub struct Tools {
    home: PathBuf,
    folder: TempDir,
}

impl Tools {
    /// None where the environment does not have `switch`. Where it does, the tools must be there.
    pub fn open(switch: &str) -> Option<Self> {
        if std::env::var_os(switch).is_none() {
            // Past the capture of the test's output, so that nobody takes it for a success.
            let _ = writeln!(std::io::stderr(), "skipped: {switch} is not set; see Test in CONTRIBUTING.md");
            return None;
        }
        let default = || Path::new(&std::env::var_os("HOME").expect("HOME")).join(".cache/pawbase-tools");
        let home = std::env::var_os("PAWBASE_TOOLS").map_or_else(default, PathBuf::from);
        for needed in [
            "node_modules/.bin/tsc",
            "node_modules/playwright-core",
            "python/bin/schemathesis",
            "python/bin/aiosmtpd",
            "python/bin/moto_server",
        ] {
            assert!(home.join(needed).exists(), "{} has no {needed}: run .ci/tools", home.display());
        }
        let folder = TempDir::new_in(&home).expect("a folder");
        Some(Self { home, folder })
    }

    /// Where the tools work.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Copies a file of the repository into the folder, under its own name.
    pub fn copy(&self, path: &str) {
        let source = in_repository(path);
        std::fs::copy(&source, self.folder().join(source.file_name().expect("a name"))).expect("copied");
    }

    /// Copies what is in a folder of the repository into the folder.
    pub fn copy_folder(&self, path: &str) {
        let source = in_repository(path);
        let mut folders = vec![source.clone()];
        while let Some(folder) = folders.pop() {
            let target = self.folder().join(folder.strip_prefix(&source).expect("below it"));
            std::fs::create_dir_all(&target).expect("made");
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    std::fs::copy(&path, target.join(path.file_name().expect("a name"))).expect("copied");
                }
            }
        }
    }

    /// Writes a file in the folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder().join(name), text).expect("written");
    }

    /// A program below the tools' home, to run in the folder.
    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        // Where the system has no Node, or an old one, it is beside Python.
        let path = std::env::var("PATH").expect("PATH");
        command.env("PATH", format!("{}:{path}", self.home.join("python/bin").display()));
        command.current_dir(self.folder()).env("NO_COLOR", "1").env("REDOCLY_TELEMETRY", "off");
        command
    }

    /// An installed program of Node's packages.
    pub fn node(&self, name: &str) -> Command {
        self.command(self.home.join("node_modules/.bin").join(name))
    }

    /// Node itself, with a script of the folder.
    pub fn script(&self, name: &str) -> Command {
        let mut command = self.command(PathBuf::from("/usr/bin/env"));
        command.args(["node", name]);
        command
    }

    /// An installed program of Python's packages.
    pub fn python(&self, name: &str) -> Command {
        self.command(self.home.join("python/bin").join(name))
    }

    /// Writes the documents of both listeners as `api.json` and `admin.json`.
    pub fn write_documents(&self, place: &Place) {
        self.write("api.json", &place.run(&["openapi"]).assert_ok().out);
        self.write("admin.json", &place.run(&["openapi", "--admin"]).assert_ok().out);
    }
}

/// A file of the repository.
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs a command that must succeed.
#[track_caller]
pub fn passes(command: Command) {
    let name = format!("{command:?}");
    let ended = run_to_end(command);
    assert!(ended.status.success(), "{name}\n{}\n{}", ended.out, ended.err);
}
