//! Stopping: by SIGTERM and SIGINT, with a request in flight, within the bound.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::place::Place;
use super::process::{LIMIT, Process};
use crate::support::{people::PASSWORD, run};

/// A sign-up of which the server has the headers and half the body, and waits for the rest.
struct InFlight {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl InFlight {
    fn begin(process: &Process, email: &str) -> Self {
        let address = process.public.strip_prefix("http://").expect("an address");
        let mut stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(LIMIT)).expect("a limit");
        let body = json!({ "email": email, "password": PASSWORD, "name": "In Flight" }).to_string().into_bytes();
        let (first, rest) = body.split_at(body.len() / 2);
        let head = format!(
            "POST /api/v1/auth/signup HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nexpect: 100-continue\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("sent");
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).expect("the server reads the body");
        assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(first).expect("sent");
        Self { stream, rest: rest.to_owned() }
    }

    /// Sends the rest; all that the server answers.
    fn finish(mut self) -> String {
        self.stream.write_all(&self.rest).expect("sent");
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).expect("an answer");
        answer
    }
}

#[test]
fn sigterm_and_sigint_finish_what_has_begun() {
    run(async {
        let place = Place::new();
        for signal in ["TERM", "INT"] {
            let process = place.serve();
            // This client keeps its connection open, as browsers do; that must not hold up the stop.
            let idle = process.guest();
            idle.get("/ready").await.assert(200);
            let email = format!("{}@test.example", signal.to_lowercase());
            let request = InFlight::begin(&process, &email);
            let asked = Instant::now();
            process.signal(signal);
            process.wait_for_log("stopping");
            let answer = tokio::task::spawn_blocking(|| request.finish()).await.expect("finished");
            assert!(answer.starts_with("HTTP/1.1 201 "), "{signal}: {answer}");
            let ended = process.ended().assert_ok();
            assert!(ended.err.contains("stopped"), "{}", ended.err);
            eprintln!("SIG{signal} with a request in flight: stopped after {} ms", asked.elapsed().as_millis());
            assert!(asked.elapsed() < Duration::from_secs(18), "an idle connection holds up the stop");
            let body = json!({ "email": email, "password": PASSWORD });
            let process = place.serve();
            process.guest().post("/api/v1/auth/login", body).await.assert(200);
            process.stop().assert_ok();
        }
    });
}

#[test]
fn a_request_that_never_ends_holds_up_the_stop_for_the_bound_only() {
    let place = Place::new().with("PAWBASE_SERVER__SHUTDOWN_TIMEOUT_S", "1");
    let process = place.serve();
    let request = InFlight::begin(&process, "never@test.example");
    let asked = Instant::now();
    process.stop().assert_ok();
    eprintln!("a stuck request, bound 1 s: stopped after {} ms", asked.elapsed().as_millis());
    // A request may take 30 s; ending well before that can only be the bound's work.
    assert!(asked.elapsed() < Duration::from_secs(20));
    drop(request);
}
