//! The log: JSON for machines, one line per request, and never a secret.

use serde_json::{Value, json};

use super::place::Place;
use super::process::token;
use crate::support::run;

const SECRET: &str = "extremely-private-words-7";
const WRONG: &str = "mistyped-private-words-8";

#[test]
fn json_logs_tell_every_request_and_no_secret() {
    run(async {
        let place = Place::new().with("PAWBASE_LOG__FORMAT", "json").with("PAWBASE_LOG__LEVEL", "debug");
        place.run_with_password(&["admin", "create", "boss@test.example"], SECRET).assert_ok();
        let process = place.serve();
        let guest = process.guest();
        let account = json!({ "email": "one@test.example", "password": SECRET, "name": "One" });
        guest.post("/api/v1/auth/signup", account).await.assert(201);
        let login = |password: &str| json!({ "email": "one@test.example", "password": password });
        guest.post("/api/v1/auth/login", login(WRONG)).await.assert(401);
        let first = guest.post("/api/v1/auth/login", login(SECRET)).await.assert(200);
        let spent = first.json["refresh_token"].clone();
        let second = guest.post("/api/v1/auth/refresh", json!({ "refresh_token": spent })).await.assert(200);
        let signed = guest.bearer(token(&second.json)).with("x-request-id", "mine-1");
        signed.get("/api/v1/auth/me").await.assert(200);
        signed.get("/api/v1/pets?limit=5").await.assert(200);
        let missing = "/api/v1/pets/01890000-0000-7000-8000-000000000000";
        signed.with("x-request-id", "mine-2").get(missing).await.assert(404);
        let forged = format!("{}x", token(&second.json));
        guest.bearer(&forged).get("/api/v1/auth/me").await.assert(401);
        process.staff("boss@test.example", SECRET).await.get("/api/admin/auth/me").await.assert(200);
        let ended = process.stop().assert_ok();

        let lines: Vec<Value> = ended
            .err
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect();
        let requests: Vec<&Value> = lines.iter().filter(|line| line["message"] == "request").collect();
        assert_eq!(requests.len(), 10, "{requests:#?}");
        for line in &requests {
            for name in ["id", "method", "route", "caller", "timestamp", "level"] {
                assert!(line[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {line}");
            }
            assert!(line["status"].is_u64() && line["ms"].is_u64(), "{line}");
        }
        let of = |id: &str, status: u64| {
            let found = requests.iter().filter(|line| line["id"] == id && line["status"] == status);
            found.map(|line| line["route"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of("mine-1", 200), ["/auth/me", "/{table}"]);
        let user = second.json["user"]["id"].as_str().expect("a user");
        let callers: Vec<_> =
            requests.iter().filter(|line| line["id"] == "mine-1").map(|line| &line["caller"]).collect();
        assert_eq!(callers, [user, user]);

        let mut secrets = vec![SECRET.to_owned(), WRONG.to_owned(), forged];
        for answer in [&first.json, &second.json] {
            let refresh = answer["refresh_token"].as_str().expect("a token");
            let access = token(answer);
            secrets.extend([refresh, refresh.rsplit('.').next().unwrap_or_default()].map(str::to_owned));
            secrets.extend([access, access.rsplit('.').next().unwrap_or_default()].map(str::to_owned));
        }
        for secret in secrets {
            assert!(!ended.err.contains(&secret) && !ended.out.contains(&secret), "{secret} was written");
        }
        // A refused request has a pattern too: it is what an operator looks for.
        assert_eq!(of("mine-2", 404), ["/{table}/{id}"]);
    });
}
