//! Checks that the data holds what the tables demand and what the demo promises. The rules of single texts are tested
//! next to the code that makes them.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::{ACCOUNTS, Dataset, PASSWORD, Row, dataset, has_password};

/// Pinned, so that a change of the generator is noticed.
const FIRST_USER: &str = "019b8d34-4e30-7a0f-bd2d-ef73ea959194";
const FIRST_PRODUCT: &str = "019ba5c2-4150-7cc9-a27f-ccf508f57cce";

/// No instant of the data is later than this.
const LAST_INSTANT: &str = "2026-02-28T00:00:00Z";

/// Fields that are links, with the tables they may point to; `target` has its own form.
const LINKS: &[(&str, &str, &str)] = &[
    ("breeds", "species", "species"),
    ("product_categories", "parent", "product_categories"),
    ("memberships", "user", "users"),
    ("memberships", "business", "businesses"),
    ("addresses", "user", "users"),
    ("pets", "owner", "users"),
    ("pets", "species", "species"),
    ("pets", "breed", "breeds"),
    ("pets", "photos", "files"),
    ("products", "business", "businesses"),
    ("products", "category", "product_categories"),
    ("products", "species", "species"),
    ("products", "images", "files"),
    ("files", "owner", "users"),
    ("files", "business", "businesses"),
    ("services", "business", "businesses"),
    ("services", "species", "species"),
    ("listings", "seller", "users"),
    ("listings", "business", "businesses"),
    ("listings", "species", "species"),
    ("listings", "breed", "breeds"),
    ("listings", "photos", "files"),
    ("posts", "author", "users"),
    ("posts", "species", "species"),
    ("comments", "post", "posts"),
    ("comments", "author", "users"),
    ("favorites", "user", "users"),
    ("conversations", "business", "businesses"),
    ("conversations", "members", "users"),
    ("conversations", "created_by", "users"),
    ("messages", "conversation", "conversations"),
    ("messages", "sender", "users"),
    ("participants", "conversation", "conversations"),
    ("participants", "user", "users"),
    ("participants", "last_read", "messages"),
];

fn table<'a>(data: &'a Dataset, name: &str) -> &'a [Row] {
    &data.tables.iter().find(|(table, _)| *table == name).expect("table").1
}

fn text<'a>(row: &'a Row, field: &str) -> &'a str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn user<'a>(data: &'a Dataset, email: &str) -> &'a Row {
    table(data, "users").iter().find(|row| text(row, "email") == email).expect("user")
}

fn count(data: &Dataset, name: &str, field: &str, value: &str) -> usize {
    table(data, name).iter().filter(|row| text(row, field) == value).count()
}

fn assert_unique<T: Eq + std::hash::Hash + std::fmt::Debug>(values: impl Iterator<Item = T>) {
    let mut seen = HashSet::new();
    for value in values {
        let shown = format!("{value:?}");
        assert!(seen.insert(value), "twice: {shown}");
    }
}

#[test]
fn the_data_is_always_the_same() {
    assert_eq!(dataset(), dataset());
    let data = dataset();
    let first = |name: &str| text(&table(&data, name)[0], "id").to_owned();
    assert_eq!(first("users"), FIRST_USER);
    assert_eq!(first("products"), FIRST_PRODUCT);
}

#[test]
fn tables_have_the_promised_sizes() {
    let data = dataset();
    let sizes: Vec<(&str, usize)> = data.tables.iter().map(|(name, rows)| (*name, rows.len())).collect();
    let order: Vec<&str> = sizes.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        order.join(" "),
        "species breeds product_categories users businesses memberships files addresses pets products services listings \
         posts comments favorites conversations messages participants"
    );
    let size: BTreeMap<&str, usize> = sizes.into_iter().collect();
    for (name, expected) in [
        ("species", 10),
        ("users", 200),
        ("businesses", 8),
        ("products", 300),
        ("services", 40),
        ("listings", 60),
        ("posts", 100),
        ("favorites", 150),
    ] {
        assert_eq!(size[name], expected, "{name}");
    }
    assert!((200..=300).contains(&size["comments"]));
    assert!((40..=55).contains(&size["product_categories"]));
    for (species, least) in [("dog", 150), ("cat", 50), ("bird", 10), ("fish", 10), ("reptile", 10), ("rodent", 10)] {
        assert!(count(&data, "breeds", "species", species) >= least, "{species}");
    }
}

#[test]
fn ids_are_unique_and_of_their_kind() {
    let data = dataset();
    for (name, rows) in &data.tables {
        assert_unique(rows.iter().map(|row| text(row, "id")));
        let is_reference = matches!(*name, "species" | "breeds" | "product_categories");
        for row in rows {
            let id = text(row, "id");
            assert_eq!(uuid::Uuid::parse_str(id).is_err(), is_reference, "{name} {id}");
            if is_reference {
                assert!(id.starts_with(|letter: char| letter.is_ascii_lowercase()) && id.len() <= 64, "{id}");
                assert!(id.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '_')), "{id}");
            }
        }
        if !is_reference {
            assert!(rows.windows(2).all(|pair| text(&pair[0], "id") < text(&pair[1], "id")), "{name} ascends");
        }
    }
}

