//! The tables `businesses` and `memberships`: eight businesses of different kinds, and who works in them.

use serde_json::json;
use uuid::Uuid;

use super::ids::Ids;
use super::people::Person;
use super::places::Place;
use super::random::Random;
use super::rows::{Row, point, row};

const BUSINESSES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/businesses.txt"));

/// A business, and what other tables ask about one.
#[derive(Debug)]
pub struct Business<'a> {
    pub id: Uuid,
    /// Its number in the data files, from 1.
    pub number: usize,
    /// Three letters before its stock keeping units.
    pub code: &'static str,
    pub place: &'a Place,
    pub is_active: bool,
    /// Who owns it, as a position among the people.
    pub owner: Option<usize>,
    members: &'static str,
    pub row: Row,
}

/// A person working in a business.
struct Member {
    person: usize,
    role: &'static str,
    status: &'static str,
}

/// All businesses in the order of the file, without their owners.
pub fn businesses<'a>(places: &'a [Place], ids: &mut Ids) -> Vec<Business<'a>> {
    BUSINESSES
        .split("\n\n")
        .enumerate()
        .filter_map(|(index, block)| business(index + 1, &Block(block), places, ids))
        .collect()
}

/// Lines of `key: value`.
struct Block(&'static str);

impl Block {
    fn get(&self, key: &str) -> Option<&'static str> {
        self.0.lines().filter_map(|line| line.split_once(": ")).find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    fn degrees(&self, key: &str) -> f64 {
        self.get(key).and_then(|text| text.parse().ok()).unwrap_or_default()
    }
}

fn business<'a>(number: usize, block: &Block, places: &'a [Place], ids: &mut Ids) -> Option<Business<'a>> {
    let place = places.iter().find(|place| Some(place.key) == block.get("place"))?;
    let kinds: Vec<&str> = block.get("kinds")?.split(' ').collect();
    let status = block.get("status")?;
    let id = ids.next();
    let row = row(json!({
        "id": id,
        "name": block.get("name")?,
        "legal_name": block.get("legal_name"),
        "slug": block.get("slug")?,
        "kinds": kinds,
        "description": block.get("description"),
        "email": block.get("email"),
        "phone": block.get("phone"),
        "website": block.get("website"),
        "tax_id": block.get("tax_id"),
        "city": place.city,
        "country": place.country,
        "location": point(block.degrees("longitude"), block.degrees("latitude")),
        "timezone": place.timezone,
        "currency": place.currency,
        "status": status,
    }));
    let (code, members) = (block.get("code")?, block.get("members")?);
    Some(Business { id, number, code, place, is_active: status == "active", owner: None, members, row })
}

/// Rows of the table `memberships`; the owners are noted in the businesses.
pub fn memberships(businesses: &mut [Business], people: &[Person], ids: &mut Ids) -> Vec<Row> {
    let mut random = Random::for_table("memberships");
    let mut employed = Vec::new();
    let mut rows = Vec::new();
    for business in businesses {
        for text in business.members.split("; ") {
            let Some(member) = member(text, business.place, people, &employed, &mut random) else { continue };
            employed.push(member.person);
            if member.role == "owner" {
                business.owner = Some(member.person);
            }
            let user = people.get(member.person).map(|person| person.id);
            rows.push(row(json!({
                "id": ids.next(), "user": user, "business": business.id, "role": member.role, "status": member.status,
            })));
        }
    }
    rows
}

/// Finds the person for `role`, `role e-mail` or `role status`.
fn member(
    text: &'static str,
    place: &Place,
    people: &[Person],
    employed: &[usize],
    random: &mut Random,
) -> Option<Member> {
    let (role, detail) = text.split_once(' ').unwrap_or((text, ""));
    if detail.contains('@') {
        let person = people.iter().position(|person| person.email == detail)?;
        return Some(Member { person, role, status: "active" });
    }
    let free: Vec<usize> = people
        .iter()
        .enumerate()
        .filter(|(index, person)| {
            person.place.key == place.key && person.is_plain_customer() && !employed.contains(index)
        })
        .map(|(index, _)| index)
        .collect();
    let status = if detail.is_empty() { "active" } else { detail };
    random.choose(&free).map(|person| Member { person: *person, role, status })
}
