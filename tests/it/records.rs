//! The records API: every verb with its successes and refusals.

use pawbase::context::Role;
use serde_json::{Value, json};

use crate::support::{TestApp, run};

fn pet(name: &str) -> Value {
    json!({ "name": name, "species": "dog" })
}

async fn with_species() -> TestApp {
    let test = TestApp::start().await;
    test.system("CREATE species:dog SET name = 'Dog'; CREATE species:cat SET name = 'Cat'").await;
    test
}

#[test]
fn a_record_lives_from_create_to_delete() {
    run(async {
        let test = with_species().await;
        let customer = test.customer().await;
        let made = customer.post("/api/v1/pets", pet("Rex")).await.assert(201);
        assert_eq!(made.json["owner"], customer.user);
        assert_eq!(made.json["species"], "dog");
        assert_eq!(made.header("location"), format!("/api/v1/pets/{}", made.id()));
        let path = format!("/api/v1/pets/{}", made.id());
        let read = customer.get(&path).await.assert(200);
        assert_eq!(read.json, made.json);
        assert_eq!(read.header("etag"), made.header("etag"));
        let changed = customer.patch(&path, json!({ "weight_g": 12000, "color": "brown" })).await.assert(200);
        assert_eq!(changed.json["weight_g"], 12000);
        let cleared = customer.patch(&path, json!({ "weight_g": null })).await.assert(200);
        assert_eq!(cleared.json.get("weight_g"), None);
        assert_eq!(cleared.json["color"], "brown");
        customer.delete(&path).await.assert(204);
        customer.get(&path).await.assert_error(404, "not_found");
        customer.delete(&path).await.assert_error(404, "not_found");
    });
}

#[test]
fn all_bad_fields_are_reported_at_once() {
    run(async {
        let test = with_species().await;
        let customer = test.customer().await;
        let body = json!({
            "name": "", "species": "unicorn table", "sex": "maybe", "weight_g": -5, "birth_date": "yesterday",
            "wings": 2, "created_at": "2026-01-01T00:00:00Z", "is_mixed": "no",
        });
        let reply = customer.post("/api/v1/pets", body).await.assert_error(422, "validation_failed");
        reply.assert_fields(&["/name", "/sex", "/weight_g", "/birth_date", "/wings", "/created_at", "/is_mixed"]);
        let reply = customer.post("/api/v1/pets", json!({})).await.assert_error(422, "validation_failed");
        reply.assert_fields(&["/name", "/species"]);
        let reply = customer.post("/api/v1/pets", json!({ "name": "Rex", "species": "dragon" })).await;
        reply.assert_error(422, "validation_failed").assert_fields(&["/species"]);
        let day = json!({ "name": "Rex", "species": "dog", "birth_date": "2026-02-30" });
        customer.post("/api/v1/pets", day).await.assert(422).assert_fields(&["/birth_date"]);
        let tags = json!({ "title": "Long", "content": "x", "tags": ["x".repeat(2000)] });
        customer.post("/api/v1/posts", tags).await.assert(422).assert_fields(&["/tags"]);
        assert!(customer.get("/api/v1/pets").await.assert(200).ids().is_empty(), "nothing was written");
    });
}

#[test]
fn broken_bodies_are_refused_clearly() {
    run(async {
        let test = with_species().await;
        let customer = test.customer().await;
        let post = reqwest::Method::POST;
        customer.raw(post.clone(), "/api/v1/pets", "application/json", "{").await.assert_error(400, "malformed");
        customer.raw(post.clone(), "/api/v1/pets", "application/json", "").await.assert_error(400, "malformed");
        customer.raw(post.clone(), "/api/v1/pets", "application/json", "[]").await.assert_error(400, "malformed");
        customer
            .raw(post.clone(), "/api/v1/pets", "text/plain", "{}")
            .await
            .assert_error(415, "unsupported_media_type");
        let large = format!("{{\"name\":\"{}\"}}", "x".repeat(2_000_000));
        customer
            .raw(post.clone(), "/api/v1/pets", "application/json", large)
            .await
            .assert_error(413, "payload_too_large");
        let nul = json!({ "name": "a\u{0}b", "species": "dog" });
        customer.post("/api/v1/pets", nul).await.assert_error(422, "validation_failed").assert_fields(&["/name"]);
        customer.post("/api/v1/pets?x=1", pet("Rex")).await.assert_error(400, "invalid_query").assert_fields(&["?x"]);
    });
}

