//! One or more fixed records of every table, with every field filled.

use pawbase::records::{key, seed};
use pawbase::schema::{Field, Kind, Table};
use pawbase_engine::{RecordId, Value, Vars};
use serde_json::{Map, Value as Json, json};

use super::world::{World, key_of, stored, system};

/// A record that everybody tries.
pub struct Sample {
    pub table: &'static str,
    /// What is special about it.
    pub label: &'static str,
    /// A condition that finds it in the demo data; None when it is made for the test.
    find: Option<&'static str>,
    /// Fields that must have these values.
    set: Json,
}

/// All samples, by table.
pub fn all(world: &World) -> Vec<Sample> {
    let business = &world.businesses[0];
    let made = |table, label, set| Sample { table, label, find: None, set };
    let told = |audience: &str, in_app: bool| json!({ "audience": audience, "in_app": in_app, "created_at": "2020-01-01T00:00:00Z" });
    let found = |table, label, find, set| Sample { table, label, find: Some(find), set };
    vec![
        made("addresses", "of customer1", json!({})),
        made("audit", "of customer1", json!({})),
        made("blocks", "of customer1", json!({})),
        made("breeds", "reference data", json!({})),
        found("businesses", "active, of owner1", "name = 'Spreepfoten'", json!({})),
        found("businesses", "draft, of owner1", "name = 'Spreepfoten'", json!({ "status": "draft" })),
        made("comments", "published, of customer1", json!({})),
        made("comments", "hidden, of customer1", json!({ "status": "hidden" })),
        found("conversations", "of customer1 with business 1", "business.name = 'Spreepfoten'", json!({})),
        found(
            "conversations",
            "of customer1 and customer2",
            "kind = 'inquiry' AND business = NONE",
            json!({ "business": null }),
        ),
        made("events", "about customer1", json!({})),
        made("favorites", "of customer1", json!({})),
        made("files", "private, of customer1", json!({ "visibility": "private", "business": null })),
        made(
            "files",
            "private, of customer1, for business 1",
            json!({ "visibility": "private", "business": business }),
        ),
        made("files", "public, of customer1", json!({ "visibility": "public", "business": null })),
        made("inbound_webhooks", "of a source", json!({})),
        made(
            "jobs",
            "done",
            json!({ "state": "done", "next": null, "event": null, "history": [], "lane": null,
            "created_at": "2020-01-01T00:00:00Z" }),
        ),
        made("listings", "available, of customer1, private", json!({ "status": "available", "business": null })),
        made("listings", "draft, of customer1, private", json!({ "status": "draft", "business": null })),
        made("listings", "draft, of customer1, for business 1", json!({ "status": "draft", "business": business })),
        found("memberships", "of receptionist1", "user.email = 'receptionist1@example.com'", json!({})),
        found("memberships", "of owner1", "user.email = 'owner1@example.com'", json!({})),
        found("messages", "of customer1 to business 1", "conversation.business.name = 'Spreepfoten'", json!({})),
        made("mails", "to customer1", json!({ "resends": null, "created_at": "2020-01-01T00:00:00Z" })),
        made(
            "notification_deliveries",
            "to customer1",
            json!({ "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z" }),
        ),
        made("notifications", "to customer1", told("public", true)),
        made("notifications", "to customer1, not in the list", told("public", false)),
        made("notifications", "to customer1, for staff", told("admin", true)),
        found(
            "participants",
            "customer1, with business 1",
            "user.email = 'customer1@example.com'",
            json!({ "left_at": null }),
        ),
        made("pets", "of customer1", json!({})),
        made("posts", "published, of customer1", json!({})),
        made("posts", "hidden, of customer1", json!({ "status": "hidden" })),
        made("product_categories", "reference data", json!({})),
        made("products", "active, of business 1", json!({ "status": "active" })),
        made("products", "draft, of business 1", json!({ "status": "draft" })),
        made("saved_views", "of customer1", json!({})),
        made("schedules", "of the program", json!({})),
        made("services", "active, of business 1", json!({ "active": true })),
        made("services", "inactive, of business 1", json!({ "active": false })),
        made("sessions", "of customer1", json!({})),
        made("species", "reference data", json!({})),
        made("suppressions", "of an address", json!({ "address": "matrix@example.net" })),
        made("webhook_attempts", "of a delivery", json!({})),
        made("webhook_deliveries", "of an endpoint", json!({})),
        made("webhook_endpoints", "of staff", json!({})),
        made("webhook_sources", "of staff", json!({})),
        found("users", "customer1", "email = 'customer1@example.com'", json!({ "public_profile": true })),
        found("users", "customer1, private", "email = 'customer1@example.com'", json!({ "public_profile": false })),
        found("users", "somebody suspended", "status = 'suspended' AND public_profile", json!({})),
    ]
}

/// Key of samples in tables with UUID keys.
const KEY: &str = "01900000-0000-7000-8000-00000000abcd";
/// Key of samples in tables with readable keys.
const NAME: &str = "matrix_sample";
/// Links to choose from.
const SPECIES: [&str; 3] = ["dog", "cat", "rabbit"];
const BREEDS: [&str; 3] = ["dog_beagle", "dog_golden_retriever", "cat_british_shorthair"];
/// Key of new records in tables with readable keys.
pub const NEW_NAME: &str = "matrix_new";

