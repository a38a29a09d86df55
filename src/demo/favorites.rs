//! The table `favorites`: what users want to find again, and can see.

use std::collections::HashSet;

use serde_json::json;
use uuid::Uuid;

use super::businesses::Business;
use super::ids::Ids;
use super::listings::Listing;
use super::people::Person;
use super::products::Product;
use super::random::Random;
use super::rows::{Row, row};
use super::services::Service;

/// How many favorites there are.
const COUNT: usize = 150;

/// How often a choice is tried; more than enough, since few are refused.
const TRIES: usize = COUNT * 10;

/// The named customers, who have some favorites each.
const FANS: &[&str] = &["customer1@example.com", "customer2@example.com"];

/// What can be liked.
pub struct Likeable<'a> {
    pub listings: &'a [Listing],
    pub products: &'a [Product],
    pub services: &'a [Service],
    pub businesses: &'a [Business<'a>],
}

impl Likeable<'_> {
    /// Table and id of something visible that is not the user's own.
    fn choose(&self, user: Uuid, random: &mut Random) -> Option<(&'static str, Uuid)> {
        match random.below(100) {
            ..48 => {
                let product = random.choose(self.products).filter(|product| product.is_active)?;
                Some(("products", product.id))
            }
            48..76 => {
                let listing = random.choose(self.listings).filter(|listing| listing.is_visible)?;
                (listing.seller != user).then_some(("listings", listing.id))
            }
            76..88 => {
                let service = random.choose(self.services).filter(|service| service.is_visible)?;
                Some(("services", service.id))
            }
            _ => {
                let business = random.choose(self.businesses).filter(|business| business.is_active)?;
                Some(("businesses", business.id))
            }
        }
    }
}

/// Rows of the table.
pub fn favorites(people: &[Person], likeable: &Likeable, ids: &mut Ids) -> Vec<Row> {
    let mut random = Random::for_table("favorites");
    let fans: Vec<Uuid> =
        people.iter().filter(|person| FANS.contains(&person.email.as_str())).map(|person| person.id).collect();
    let users: Vec<Uuid> = people.iter().filter(|person| person.is_plain_customer()).map(|person| person.id).collect();
    let mut taken = HashSet::new();
    let mut rows = Vec::new();
    for _ in 0..TRIES {
        if rows.len() == COUNT {
            break;
        }
        let pool = if rows.len() < 14 { &fans } else { &users };
        let Some(user) = random.choose(pool).copied() else { break };
        let Some((table, target)) = likeable.choose(user, &mut random) else { continue };
        if taken.insert((user, target)) {
            rows.push(row(json!({
                "id": ids.next(), "user": user, "target": { "table": table, "id": target },
            })));
        }
    }
    rows
}
