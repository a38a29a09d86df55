//! An e-mail address: parsed and normalised once, at the edge.

use unicode_normalization::UnicodeNormalization;

/// Longest address (RFC 5321, path without brackets).
const TOTAL_MAX: usize = 254;
/// Longest part before the @ (RFC 5321).
const LOCAL_MAX: usize = 64;
/// Longest label of a domain (RFC 1035).
const LABEL_MAX: usize = 63;

/// An e-mail address in its one form: trimmed, NFKC, lower case. Two addresses that compare equal are one account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// The address in `text`; None when it has not the shape of one. Stricter than RFC 5321: no quoted names, no comments,
    /// no address literals, and a domain of at least two labels.
    pub fn parse(text: &str) -> Option<Self> {
        let text = normalised(text);
        let (local, domain) = text.split_once('@')?;
        let is_valid = text.len() <= TOTAL_MAX && is_local(local) && is_domain(domain);
        is_valid.then_some(Self(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The form in which addresses are compared: trimmed, NFKC, lower case.
pub fn normalised(text: &str) -> String {
    text.trim().nfkc().collect::<String>().to_lowercase()
}

fn is_local(text: &str) -> bool {
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte))
    };
    text.len() <= LOCAL_MAX && text.split('.').all(is_atom)
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=LABEL_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let ends_in_name = text.rsplit('.').next().is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_alphabetic()));
    text.contains('.') && text.split('.').all(is_label) && ends_in_name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        for (text, form) in [
            ("a@b.co", "a@b.co"),
            ("  Jane.Doe+Cats@Example.COM ", "jane.doe+cats@example.com"),
            ("ｊａｎｅ@example.com", "jane@example.com"),
            ("o'hara_1@sub.example-shop.io", "o'hara_1@sub.example-shop.io"),
            ("x@xn--mnchen-3ya.de", "x@xn--mnchen-3ya.de"),
        ] {
            assert_eq!(Email::parse(text).as_ref().map(Email::as_str), Some(form), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_total = format!("a@{}.com", ["b".repeat(60).as_str(); 5].join("."));
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@b.co",
            "a@b",
            "a@@b.co",
            "a@b@c.co",
            "a b@c.co",
            "a@b c.co",
            ".a@b.co",
            "a.@b.co",
            "a..b@c.co",
            "a@.b.co",
            "a@b..co",
            "a@b.co.",
            "a@-b.co",
            "a@b-.co",
            "a@b.1",
            "a@1.2.3.4",
            "\"a\"@b.co",
            "a@b.c\u{0}o",
            "a\r\nb@c.co",
            "jürgen@b.co",
            "a@münchen.de",
            &long_local,
            &long_total,
        ] {
            assert_eq!(Email::parse(text), None, "{text}");
        }
    }
}