impl Sample {
    /// Puts the record in place; answers its id and how it was before, if it was there.
    pub async fn prepare(&self, world: &World, table: &Table) -> (RecordId, Option<Value>) {
        let text = match self.find {
            Some(find) => key_of(&world.test, self.table, find).await,
            None if table.key == pawbase::schema::KeyKind::Uuid => KEY.to_owned(),
            None => NAME.to_owned(),
        };
        let id = key::record_id(table, &text).expect("a key");
        let before = stored(&world.test, &id).await;
        let is_absent = |field: &&Field| match &before {
            Some(Value::Object(row)) => row.get(field.path.as_str()).is_none(),
            // What the database does not fill in by itself.
            _ => !field.is_system() || !(field.is_computed || field.has_default),
        };
        let mut row: Map<String, Json> = Map::new();
        for field in table.top_fields().filter(is_absent).filter(|field| field.path != "id") {
            row.insert(field.path.clone(), value(world, table, field, 0));
        }
        row.extend(self.set.as_object().expect("an object").clone());
        row.retain(|_, json| !json.is_null());
        row.insert("id".into(), json!(text));
        let object = seed::object(&world.test.app.platform.schema, table, &row).expect("a row");
        let vars = Vars::new().with("id", id.clone()).with("row", Value::Object(object));
        let text = if before.is_some() { "UPDATE $id MERGE $row" } else { "CREATE $id CONTENT $row" };
        system(&world.test, text, vars).await;
        (id, before)
    }
}

/// A valid value of the field; another `variant` is another value where the type has one.
pub fn value(world: &World, table: &Table, field: &Field, variant: usize) -> Json {
    let path = field.path.as_str();
    match field.kind.required() {
        Kind::Bool => json!(variant == 1),
        Kind::Int | Kind::Float | Kind::Number | Kind::Decimal => json!(10 + variant),
        Kind::Datetime => json!(format!("2020-01-01T00:00:0{variant}Z")),
        Kind::Enum(values) => json!(values[variant % values.len()]),
        Kind::Array(item) | Kind::Set(item) => match item.required() {
            Kind::Enum(values) => json!([values[variant % values.len()]]),
            Kind::Record(tables) => json!([link(world, tables, variant)]),
            _ => json!([format!("word{variant}")]),
        },
        Kind::Object if field.is_flexible && variant > 0 => json!({ "word": variant }),
        Kind::Object => {
            let name = |child: &Field| child.path.rsplit('.').next().unwrap_or_default().to_owned();
            table.children(path).map(|child| (name(child), value(world, table, child, variant))).collect()
        }
        Kind::Geometry(_) => json!({ "type": "Point", "coordinates": [13.0, 50.0 + variant as f64] }),
        Kind::Record(tables) => link(world, tables, variant),
        _ => json!(words(path.rsplit('.').next().unwrap_or(path), variant)),
    }
}

fn link(world: &World, tables: &[String], variant: usize) -> Json {
    match tables {
        [table] => match table.as_str() {
            "users" if variant == 0 => json!(world.customer1),
            "users" => json!(world.customer2),
            "businesses" => json!(world.businesses[variant]),
            "species" => json!(SPECIES[variant]),
            "breeds" => json!(BREEDS[variant]),
            "product_categories" => json!(world.categories[variant]),
            "posts" => json!(world.posts[variant]),
            "files" => json!(world.files[variant]),
            "conversations" | "events" | "jobs" | "mails" | "messages" | "notifications" | "webhook_endpoints"
            | "webhook_deliveries" => {
                json!(format!("01900000-0000-7000-8000-00000000abc{variant}"))
            }
            "webhook_sources" => json!(format!("source_{variant}")),
            other => panic!("no sample link to {other}"),
        },
        [] if variant == 0 => json!(format!("users:{}", world.customer2)),
        [] => json!(format!("users:{}", world.customer1)),
        _ => json!({ "table": "businesses", "id": world.businesses[variant] }),
    }
}

fn words(name: &str, variant: usize) -> String {
    let one_of = |values: [&str; 3]| values[variant].to_owned();
    match name {
        "phone" => format!("+4930100000{variant}"),
        "birthday" | "birth_date" => format!("2001-01-0{}", variant + 1),
        "address" | "email" => format!("matrix{variant}@example.net"),
        "slug" => format!("matrix-{variant}"),
        "sku" => format!("MATRIX-{variant}"),
        "barcode" => format!("1234567{variant}"),
        "microchip" => format!("27609890000000{variant}"),
        "website" => format!("https://example.net/{variant}"),
        "country" => one_of(["DE", "FR", "IT"]),
        "currency" => one_of(["EUR", "USD", "GBP"]),
        "locale" => one_of(["de", "fr", "it"]),
        "timezone" => one_of(["UTC", "Europe/Paris", "Europe/Rome"]),
        _ => format!("Matrix {variant}"),
    }
}

/// A value of the field that differs from the `current` one.
pub fn changed(world: &World, table: &Table, field: &Field, current: &Json) -> Json {
    (0..3)
        .map(|variant| value(world, table, field, variant))
        .find(|new| new != current)
        .unwrap_or_else(|| panic!("{}.{}: another value", table.name, field.path))
}
