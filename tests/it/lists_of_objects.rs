//! Lists of objects: written whole, checked item by item, shown as their fields allow.

use pawbase::context::Role;
use serde_json::json;

use crate::shop_tables::with_shop;
use crate::support::run;

const CARTS: &str = "
DEFINE TABLE goods TYPE NORMAL SCHEMAFULL PERMISSIONS FULL;
DEFINE FIELD id ON goods TYPE string;
DEFINE TABLE carts TYPE NORMAL SCHEMAFULL PERMISSIONS FULL;
DEFINE FIELD id ON carts TYPE uuid;
DEFINE FIELD lines ON carts TYPE array<object> ASSERT array::len($value) <= 3 COMMENT 'What is in it.';
DEFINE FIELD lines.*.good ON carts TYPE record<goods> COMMENT 'Which good.';
DEFINE FIELD lines.*.qty ON carts TYPE int ASSERT $value >= 1 AND $value <= 99;
DEFINE FIELD lines.*.unit ON carts TYPE string DEFAULT ALWAYS 'piece';
DEFINE FIELD lines.*.note ON carts TYPE option<string> ASSERT $value = NONE OR string::len($value) <= 5;
DEFINE FIELD lines.*.price ON carts TYPE option<object>;
DEFINE FIELD lines.*.price.minor ON carts TYPE int;
DEFINE FIELD lines.*.parts ON carts TYPE option<array<object>>;
DEFINE FIELD lines.*.parts.*.size ON carts TYPE int;
DEFINE FIELD lines.*.secret ON carts TYPE option<string> PERMISSIONS NONE;
DEFINE FIELD lines.*.rebate ON carts TYPE option<int> PERMISSIONS FOR select FULL FOR create, update WHERE $auth != NONE;
DEFINE FIELD corners ON carts TYPE option<array<object, 2>>;
DEFINE FIELD corners.*.x ON carts TYPE float;
DEFINE FIELD more ON carts TYPE option<array<object>> FLEXIBLE;
DEFINE FIELD words ON carts TYPE option<array<string>>;
DEFINE FIELD OVERWRITE words.* ON carts TYPE string ASSERT string::len($value) <= 5;
";

#[test]
fn they_are_written_checked_and_read() {
    run(async {
        let test = with_shop(CARTS).await;
        test.system("CREATE goods:hay; CREATE goods:oats").await;
        let customer = test.customer().await;
        let lines = json!([
            { "good": "hay", "qty": 2, "price": { "minor": 5 }, "parts": [{ "size": 1 }, { "size": 2 }], "rebate": 1 },
            { "good": "oats", "qty": 1, "unit": "bag", "note": null },
        ]);
        let more = json!([{ "any": { "thing": [1, "x"] } }]);
        let body = json!({ "lines": lines, "more": more, "corners": [{ "x": 0.5 }, { "x": 1.5 }], "words": ["a"] });
        let made = customer.post("/api/v1/carts", body).await.assert(201);
        let shown = json!([
            { "good": "hay", "qty": 2, "unit": "piece", "price": { "minor": 5 }, "parts": [{ "size": 1 }, { "size": 2 }], "rebate": 1 },
            { "good": "oats", "qty": 1, "unit": "bag" },
        ]);
        assert_eq!((&made.json["lines"], &made.json["more"]), (&shown, &more));
        let path = format!("/api/v1/carts/{}", made.id());
        assert_eq!(customer.get(&path).await.assert(200).json, made.json);
        let changed = customer.patch(&path, json!({ "lines": [{ "good": "oats", "qty": 9 }], "corners": null })).await;
        let changed = changed.assert(200);
        assert_eq!(
            changed.json["lines"],
            json!([{ "good": "oats", "qty": 9, "unit": "piece" }]),
            "a list is replaced whole"
        );
        assert_eq!(changed.json.get("corners"), None);
        customer.patch(&path, json!({ "lines": [] })).await.assert(200);
        test.system("UPDATE carts SET lines = [{ good: goods:hay, qty: 1, unit: 'kg', secret: 'cost 3' }]").await;
        let kept = json!([{ "good": "hay", "qty": 1, "unit": "kg" }]);
        assert_eq!(customer.get(&path).await.assert(200).json["lines"], kept);
        let admin = test.staff(Role::Admin).await;
        assert_eq!(
            admin.get(&path.replace("v1", "admin")).await.assert(200).json["lines"],
            kept,
            "NONE binds staff too"
        );
    });
}

