//! The table `listings`: animals for sale and for adoption, by private people and by businesses.

use serde_json::json;
use uuid::Uuid;

use super::businesses::Business;
use super::dates::{START_DAY, date};
use super::ids::Ids;
use super::people::Person;
use super::prices::spoken;
use super::random::Random;
use super::rows::{Row, money, row};
use super::source::Fields;

const LISTINGS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/listings.txt"));

/// A listing, and what the favorites ask about one.
#[derive(Debug)]
pub struct Listing {
    pub id: Uuid,
    pub seller: Uuid,
    pub is_visible: bool,
    pub row: Row,
}

/// Who offers an animal, and where.
struct Offer<'a> {
    seller: &'a Person<'a>,
    business: Option<&'a Business<'a>>,
}

/// All listings, in the order of the file.
pub fn listings(people: &[Person], businesses: &[Business], ids: &mut Ids) -> Vec<Listing> {
    let mut random = Random::for_table("listings");
    let employed: Vec<Uuid> =
        businesses.iter().filter_map(|business| people.get(business.owner?)).map(|owner| owner.id).collect();
    let mut private: Vec<&Person> =
        people.iter().filter(|person| person.is_plain_customer() && !employed.contains(&person.id)).collect();
    random.shuffle(&mut private);
    let mut private = private.into_iter();
    Fields::lines(LISTINGS, '|')
        .filter_map(|fields| {
            let offer = match fields.text(8) {
                "-" => Offer { seller: private.next()?, business: None },
                email if email.contains('@') => {
                    Offer { seller: people.iter().find(|person| person.email == email)?, business: None }
                }
                _ => of_business(fields.number(8), people, businesses)?,
            };
            Some(listing(&fields, &offer, ids.next(), &mut random))
        })
        .collect()
}

fn of_business<'a>(number: usize, people: &'a [Person], businesses: &'a [Business]) -> Option<Offer<'a>> {
    let business = businesses.iter().find(|business| business.number == number)?;
    Some(Offer { seller: people.get(business.owner?)?, business: Some(business) })
}

fn listing(fields: &Fields, offer: &Offer, id: Uuid, random: &mut Random) -> Listing {
    let place = offer.business.map_or(offer.seller.place, |business| business.place);
    let age_days = fields.number::<i64>(4) * 7 + random.between(0, 6);
    let status = fields.text(7);
    let row = row(json!({
        "id": id,
        "seller": offer.seller.id,
        "business": offer.business.map(|business| business.id),
        "title": fields.text(0),
        "description": fields.text(9),
        "species": fields.text(1),
        "breed": fields.optional(2),
        "birth_date": date(START_DAY - age_days),
        "sex": fields.text(3),
        "is_adoption": fields.text(5) == "a",
        "is_negotiable": fields.text(5) == "n",
        "price": money(spoken(fields.number::<i64>(6) * 100, place.currency), place.currency),
        "city": place.city,
        "status": status,
    }));
    Listing { id, seller: offer.seller.id, is_visible: matches!(status, "available" | "reserved"), row }
}
