//! The towns in which the people and businesses of the demo live, with all that is local: names, numbers, streets.

use super::random::Random;
use super::source::Fields;

const PLACES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/places.txt"));

/// A town. Telephone numbers are in ranges that belong to nobody.
#[derive(Debug)]
pub struct Place {
    pub key: &'static str,
    pub city: &'static str,
    pub region: Option<&'static str>,
    pub country: &'static str,
    pub latitude: f64,
    pub longitude: f64,
    pub timezone: &'static str,
    pub locale: &'static str,
    pub currency: &'static str,
    phone: &'static str,
    postal_codes: Vec<&'static str>,
    number_style: &'static str,
    pub streets: Vec<&'static str>,
    pub parks: Vec<&'static str>,
    /// Families of names, the usual ones several times.
    pub families: Vec<&'static str>,
    /// How many made-up users live here.
    pub users: usize,
}

/// All towns.
pub fn places() -> Vec<Place> {
    Fields::lines(PLACES, '|').map(|fields| Place::parse(&fields)).collect()
}

impl Place {
    fn parse(fields: &Fields) -> Self {
        Self {
            key: fields.text(0),
            city: fields.text(1),
            region: fields.optional(2),
            country: fields.text(3),
            latitude: fields.number(4),
            longitude: fields.number(5),
            timezone: fields.text(6),
            locale: fields.text(7),
            currency: fields.text(8),
            phone: fields.text(9),
            postal_codes: fields.list(10),
            number_style: fields.text(11),
            streets: fields.list(12),
            parks: fields.list(13),
            families: fields.list(14),
            users: fields.number(15),
        }
    }

    /// A telephone number of the town that nobody has.
    pub fn phone(&self, random: &mut Random) -> String {
        let digit = |letter| if letter == '#' { char::from(b"0123456789"[random.below(10)]) } else { letter };
        self.phone.chars().map(digit).collect()
    }

    /// Street with number in the order of the country, and the postal code of the street.
    pub fn street_line(&self, random: &mut Random) -> (String, &'static str) {
        let index = random.below(self.streets.len());
        let street = self.streets.get(index).copied().unwrap_or_default();
        let postal_code = self.postal_codes.get(index).copied().unwrap_or_default();
        let number = random.between(1, 190);
        let line = match self.number_style {
            "before" => format!("{number} {street}"),
            "block" => {
                let (block, building) = (random.between(1, 28), random.between(1, 20));
                format!("{}-{block}-{building} {street}", random.between(1, 5))
            }
            _ => format!("{street} {number}"),
        };
        (line, postal_code)
    }

    /// Floor or door in the words of the country.
    pub fn door(&self, random: &mut Random) -> String {
        let number = random.between(1, 6);
        match self.country {
            "DE" | "AT" | "CH" => format!("{number}. OG"),
            "US" | "CA" => format!("Apt {number}{}", random.pick(&['A', 'B', 'C', 'D'])),
            "GB" | "IE" => format!("Flat {number}"),
            "AU" => format!("Unit {number}"),
            "JP" => format!("Room {number}0{}", random.between(1, 8)),
            "PT" | "ES" => format!("{number}.º {}", random.pick(&["Dto", "Esq"])),
            "FR" => format!("Bâtiment {}, étage {number}", random.pick(&['A', 'B', 'C'])),
            _ => format!("{number}-{}", random.between(1, 12)),
        }
    }
}
