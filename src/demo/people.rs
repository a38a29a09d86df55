//! The table `users`: the accounts one can sign in with, then people from all the towns. Password hashes are put in by
//! whoever loads the data.

use std::collections::HashSet;

use serde_json::json;
use uuid::Uuid;

use super::dates::{START_DAY, date, instant};
use super::ids::Ids;
use super::places::Place;
use super::random::Random;
use super::rows::{Row, row, slug};
use super::source::Fields;

const ACCOUNTS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/accounts.txt"));
const NAMES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/names.txt"));
const BIOS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/bios.txt"));

/// How often another name is tried before the address gets a number.
const NAME_TRIES: usize = 40;

/// Which of the made-up users are suspended, and why.
const SUSPENDED: &[(usize, &str)] = &[
    (44, "Repeatedly offered animals without papers."),
    (101, "Advertised unlicensed medicines in posts."),
    (170, "Three unpaid bookings within one month."),
];

/// A user, and what other tables ask about one.
#[derive(Debug)]
pub struct Person<'a> {
    pub id: Uuid,
    pub email: String,
    pub name: String,
    pub place: &'a Place,
    pub phone: Option<String>,
    pub is_suspended: bool,
    pub roles: Vec<&'static str>,
    pub row: Row,
}

impl Person<'_> {
    /// Whether this is nothing but a customer: no named account, no role, in good standing.
    pub fn is_plain_customer(&self) -> bool {
        !self.is_suspended && self.roles == ["customer"] && !is_named(&self.email)
    }
}

/// What is decided about a user before the row is written.
struct Draft<'a> {
    email: String,
    name: String,
    place: &'a Place,
    locale: &'static str,
    role: Option<&'static str>,
    bio: Option<String>,
    suspension: Option<&'static str>,
    is_named: bool,
}

/// Whether an address is that of a named account of the demo, all of which share one password.
pub fn is_named(email: &str) -> bool {
    Fields::lines(ACCOUNTS, '|').any(|fields| fields.text(0) == email)
}

/// All users, the named accounts first.
pub fn people<'a>(places: &'a [Place], ids: &mut Ids) -> Vec<Person<'a>> {
    let mut random = Random::for_table("users");
    let mut drafts: Vec<Draft> = Fields::lines(ACCOUNTS, '|').filter_map(|fields| named(&fields, places)).collect();
    drafts.extend(made_up(places, &mut random));
    drafts.into_iter().map(|draft| person(draft, ids, &mut random)).collect()
}

fn named<'a>(fields: &Fields, places: &'a [Place]) -> Option<Draft<'a>> {
    Some(Draft {
        email: fields.text(0).to_owned(),
        name: fields.text(1).to_owned(),
        place: places.iter().find(|place| place.key == fields.text(3))?,
        locale: fields.text(4),
        role: fields.optional(2),
        bio: fields.optional(5).map(str::to_owned),
        suspension: None,
        is_named: true,
    })
}

fn made_up<'a>(places: &'a [Place], random: &mut Random) -> Vec<Draft<'a>> {
    let families: Vec<Fields> = Fields::lines(NAMES, '|').collect();
    let bios: Vec<Fields> = Fields::lines(BIOS, '|').collect();
    let mut homes: Vec<&Place> = places.iter().flat_map(|place| std::iter::repeat_n(place, place.users)).collect();
    random.shuffle(&mut homes);
    let mut taken = HashSet::new();
    homes
        .into_iter()
        .enumerate()
        .map(|(index, place)| {
            let (name, email) = unique_name(place, &families, &mut taken, random);
            let role = match index {
                30 => Some("moderator"),
                _ if index % 29 == 11 => Some("courier"),
                _ => None,
            };
            let bio =
                random.chance(55).then(|| format!("{} {}", half(&bios, "who", random), half(&bios, "animals", random)));
            let suspension = SUSPENDED.iter().find(|(place, _)| *place == index).map(|(_, reason)| *reason);
            let locale = if random.chance(12) { "en" } else { place.locale };
            Draft { email, name, place, locale, role, bio, suspension, is_named: false }
        })
        .collect()
}

fn half(bios: &[Fields], kind: &str, random: &mut Random) -> &'static str {
    let texts: Vec<&str> = bios.iter().filter(|fields| fields.text(0) == kind).map(|fields| fields.text(1)).collect();
    random.pick(&texts)
}

/// A name that nobody has yet, and the address made of it.
fn unique_name(
    place: &Place,
    families: &[Fields],
    taken: &mut HashSet<String>,
    random: &mut Random,
) -> (String, String) {
    let mut found = (String::new(), String::new());
    for attempt in 0..=NAME_TRIES {
        let family = random.pick(&place.families);
        let Some(names) = families.iter().find(|fields| fields.text(0) == family) else { continue };
        let (first, last) = (random.pick(&names.list(1)), random.pick(&names.list(2)));
        let number = if attempt == NAME_TRIES { taken.len().to_string() } else { String::new() };
        let email = format!("{}.{}{number}@example.org", slug(first, '-'), slug(last, '-'));
        found = (format!("{first} {last}"), email);
        if taken.insert(found.1.clone()) {
            break;
        }
    }
    found
}

fn person<'a>(draft: Draft<'a>, ids: &mut Ids, random: &mut Random) -> Person<'a> {
    let id = ids.next();
    let place = draft.place;
    let is_suspended = draft.suspension.is_some();
    let roles: Vec<&str> = std::iter::once("customer").chain(draft.role).collect();
    let phone = (draft.is_named || random.chance(85)).then(|| place.phone(random));
    let birthday = (draft.is_named || random.chance(75)).then(|| date(START_DAY - age_days(random)));
    let verified_s = (draft.is_named || random.chance(92)).then(|| ids.now_s() + random.between(60, 2_400));
    let last_login_s = verified_s.filter(|_| random.chance(90)).map(|at| at + random.between(3_600, 9 * 86_400));
    let is_staff = matches!(draft.role, Some("super_admin" | "support"));
    let row = row(json!({
        "id": id,
        "email": draft.email,
        "email_verified_at": verified_s.map(instant),
        "name": draft.name,
        "phone": phone,
        "birthday": birthday,
        "bio": draft.bio,
        "city": (draft.is_named || random.chance(90)).then_some(place.city),
        "locale": draft.locale,
        "timezone": place.timezone,
        "public_profile": !is_staff && (draft.is_named || random.chance(78)),
        "roles": roles,
        "status": if is_suspended { "suspended" } else { "active" },
        "status_reason": draft.suspension,
        "last_login_at": last_login_s.map(instant),
    }));
    Person { id, email: draft.email, name: draft.name, place, phone, is_suspended, roles, row }
}

/// Days of a life of nineteen to seventy-eight years, the middle more often than the ends.
fn age_days(random: &mut Random) -> i64 {
    (random.between(19 * 365, 78 * 365) + random.between(19 * 365, 62 * 365)) / 2
}
