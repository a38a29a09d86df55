//! The demo data: a small world of people, animals and businesses, the same every time it is made. It is pure: texts
//! come from `assets/demo`, choices from a seeded generator, times from a fixed start. Writing the rows to the
//! database, and the password hashes of the named accounts, are the business of whoever loads it.

mod addresses;
mod businesses;
mod dates;
mod favorites;
mod files;
mod ids;
mod listings;
mod load;
mod messages;
mod people;
mod pets;
mod pictures;
mod places;
mod posts;
mod prices;
mod products;
mod random;
mod reference;
mod rows;
#[cfg(test)]
mod schema_tests;
mod services;
mod source;
#[cfg(test)]
mod tests;
mod wording;

pub use load::{clear, is_empty, load};
pub use rows::Row;

use favorites::Likeable;
use ids::Ids;
use messages::Cast;

/// E-mail of the accounts shown to whoever tries the demo, and what each is.
pub const ACCOUNTS: &[(&str, &str)] = &[
    ("admin@example.com", "super_admin"),
    ("customer1@example.com", "customer, Berlin"),
    ("customer2@example.com", "customer, London"),
    ("owner1@example.com", "owner of the shop Spreepfoten, Berlin"),
    ("owner2@example.com", "owner of the groomer The Lathered Hound, London"),
    ("courier1@example.com", "courier, Berlin"),
    ("support@example.com", "support"),
];

/// The password of all named accounts.
pub const PASSWORD: &str = "pawbase-demo";

/// Rows in the form of the API, table by table, in an order in which links point to earlier rows only.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Name and rows of each table.
    pub tables: Vec<(&'static str, Vec<Row>)>,
    /// What the files hold, by their keys.
    pub contents: Vec<files::Content>,
}

/// Whether one can sign in to an account with [`PASSWORD`]: the named accounts only, all others have no password.
pub fn has_password(email: &str) -> bool {
    people::is_named(email)
}

/// Makes the whole data, without `password_hash` and without what the database fills in itself.
pub fn dataset() -> Dataset {
    let mut ids = Ids::new();
    let places = places::places();
    let breeds = reference::breeds();
    let mut people = people::people(&places, &mut ids);
    let mut businesses = businesses::businesses(&places, &mut ids);
    let memberships = businesses::memberships(&mut businesses, &people, &mut ids);
    let addresses = addresses::addresses(&people, &mut ids);
    let mut pets = pets::pets(&people, &breeds, &mut ids);
    let mut products = products::products(&businesses, &mut ids);
    let services = services::services(&businesses, &mut ids);
    let mut listings = listings::listings(&people, &businesses, &mut ids);
    let community = posts::community(&people, &pets, &mut ids);
    let likeable = Likeable { listings: &listings, products: &products, services: &services, businesses: &businesses };
    let favorites = favorites::favorites(&people, &likeable, &mut ids);
    let cast = Cast { people: &people, businesses: &businesses, listings: &listings };
    let talks = messages::talks(&cast, &mut ids);
    let showing = files::Showing {
        people: &mut people,
        businesses: &mut businesses,
        pets: &mut pets,
        products: &mut products,
        listings: &mut listings,
    };
    let (files, contents) = files::files(showing, &mut ids);
    Dataset {
        contents,
        tables: vec![
            ("species", reference::species()),
            ("breeds", reference::breed_rows(&breeds)),
            ("product_categories", reference::categories()),
            ("users", people.into_iter().map(|person| person.row).collect()),
            ("businesses", businesses.into_iter().map(|business| business.row).collect()),
            ("memberships", memberships),
            ("files", files),
            ("addresses", addresses),
            ("pets", pets.into_iter().map(|pet| pet.row).collect()),
            ("products", products.into_iter().map(|product| product.row).collect()),
            ("services", services.into_iter().map(|service| service.row).collect()),
            ("listings", listings.into_iter().map(|listing| listing.row).collect()),
            ("posts", community.posts),
            ("comments", community.comments),
            ("favorites", favorites),
            ("conversations", talks.conversations),
            ("messages", talks.messages),
            ("participants", talks.participants),
        ],
    }
}
