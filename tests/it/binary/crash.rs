//! kill -9 in the middle of writing, again and again: every acknowledged write is there, and indexes agree with rows.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::place::Place;
use super::process::{Process, token};
use crate::support::{Client, people::PASSWORD, run};

const WRITERS: usize = 4;

/// How often the process is killed, and when.
#[derive(Clone)]
struct Plan {
    memtable_mb: &'static str,
    kills: usize,
    /// Writes acknowledged before each kill.
    writes: Range<usize>,
    /// After how many kills everything is compared.
    check_every: usize,
}

/// What the server has acknowledged about one pet.
#[derive(Clone)]
struct Acknowledged {
    microchip: String,
    /// The last acknowledged weight; a later one may have been written without an answer.
    weight_g: i64,
    round: usize,
}

type Ledger = Arc<Mutex<BTreeMap<String, Acknowledged>>>;

/// Writes until the server is gone: new pets, and changes of the last one. Each acknowledgement is noted before it is told.
struct Writer {
    http: reqwest::Client,
    base: String,
    token: String,
    round: usize,
    number: usize,
    ledger: Ledger,
    told: mpsc::UnboundedSender<()>,
}

impl Writer {
    async fn run(self) {
        for count in 1i64.. {
            let microchip = format!("{:03}{}{count:08}", self.round, self.number);
            // Long texts, so that memtables are written out between the kills and values leave the tree.
            let body = json!({
                "name": format!("Pet {}-{}-{count}", self.round, self.number), "species": "dog", "microchip": microchip,
                "temperament": "ü".repeat(500), "special_needs": "ä".repeat(2000), "weight_g": 1,
            });
            let Some(answer) = self.send(reqwest::Method::POST, "/api/v1/pets", body, 201).await else { return };
            let id = answer["id"].as_str().expect("an id").to_owned();
            self.note(&id, Acknowledged { microchip: microchip.clone(), weight_g: 1, round: self.round });
            let path = format!("/api/v1/pets/{id}");
            if count % 3 == 0 {
                let change = json!({ "weight_g": count + 1 });
                if self.send(reqwest::Method::PATCH, &path, change, 200).await.is_none() {
                    return;
                }
                self.note(&id, Acknowledged { microchip, weight_g: count + 1, round: self.round });
            }
        }
    }

    fn note(&self, id: &str, what: Acknowledged) {
        self.ledger.lock().unwrap().insert(id.to_owned(), what);
        let _ = self.told.send(());
    }

    /// The answer; None when the server is gone.
    async fn send(&self, method: reqwest::Method, path: &str, body: Value, status: u16) -> Option<Value> {
        let request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json").body(body.to_string());
        let response = request.send().await.ok()?;
        let found = response.status().as_u16();
        let text = response.text().await.ok()?;
        assert_eq!(found, status, "{path}: {text}");
        Some(serde_json::from_str(&text).expect("JSON"))
    }
}