#[test]
fn links_point_to_earlier_rows() {
    let data = dataset();
    let mut known: HashSet<(&str, &str)> = HashSet::new();
    for (name, rows) in &data.tables {
        for row in rows {
            for (_, field, to) in LINKS.iter().filter(|link| link.0 == *name) {
                let keys = match row.get(*field) {
                    Some(Value::Array(keys)) => keys.iter().filter_map(Value::as_str).collect(),
                    Some(key) => vec![key.as_str().expect("bare key")],
                    None => Vec::new(),
                };
                for key in keys {
                    assert!(known.contains(&(*to, key)), "{name}.{field}: {key}");
                }
            }
            if let Some(target) = row.get("target").and_then(Value::as_object) {
                assert!(known.contains(&(text(target, "table"), text(target, "id"))), "{target:?}");
            }
            known.insert((name, text(row, "id")));
        }
    }
}

#[test]
fn people_are_distinct_and_well_formed() {
    let data = dataset();
    let users = table(&data, "users");
    assert_unique(users.iter().map(|row| text(row, "email")));
    assert_unique(users.iter().map(|row| text(row, "name")));
    for row in users {
        let email = text(row, "email");
        assert!(email.chars().all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '.' | '-' | '_' | '@')), "{email}");
        assert_eq!(email.ends_with("@example.com"), has_password(email), "{email}");
        assert!(email.ends_with("@example.com") || email.ends_with("@example.org"), "{email}");
        let (language, country) = text(row, "locale").split_once('-').unwrap_or((text(row, "locale"), "XX"));
        assert!(language.len() == 2 && country.len() == 2, "{email}");
    }
    assert_eq!(count(&data, "users", "status", "suspended"), 3);
    let public = users.iter().filter(|row| row["public_profile"] == true).count();
    assert!((150..=170).contains(&public), "{public}");
    for (row, (email, _)) in users.iter().zip(ACCOUNTS) {
        assert_eq!(text(row, "email"), *email, "the named accounts come first");
        assert_eq!(row["status"], "active");
        assert!(row.contains_key("email_verified_at"));
    }
    assert!(has_password("moderator1@example.com") && has_password("stock_keeper1@example.com"));
    assert!(!has_password("somebody@example.com"));
    assert!(PASSWORD.len() >= 10);
}

#[test]
fn named_customers_have_their_pets_and_addresses() {
    let data = dataset();
    for (email, pets) in [("customer1@example.com", 2), ("customer2@example.com", 2)] {
        assert_eq!(count(&data, "pets", "owner", text(user(&data, email), "id")), pets);
    }
    assert_eq!(count(&data, "addresses", "user", text(user(&data, "customer1@example.com"), "id")), 1);
    for row in table(&data, "users") {
        assert!((1..=2).contains(&count(&data, "addresses", "user", text(row, "id"))), "{row:?}");
    }
}

#[test]
fn every_role_is_filled() {
    let data = dataset();
    let members = table(&data, "memberships");
    assert_unique(members.iter().map(|row| (text(row, "user"), text(row, "business"))));
    let roles =
        ["owner", "manager", "receptionist", "veterinarian", "groomer", "caretaker", "stock_keeper", "accountant"];
    let first = text(&table(&data, "businesses")[0], "id");
    for role in roles {
        assert!(count(&data, "memberships", "role", role) >= 2, "{role}");
        assert!(members.iter().any(|row| text(row, "business") == first && text(row, "role") == role), "{role}");
    }
    for business in table(&data, "businesses") {
        let of: Vec<&Row> = members.iter().filter(|row| row["business"] == business["id"]).collect();
        assert_eq!(of.iter().filter(|row| text(row, "role") == "owner").count(), 1, "{business:?}");
        assert!((4..=8).contains(&of.len()), "{business:?}");
    }
    for (email, index) in [("owner1@example.com", 0), ("owner2@example.com", 1)] {
        let owned = members.iter().find(|row| row["user"] == user(&data, email)["id"]).expect("owner");
        assert_eq!(owned["business"], table(&data, "businesses")[index]["id"]);
    }
    assert_eq!(count(&data, "businesses", "status", "active"), 7);
    assert_eq!(count(&data, "businesses", "status", "submitted"), 1);
}

#[test]
fn pets_and_listings_have_a_breed_of_their_species() {
    let data = dataset();
    let species: HashMap<&str, &str> =
        table(&data, "breeds").iter().map(|row| (text(row, "id"), text(row, "species"))).collect();
    for name in ["pets", "listings"] {
        for row in table(&data, name).iter().filter(|row| row.contains_key("breed")) {
            assert_eq!(species[text(row, "breed")], text(row, "species"), "{row:?}");
        }
    }
    assert_unique(table(&data, "pets").iter().map(|row| text(row, "microchip")).filter(|chip| !chip.is_empty()));
    let owners: HashSet<&str> = table(&data, "pets").iter().map(|row| text(row, "owner")).collect();
    assert!(owners.len() > 150, "most users have pets");
    assert!(table(&data, "pets").iter().all(|row| !text(row, "name").is_empty() && !text(row, "color").is_empty()));
}

