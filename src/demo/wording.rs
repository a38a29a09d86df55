//! Fills the placeholders of the posts with a pet of the author and with the author's town.

use super::pets::Pet;
use super::places::Place;
use super::random::Random;

/// What the placeholders of one post and its comments stand for.
#[derive(Debug)]
pub struct Wording(Vec<(&'static str, String)>);

impl Wording {
    /// Chooses street and park once, so that text and comments agree.
    pub fn new(place: &Place, pet: Option<&Pet>, random: &mut Random) -> Self {
        let street = random.pick(&place.streets).split(',').next().unwrap_or_default();
        let mut words = vec![
            ("{city}", place.city.to_owned()),
            ("{park}", random.pick(&place.parks).to_owned()),
            ("{street}", street.to_owned()),
        ];
        if let Some(pet) = pet {
            words.extend(of_pet(pet));
        }
        Self(words)
    }

    /// The text with everything filled in.
    pub fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (placeholder, word)| text.replace(placeholder, word))
    }
}

fn of_pet(pet: &Pet) -> Vec<(&'static str, String)> {
    let (he, him, his) = match pet.sex {
        "female" => ("she", "her", "her"),
        "male" => ("he", "him", "his"),
        _ => ("it", "it", "its"),
    };
    let breed = pet.breed.unwrap_or_default();
    let article = if breed.starts_with(['A', 'E', 'I', 'O', 'U']) && !breed.starts_with("Eu") { "an" } else { "a" };
    vec![
        ("{pet}", pet.name.to_owned()),
        ("{breed}", breed.to_owned()),
        ("{a_breed}", format!("{article} {breed}")),
        ("{age}", age(pet.age_days)),
        ("{he}", he.to_owned()),
        ("{him}", him.to_owned()),
        ("{his}", his.to_owned()),
        ("{He}", capital(he)),
        ("{His}", capital(his)),
    ]
}

/// An age as an adjective: in months below two years, then in years.
fn age(days: i64) -> String {
    if days < 730 { format!("{}-month-old", days * 12 / 365) } else { format!("{}-year-old", days / 365) }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_capitals() {
        for (days, text) in [(250, "8-month-old"), (729, "23-month-old"), (730, "2-year-old"), (1_500, "4-year-old")] {
            assert_eq!(age(days), text);
        }
        assert_eq!(capital("she"), "She");
    }
}
