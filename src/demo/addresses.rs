//! The table `addresses`: one or two of each user, in the town the user lives in.

use serde_json::json;

use super::ids::Ids;
use super::people::Person;
use super::random::Random;
use super::rows::{Row, point, row};

/// The account that has exactly one address, so that a demo of the checkout has a clear start.
const ONE_ADDRESS: &str = "customer1@example.com";

/// Rows of the table.
pub fn addresses(people: &[Person], ids: &mut Ids) -> Vec<Row> {
    let mut random = Random::for_table("addresses");
    let mut rows = Vec::new();
    for person in people {
        rows.push(address(person, "Home", ids, &mut random));
        if person.email != ONE_ADDRESS && random.chance(28) {
            let label = random.pick(&["Work", "Parents", "Neighbour", "Holiday flat"]);
            rows.push(address(person, label, ids, &mut random));
        }
    }
    rows
}

fn address(person: &Person, label: &str, ids: &mut Ids, random: &mut Random) -> Row {
    let place = person.place;
    let is_home = label == "Home";
    let mut offset = || f64::from(i32::try_from(random.between(-1_800, 1_800)).unwrap_or_default()) / 100_000.0;
    let location = point(place.longitude + offset(), place.latitude + offset());
    let (line1, postal_code) = place.street_line(random);
    row(json!({
        "id": ids.next(),
        "user": person.id,
        "label": label,
        "recipient": person.name,
        "phone": person.phone,
        "line1": line1,
        "line2": random.chance(40).then(|| place.door(random)),
        "city": place.city,
        "region": place.region,
        "postal_code": postal_code,
        "country": place.country,
        "location": random.chance(80).then_some(location),
        "is_default_shipping": is_home,
        "is_default_billing": is_home,
    }))
}
