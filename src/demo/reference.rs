//! Reference data: species, breeds and product categories.

use serde_json::json;

use super::rows::{Row, row, slug};
use super::source::Fields;

/// Key and name of the species, in the order of lists.
const SPECIES: &[(&str, &str)] = &[
    ("dog", "Dog"),
    ("cat", "Cat"),
    ("bird", "Bird"),
    ("fish", "Fish"),
    ("reptile", "Reptile"),
    ("rodent", "Rodent"),
    ("small_mammal", "Rabbit or other small mammal"),
    ("insect", "Insect"),
    ("exotic", "Exotic animal"),
    ("other", "Other animal"),
];

const BREEDS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/breeds.csv"));
const CATEGORIES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/categories.txt"));

/// A breed, and what is needed to make up an animal of it.
#[derive(Debug, Clone)]
pub struct Breed {
    pub key: String,
    pub species: &'static str,
    pub name: &'static str,
    pub size: Option<&'static str>,
    coat: Option<&'static str>,
    /// How many of our users keep it, compared with other breeds of the species; 0 for rare ones.
    pub share: usize,
    /// Weight of grown animals in grams, from and to.
    pub weight_g: Option<(i64, i64)>,
    pub colours: Vec<&'static str>,
}

impl Breed {
    fn parse(fields: &Fields) -> Self {
        let (species, name) = (fields.text(0), fields.text(1));
        let weight_g = fields.text(5).split_once('-').and_then(|(low, high)| low.parse().ok().zip(high.parse().ok()));
        Self {
            key: format!("{species}_{}", slug(name, '_')),
            species,
            name,
            size: fields.optional(2),
            coat: fields.optional(3),
            share: fields.number(4),
            weight_g,
            colours: fields.list(6),
        }
    }
}

/// Rows of the table `species`.
pub fn species() -> Vec<Row> {
    (1..)
        .zip(SPECIES)
        .map(|(place, (key, name))| row(json!({ "id": key, "name": name, "position": place * 10 })))
        .collect()
}

/// All breeds, in the order of the file.
pub fn breeds() -> Vec<Breed> {
    Fields::lines(BREEDS, ',').map(|fields| Breed::parse(&fields)).collect()
}

/// Rows of the table `breeds`.
pub fn breed_rows(breeds: &[Breed]) -> Vec<Row> {
    breeds
        .iter()
        .map(|breed| {
            row(json!({
                "id": breed.key, "species": breed.species, "name": breed.name, "size": breed.size, "coat": breed.coat,
            }))
        })
        .collect()
}

/// Rows of the table `product_categories`, parents first.
pub fn categories() -> Vec<Row> {
    let lines: Vec<Fields> = Fields::lines(CATEGORIES, '|').collect();
    lines
        .iter()
        .enumerate()
        .map(|(index, fields)| {
            let siblings = lines.iter().take(index).filter(|other| other.text(1) == fields.text(1)).count();
            row(json!({
                "id": fields.text(0), "parent": fields.optional(1), "name": fields.text(2),
                "position": (siblings + 1) * 10,
            }))
        })
        .collect()
}
