//! Where a test's installation lives: a folder of its own, or a small file system of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::process::{Ended, Process, run_to_end};
use crate::support::people::PASSWORD;

/// An installation: a data folder and the environment of its processes, which run beside it.
pub struct Place {
    /// Working folder of the processes.
    pub folder: TempDir,
    data: PathBuf,
    environment: Vec<(String, String)>,
}

impl Place {
    /// A fresh installation with cheap password hashes and without rate limits.
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let data = folder.path().join("data");
        Self::at(folder, data)
    }

    fn at(folder: TempDir, data: PathBuf) -> Self {
        let place = Self { folder, data, environment: Vec::new() };
        place
            .with("PAWBASE_LIMITS__RATE_LIMIT", "false")
            .with("PAWBASE_AUTH__ARGON2_MEMORY_KB", "8")
            .with("PAWBASE_AUTH__ARGON2_ITERATIONS", "1")
    }

    /// The same with another variable in the environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Writes a file below the working folder.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    /// The program with these arguments, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pawbase"));
        command.current_dir(self.folder.path()).arg("--data").arg(&self.data).args(arguments);
        command.env_remove("PAWBASE_ADMIN_PASSWORD");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        run_to_end(self.command(arguments))
    }

    /// Runs the program to its end, with an administrator's password in the environment.
    pub fn run_with_password(&self, arguments: &[&str], password: &str) -> Ended {
        let mut command = self.command(arguments);
        command.env("PAWBASE_ADMIN_PASSWORD", password);
        run_to_end(command)
    }

    /// Makes an administrator.
    pub fn make_admin(&self, email: &str) {
        self.run_with_password(&["admin", "create", email], PASSWORD).assert_ok();
    }

    /// Serves on free ports.
    #[track_caller]
    pub fn serve(&self) -> Process {
        self.serve_with(&[])
    }

    /// Serves on free ports with more arguments.
    #[track_caller]
    pub fn serve_with(&self, arguments: &[&str]) -> Process {
        self.try_serve(arguments).unwrap_or_else(|ended| panic!("did not start: {ended:#?}"))
    }

    /// Serves on free ports; how the process ended when it does not.
    pub fn try_serve(&self, arguments: &[&str]) -> Result<Process, Ended> {
        let mut command = self.command(&["serve", "--public", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        command.args(arguments);
        Process::start(command)
    }

    /// Every file in the data folder with its content, and every folder.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.data.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path.clone());
                    found.insert(path, None);
                } else {
                    let content = std::fs::read(&path).expect("a file");
                    found.insert(path, Some(content));
                }
            }
        }
        found
    }
}

/// An installation on a file system in memory, which is taken away when it is dropped.
pub struct SmallDisk {
    pub place: Place,
}

impl SmallDisk {
    /// A disk of this size; None, with the reason printed, when this user may not mount one. Root may, or the test fails.
    pub fn new(size_mb: u32) -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        let data = folder.path().join("disk");
        std::fs::create_dir(&data).expect("made");
        let size = format!("size={size_mb}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&data).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { place: Place::at(folder, data) }),
            outcome => {
                let user = Command::new("id").arg("-u").output().expect("id");
                assert_ne!(user.stdout.trim_ascii(), b"0", "root cannot mount a tmpfs: {outcome:?}");
                eprintln!("skipped: only root can mount a small disk");
                None
            }
        }
    }

    /// The same with another variable in the environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.place.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Mounts it again with another option, such as `size=100m` or `ro`.
    pub fn remount(&self, option: &str) {
        let status = Command::new("mount").args(["-o", &format!("remount,{option}")]).arg(self.place.data()).status();
        assert!(status.is_ok_and(|status| status.success()), "remount,{option}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.place.data()).status();
    }
}
