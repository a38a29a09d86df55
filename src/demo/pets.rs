//! The table `pets`: most users have one to three, of breeds that people keep, with weights that fit.

use std::collections::HashSet;

use serde_json::json;
use uuid::Uuid;

use super::dates::{START_DAY, date, month_start};
use super::ids::Ids;
use super::people::Person;
use super::random::Random;
use super::reference::Breed;
use super::rows::{Row, row};
use super::source::{Fields, list};

const TRAITS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/pet_traits.txt"));

/// Species, how many in a thousand pets, and how old they get in years.
const KEPT: &[(&str, usize, i64)] = &[
    ("dog", 450, 14),
    ("cat", 310, 16),
    ("rodent", 65, 3),
    ("small_mammal", 60, 8),
    ("bird", 45, 9),
    ("reptile", 35, 11),
    ("fish", 18, 4),
    ("exotic", 12, 4),
    ("insect", 5, 1),
];

/// The pets of the named customers: owner, name, breed, sex, age in months.
const NAMED: &[(&str, &str, &str, &str, i64)] = &[
    ("customer1@example.com", "Bruno", "dog_golden_retriever", "male", 52),
    ("customer1@example.com", "Mina", "cat_british_shorthair", "female", 31),
    ("customer2@example.com", "Luna", "dog_border_collie", "female", 44),
    ("customer2@example.com", "Pepper", "cat_domestic_shorthair", "male", 98),
];

/// A pet, and what the posts ask about one.
#[derive(Debug)]
pub struct Pet {
    /// Position of the owner among the people.
    pub owner: usize,
    pub name: &'static str,
    pub species: &'static str,
    /// Name of the breed; none for mixed ones.
    pub breed: Option<&'static str>,
    pub sex: &'static str,
    pub age_days: i64,
    pub is_active: bool,
    pub row: Row,
}

/// What is decided about a pet before the row is written.
struct Draft<'a> {
    name: &'static str,
    breed: &'a Breed,
    sex: &'static str,
    age_days: i64,
    is_mixed: bool,
    status: &'static str,
}

/// Makes up pets.
struct Breeder<'a> {
    breeds: &'a [Breed],
    traits: Vec<Fields>,
    random: Random,
    chips: HashSet<String>,
}

/// All pets, in the order of their owners.
pub fn pets(people: &[Person], breeds: &[Breed], ids: &mut Ids) -> Vec<Pet> {
    let traits = Fields::lines(TRAITS, '|').collect();
    let mut breeder = Breeder { breeds, traits, random: Random::for_table("pets"), chips: HashSet::new() };
    let mut pets = Vec::new();
    for (owner, person) in people.iter().enumerate() {
        for draft in breeder.household(&person.email) {
            pets.push(breeder.pet(owner, person.id, draft, ids.next()));
        }
    }
    pets
}

