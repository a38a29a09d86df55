//! Lists of entity tags as `If-Match` and `If-None-Match` carry them (RFC 9110, 8.8.3 and 13.1).
//!
//! Deliberately elsewhere: joining the lines of a repeated header (http), making a tag (`view.rs`).

/// Whether `If-Match` with this value lets a change of an existing record tagged `current` pass: `*` does, and so does a list
/// that names the tag. A weak tag never does, and neither does what is no list of tags.
pub fn names_strongly(header: &str, current: &str) -> bool {
    header.trim() == "*" || tags(header).is_some_and(|tags| tags.contains(&current))
}

/// Whether `If-None-Match` with this value says that the client has the record tagged `current`: weak or not makes no
/// difference there.
pub fn names_weakly(header: &str, current: &str) -> bool {
    let strong = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag) == current;
    header.trim() == "*" || tags(header).is_some_and(|tags| tags.into_iter().any(strong))
}

/// The tags of a list, as they are written; None when it is not one. Commas may stand inside a tag and may be too many.
fn tags(header: &str) -> Option<Vec<&str>> {
    let (mut found, mut rest) = (Vec::new(), header);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return Some(found);
        }
        let opaque = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let inside = opaque.find('"')?;
        if opaque[..inside].contains(|symbol: char| symbol.is_ascii_control() || symbol == ' ') {
            return None;
        }
        let (tag, after) = rest.split_at(rest.len() - opaque.len() + inside + 1);
        found.push(tag);
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_its_tags() {
        for header in ["\"b\"", "*", " * ", "\"a\", \"b\"", "\"a\",\"b\"", ",\"a\" ,, \"b\",", "\"a,c\", \"b\""] {
            assert!(names_strongly(header, "\"b\"") && names_weakly(header, "\"b\""), "{header}");
        }
        let others = ["", "\"a\"", "b", "\"b", "\"a\" \"b\"", "\"b\"x", "*, \"b\"", "\"a,b\"", "w/\"b\"", "\"x b\""];
        for header in others {
            assert!(!names_strongly(header, "\"b\"") && !names_weakly(header, "\"b\""), "{header}");
        }
    }

    #[test]
    fn a_weak_tag_is_none_to_if_match() {
        for header in ["W/\"b\"", "\"a\", W/\"b\""] {
            assert!(!names_strongly(header, "\"b\""), "{header}");
            assert!(names_weakly(header, "\"b\""), "{header}");
        }
        assert!(names_strongly("W/\"b\", \"b\"", "\"b\""));
    }
}