#[test]
fn every_bad_item_is_reported_with_its_place() {
    run(async {
        let test = with_shop(CARTS).await;
        test.system("CREATE goods:hay; CREATE carts SET id = u'01900000-0000-7000-8000-000000000001', lines = []")
            .await;
        let customer = test.customer().await;
        let lines = json!([
            { "good": "hay", "qty": 0, "note": "too long", "colour": "red" },
            { "qty": "many", "secret": "x", "price": {}, "parts": [{ "size": 1 }, { "size": "x", "y": 1 }, 3] },
            "hay",
            { "good": "straw", "qty": null, "a/b": 1 },
        ]);
        let pointers = [
            "/lines/0/qty",
            "/lines/0/note",
            "/lines/0/colour",
            "/lines/1/good",
            "/lines/1/qty",
            "/lines/1/secret",
            "/lines/1/price/minor",
            "/lines/1/parts/1/size",
            "/lines/1/parts/1/y",
            "/lines/1/parts/2",
            "/lines/2",
            "/lines/3/qty",
            "/lines/3/a~1b",
        ];
        let three = |lines: &serde_json::Value| json!(lines.as_array().expect("lines")[..3]);
        let path = "/api/v1/carts/01900000-0000-7000-8000-000000000001";
        for at in [0, 1] {
            let (some, expected): (serde_json::Value, Vec<&str>) = if at == 0 {
                (three(&lines), pointers.iter().filter(|p| !p.starts_with("/lines/3")).copied().collect())
            } else {
                let rest = pointers.iter().filter(|p| p.starts_with("/lines/3"));
                let own: Vec<&str> =
                    rest.map(|p| if p.ends_with("qty") { "/lines/0/qty" } else { "/lines/0/a~1b" }).collect();
                (json!([lines[3]]), own)
            };
            let body = json!({ "lines": some });
            customer
                .post("/api/v1/carts", body.clone())
                .await
                .assert_error(422, "validation_failed")
                .assert_fields(&expected);
            customer.patch(path, body).await.assert_error(422, "validation_failed").assert_fields(&expected);
        }
        let codes =
            customer.post("/api/v1/carts", json!({ "lines": [{ "good": "straw", "qty": 1 }] })).await.assert(422);
        assert_eq!(codes.json["errors"][0]["code"], "reference");
        codes.assert_fields(&["/lines/0/good"]);
        for (body, pointers) in [
            (json!({ "lines": lines }), vec!["/lines"]),
            (json!({ "lines": {} }), vec!["/lines"]),
            (json!({ "lines": [], "corners": [{ "x": 1 }] }), vec!["/corners"]),
            (json!({ "lines": [], "more": ["x"] }), vec!["/more/0"]),
            (json!({ "lines": [], "words": ["a", "too long"] }), vec!["/words/1"]),
        ] {
            customer.post("/api/v1/carts", body).await.assert_error(422, "validation_failed").assert_fields(&pointers);
        }
        let denied = json!({ "lines": [{ "good": "hay", "qty": 1, "rebate": 3 }] });
        test.guest().post("/api/v1/carts", denied).await.assert_error(403, "forbidden").assert_fields(&["/lines"]);
        let allowed = json!({ "lines": [{ "good": "hay", "qty": 1 }] });
        test.guest().post("/api/v1/carts", allowed).await.assert(201);
    });
}

#[test]
fn they_are_described_and_cannot_be_named_in_queries() {
    run(async {
        let test = with_shop(CARTS).await;
        let document = test.guest().get("/api/openapi.json").await.assert(200).json;
        let schemas = &document["components"]["schemas"];
        let item = &schemas["CartsCreate"]["properties"]["lines"]["items"];
        assert_eq!(item["additionalProperties"], false);
        assert_eq!(item["required"], json!(["good", "qty"]));
        assert_eq!(
            (&item["properties"]["qty"]["minimum"], &item["properties"]["qty"]["maximum"]),
            (&json!(1), &json!(99))
        );
        assert_eq!(item["properties"]["parts"]["items"]["properties"]["size"]["type"], "integer");
        assert!(item["properties"].get("secret").is_none(), "{item}");
        let read = &schemas["Carts"]["properties"]["lines"]["items"]["properties"];
        assert!(read["good"].is_object() && read.get("secret").is_none(), "{read}");
        assert_eq!(schemas["CartsCreate"]["properties"]["corners"]["maxItems"], 2);
        for query in
            ["lines.*.qty=1", "sort=lines.*.qty", "fields=lines.*.qty", "filter=lines.*.qty%20=%201", "lines.qty=1"]
        {
            test.guest().get(&format!("/api/v1/carts?{query}")).await.assert_error(400, "invalid_query");
        }
        let path = "/api/v1/carts/aggregate?measures=sum(lines.*.qty)";
        test.guest().get(path).await.assert_error(400, "invalid_query");
    });
}
