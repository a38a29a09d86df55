//! The table `files` of the demo: a few drawn pictures, and which rows show them. One picture may be shown by many.

use std::collections::HashMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::businesses::Business;
use super::ids::Ids;
use super::listings::Listing;
use super::people::Person;
use super::pets::Pet;
use super::pictures::{self, COLOURS, HEIGHT, Subject, WIDTH};
use super::products::Product;
use super::rows::{Row, row};

/// What is stored of a file: its key, and its bytes.
pub type Content = (Uuid, Vec<u8>);

/// The rows that show pictures.
pub struct Showing<'a, 'b> {
    pub people: &'a mut [Person<'b>],
    pub businesses: &'a mut [Business<'b>],
    pub pets: &'a mut [Pet],
    pub products: &'a mut [Product],
    pub listings: &'a mut [Listing],
}

/// The pictures so far.
struct Album<'a> {
    ids: &'a mut Ids,
    /// Drawn once for each subject and set of colours.
    drawn: HashMap<(Subject, usize), Vec<u8>>,
    rows: Vec<Row>,
    contents: Vec<Content>,
}

impl Album<'_> {
    /// A new picture of somebody's; answers its key.
    fn draw(&mut self, subject: Subject, number: usize, purpose: &str, owner: Uuid, business: Option<Uuid>) -> Value {
        let id = self.ids.next();
        let colours = number % COLOURS;
        let bytes = self.drawn.entry((subject, colours)).or_insert_with(|| pictures::jpeg(subject, colours)).clone();
        let name = format!("{subject:?}.jpg").to_lowercase();
        let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let visibility = if purpose == "pet_photo" { "private" } else { "public" };
        self.rows.push(row(json!({
            "id": id,
            "owner": owner,
            "business": business,
            "purpose": purpose,
            "name": name,
            "mime": "image/jpeg",
            "size": bytes.len(),
            "sha256": sha256,
            "width": WIDTH,
            "height": HEIGHT,
            "visibility": visibility,
            "url": format!("/uploads/{id}/{name}"),
        })));
        self.contents.push((id, bytes));
        json!(id)
    }
}

/// All files with what they hold; the rows that show them get their links.
pub fn files(showing: Showing<'_, '_>, ids: &mut Ids) -> (Vec<Row>, Vec<Content>) {
    let Showing { people, businesses, pets, products, listings } = showing;
    let mut album = Album { ids, drawn: HashMap::new(), rows: Vec::new(), contents: Vec::new() };
    let owner_of =
        |business: &Business, people: &[Person]| business.owner.and_then(|at| people.get(at)).map(|one| one.id);
    for business in businesses.iter_mut() {
        let Some(owner) = owner_of(business, people) else { continue };
        let logo = album.draw(Subject::Paw, business.number, "business_logo", owner, Some(business.id));
        business.row.insert("logo".to_owned(), logo);
        shelf(&mut album, business, owner, products);
    }
    for pet in pets.iter_mut() {
        let Some(owner) = people.get(pet.owner).filter(|owner| super::people::is_named(&owner.email)) else { continue };
        let subject = if pet.species == "cat" { Subject::Cat } else { Subject::Dog };
        let photo = album.draw(subject, pet.name.len(), "pet_photo", owner.id, None);
        pet.row.insert("photos".to_owned(), json!([photo]));
    }
    for (at, person) in people.iter_mut().enumerate().take(2) {
        let photo = album.draw(Subject::Person, at, "profile_photo", person.id, None);
        person.row.insert("photo".to_owned(), photo);
    }
    for (at, listing) in listings.iter_mut().enumerate() {
        let subject = match listing.row.get("species").and_then(Value::as_str) {
            Some("dog") => Subject::Dog,
            Some("cat") => Subject::Cat,
            _ => continue,
        };
        let photo = album.draw(subject, at, "listing_photo", listing.seller, None);
        listing.row.insert("photos".to_owned(), json!([photo]));
    }
    (album.rows, album.contents)
}

/// One picture of each kind of product of a business, for all of that kind.
fn shelf(album: &mut Album, business: &Business, owner: Uuid, products: &mut [Product]) {
    let mut known: Vec<(Subject, Value)> = Vec::new();
    for product in products.iter_mut().filter(|product| product.row.get("business") == Some(&json!(business.id))) {
        let category = product.row.get("category").and_then(Value::as_str).unwrap_or_default();
        let has = |words: &[&str]| words.iter().any(|word| category.contains(word));
        let subject = if has(&["food", "treats", "litter"]) {
            Subject::Bag
        } else if has(&["toys"]) {
            Subject::Ball
        } else {
            Subject::Bottle
        };
        let image = match known.iter().find(|(kind, _)| *kind == subject) {
            Some((_, image)) => image.clone(),
            None => {
                let number = business.number + known.len();
                let image = album.draw(subject, number, "product_photo", owner, Some(business.id));
                known.push((subject, image.clone()));
                image
            }
        };
        product.row.insert("images".to_owned(), json!([image]));
    }
}
