//! Builds rows in the form of the API: objects without the fields that are absent, money, points, readable keys.

use serde_json::{Map, Value, json};

/// One row in the form of the API.
pub type Row = Map<String, Value>;

/// The object of a `json!` literal without the fields that are null.
pub fn row(value: Value) -> Row {
    match value {
        Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        _ => Row::new(),
    }
}

/// An amount in the minor unit of a currency.
pub fn money(minor: i64, currency: &str) -> Value {
    json!({ "minor": minor, "currency": currency })
}

/// A GeoJSON point, to five decimals of a degree (about a metre).
pub fn point(longitude: f64, latitude: f64) -> Value {
    let [longitude, latitude] = [longitude, latitude].map(|degrees| (degrees * 100_000.0).round() / 100_000.0);
    json!({ "type": "Point", "coordinates": [longitude, latitude] })
}

/// A name in lower-case ASCII letters and digits; every run of anything else becomes one `separator`.
pub fn slug(name: &str, separator: char) -> String {
    let mut slug = String::new();
    for letter in name.chars().filter(|letter| !matches!(letter, '\'' | '.')) {
        let plain = plain(letter);
        if plain.is_empty() && !slug.is_empty() && !slug.ends_with(separator) {
            slug.push(separator);
        }
        slug.push_str(&plain);
    }
    slug.trim_end_matches(separator).to_owned()
}

/// A letter of the Latin alphabets in use here in lower-case ASCII; empty for everything else.
fn plain(letter: char) -> String {
    let lower = letter.to_lowercase().next().unwrap_or(letter);
    let plain = match lower {
        'ä' | 'æ' => "ae",
        'ö' | 'ø' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'á' | 'à' | 'â' | 'ã' | 'å' | 'ą' => "a",
        'ç' | 'ć' | 'č' => "c",
        'é' | 'è' | 'ê' | 'ë' | 'ę' => "e",
        'ğ' => "g",
        'í' | 'ì' | 'î' | 'ï' | 'ı' => "i",
        'ł' => "l",
        'ñ' | 'ń' => "n",
        'ó' | 'ò' | 'ô' | 'õ' => "o",
        'ş' | 'ś' | 'š' => "s",
        'ú' | 'ù' | 'û' => "u",
        'ý' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ if lower.is_ascii_alphanumeric() => return lower.to_string(),
        _ => "",
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_keys() {
        for (name, key) in [
            ("Golden Retriever", "golden_retriever"),
            ("Campbell's Dwarf Hamster", "campbells_dwarf_hamster"),
            ("Löwchen", "loewchen"),
            ("Pixie-bob", "pixie_bob"),
            ("Íñigo Öztürk", "inigo_oeztuerk"),
        ] {
            assert_eq!(slug(name, '_'), key);
        }
    }

    #[test]
    fn absent_fields_are_left_out() {
        assert_eq!(row(json!({ "a": 1, "b": null })).len(), 1);
    }
}
