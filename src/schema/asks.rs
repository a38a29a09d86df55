//! What permissions ask of the caller, so that callers of whom they learn the same can be treated as one.

use std::collections::BTreeSet;

/// What some permissions ask of a caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asks {
    /// Anything at all; without it they hold for everybody, or for nobody.
    pub is_conditional: bool,
    /// Who it is, or something that is not known to be the same for two callers.
    pub user: bool,
    /// Parts of `$session.data`, such as `businesses`.
    pub parts: BTreeSet<String>,
}

/// Parameters that say nothing of the caller beyond its class: the record and its values, and by which way callers entered.
const IMPERSONAL: [&str; 6] = ["this", "parent", "value", "before", "after", "access"];

impl Asks {
    /// For what is not known to ask less.
    pub const EVERYTHING: Self = Self { is_conditional: true, user: true, parts: BTreeSet::new() };

    /// Adds what the condition `text` asks. What is not understood counts as asking who the caller is.
    pub fn add(&mut self, text: &str) {
        self.is_conditional = true;
        self.user |= text.contains("fn::");
        for (at, _) in text.match_indices('$') {
            let rest = &text[at + 1..];
            let name = word(rest);
            let part = rest.strip_prefix("session.data.").map(word).filter(|part| !part.is_empty());
            match part {
                Some(part) => _ = self.parts.insert(part.to_owned()),
                None => self.user |= !IMPERSONAL.contains(&name),
            }
        }
    }
}

/// The word at the beginning of a text.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(text: &str) -> (bool, Vec<String>) {
        let mut asks = Asks::default();
        asks.add(text);
        (asks.user, asks.parts.into_iter().collect())
    }

    #[test]
    fn parts_of_the_session_are_named_and_all_else_is_the_user() {
        let two = vec!["businesses".to_owned(), "roles".to_owned()];
        assert_eq!(
            asks("status = 'active' OR business IN $session.data.businesses OR 'm' IN $session.data.roles"),
            (false, two)
        );
        assert_eq!(asks("status = 'active'"), (false, vec![]));
        assert_eq!(asks("$access = 'staff' OR $value = 1 OR $parent.id = id"), (false, vec![]));
        for personal in [
            "owner = $auth",
            "$auth.id = owner",
            "$session.id = x",
            "x IN $session.data",
            "$token.sub = x",
            "fn::mine(id)",
        ] {
            assert_eq!(asks(personal), (true, vec![]), "{personal}");
        }
        assert_eq!(
            asks("business IN $session.data.businesses OR owner = $auth"),
            (true, vec!["businesses".to_owned()])
        );
    }
}