#[test]
fn what_one_may_not_see_is_not_there() {
    run(async {
        let test = with_species().await;
        let (owner, other) = (test.customer().await, test.customer().await);
        let id = owner.post("/api/v1/pets", pet("Rex")).await.assert(201).id();
        let path = format!("/api/v1/pets/{id}");
        for stranger in [other.clone(), test.guest()] {
            stranger.get(&path).await.assert_error(404, "not_found");
            let (status, code) = if stranger.user.is_empty() { (401, "unauthenticated") } else { (404, "not_found") };
            stranger.patch(&path, json!({ "name": "Mine" })).await.assert_error(status, code);
            stranger.patch(&path, json!({ "name": "", "nothing": 1 })).await.assert_error(status, code);
            stranger.patch(&path, json!([])).await.assert_error(status, code);
            stranger.delete(&path).await.assert_error(status, code);
            let list = stranger.get("/api/v1/pets?count=true").await.assert(200);
            assert_eq!(list.json, json!({ "items": [], "next_cursor": null, "total": 0 }));
        }
        test.guest().post("/api/v1/pets", pet("Rex")).await.assert_error(401, "unauthenticated");
        let theirs = json!({ "name": "Rex", "species": "dog", "owner": owner.user });
        other.post("/api/v1/pets", theirs).await.assert_error(403, "forbidden");
        owner.patch(&path, json!({ "owner": other.user })).await.assert_error(403, "forbidden");
        assert_eq!(owner.get(&path).await.assert(200).json["name"], "Rex");
    });
}

#[test]
fn visible_but_not_changeable_is_403() {
    run(async {
        let test = with_species().await;
        let business = test.business().await;
        let customer = test.customer().await;
        let path = format!("/api/v1/businesses/{business}");
        customer.get(&path).await.assert(200);
        customer.patch(&path, json!({ "name": "Mine" })).await.assert_error(403, "forbidden");
        test.guest().patch(&path, json!({ "name": "Mine" })).await.assert_error(401, "unauthenticated");
        let manager = test.member(&business, "manager").await;
        manager.patch(&path, json!({ "name": "Better" })).await.assert(200);
        manager.patch(&path, json!({ "status": "suspended" })).await.assert_error(422, "validation_failed");
        customer.delete(&path).await.assert_error(405, "method_not_allowed");
    });
}

#[test]
fn unknown_paths_and_methods_are_refused() {
    run(async {
        let test = with_species().await;
        let guest = test.guest();
        for path in [
            "/api/v1/nothing",
            "/api/v1/migrations",
            "/api/v1/idempotency_keys",
            "/api/v1/species/dog/x/y",
            "/nowhere",
            "/api/v1/species//",
        ] {
            guest.get(path).await.assert_error(404, "not_found");
        }
        guest.get("/api/v1/pets/not-a-uuid").await.assert_error(404, "not_found");
        guest.get("/api/v1/pets/01900000-0000-7000-8000-00000000000A").await.assert_error(404, "not_found");
        let reply =
            guest.send(reqwest::Method::PUT, "/api/v1/species", None).await.assert_error(405, "method_not_allowed");
        assert_eq!(reply.header("allow"), "OPTIONS, GET, HEAD");
        guest.post("/api/v1/audit", json!({})).await.assert_error(404, "not_found");
        let options = guest.send(reqwest::Method::OPTIONS, "/api/v1/pets", None).await.assert(204);
        assert_eq!(options.header("allow"), "OPTIONS, GET, HEAD, POST");
        let head = guest.send(reqwest::Method::HEAD, "/api/v1/species", None).await.assert(200);
        assert!(head.text.is_empty());
    });
}

#[test]
fn etags_guard_changes() {
    run(async {
        let test = with_species().await;
        let customer = test.customer().await;
        let made = customer.post("/api/v1/pets", pet("Rex")).await.assert(201);
        let path = format!("/api/v1/pets/{}", made.id());
        let seen = customer.with("if-match", made.header("etag"));
        let changed = seen.patch(&path, json!({ "name": "Max" })).await.assert(200);
        assert_ne!(changed.header("etag"), made.header("etag"));
        seen.patch(&path, json!({ "name": "Leo" })).await.assert_error(412, "stale");
        seen.delete(&path).await.assert_error(412, "stale");
        customer.with("if-match", "W/\"x\"").patch(&path, json!({ "name": "Leo" })).await.assert_error(412, "stale");
        assert_eq!(customer.get(&path).await.json["name"], "Max");
        let known = customer.with("if-none-match", changed.header("etag"));
        known.get(&path).await.assert(304);
        customer.with("if-match", "*").delete(&path).await.assert(204);
    });
}