#[test]
fn products_can_be_sold() {
    let data = dataset();
    let currency: HashMap<&str, &str> =
        table(&data, "businesses").iter().map(|row| (text(row, "id"), text(row, "currency"))).collect();
    let products = table(&data, "products");
    assert_unique(products.iter().map(|row| (text(row, "business"), text(row, "sku"))));
    assert_unique(products.iter().map(|row| text(row, "barcode")));
    for row in products {
        let sku = text(row, "sku");
        assert!(sku.len() <= 40 && sku.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-'), "{sku}");
        assert_eq!(row["price"]["currency"], currency[text(row, "business")]);
        let (price, cost) = (row["price"]["minor"].as_i64(), row["cost"]["minor"].as_i64());
        let share = cost.expect("cost") * 100 / price.expect("price");
        assert!((54..=70).contains(&share), "{row:?}");
        let digits: Vec<u32> = text(row, "barcode").chars().filter_map(|digit| digit.to_digit(10)).collect();
        let sum: u32 = digits.iter().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
        assert!(digits.len() == 13 && digits[0] == 2 && sum.is_multiple_of(10), "{row:?}");
        assert!(row["weight_g"].as_i64().is_some_and(|weight| weight > 0), "{row:?}");
    }
    assert_eq!(count(&data, "products", "status", "active"), 285);
    for name in ["services", "listings"] {
        for row in table(&data, name) {
            let price = row.get("price").or(row.get("base_price")).expect("price");
            assert!(price["minor"].as_i64().is_some_and(|minor| minor >= 0), "{row:?}");
        }
    }
}

#[test]
fn business_listings_are_of_the_owner() {
    let data = dataset();
    for row in table(&data, "listings").iter().filter(|row| row.contains_key("business")) {
        let is_owner = |member: &&Row| member["business"] == row["business"] && text(member, "role") == "owner";
        let owner = table(&data, "memberships").iter().find(is_owner).expect("owner");
        assert_eq!(owner["user"], row["seller"]);
    }
}

#[test]
fn towns_have_a_postal_code_for_each_street() {
    for row in table(&dataset(), "addresses") {
        assert!(!text(row, "postal_code").is_empty() && !text(row, "line1").is_empty(), "{row:?}");
    }
}

#[test]
fn every_file_is_there_and_shown_by_somebody() {
    let data = dataset();
    let files = table(&data, "files");
    assert!((30..=120).contains(&files.len()), "{}", files.len());
    for (row, (id, bytes)) in files.iter().zip(&data.contents) {
        assert_eq!(text(row, "id"), id.to_string());
        assert_eq!(row["size"], bytes.len());
        let of = |(_, rows): &(&str, Vec<Row>)| {
            rows.iter().any(|one| {
                one["id"] != row["id"]
                    && one
                        .values()
                        .any(|v| *v == row["id"] || v.as_array().is_some_and(|list| list.contains(&row["id"])))
            })
        };
        assert!(data.tables.iter().any(of), "nobody shows {row:?}");
    }
    assert_eq!(files.len(), data.contents.len());
    assert!(table(&data, "products").iter().all(|row| row.contains_key("images")));
    assert!(table(&data, "businesses").iter().all(|row| row.contains_key("logo")));
}

#[test]
fn favorites_are_unique() {
    let data = dataset();
    assert_unique(table(&data, "favorites").iter().map(|row| (text(row, "user"), row["target"].to_string())));
}

#[test]
fn texts_are_complete() {
    let data = dataset();
    for (name, field) in [("posts", "title"), ("posts", "content"), ("comments", "content"), ("products", "name")] {
        for row in table(&data, name) {
            let words = text(row, field);
            assert!(words.len() >= 3 && !words.contains(['{', '}', '|']), "{name}: {words}");
        }
    }
    assert_unique(table(&data, "posts").iter().map(|row| (text(row, "title"), text(row, "content"))));
}

#[test]
fn dates_are_in_the_past() {
    let data = dataset();
    for row in data.tables.iter().flat_map(|(_, rows)| rows) {
        for field in ["birth_date", "birthday"].into_iter().filter(|field| row.contains_key(*field)) {
            let date = text(row, field);
            let parts: Vec<u32> = date.split('-').filter_map(|part| part.parse().ok()).collect();
            assert!(date.len() == 10 && parts.len() == 3, "{date}");
            assert!((1..=12).contains(&parts[1]) && (1..=31).contains(&parts[2]) && date < "2026-01-05", "{date}");
        }
        for field in ["email_verified_at", "last_login_at"].into_iter().filter(|field| row.contains_key(*field)) {
            let instant = text(row, field);
            assert!(instant.len() == 20 && instant.ends_with('Z') && instant < LAST_INSTANT, "{instant}");
        }
    }
}
