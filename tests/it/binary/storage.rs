//! A full disk: writes are refused clearly, reads go on, and nothing acknowledged is lost, however the process ends.

use serde_json::json;

use super::place::SmallDisk;
use super::process::{Process, token};
use crate::support::{Client, run};

/// Size of the disk at first, and after somebody made room.
const SMALL_MB: u32 = 24;
const LARGE: &str = "size=120m";
/// More rows than fit.
const ROWS_MAX: usize = 20_000;

/// How the process ends once the disk is full.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// By SIGTERM while the disk is full.
    Stopped,
    /// By SIGTERM after there is room again.
    StoppedWithRoom,
    /// By SIGKILL.
    Killed,
}

/// Writes posts until one is refused; the keys of the acknowledged ones.
async fn fill(client: &Client) -> Vec<String> {
    let mut acknowledged = Vec::new();
    for number in 0..ROWS_MAX {
        let reply = client.post("/api/v1/posts", post(number)).await;
        if reply.status != 201 {
            reply.assert_error(503, "unavailable");
            return acknowledged;
        }
        acknowledged.push(reply.id());
    }
    panic!("the disk never filled");
}

fn post(number: usize) -> serde_json::Value {
    json!({ "title": format!("Post {number}"), "content": format!("text{number} ").repeat(700) })
}

async fn assert_all_there(client: &Client, acknowledged: &[String], when: &str) {
    let mut lost = 0;
    for id in acknowledged {
        if client.get(&format!("/api/v1/posts/{id}")).await.status != 200 {
            lost += 1;
        }
    }
    assert_eq!(lost, 0, "{when}: of {} acknowledged rows so many cannot be read", acknowledged.len());
    let count = client.get("/api/v1/posts/aggregate").await.assert(200);
    let count = count.json["groups"][0]["count"].as_u64().expect("a count");
    assert!(usize::try_from(count).is_ok_and(|count| count >= acknowledged.len()), "{when}: {count}");
}

fn full_disk(memtable_mb: &'static str, end: End) {
    run(async move {
        let Some(disk) = SmallDisk::new(SMALL_MB) else { return };
        let disk = disk
            .with("PAWBASE_DATABASE__MEMTABLE_MB", memtable_mb)
            .with("PAWBASE_LOG__LEVEL", "warn")
            .with("PAWBASE_AUTH__ACCESS_TOKEN_MINUTES", "600");
        let mut process = disk.place.serve();
        let answer = process.sign_up("one@test.example").await;
        let signed = |process: &Process| process.guest().bearer(token(&answer));
        let client = signed(&process);
        let acknowledged = fill(&client).await;
        eprintln!("memtable {memtable_mb} MB, {end:?}: full after {} rows", acknowledged.len());
        assert!(acknowledged.len() > 100);
        for number in 0..3 {
            client.post("/api/v1/posts", post(number)).await.assert_error(503, "unavailable");
        }
        assert_all_there(&client, &acknowledged, "while the disk is full").await;
        process.guest().get("/health").await.assert(200);
        assert!(process.is_running());

        if end == End::StoppedWithRoom {
            disk.remount(LARGE);
            let reply = client.post("/api/v1/posts", post(0)).await;
            eprintln!("with room again, before a restart: {}", reply.status);
            assert_all_there(&client, &acknowledged, "with room again").await;
        }
        if end == End::Killed {
            process.kill();
        } else {
            let ended = process.stop();
            eprintln!("stopped: {} {}", ended.status, ended.err.lines().last().unwrap_or_default());
        }
        disk.remount(LARGE);
        let process = disk.place.serve();
        let client = signed(&process);
        assert_all_there(&client, &acknowledged, "after a restart").await;
        let id = client.post("/api/v1/posts", post(0)).await.assert(201).id();
        process.stop().assert_ok();
        let process = disk.place.serve();
        let client = signed(&process);
        assert_all_there(&client, &acknowledged, "after a second restart").await;
        client.get(&format!("/api/v1/posts/{id}")).await.assert(200);
        process.stop().assert_ok();
    });
}

#[test]
fn a_disk_that_fills_in_the_log_loses_nothing_when_stopped() {
    full_disk("32", End::Stopped);
}

#[test]
fn a_disk_that_fills_in_the_log_loses_nothing_when_there_is_room_again() {
    full_disk("32", End::StoppedWithRoom);
}

#[test]
fn a_disk_that_fills_in_the_log_loses_nothing_when_killed() {
    full_disk("32", End::Killed);
}

#[test]
fn a_disk_that_fills_while_writing_out_loses_nothing_when_stopped() {
    full_disk("4", End::Stopped);
}

#[test]
fn a_disk_that_fills_while_writing_out_loses_nothing_when_there_is_room_again() {
    full_disk("4", End::StoppedWithRoom);
}

#[test]
fn a_disk_that_fills_while_writing_out_loses_nothing_when_killed() {
    full_disk("4", End::Killed);
}

#[test]
fn a_start_on_a_full_disk_says_so_or_serves_and_loses_nothing() {
    run(async {
        let Some(disk) = SmallDisk::new(SMALL_MB) else { return };
        let process = disk.place.serve();
        let answer = process.sign_up("one@test.example").await;
        let acknowledged = fill(&process.guest().bearer(token(&answer))).await;
        process.kill();
        let ballast = std::fs::File::create(disk.place.data().join("ballast"));
        let filled = ballast.and_then(|mut file| std::io::copy(&mut std::io::repeat(0), &mut file));
        assert!(filled.is_err(), "the disk is full to the last byte");
        match disk.place.try_serve(&[]) {
            Err(refused) => {
                let line = refused.assert_refused();
                assert!(line.contains("No space left"), "{line}");
                assert!(line.contains(disk.place.data().to_str().expect("a path")), "{line}");
            }
            Ok(process) => {
                process.ready().await;
                process.kill();
            }
        }
        disk.remount(LARGE);
        let process = disk.place.serve();
        assert_all_there(&process.guest().bearer(token(&answer)), &acknowledged, "with room").await;
        process.stop().assert_ok();
    });
}
