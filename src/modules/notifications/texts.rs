//! The words of notifications: templates by type and language, filled in. Plain text; who shows it as HTML escapes it.

use std::sync::LazyLock;

use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde_json::Value as Json;

use super::catalogue::{CATALOGUE, NotificationType};
use crate::kernel::{Error, Result};

/// Characters of a title and of a body at most; more is cut off.
const TITLE_MAX: usize = 200;
const BODY_MAX: usize = 4000;

/// Roles in a business in each language.
const ROLES: [(&str, &str, &str); 8] = [
    ("owner", "owner", "Inhaber/in"),
    ("manager", "manager", "Leitung"),
    ("receptionist", "receptionist", "Empfang"),
    ("veterinarian", "veterinarian", "Tierärztin/Tierarzt"),
    ("groomer", "groomer", "Fellpflege"),
    ("caretaker", "caretaker", "Betreuung"),
    ("stock_keeper", "stock keeper", "Lager"),
    ("accountant", "accountant", "Buchhaltung"),
];

/// Words of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// A line.
    pub title: String,
    /// The whole text.
    pub body: String,
}

/// All templates, named `<type>/<language>/title` and `…/body`; or why one of them cannot be read.
static TEMPLATES: LazyLock<std::result::Result<Environment<'static>, minijinja::Error>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.add_filter("role_name", role_name);
    for kind in CATALOGUE {
        for (language, text) in kind.texts {
            let (title, body) = text.split_once("\n\n").unwrap_or((text, ""));
            templates.add_template_owned(name(kind, language, "title"), title.to_owned())?;
            templates.add_template_owned(name(kind, language, "body"), body.to_owned())?;
        }
    }
    Ok(templates)
});

fn name(kind: &NotificationType, language: &str, part: &str) -> String {
    format!("{}/{language}/{part}", kind.name)
}

fn role_name(role: &str, language: &str) -> std::result::Result<&'static str, minijinja::Error> {
    let unknown = || minijinja::Error::new(ErrorKind::InvalidOperation, format!("no role {role}"));
    let (_, english, german) = ROLES.iter().find(|(known, ..)| *known == role).ok_or_else(unknown)?;
    Ok(if language == "de" { german } else { english })
}

/// The words of a type in the language of `locale`, or in English, made of `data`.
pub fn words(kind: &NotificationType, locale: &str, data: &Json) -> Result<Words> {
    let spoken = locale.split(['-', '_']).next().unwrap_or_default();
    let known = kind.texts.iter().find(|(language, _)| *language == spoken);
    let language = known.map_or(kind.texts[0].0, |(language, _)| language);
    let templates = TEMPLATES.as_ref().map_err(Error::internal)?;
    let filled = |part: &str| {
        let template = templates.get_template(&name(kind, language, part)).map_err(Error::internal)?;
        template.render(value(data)).map_err(|cause| Error::internal(format!("{} in {language}: {cause}", kind.name)))
    };
    let title = filled("title")?.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Words { title: cut(&title, TITLE_MAX), body: cut(filled("body")?.trim(), BODY_MAX) })
}

/// JSON as templates take it.
fn value(json: &Json) -> minijinja::Value {
    match json {
        Json::Null => minijinja::Value::from(()),
        Json::Bool(flag) => minijinja::Value::from(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => minijinja::Value::from(whole),
            (None, fraction) => minijinja::Value::from(fraction.unwrap_or_default()),
        },
        Json::String(text) => minijinja::Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(value).collect::<Vec<_>>().into(),
        Json::Object(members) => {
            minijinja::Value::from_pairs(members.iter().map(|(name, member)| (name.clone(), value(member))))
        }
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::modules::notifications::catalogue::{JOB_DIED, MEMBERSHIP_ADDED};

    fn sample(kind: &NotificationType) -> Json {
        serde_json::from_str(kind.sample).expect("JSON")
    }

    #[test]
    fn every_type_has_words_in_every_language() {
        for kind in CATALOGUE {
            let all: Vec<Words> =
                kind.texts.iter().map(|(language, _)| words(kind, language, &sample(kind)).expect(kind.name)).collect();
            assert!(all.iter().all(|words| !words.title.is_empty() && !words.body.is_empty()), "{}", kind.name);
            assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{} is not translated", kind.name);
        }
    }

    #[test]
    fn who_speaks_another_language_reads_english() {
        let of = |locale| words(&MEMBERSHIP_ADDED, locale, &sample(&MEMBERSHIP_ADDED)).expect("words");
        assert_eq!(of("pt-BR"), of("en"));
        assert_eq!(of("de-AT"), of("de"));
        assert_eq!(of("en").title, "Happy Paws: you are on the team");
        assert_eq!(of("en").body, "You now work at Happy Paws. Your role: groomer.");
    }

    #[test]
    fn a_title_is_one_line_and_long_texts_are_cut() {
        let data = json!({ "kind": "a\nb", "error": "x".repeat(10_000), "attempts": 1 });
        let words = words(&JOB_DIED, "en", &data).expect("words");
        assert_eq!(words.title, "A job was given up: a b");
        assert_eq!(words.body.chars().count(), BODY_MAX);
        assert!(words.body.ends_with('…'));
    }

    #[test]
    fn markup_in_values_stays_text() {
        let data = json!({ "business": "<b>{{ 7 * 7 }}</b>", "role": "owner" });
        let words = words(&MEMBERSHIP_ADDED, "en", &data).expect("words");
        assert_eq!(words.title, "<b>{{ 7 * 7 }}</b>: you are on the team");
    }

    #[test]
    fn a_value_that_is_missing_is_an_error() {
        assert!(words(&MEMBERSHIP_ADDED, "en", &json!({ "business": "x" })).is_err());
        assert!(words(&MEMBERSHIP_ADDED, "en", &json!({ "business": "x", "role": "king" })).is_err());
    }
}