#[test]
fn a_repeated_request_has_its_effect_once() {
    run(async {
        let test = with_species().await;
        let (customer, other) = (test.customer().await, test.customer().await);
        let once = customer.with("idempotency-key", "key-1");
        let first = once.post("/api/v1/pets", pet("Rex")).await.assert(201);
        let again = once.post("/api/v1/pets", pet("Rex")).await.assert(201);
        assert_eq!(first.json, again.json);
        assert_eq!(first.header("etag"), again.header("etag"));
        assert_eq!(first.header("location"), again.header("location"));
        once.post("/api/v1/pets", pet("Max")).await.assert_error(422, "idempotency_mismatch");
        other.with("idempotency-key", "key-1").post("/api/v1/pets", pet("Leo")).await.assert(201);
        assert_eq!(customer.get("/api/v1/pets").await.ids().len(), 1);
        let many = futures::future::join_all((0..8).map(|_| {
            let once = customer.with("idempotency-key", "key-2");
            async move { once.post("/api/v1/pets", pet("Ada")).await.assert(201).id() }
        }));
        let ids = many.await;
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(customer.get("/api/v1/pets").await.ids().len(), 2);
        customer.with("idempotency-key", "").post("/api/v1/pets", pet("Leo")).await.assert(400);
    });
}

#[test]
fn a_batch_is_all_or_nothing() {
    run(async {
        let test = with_species().await;
        let customer = test.customer().await;
        let id = customer.post("/api/v1/pets", pet("Rex")).await.assert(201).id();
        let good = json!({ "operations": [
            { "method": "POST", "table": "pets", "body": pet("Ada") },
            { "method": "PATCH", "table": "pets", "id": id, "body": { "color": "red" } },
        ] });
        let reply = customer.post("/api/v1/batch", good).await.assert(200);
        assert_eq!(reply.json["results"][0]["status"], 201);
        assert_eq!(reply.json["results"][1]["body"]["color"], "red");
        let bad = json!({ "operations": [
            { "method": "POST", "table": "pets", "body": pet("Leo") },
            { "method": "DELETE", "table": "pets", "id": id },
            { "method": "POST", "table": "pets", "body": { "name": "", "species": "dog" } },
        ] });
        let reply = customer.post("/api/v1/batch", bad).await.assert_error(422, "validation_failed");
        reply.assert_fields(&["/operations/2/body/name"]);
        assert_eq!(customer.get("/api/v1/pets?count=true").await.json["total"], 2);
        for body in [
            json!({}),
            json!({ "operations": [] }),
            json!({ "operations": [{ "method": "GET", "table": "pets" }] }),
            json!({ "operations": [{ "method": "POST", "table": "migrations", "body": {} }] }),
        ] {
            customer.post("/api/v1/batch", body).await.assert_error(422, "validation_failed");
        }
        let many: Vec<Value> =
            (0..101).map(|_| json!({ "method": "POST", "table": "pets", "body": pet("X") })).collect();
        customer.post("/api/v1/batch", json!({ "operations": many })).await.assert_error(422, "validation_failed");
    });
}

#[test]
fn unique_values_and_references_are_kept() {
    run(async {
        let test = with_species().await;
        let admin = test.staff(Role::Admin).await;
        let customer = test.customer().await;
        let chip = json!({ "name": "Rex", "species": "dog", "microchip": "276098100000001" });
        customer.post("/api/v1/pets", chip.clone()).await.assert(201);
        customer.post("/api/v1/pets", chip).await.assert_error(409, "already_exists").assert_fields(&["/microchip"]);
        customer.post("/api/v1/pets", pet("Ada")).await.assert(201);
        customer.post("/api/v1/pets", pet("Leo")).await.assert(201);
        admin.delete("/api/admin/species/dog").await.assert_error(409, "still_referenced");
        admin.delete("/api/admin/species/cat").await.assert(204);
        let dog = json!({ "id": "dog", "name": "Dog" });
        admin.post("/api/admin/species", dog).await.assert_error(409, "already_exists").assert_fields(&["/id"]);
        admin
            .post("/api/admin/species", json!({ "id": "Big Dog", "name": "x" }))
            .await
            .assert(422)
            .assert_fields(&["/id"]);
        admin.post("/api/admin/species", json!({ "id": "emu", "name": "Emu" })).await.assert(201);
        customer
            .post("/api/v1/species", json!({ "id": "gnu", "name": "Gnu" }))
            .await
            .assert_error(405, "method_not_allowed");
    });
}