/// All pages of a list.
async fn pages(client: &Client, query: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let reply = client.get(&format!("/api/v1/pets?limit=100&{query}{cursor}")).await.assert(200);
        items.extend(reply.json["items"].as_array().expect("items").iter().cloned());
        match reply.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

fn ids(items: &[Value]) -> BTreeSet<String> {
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

/// Compares the rows with what was acknowledged, and the indexes with the rows. Rows since round `since` also one by one.
async fn check(client: &Client, ledger: &Ledger, since: usize) {
    let acknowledged = ledger.lock().unwrap().clone();
    let rows = pages(client, "sort=id&fields=id,weight_g,microchip").await;
    let found: BTreeMap<&str, &Value> = rows.iter().map(|row| (row["id"].as_str().expect("an id"), row)).collect();
    assert_eq!(found.len(), rows.len(), "no row twice");
    let lost: Vec<_> = acknowledged.keys().filter(|id| !found.contains_key(id.as_str())).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged rows are lost: {lost:?}", lost.len(), acknowledged.len());
    for (id, expected) in &acknowledged {
        let row = found[id.as_str()];
        assert_eq!(row["microchip"], expected.microchip.as_str(), "{id}");
        let weight = row["weight_g"].as_i64().expect("a weight");
        assert!(weight >= expected.weight_g, "{id}: a change is lost: {weight} < {}", expected.weight_g);
    }
    let all = ids(&rows);
    for indexed in
        [format!("owner={}&fields=id", client.user), "sort=microchip&fields=id".into(), "sort=-id&fields=id".into()]
    {
        let items = pages(client, &indexed).await;
        assert_eq!(items.len(), rows.len(), "{indexed}");
        assert_eq!(ids(&items), all, "{indexed}");
    }
    for query in [String::new(), format!("?owner={}", client.user)] {
        let reply = client.get(&format!("/api/v1/pets/aggregate{query}")).await.assert(200);
        assert_eq!(reply.json["groups"][0]["count"], rows.len(), "{query}");
    }
    for (id, expected) in acknowledged.iter().filter(|(_, expected)| expected.round >= since) {
        client.get(&format!("/api/v1/pets/{id}")).await.assert(200);
        let by_index = client.get(&format!("/api/v1/pets?microchip={}", expected.microchip)).await.assert(200);
        assert_eq!(by_index.ids(), [id.as_str()]);
    }
    if let Some(taken) = acknowledged.values().next_back() {
        let twin = json!({ "name": "Twin", "species": "dog", "microchip": taken.microchip });
        client.post("/api/v1/pets", twin).await.assert_error(409, "already_exists");
    }
}

#[test]
fn a_hundred_kills_lose_no_acknowledged_write() {
    kill_again_and_again(Plan { memtable_mb: "64", kills: 100, writes: 1..40, check_every: 10 });
}

/// Each process fills several memtables before it is killed: what was logged before one was full and kept in the next
/// one must be found again.
#[test]
fn kills_after_full_memtables_lose_no_acknowledged_write() {
    kill_again_and_again(Plan { memtable_mb: "4", kills: 3, writes: 700..1200, check_every: 3 });
}

fn kill_again_and_again(plan: Plan) {
    run(async move {
        let began = Instant::now();
        let place = Place::new()
            .with("PAWBASE_DATABASE__MEMTABLE_MB", plan.memtable_mb)
            .with("PAWBASE_AUTH__ACCESS_TOKEN_MINUTES", "600")
            .with("PAWBASE_LOG__LEVEL", "warn");
        place.make_admin("boss@test.example");
        let mut process = place.serve();
        let boss = process.staff("boss@test.example", PASSWORD).await;
        boss.post("/api/admin/species", json!({ "id": "dog", "name": "Dog" })).await.assert(201);
        let answer = process.sign_up("one@test.example").await;
        let access = token(&answer).to_owned();
        let user = answer["user"]["id"].as_str().expect("a user").to_owned();
        let owner = |process: &Process| {
            let mut client = process.guest().bearer(&access);
            client.user.clone_from(&user);
            client
        };
        let ledger = Ledger::default();
        let mut random = StdRng::seed_from_u64(9);
        let mut starting = Duration::ZERO;
        for round in 0..plan.kills {
            let (told, mut acknowledgements) = mpsc::unbounded_channel();
            let mut writers = tokio::task::JoinSet::new();
            for number in 0..WRITERS {
                let writer = Writer {
                    http: reqwest::Client::builder().no_proxy().build().expect("a client"),
                    base: process.public.clone(),
                    token: access.clone(),
                    round,
                    number,
                    ledger: Arc::clone(&ledger),
                    told: told.clone(),
                };
                writers.spawn(writer.run());
            }
            drop(told);
            for _ in 0..random.random_range(plan.writes.clone()) {
                acknowledgements.recv().await.expect("the writers go on");
            }
            process.kill();
            while let Some(ended) = writers.join_next().await {
                ended.expect("a writer saw only acknowledgements");
            }
            let start = Instant::now();
            process = place.serve();
            process.ready().await;
            starting += start.elapsed();
            if (round + 1) % plan.check_every == 0 {
                check(&owner(&process), &ledger, round + 1 - plan.check_every).await;
            }
        }
        check(&owner(&process), &ledger, plan.kills).await;
        process.stop().assert_ok();
        let process = place.serve();
        check(&owner(&process), &ledger, plan.kills).await;
        process.stop().assert_ok();
        eprintln!(
            "{} kills, {} acknowledged rows: {:.1} s, of which starting {:.1} s",
            plan.kills,
            ledger.lock().unwrap().len(),
            began.elapsed().as_secs_f64(),
            starting.as_secs_f64(),
        );
    });
}