impl<'a> Breeder<'a> {
    fn household(&mut self, email: &str) -> Vec<Draft<'a>> {
        let named: Vec<Draft> = NAMED.iter().filter(|pet| pet.0 == email).filter_map(|pet| self.named(pet)).collect();
        if !named.is_empty() {
            return named;
        }
        let count = match self.random.below(100) {
            ..10 => 0,
            10..55 => 1,
            55..86 => 2,
            _ => 3,
        };
        let mut names = HashSet::new();
        (0..count).filter_map(|_| self.draft()).filter(|draft| names.insert(draft.name)).collect()
    }

    fn named(&self, (_, name, key, sex, months): &(&str, &'static str, &str, &'static str, i64)) -> Option<Draft<'a>> {
        let breed = self.breeds.iter().find(|breed| breed.key == *key)?;
        Some(Draft { name, breed, sex, age_days: months * 30 + 11, is_mixed: false, status: "active" })
    }

    fn draft(&mut self) -> Option<Draft<'a>> {
        let (species, _, years) = *self.random.weighted(KEPT, |kept| kept.1)?;
        let kept: Vec<&Breed> = self.breeds.iter().filter(|breed| breed.species == species).collect();
        let breed = *self.random.weighted(&kept, |breed| breed.share)?;
        let sex = match self.random.below(20) {
            0..3 if !matches!(species, "dog" | "cat" | "small_mammal") => "unknown",
            half if half % 2 == 0 => "male",
            _ => "female",
        };
        let span = years * 365;
        let age_days = self.random.between(80, span).min(self.random.between(80, span * 5 / 4));
        let is_mixed = self.random.chance(match species {
            "dog" => 24,
            "cat" => 4,
            _ => 0,
        });
        let status = match self.random.below(100) {
            0 | 1 => "deceased",
            2 => "transferred",
            _ => "active",
        };
        Some(Draft { name: self.name(species, sex), breed, sex, age_days, is_mixed, status })
    }

    fn name(&mut self, species: &str, sex: &str) -> &'static str {
        let by_sex = format!("{species}/{sex}");
        let names = self.trait_of("names", |of| of == by_sex || of == species);
        self.random.pick(&names.first().map(|names| list(names)).unwrap_or_default())
    }

    fn trait_of(&self, kind: &str, is_of: impl Fn(&str) -> bool) -> Vec<&'static str> {
        let fitting = |fields: &&Fields| fields.text(0) == kind && is_of(fields.text(1));
        self.traits.iter().filter(fitting).map(|fields| fields.text(2)).collect()
    }

    /// A sentence of a kind about the species, in `percent` of the cases and if there is one.
    fn sentence(&mut self, kind: &str, species: &str, percent: usize) -> Option<&'static str> {
        let sentences = self.trait_of(kind, |of| of == species);
        self.random.chance(percent).then(|| self.random.choose(&sentences).copied()).flatten()
    }

    fn pet(&mut self, owner: usize, owner_id: Uuid, draft: Draft, id: Uuid) -> Pet {
        let Draft { name, breed, sex, age_days, is_mixed, status } = draft;
        let species = breed.species;
        let is_furry = matches!(species, "dog" | "cat");
        let is_estimated = self.random.chance(if is_mixed { 60 } else { 12 });
        let birth_day = START_DAY - age_days;
        let shows_breed = !is_mixed || self.random.chance(55);
        let row = row(json!({
            "id": id,
            "owner": owner_id,
            "name": name,
            "species": species,
            "breed": shows_breed.then_some(&breed.key),
            "is_mixed": is_mixed,
            "sex": sex,
            "is_neutered": self.neutered(species, age_days),
            "birth_date": date(if is_estimated { month_start(birth_day) } else { birth_day }),
            "is_birth_estimated": is_estimated,
            "size": breed.size.filter(|_| is_furry),
            "color": self.colour(breed, is_mixed && species == "dog"),
            "weight_g": self.weight_g(breed, age_days),
            "microchip": (is_furry && self.random.chance(78)).then(|| self.chip()),
            "temperament": self.sentence("temperament", species, 70),
            "special_needs": self.sentence("needs", species, 13),
            "status": status,
        }));
        let breed = (!is_mixed).then_some(breed.name);
        Pet { owner, name, species, breed, sex, age_days, is_active: status == "active", row }
    }

    fn neutered(&mut self, species: &str, age_days: i64) -> Option<bool> {
        let is_usual = matches!(species, "dog" | "cat" | "small_mammal");
        (is_usual && self.random.chance(88)).then(|| age_days > 270 && self.random.chance(70))
    }

    fn colour(&mut self, breed: &Breed, is_mixed: bool) -> &'static str {
        let mixed = self.trait_of("colours", |of| of == breed.species);
        match mixed.first().filter(|_| is_mixed) {
            Some(colours) => self.random.pick(&list(colours)),
            None => self.random.pick(&breed.colours),
        }
    }

    /// Within the weights of the breed, less while the animal grows, rounded as scales do.
    fn weight_g(&mut self, breed: &Breed, age_days: i64) -> Option<i64> {
        let (low, high) = breed.weight_g?;
        let grown_percent = (30 + age_days * 70 / 365).min(100);
        let weight_g = self.random.between(low, high) * grown_percent / 100;
        Some(if weight_g < 1_000 { weight_g } else { weight_g / 50 * 50 })
    }

    /// A chip number of the prefix 999, which is for tests, so that it belongs to no animal.
    fn chip(&mut self) -> String {
        let chip = format!("999{:012}", self.random.bits() % 1_000_000_000_000);
        if self.chips.insert(chip.clone()) { chip } else { self.chip() }
    }
}