#[test]
fn links_expand_with_rights_at_every_hop() {
    run(async {
        let test = with_species().await;
        let (owner, reader) = (test.customer().await, test.customer().await);
        let post = json!({ "title": "A question", "content": "Why?", "species": "dog" });
        let id = owner.post("/api/v1/posts", post).await.assert(201).id();
        owner.post("/api/v1/comments", json!({ "post": id, "content": "Because." })).await.assert(201);
        let list = reader.get("/api/v1/comments?expand=author,post.author,post.species").await.assert(200);
        let expand = &list.json["items"][0]["expand"];
        assert_eq!(expand["author"]["name"], "Test Customer");
        assert_eq!(expand["author"].get("email"), None, "the e-mail is the owner's own");
        assert_eq!(expand["post"]["expand"]["species"]["name"], "Dog");
        let own = owner.get(&format!("/api/v1/posts/{id}?expand=author&fields=title")).await.assert(200);
        assert!(own.json["expand"]["author"]["email"].is_string());
        assert_eq!(own.json.get("content"), None);
        owner.patch(&format!("/api/v1/users/{}", owner.user), json!({ "public_profile": false })).await.assert(200);
        let list = reader.get("/api/v1/comments?expand=author").await.assert(200);
        assert_eq!(list.json["items"][0].get("expand"), None, "a hidden author is not expanded");
        for wrong in ["nope", "author.password_hash", "author.email", "post.author.x.y"] {
            reader.get(&format!("/api/v1/comments?expand={wrong}")).await.assert_error(400, "invalid_query");
        }
    });
}

#[test]
fn aggregates_count_and_measure() {
    run(async {
        let test = with_species().await;
        let (customer, other) = (test.customer().await, test.customer().await);
        for (name, species, weight) in
            [("A", "dog", Some(10)), ("B", "dog", Some(30)), ("C", "cat", None), ("D", "cat", Some(5))]
        {
            let body = json!({ "name": name, "species": species, "weight_g": weight });
            customer.post("/api/v1/pets", body).await.assert(201);
        }
        other.post("/api/v1/pets", json!({ "name": "Z", "species": "dog", "weight_g": 999 })).await.assert(201);
        let path = "/api/v1/pets/aggregate?group_by=species&measures=count,count(weight_g),sum(weight_g),avg(weight_g),min(weight_g),max(weight_g)";
        let reply = customer.get(path).await.assert(200);
        let mut groups = reply.json["groups"].as_array().unwrap().clone();
        groups.sort_by_key(|group| group["by"]["species"].as_str().unwrap().to_owned());
        assert_eq!(
            groups[0],
            json!({ "by": { "species": "cat" }, "count": 2, "count_weight_g": 1, "sum_weight_g": 5,
            "avg_weight_g": 5.0, "min_weight_g": 5, "max_weight_g": 5 })
        );
        assert_eq!(groups[1]["sum_weight_g"], 40);
        assert_eq!(groups[1]["avg_weight_g"], 20.0);
        let none = test.guest().get("/api/v1/pets/aggregate").await.assert(200);
        assert_eq!(none.json, json!({ "groups": [{ "by": {}, "count": 0 }] }));
        let filtered = customer.get("/api/v1/pets/aggregate?species=dog&weight_g[gt]=10").await.assert(200);
        assert_eq!(filtered.json["groups"][0]["count"], 1);
        for wrong in [
            "measures=sum(name)",
            "measures=median(weight_g)",
            "group_by=nope",
            "group_by=owner,species,sex,name",
            "limit=3",
            "measures=sum(",
            "measures=count,sum(weight_g),count",
            "measures=count&measures=count",
            "group_by=species,species",
            "group_by=species&group_by=sex",
            "group_by=password_hash",
        ] {
            customer.get(&format!("/api/v1/pets/aggregate?{wrong}")).await.assert_error(400, "invalid_query");
        }
    });
}

#[test]
fn time_zones_are_of_the_iana_database() {
    run(async {
        let test = TestApp::start().await;
        let business = test.business().await;
        let (manager, customer) = (test.member(&business, "manager").await, test.customer().await);
        for (caller, path) in [
            (&manager, format!("/api/v1/businesses/{business}")),
            (&customer, format!("/api/v1/users/{}", customer.user)),
        ] {
            for zone in ["Moon/Crater", "UTC+2", "Europe/", "europe"] {
                let reply = caller.patch(&path, json!({ "timezone": zone })).await;
                let reply = reply.assert_error(422, "validation_failed").assert_fields(&["/timezone"]);
                assert_eq!(reply.json["errors"][0]["code"], "enum", "{zone}: {}", reply.text);
            }
            let changed = caller.patch(&path, json!({ "timezone": "America/Argentina/Ushuaia" })).await.assert(200);
            assert_eq!(changed.json["timezone"], "America/Argentina/Ushuaia");
        }
    });
}
