//! A running `pawbase` process whose output is captured while it runs. It is killed when it is dropped.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Client, people::PASSWORD};

/// How long anything may take before a test gives up; not a measure of speed.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A stream of a process, read to its end by a thread.
#[derive(Default)]
struct Captured {
    /// What was read, and whether the end was reached.
    text: Mutex<(String, bool)>,
    changed: Condvar,
}

impl Captured {
    fn of(stream: impl Read + Send + 'static) -> Arc<Self> {
        let captured = Arc::new(Self::default());
        let shared = Arc::clone(&captured);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stream);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                shared.text.lock().unwrap().0.push_str(&String::from_utf8_lossy(&line));
                shared.changed.notify_all();
                line.clear();
            }
            shared.text.lock().unwrap().1 = true;
            shared.changed.notify_all();
        });
        captured
    }

    /// Waits until `found` answers something; None when the stream ends or the time is over first.
    fn wait<T>(&self, found: impl Fn(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + LIMIT;
        let mut state = self.text.lock().unwrap();
        loop {
            if let Some(value) = found(&state.0) {
                return Some(value);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if state.1 || left.is_zero() {
                return None;
            }
            state = self.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    fn wait_for_end(&self) -> bool {
        let state = self.text.lock().unwrap();
        self.changed.wait_timeout_while(state, LIMIT, |state| !state.1).unwrap().0.1
    }

    fn text(&self) -> String {
        self.text.lock().unwrap().0.clone()
    }
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Asserts success.
    #[track_caller]
    pub fn assert_ok(self) -> Self {
        assert!(self.status.success(), "{self:#?}");
        self
    }

    /// Asserts a failure told in exactly one line on stderr, and answers the line.
    #[track_caller]
    pub fn assert_refused(&self) -> &str {
        assert!(self.status.code().is_some_and(|code| code != 0), "{self:#?}");
        assert_eq!(self.err.lines().count(), 1, "one line: {self:#?}");
        assert!(self.err.starts_with("pawbase: "), "{self:#?}");
        self.err.trim_end()
    }
}

/// Runs a command to its end.
pub fn run_to_end(mut command: Command) -> Ended {
    let output = command.stdin(Stdio::null()).output().expect("the binary runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended { status: output.status, out: text(&output.stdout), err: text(&output.stderr) }
}

/// A running server.
pub struct Process {
    child: Child,
    out: Arc<Captured>,
    err: Arc<Captured>,
    started: Instant,
    /// `http://address` of the public listener.
    pub public: String,
    /// `http://address` of the admin listener.
    pub admin: String,
}

impl Process {
    /// Starts `command`, which serves; None when it ends before it announces its addresses.
    pub fn start(mut command: Command) -> Result<Self, Ended> {
        let started = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let out = Captured::of(child.stdout.take().expect("stdout"));
        let err = Captured::of(child.stderr.take().expect("stderr"));
        let mut process = Self { child, out, err, started, public: String::new(), admin: String::new() };
        match (process.announced("  API     "), process.announced("  Admin   ")) {
            (Some(public), Some(admin)) => {
                process.public = public.trim_end_matches("/api/v1").to_owned();
                process.admin = admin.trim_end_matches('/').to_owned();
                Ok(process)
            }
            _ => Err(process.ended()),
        }
    }

    /// The rest of the stdout line that begins with `label`, up to the next blank.
    pub fn announced(&self, label: &str) -> Option<String> {
        self.out.wait(|text| {
            let complete = &text[..text.rfind('\n').map_or(0, |at| at + 1)];
            let rest = complete.lines().find_map(|line| line.strip_prefix(label))?;
            rest.split_whitespace().next().map(str::to_owned)
        })
    }

    /// Waits until the log has a line with `text`.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) {
        assert!(self.err.wait(|log| log.contains(text).then_some(())).is_some(), "{text} in {}", self.err.text());
    }

    /// Waits until the server answers that it is ready; milliseconds since the process was started.
    pub async fn ready(&self) -> u128 {
        self.guest().get("/ready").await.assert(200);
        self.started.elapsed().as_millis()
    }

    pub fn guest(&self) -> Client {
        Client::guest(self.public.clone())
    }

    pub fn admin_guest(&self) -> Client {
        Client::guest(self.admin.clone())
    }

    /// A new customer, signed in.
    pub async fn customer(&self, email: &str) -> Client {
        self.guest().bearer(token(&self.sign_up(email).await))
    }

    /// The answer to a new customer's sign-up.
    pub async fn sign_up(&self, email: &str) -> Value {
        let body = json!({ "email": email, "password": PASSWORD, "name": "Test Customer" });
        self.guest().post("/api/v1/auth/signup", body).await.assert(201).json
    }

    /// An administrator, signed in on the admin listener.
    pub async fn staff(&self, email: &str, password: &str) -> Client {
        let body = json!({ "email": email, "password": password });
        let reply = self.admin_guest().post("/api/admin/auth/login", body).await.assert(200);
        self.admin_guest().bearer(token(&reply.json))
    }

    /// Sends a signal such as TERM.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -{name}");
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Kills the process and waits for its end.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Asks the process to stop and waits for its end.
    pub fn stop(self) -> Ended {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for the end of the process.
    pub fn ended(mut self) -> Ended {
        let is_over = self.out.wait_for_end() && self.err.wait_for_end();
        assert!(is_over, "the process goes on: {} {}", self.out.text(), self.err.text());
        let status = self.child.wait().expect("ended");
        Ended { status, out: self.out.text(), err: self.err.text() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The access token of a sign-in's answer.
pub fn token(answer: &Value) -> &str {
    answer["access_token"].as_str().expect("a token")
}
