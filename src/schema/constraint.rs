//! What an ASSERT says in terms that JSON Schema and people know: lengths, ranges, patterns, formats.
//!
//! Only whole assertions made of the known parts are understood; for any other the database remains the only judge. The same
//! limits are then checked before a write, so that all bad fields are reported at once, and stand in the OpenAPI document.

use std::sync::LazyLock;

use regex::Regex;

/// Limits of a value.
#[derive(Debug, Clone, Default)]
pub struct Constraint {
    /// Fewest characters of a text, or items of a list.
    pub length_min: Option<usize>,
    /// Most characters of a text, or items of a list.
    pub length_max: Option<usize>,
    /// Smallest number.
    pub min: Option<f64>,
    /// Largest number.
    pub max: Option<f64>,
    /// Whether the smallest number itself is excluded.
    pub is_min_exclusive: bool,
    /// Pattern of a text.
    pub pattern: Option<Regex>,
    /// Known format: email or uri.
    pub format: Option<&'static str>,
}

static PART: LazyLock<Vec<(Regex, Part)>> = LazyLock::new(|| {
    let parts: [(&str, Part); 8] = [
        (r"^(?:string|array)::len\(\$value\) >= (\d+)$", |c, t| c.length_min = t.parse().ok()),
        (r"^(?:string|array)::len\(\$value\) <= (\d+)$", |c, t| c.length_max = t.parse().ok()),
        (r"^\$value >= (-?[\d.]+)$", |c, t| c.min = t.parse().ok()),
        (r"^\$value <= (-?[\d.]+)$", |c, t| c.max = t.parse().ok()),
        (r"^\$value > (-?[\d.]+)$", |c, t| (c.min, c.is_min_exclusive) = (t.parse().ok(), true)),
        (r"^(?:\$value|record::id\(\$value\)) = /(.*)/$", |c, t| c.pattern = Regex::new(t).ok()),
        (r"^string::is_email\(\$value\)()$", |c, _| c.format = Some("email")),
        (r"^string::is_url\(\$value\)()$", |c, _| c.format = Some("uri")),
    ];
    parts.into_iter().filter_map(|(text, part)| Some((Regex::new(text).ok()?, part))).collect()
});

type Part = fn(&mut Constraint, &str);

impl Constraint {
    /// Understands an assertion, or finds no limits in it.
    pub fn of(assertion: &str) -> Self {
        let text = assertion.trim();
        let text = text.strip_prefix("$value = NONE OR ").map_or(text, str::trim);
        let text = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
        let mut constraint = Self::default();
        for part in text.split(" AND ") {
            let known = PART.iter().find_map(|(regex, apply)| Some((regex.captures(part)?, apply)));
            match known {
                Some((captures, apply)) => apply(&mut constraint, captures.get(1).map_or("", |m| m.as_str())),
                None => return Self::default(),
            }
        }
        constraint
    }

    /// What is wrong with a text, as a code and words.
    pub fn refuse_text(&self, text: &str) -> Option<(&'static str, String)> {
        if let Some(refusal) = self.refuse_length(text.chars().count(), "characters") {
            return Some(refusal);
        }
        if self.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
            let pattern = self.pattern.as_ref().map_or("", |p| p.as_str());
            return Some(("format", format!("must match {pattern}")));
        }
        None
    }

    /// What is wrong with a number of characters or items.
    pub fn refuse_length(&self, length: usize, unit: &str) -> Option<(&'static str, String)> {
        let is_short = self.length_min.is_some_and(|min| length < min);
        let is_long = self.length_max.is_some_and(|max| length > max);
        (is_short || is_long).then(|| {
            let words = match (self.length_min, self.length_max) {
                (Some(min), Some(max)) if min == max => format!("must have exactly {min} {unit}"),
                (Some(min), Some(max)) => format!("must have {min} to {max} {unit}"),
                (Some(min), None) => format!("must have at least {min} {unit}"),
                (_, max) => format!("must have at most {} {unit}", max.unwrap_or_default()),
            };
            ("length", words)
        })
    }

    /// What is wrong with a number.
    pub fn refuse_number(&self, number: f64) -> Option<(&'static str, String)> {
        let is_low = self.min.is_some_and(|min| if self.is_min_exclusive { number <= min } else { number < min });
        let is_high = self.max.is_some_and(|max| number > max);
        (is_low || is_high).then(|| {
            let low = self.min.map(|min| format!("{} {min}", if self.is_min_exclusive { "above" } else { "at least" }));
            let high = self.max.map(|max| format!("at most {max}"));
            let words: Vec<String> = low.into_iter().chain(high).collect();
            ("range", format!("must be {}", words.join(" and ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Constraint;

    #[test]
    fn known_assertions_become_limits() {
        let text = Constraint::of("$value = NONE OR string::len($value) >= 3 AND string::len($value) <= 5");
        assert_eq!((text.length_min, text.length_max), (Some(3), Some(5)));
        assert!(
            text.refuse_text("ab").is_some()
                && text.refuse_text("äöü").is_none()
                && text.refuse_text("abcdef").is_some()
        );
        let number = Constraint::of("$value = NONE OR ($value > 0 AND $value <= 10)");
        assert!(number.refuse_number(0.0).is_some() && number.refuse_number(10.0).is_none());
        assert!(Constraint::of("$value = /^[A-Z]{2}$/").refuse_text("de").is_some());
        assert_eq!(Constraint::of("string::is_email($value) AND string::len($value) <= 254").format, Some("email"));
        assert!(Constraint::of("$value > $before.value AND $value >= 1").min.is_none(), "unknown parts: none of it");
    }
}
